// What operations on a device owe the host: sums that it needs, though not at once. They stay on
// the device until somebody has to wait for them, all together.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "context.hpp"

namespace gramian::cuda {

class Debts {
 public:
  using Receive = std::function<void(const double* found)>;

  /// As long as it lives, `settle` waits for nothing; what is unpaid when the outermost one goes,
  /// after an exception, is forgotten, once the device is done with it.
  class Deferred {
   public:
    Deferred(Debts& debts, Context& context)
        : debts_{debts}, context_{context}, outer_{std::exchange(debts.deferred_, true)} {}
    ~Deferred() {
      if (outer_) return;
      debts_.deferred_ = false;
      if (!debts_.owed_.empty()) const Drain drain{context_.stream};
      debts_.owed_.clear();
      debts_.used_ = 0;
      debts_.bins_ = nullptr;
    }
    bool is_outermost() const { return !outer_; }
    Deferred(const Deferred&) = delete;
    Deferred& operator=(const Deferred&) = delete;

   private:
    Debts& debts_;
    Context& context_;
    bool outer_;  // whether there is one around it
  };

  /// Device memory for n sums, which `receive` gets to see on the host, after those owed before.
  double* owe(Context& context, Index n, Receive receive) {
    if (used_ + n > size_) {
      pay(context);
      if (std::max(n, room) > size_) {
        size_ = std::max(n, room);
        sums_ = allocate<double>(context, size_);
      }
    }
    owed_.push_back({used_, std::move(receive)});
    return sums_.get() + std::exchange(used_, used_ + n);
  }

  /// The same for n sums that go to out[0], out[1], ...
  double* owe(Context& context, Index n, double* out) {
    return owe(context, n, [=](const double* found) { std::copy_n(found, n, out); });
  }

  /// Whether so much is owed that it is time to pay.
  bool are_many() const { return used_ > room / 2; }

  /// Waits for what is owed, and hands it over.
  void pay(Context& context) {
    const auto owed = std::exchange(owed_, {});
    const Index count = std::exchange(used_, 0);
    if (owed.empty()) return;
    const auto found = to_host(context, sums_.get(), count);
    for (const Debt& debt : owed) debt.receive(found.data() + debt.first);
  }

  /// The last step of an operation that owes: whoever runs no tasks is paid at once.
  void settle(Context& context) {
    if (!deferred_) pay(context);
  }

  using Count = unsigned long long;

  /// Device memory for the counts of a histogram's cells, and behind them of those below: as they
  /// were left by the last operation on it.
  Count* counts(Context& context, Histogram& bins) {
    if (bins_ == &bins) return counts_.get();
    pay_counts(context);
    const Index size = std::ssize(bins.cells) + 1;
    counts_ = allocate<Count>(context, size);
    check(cudaMemsetAsync(counts_.get(), 0, static_cast<std::size_t>(size) * sizeof(Count),
                          context.stream),
          "clearing memory");
    bins_ = &bins;
    return counts_.get();
  }

  void pay_counts(Context& context) {
    if (bins_ == nullptr) return;
    Histogram& bins = *std::exchange(bins_, nullptr);
    const auto found = to_host(context, counts_.get(), std::ssize(bins.cells) + 1);
    for (std::size_t k = 0; k < bins.cells.size(); ++k) bins.cells[k] += found[k];
    bins.below += found.back();
  }

  void settle_counts(Context& context) {
    if (!deferred_) pay_counts(context);
  }

 private:
  struct Debt {
    Index first;
    Receive receive;
  };

  // Sums of one download: 8 MB; a pair of layers of 20,000 rows owes a third of it.
  static constexpr Index room = 1 << 20;

  bool deferred_ = false;
  std::vector<Debt> owed_{};
  Memory<double> sums_{};
  Index size_ = 0, used_ = 0;
  Histogram* bins_ = nullptr;  // whose counts are on the device
  Memory<Count> counts_{};
};

}  // namespace gramian::cuda

// Where the time of a call went, for benchmarks: a clock for each kind of work on matrices, which
// runs while any thread is at it. Reading it twice costs next to nothing compared with such a step.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace gramian {

enum class Step : std::uint8_t {
  gram,
  cross,
  project,
  qr,
  cholesky,
  condition,
  values,
  vectors,
  small_product,
  elementwise
};

/// Keeps the clock of a step running while it lives.
class Span {
 public:
  explicit Span(Step step) : clock_{clocks()[static_cast<std::size_t>(step)]} {
    if (clock_.active.fetch_add(1) == 0) clock_.since = now();
  }
  ~Span() {
    if (clock_.active.fetch_sub(1) == 1) clock_.total += now() - clock_.since;
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  /// Seconds by step since the last call.
  static std::map<std::string, double> take() {
    std::map<std::string, double> found;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (const std::int64_t total = clocks()[i].total.exchange(0); total > 0)
        found[names[i]] = 1e-9 * static_cast<double>(total);
    return found;
  }

 private:
  static constexpr std::array names{"X'X",       "X'Y",    "X W",     "QR",       "Cholesky",
                                    "condition", "values", "vectors", "products", "elementwise"};
  struct Clock {
    std::atomic<int> active;
    std::atomic<std::int64_t> since, total;
  };
  static std::array<Clock, names.size()>& clocks() {
    static std::array<Clock, names.size()> all;
    return all;
  }
  static std::int64_t now() {
    return std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
  }

  Clock& clock_;
};

}  // namespace gramian

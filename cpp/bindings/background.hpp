// Long work off the caller's thread, so that Ctrl-C is heard while LAPACK, which nothing can stop,
// is at a factorisation.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "../gramian/cpu/thread_pool.hpp"
#include "gil.hpp"

namespace gramian {

/// Whether preparing or comparing `count` layers of at most this shape may hold the caller for a
/// noticeable time: the SVD of a matrix of 585 x 585, of this many products, takes 0.15 s.
inline bool is_long(Index samples, Index width, Index count) {
  constexpr double products = 2e8;
  const auto n = static_cast<double>(samples), p = static_cast<double>(width);
  return n * p * std::min(n, p) * static_cast<double>(count) * static_cast<double>(count) >
      products;
}

/// Work that may outlive the call that wanted it: it owns what it reads.
template <class Work>
class Background {
 public:
  using Result = std::invoke_result_t<Work&, Control>;

  explicit Background(Work work) : work_{std::move(work)} {}

  /// Throws std::system_error where there can be no thread.
  void start() {
    std::thread{[this] { run(); }}.detach();
  }
  /// Until it is finished or `patience` is over; whether it is finished.
  bool wait(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [this] { return finished_; });
  }
  void cancel() { cancelled_ = true; }
  double done() const { return done_; }
  Result take() {
    if (failure_) std::rethrow_exception(failure_);
    return std::move(*result_);
  }

 private:
  struct Cancelled {};

  void run() {
    try {
      result_.emplace(work_(Control{[this](double fraction) {
        if (cancelled_) throw Cancelled{};
        done_ = fraction;
      }}));
    } catch (...) {
      failure_ = std::current_exception();
    }
    const std::lock_guard lock{mutex_};
    finished_ = true;
    changed_.notify_all();
  }

  Work work_;
  std::optional<Result> result_;
  std::exception_ptr failure_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<double> done_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool finished_ = false;
};

/// What was left to itself, kept until it is finished: it may hold arrays, which are given back
/// with the GIL, by a later call. Never destroyed, as threads may be at it when the process ends.
class Abandoned {
 public:
  template <class Work>
  static void add(std::unique_ptr<Background<Work>> left) {
    all().push_back(std::shared_ptr<Background<Work>>{std::move(left)}, [](void* one) {
      return static_cast<Background<Work>*>(one)->wait(std::chrono::milliseconds{0});
    });
  }
  static void tidy() { all().tidy_up(); }

 private:
  using IsFinished = bool (*)(void*);
  void push_back(std::shared_ptr<void> one, IsFinished is_finished) {
    const std::lock_guard lock{mutex_};
    left_.emplace_back(std::move(one), is_finished);
  }
  void tidy_up() {
    std::vector<std::pair<std::shared_ptr<void>, IsFinished>> finished;
    const std::lock_guard lock{mutex_};
    for (auto& one : left_)
      if (one.second(one.first.get())) finished.push_back(std::exchange(one, {}));
    std::erase_if(left_, [](const auto& one) { return one.first == nullptr; });
  }
  static Abandoned& all() {
    static Abandoned* const made = new Abandoned;
    return *made;
  }

  std::mutex mutex_;
  std::vector<std::pair<std::shared_ptr<void>, IsFinished>> left_;
};

/// Waits for work on another thread and polls `control` meanwhile. When that throws, work which
/// does not stop in time is left to finish what it is at.
template <class Work>
auto run_in_background(const Control& control, Work work) {
  constexpr std::chrono::milliseconds poll_every{50}, patience{300};
  const int before = generation();
  auto background = std::make_unique<Background<Work>>(std::move(work));
  background->start();
  try {
    while (!background->wait(poll_every)) {
      control(background->done());
      if (generation() != before)
        throw std::runtime_error(
            "this process was forked inside a call whose threads are in the parent: fork "
            "elsewhere");
    }
    control(background->done());
  } catch (...) {
    background->cancel();
    if (generation() != before)
      background.release();  // its thread is in the parent
    else if (!background->wait(patience))
      Abandoned::add(std::move(background));
    throw;
  }
  return background->take();
}

}  // namespace gramian

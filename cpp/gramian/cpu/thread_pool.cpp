#include "thread_pool.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace gramian {
namespace {

/// One call of parallel(): places still open for workers, and workers inside.
struct Job {
  const std::function<void()>* body;
  int open;
  int inside = 0;
};

class Pool {
 public:
  void run(int width, const std::function<void()>& body) {
    const int before = generation();
    Job job{&body, width - 1};
    {
      const std::lock_guard lock{mutex_};
      start_workers(width - 1);
      jobs_.push_back(&job);
    }
    wake_.notify_all();
    body();
    if (generation() != before) return;  // this is another pool, and the workers are not here
    std::unique_lock lock{mutex_};
    std::erase(jobs_, &job);
    left_.wait(lock, [&] { return job.inside == 0; });
  }

 private:
  void start_workers(int wanted) {
    try {
      while (static_cast<int>(workers_.size()) < wanted) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // The system allows no more threads: those there are, and the caller, do the work.
    } catch (const std::bad_alloc&) {
    }
  }

  // Workers live as long as the process: joining them in a destructor at exit would wait for
  // threads that the interpreter may already have stopped.
  void work() {
    std::unique_lock lock{mutex_};
    for (;;) {
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      Job& job = *jobs_.front();
      if (--job.open == 0) jobs_.erase(jobs_.begin());
      ++job.inside;
      lock.unlock();
      (*job.body)();
      lock.lock();
      if (--job.inside == 0) left_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, left_;
  std::vector<Job*> jobs_;  // oldest first
  std::vector<std::thread> workers_;
};

// A forked child has none of the parent's threads and perhaps a locked mutex: it gets a new pool,
// in the place of the old one, of which nothing is freed. Made when the library is loaded, since a
// fork while it is made would leave that undone for good.
alignas(Pool) std::array<std::byte, sizeof(Pool)> place;
Pool& pool = *new (place.data()) Pool;

const bool registered = [] {
  pthread_atfork(nullptr, nullptr, [] {
    new (&pool) Pool;
    ++generations;
  });
  return true;
}();

/// CPUs that a cgroup's quota leaves to the process (version 2, then 1); infinity without one.
double cgroup_quota() {
  double quota = -1, period = 1;
  if (std::ifstream v2{"/sys/fs/cgroup/cpu.max"}; v2 >> quota >> period) return quota / period;
  std::ifstream v1{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us"};
  std::ifstream v1_period{"/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
  if (v1 >> quota && v1_period >> period && quota > 0) return quota / period;
  return HUGE_VAL;
}

/// What the environment asks for, held to what `set_num_threads` of Python takes; 0 if nothing.
int asked_for() {
  const char* const set = std::getenv("GRAMIAN_NUM_THREADS");
  const std::string given = set == nullptr ? "" : set;
  const auto first = given.find_first_not_of(" \t\n");
  if (first == std::string::npos) return 0;
  const auto text = given.substr(first, given.find_last_not_of(" \t\n") + 1 - first);
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc{} && end == text.data() + text.size() && n >= 1 && n <= 1024) return n;
  std::string shown = text.substr(0, 40);
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  throw std::invalid_argument(
      "the environment variable GRAMIAN_NUM_THREADS must be an integer between 1 and 1024, got '" +
      shown + "'.");
}

int default_threads() {
  if (const int n = asked_for(); n > 0) return n;
  double cpus = std::max(1U, std::thread::hardware_concurrency());
  if (cpu_set_t affinity; sched_getaffinity(0, sizeof affinity, &affinity) == 0)
    cpus = CPU_COUNT(&affinity);
  return std::max(1, static_cast<int>(std::ceil(std::min(cpus, cgroup_quota()))));
}

std::atomic<int> threads{0};  // 0: not asked yet

}  // namespace

int num_threads() {
  int n = threads;
  if (n == 0) threads = n = default_threads();
  return n;
}

void set_num_threads(int n) { threads = n; }

void parallel(int width, const std::function<void()>& body) {
  if (width <= 1) {
    body();
    return;
  }
  pool.run(width, body);
}

}  // namespace gramian

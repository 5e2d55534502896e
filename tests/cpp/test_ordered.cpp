// Tasks in order on the engine's threads: what is promised of order, memory, failure and fork.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "check.hpp"
#include "gramian/cpu/blas_info.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

struct Nothing {};

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds}); }

/// Squares of 0, 1, ... by tasks of uneven length, as they were committed.
std::vector<Index> squares(Index tasks, int threads) {
  std::vector<Index> committed;
  run_ordered<Nothing, Index>(
      tasks, threads, {}, [] { return Nothing{}; }, [] { return Index{0}; },
      [](Nothing&, Index task, Index& slot) {
        if (task % 7 == 0) std::this_thread::yield();
        slot = task * task;
      },
      [&](Index task, const Index& slot) {
        check(task == std::ssize(committed), "tasks are committed in order");
        committed.push_back(slot);
      });
  return committed;
}

void check_squares(Index tasks, int threads) {
  const auto found = squares(tasks, threads);
  check(std::ssize(found) == tasks, "every task is committed");
  for (Index t = 0; t < std::ssize(found); ++t)
    check(found[static_cast<std::size_t>(t)] == t * t, "each by its own slot");
}

void test_order() {
  for (const int threads : {1, 2, 3, 8})
    for (const Index tasks : {0, 1, 2, 7, 100, 3000}) check_squares(tasks, threads);
}

void test_ring_and_workspaces() {
  const int threads = 3;
  std::atomic<Index> started = 0, committed = 0;
  std::atomic<int> workspaces = 0, slots = 0;
  run_ordered<Nothing, Nothing>(
      200, threads, {}, [&] { return ++workspaces, Nothing{}; }, [&] { return ++slots, Nothing{}; },
      [&](Nothing&, Index task, Nothing&) {
        check(++started - committed <= 4 * threads, "at most four tasks a thread wait");
        if (task % 50 == 0) nap(5);  // the others run ahead until the ring is full
      },
      [&](Index, const Nothing&) { ++committed; });
  check(workspaces <= threads, "one workspace a thread");
  check(slots == 4 * threads, "a ring of four slots a thread");
}

/// Where a run may fail: in a task, a commit, or when memory is asked for.
enum class At { workspace, slot, work, commit };

void run_failing(At at, int threads) {
  const auto fail_at = [at](At here) {
    if (at == here) throw std::runtime_error("planned");
  };
  run_ordered<Nothing, Nothing>(
      100, threads, {}, [&] { return fail_at(At::workspace), Nothing{}; },
      [&] { return fail_at(At::slot), Nothing{}; },
      [&](Nothing&, Index task, Nothing&) {
        if (task == 41) fail_at(At::work);
      },
      [&](Index task, const Nothing&) {
        if (task == 41) fail_at(At::commit);
      });
}

void test_failures() {
  for (const int threads : {1, 4})
    for (const At at : {At::workspace, At::slot, At::work, At::commit}) {
      check_throws<std::runtime_error>([&] { run_failing(at, threads); }, "a failing run");
      check_squares(100, threads);
    }
}

void test_control() {
  struct Cancelled {};
  for (const int threads : {1, 3}) {
    const auto caller = std::this_thread::get_id();
    double told = -1;
    const auto slow = [&](const Control& control, Index tasks) {
      run_ordered<Nothing, Nothing>(
          tasks, threads, control, [] { return Nothing{}; }, [] { return Nothing{}; },
          [](Nothing&, Index, Nothing&) { nap(2); }, [](Index, const Nothing&) {});
    };
    const Control listening{[&](double fraction) {
                              check(std::this_thread::get_id() == caller, "polled by the caller");
                              check(fraction >= told, "progress never goes back");
                              told = fraction;
                            },
                            0.25, 0.75};
    slow(listening, 100);
    check_near(told, 0.75, 0, "the last call says that all is done");

    const auto start = std::chrono::steady_clock::now();
    check_throws<Cancelled>([&] { slow({[](double) { throw Cancelled{}; }}, 100'000); }, "cancel");
    check(std::chrono::steady_clock::now() - start < std::chrono::seconds{5}, "cancelled soon");
  }
}

void test_concurrent_callers() {
  std::vector<std::thread> callers;
  for (int c = 0; c < 16; ++c)
    callers.emplace_back([] {
      for (int k = 0; k < 20; ++k)
        if (std::ssize(squares(200, 3)) != 200) std::abort();  // `check` is not for many threads
    });
  for (auto& caller : callers) caller.join();
}

/// The product of a layer with itself, by BLAS on the pool's threads.
double work_with_blas() {
  const Data data = normal_data(600, 300);
  Cpu<float> b;
  b.threads = 4;
  const auto layer = layer_of(b, data);
  const auto product = b.self_cross(layer);
  return b.dot(product, product);
}

void test_fork() {
  const double expected = work_with_blas();
  // Forked while other threads are inside the pool: the child has none of them.
  std::atomic<bool> stop = false;
  std::vector<std::thread> busy;
  for (int k = 0; k < 3; ++k)
    busy.emplace_back([&] {
      while (!stop) squares(50, 4);
    });
  for (int child = 0; child < 5; ++child) {
    const pid_t id = fork();
    if (id == 0) {
      alarm(30);  // a child that hangs is killed, and the parent sees it
      _exit(work_with_blas() == expected ? 0 : 1);
    }
    int status = 0;
    waitpid(id, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a forked child computes the same");
  }
  stop = true;
  for (auto& thread : busy) thread.join();
  check(work_with_blas() == expected, "and so does its parent afterwards");
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_order();
  test_ring_and_workspaces();
  test_failures();
  test_control();
  test_concurrent_callers();
  test_fork();
  return result();
}

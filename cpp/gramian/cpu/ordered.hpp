// Tasks run by any number of threads, results committed in the order of the tasks: the sums, and so
// their last bits, do not depend on the number of threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../backend.hpp"
#include "thread_pool.hpp"

namespace gramian {

/// For task t = 0, 1, ...: work(workspace, t, slot) on one of at most `threads` threads, then
/// commit(t, slot), one at a time and in order. Each thread makes one workspace; slots are a ring
/// of at most four a thread, and a task waits while its slot is still to be committed. `control` is
/// polled by the calling thread; what it or a task throws ends the run and is thrown here.
template <class Workspace, class Slot>
void run_ordered(Index tasks, int threads, const Control& control,
                 const std::function<Workspace()>& make_workspace,
                 const std::function<Slot()>& make_slot,
                 const std::function<void(Workspace&, Index, Slot&)>& work,
                 const std::function<void(Index, const Slot&)>& commit) {
  struct Place {
    std::optional<Slot> slot{};  // made by the first thread that uses it
    bool finished = false;
  };
  const int width = static_cast<int>(std::min<Index>(threads, tasks));
  const Index ring_size = width == 1 ? 1 : std::min<Index>(tasks, 4 * Index{width});
  std::vector<Place> ring(static_cast<std::size_t>(ring_size));

  std::mutex mutex;
  std::condition_variable committed_more;
  Index next_task = 0, next_commit = 0;
  std::exception_ptr failure;
  const auto caller = std::this_thread::get_id();
  constexpr auto poll_every = std::chrono::milliseconds{50};
  auto next_poll = std::chrono::steady_clock::now() + poll_every;

  const auto is_orphaned = [&, before = generation()] {
    return width > 1 && generation() != before;
  };
  const auto poll = [&](std::unique_lock<std::mutex>& lock) {
    if (std::this_thread::get_id() != caller) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_poll) return;
    next_poll = now + poll_every;
    const double done = static_cast<double>(next_commit) / static_cast<double>(tasks);
    lock.unlock();
    control(done);
    if (is_orphaned())
      throw std::runtime_error(
          "this process was forked inside a call whose threads are in the parent: fork elsewhere");
    lock.lock();
  };

  const auto body = [&] {
    std::unique_lock lock{mutex, std::defer_lock};
    try {
      Workspace workspace = make_workspace();
      lock.lock();
      for (;;) {
        while (!failure && next_task < tasks && next_task - next_commit >= ring_size) {
          committed_more.wait_for(lock, poll_every);
          poll(lock);
        }
        if (failure || next_task == tasks) break;
        const Index task = next_task++;
        Place& place = ring[static_cast<std::size_t>(task % ring_size)];
        lock.unlock();
        if (!place.slot) place.slot.emplace(make_slot());
        work(workspace, task, *place.slot);
        lock.lock();
        place.finished = true;
        for (;;) {
          Place& oldest = ring[static_cast<std::size_t>(next_commit % ring_size)];
          if (!oldest.finished) break;
          commit(next_commit, *oldest.slot);
          oldest.finished = false;
          ++next_commit;
        }
        committed_more.notify_all();
        poll(lock);
      }
      // Workers may still hold tasks: the caller goes on polling until the last is committed.
      while (!failure && next_commit < tasks && std::this_thread::get_id() == caller) {
        committed_more.wait_for(lock, poll_every);
        poll(lock);
      }
    } catch (...) {
      if (is_orphaned()) {  // destroying these would wait for threads of the parent
        new (&mutex) std::mutex;
        new (&committed_more) std::condition_variable;
      }
      if (!lock.owns_lock()) lock.lock();
      if (!failure) failure = std::current_exception();
      committed_more.notify_all();
    }
  };
  parallel(width, body);
  if (failure) std::rethrow_exception(failure);
  control(1);
}

}  // namespace gramian

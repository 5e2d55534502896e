#include "gate.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "lapack.hpp"

#ifndef GRAMIAN_SYSTEM_BLAS
#include <gramian_own_blas.hpp>  // written by own_blas.py; empty where it found nothing
#endif

namespace gramian::blas {
namespace {

// What OpenBLAS does not export. Its buffers are in a table, the first that is free is taken, and
// what was mapped once stays: when `most` threads are inside, they use the first `most` entries.
#ifdef GRAMIAN_OFFSET_ALLOC_LOCK
constexpr bool has_internals = true;
constexpr std::ptrdiff_t allocate_at = GRAMIAN_OFFSET_BLAS_MEMORY_ALLOC,
                         free_at = GRAMIAN_OFFSET_BLAS_MEMORY_FREE,
                         stop_threads_at = GRAMIAN_OFFSET_BLAS_THREAD_SHUTDOWN_,
                         lock_at = GRAMIAN_OFFSET_ALLOC_LOCK;
#else
constexpr bool has_internals = false;
constexpr std::ptrdiff_t allocate_at = 0, free_at = 0, stop_threads_at = 0, lock_at = 0;
#endif

template <class T>
T* internal(std::ptrdiff_t offset) {
  auto* const anchor = static_cast<const char*>(dgemm_address());
  return reinterpret_cast<T*>(const_cast<char*>(anchor + offset));
}

/// Whether the system would give so much.
bool is_available(std::size_t bytes) {
  void* const memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, bytes);
  return true;
}

// Buffers that are mapped.
std::array<void*, Gate::most> buffers;
int mapped = 0;

/// Maps one more buffer, by holding those that are free until a new one comes.
bool map_buffer() {
  // 32 MB, and what may be taken between the question and the answer: by malloc for a new thread,
  // 64 MB at a time; by a thread inside that finds its buffer held. A second buffer is a matter of
  // speed, so it is not taken where that would be the end.
  const std::size_t megabytes = mapped == 0 ? 104 : 256;
  if (!is_available(megabytes << 20)) return false;
  auto* const allocate = internal<void*(int)>(allocate_at);
  auto* const free = internal<void(void*)>(free_at);
  std::array<void*, 2 * Gate::most> held;
  int count = 0;
  bool is_new = false;
  while (!is_new && count < static_cast<int>(held.size())) {
    void* const buffer = held[static_cast<std::size_t>(count++)] = allocate(0);
    is_new =
        std::find(buffers.begin(), buffers.begin() + mapped, buffer) == buffers.begin() + mapped;
    if (is_new) buffers[static_cast<std::size_t>(mapped++)] = buffer;
  }
  while (count > 0) free(held[static_cast<std::size_t>(--count)]);
  return is_new;
}

}  // namespace

bool Gate::grow() {
  if (places_ == most) return false;
  if (has_internals && !map_buffer()) {
    if (places_ == 0) throw std::bad_alloc{};
    return false;
  }
  ++places_;
  return true;
}

void Gate::enter() {
  std::unique_lock lock{mutex_};
  while (closed_ || (inside_ == places_ && !grow())) changed_.wait(lock);
  ++inside_;
}

void Gate::prepare() {
  const std::lock_guard lock{mutex_};
  if (places_ > 0) return;
  // OpenBLAS has mapped one buffer when it was loaded, for threads that it does not start.
  if (has_internals) internal<int()>(stop_threads_at)();
  grow();
}

void Gate::leave() noexcept {
  const std::lock_guard lock{mutex_};
  --inside_;
  changed_.notify_all();
}

bool Gate::close(std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  closed_ = true;
  return changed_.wait_for(lock, patience, [this] { return inside_ == 0; });
}

void Gate::open() noexcept {
  const std::lock_guard lock{mutex_};
  closed_ = false;
  changed_.notify_all();
}

namespace {

// In place and never destroyed: threads may be at it while the process ends, and in a child of a
// fork it is made anew without memory from the heap.
alignas(Gate) std::array<std::byte, sizeof(Gate)> place;
Gate& the_gate = *new (place.data()) Gate;

// A child has one thread, and whatever lock another thread held stays locked there for good. So a
// fork waits until nobody is inside the BLAS. It does not wait for long calls of LAPACK where the
// lock of OpenBLAS's buffers can be held instead; the child then loses the buffers in use.
constexpr std::chrono::milliseconds patience{has_internals ? 200 : 10'000};
bool empty = true;
std::mutex forks;  // one at a time

void before_fork() {
  forks.lock();
  empty = the_gate.close(patience);
  if (has_internals && !empty) {
    // OpenBLAS does this before a fork, after us, and frees a buffer the first time.
    internal<int()>(stop_threads_at)();
    pthread_mutex_lock(internal<pthread_mutex_t>(lock_at));
  }
}

void unlock() {
  if (has_internals && !empty) pthread_mutex_unlock(internal<pthread_mutex_t>(lock_at));
}

void after_fork_in_parent() {
  unlock();
  the_gate.open();
  forks.unlock();
}

void after_fork_in_child() {
  unlock();
  if (!empty) mapped = 0;  // those in use stay so for good
  new (&the_gate) Gate{mapped};
  new (&forks) std::mutex;
}

const bool registered = [] {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
#ifdef GRAMIAN_SYSTEM_BLAS
  // OpenBLAS unmaps its buffers when it is unloaded; own_blas.py has taken that out of the copy.
  std::atexit([] { the_gate.close(std::chrono::seconds{1}); });
#endif
  return true;
}();

}  // namespace

Gate& gate() { return the_gate; }

}  // namespace gramian::blas

// The engine's own threads. BLAS is sequential under them: a threaded BLAS next to one busy process
// was measured 6 times slower than the same BLAS with one thread.
#pragma once

#include <atomic>
#include <functional>

namespace gramian {

/// Threads that one call may use: the process's affinity, cut by a cgroup's CPU quota and by
/// GRAMIAN_NUM_THREADS, until set_num_threads.
int num_threads();
void set_num_threads(int n);

/// Runs body() on the calling thread and, as far as workers are idle, on width - 1 others; returns
/// when every one that started has returned. body() must not throw and must itself share out the
/// work, so it makes no difference how many of them start. Safe from any number of threads at once
/// and after fork.
void parallel(int width, const std::function<void()>& body);

/// Forks that this process has come from: another number than before says that the other threads
/// are in the parent.
inline std::atomic<int> generations{0};
inline int generation() { return generations; }

}  // namespace gramian

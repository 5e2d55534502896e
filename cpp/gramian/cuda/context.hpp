// What calls on a device need: its stream, library handles and memory. Host C++, no nvcc.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../backend.hpp"
#include "error.hpp"

namespace gramian::cuda {

/// Makes a device the current one as long as it lives. Afterwards it stays that if the one before
/// was never used: choosing that would make its context, which takes half a GB of its memory.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};

/// Stream-ordered: memory may be let go while work that uses it is still queued on its stream.
struct Free {
  cudaStream_t stream = nullptr;
  bool pooled = true;
  void operator()(void* memory) const noexcept;
};
template <class T>
using Memory = std::unique_ptr<T, Free>;

/// One thread's stream on one device, with handles that work on it. Threads that end leave theirs
/// to the next; none is ever destroyed, since the libraries crash when that happens at exit.
struct Context {
  int device = 0;
  cudaStream_t stream = nullptr;
  cudaMemPool_t pool = nullptr;  // null: this device has none
  bool double_is_fast = false;  // half as fast as float, and as fast by tensor cores: data centres'
  cublasHandle_t blas = nullptr;
  cusolverDnHandle_t solver = nullptr;
  cusolverDnParams_t params = nullptr;
  Memory<std::byte> workspace{};  // of cuBLAS
  std::byte* staging = nullptr;   // page-locked memory of the host, from which copies are queued
  std::size_t staged = 0;         // bytes of it that the queue may still read
  bool reads_inputs = false;      // whether the queue may, which others own
  // Whether a call left the queue to itself, for calls on other streams to wait for.
  std::atomic<bool> is_left = false;

  /// The host has waited for all that was queued.
  void has_waited() {
    staged = 0;
    reads_inputs = false;
    is_left = false;
  }
};

/// Whether CUDA was used before this process was forked from another.
bool is_forked();

/// Throws in a process that was forked from one that used CUDA.
void refuse_fork();

/// The calling thread's, for the current device. Throws in a forked process.
Context& context();

/// Null for no bytes. When there is no memory, what is cached is freed before it is an error.
void* allocate_bytes(Context& context, std::size_t bytes);

template <class T>
Memory<T> allocate(Context& context, Index n) {
  return {static_cast<T*>(allocate_bytes(context, static_cast<std::size_t>(n) * sizeof(T))),
          Free{context.stream, context.pool != nullptr}};
}

/// Declared after the host memory that queued copies use: waits for them before it is let go, also
/// by an exception.
class Drain {
 public:
  explicit Drain(cudaStream_t stream) : stream_{stream} {}
  ~Drain() {
    if (!done_ && cudaStreamSynchronize(stream_) != cudaSuccess) cudaGetLastError();
  }
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;
  void wait() {
    check(cudaStreamSynchronize(stream_), "waiting for the device");
    done_ = true;
  }

 private:
  cudaStream_t stream_;
  bool done_ = false;
};

/// Whether all that was queued is done, as it is once an answer has come and nothing followed.
inline bool is_idle(cudaStream_t stream) {
  const cudaError_t found = cudaStreamQuery(stream);
  if (found != cudaSuccess) cudaGetLastError();  // "not ready" is kept like an error
  return found == cudaSuccess;
}

/// Queues a copy of what is as small as the means of a layer; false if it is not.
bool stage(Context& context, const void* from, std::size_t bytes, void* to);

/// Copies from the host, whose memory may be changed or let go on return.
template <class T>
void to_device(Context& context, std::span<const T> from, T* to) {
  if (stage(context, from.data(), from.size_bytes(), to)) return;
  Drain drain{context.stream};
  check(cudaMemcpyAsync(to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, context.stream),
        "copying to the device");
  drain.wait();
  context.has_waited();
}
/// Copies to the host, complete on return.
template <class T>
std::vector<T> to_host(Context& context, const T* from, Index n) {
  std::vector<T> to(static_cast<std::size_t>(n));
  Drain drain{context.stream};
  check(cudaMemcpyAsync(to.data(), from, to.size() * sizeof(T), cudaMemcpyDeviceToHost,
                        context.stream),
        "copying from the device");
  drain.wait();
  context.has_waited();
  return to;
}

/// Makes a stream wait for what is queued on another one of the current device now.
void wait_for(cudaStream_t stream, cudaStream_t other);

/// The same for what calls on other threads have left queued on this device.
void wait_for_others(Context& context);

}  // namespace gramian::cuda

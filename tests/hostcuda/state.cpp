#include "state.hpp"

#include <unistd.h>

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "hostcuda.hpp"
#include "memory.hpp"
#include "streams.hpp"

namespace hostcuda {
namespace {

struct State {
  std::recursive_mutex mutex;
  int devices = 1;
  std::vector<const char*> calls;  // since the last hostcuda_fail_at
  std::size_t fail_at = 0;         // counted from 1; 0: none
  cudaError_t failure = cudaSuccess;
  cudaError_t broken = cudaSuccess;
  pid_t owner = 0;  // who used CUDA first: nobody forked from it can
  int solver_info = 0, solver_calls = 0;
  double gesvdp_error = 0;
};

State& state() {
  static auto* const only = new State;
  return *only;
}

thread_local int device = 0;
thread_local cudaError_t last_error = cudaSuccess;

/// After one of these, CUDA answers every call with it until the process ends.
bool is_sticky(cudaError_t error) {
  return error == cudaErrorIllegalAddress || error == cudaErrorLaunchFailure ||
      error == cudaErrorAssert;
}

}  // namespace

void die(const char* format, ...) {
  std::fputs("hostcuda: ", stderr);
  std::va_list values;
  va_start(values, format);
  std::vfprintf(stderr, format, values);
  va_end(values);
  std::fputc('\n', stderr);
  std::abort();
}

std::unique_lock<std::recursive_mutex> lock() { return std::unique_lock{state().mutex}; }

int device_count() { return state().devices; }
int current_device() { return device; }

cudaError_t arrive(const char* call) {
  const auto guard = lock();
  auto& s = state();
  if (s.owner == 0) s.owner = getpid();
  if (s.owner != getpid()) return cudaErrorInitializationError;
  if (s.broken != cudaSuccess) return s.broken;
  s.calls.push_back(call);
  if (s.calls.size() != s.fail_at) return cudaSuccess;
  if (is_sticky(s.failure)) s.broken = s.failure;
  return s.failure;
}

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

int solver_info(int own) {
  auto& s = state();
  return s.solver_calls > 0 && s.solver_calls-- > 0 ? s.solver_info : own;
}

double gesvdp_error(double own) {
  return state().gesvdp_error > 0 ? std::exchange(state().gesvdp_error, 0.0) : own;
}

}  // namespace hostcuda

using namespace hostcuda;

extern "C" {

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaGetDeviceCount(int* count) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  if (state().devices == 0) return returned(cudaErrorNoDevice);  // and *count stays as it was
  *count = state().devices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* current) {
  if (const auto error = arrive(__func__)) return returned(error);
  *current = device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int wanted) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  if (wanted < 0 || wanted >= state().devices) return returned(cudaErrorInvalidDevice);
  device = wanted;
  return cudaSuccess;
}

// What the tests say and ask; tests/hostcuda/standin.py has the other side.

void hostcuda_set_devices(int count) {
  if (count > max_devices) die("at most %d devices", max_devices);
  state().devices = count;
}

/// The calling process may use what the one that it was forked from has.
void hostcuda_adopt() { state().owner = getpid(); }

/// Forgets the calls so far, and makes the n-th from now fail; 0: none. Revives a broken device.
void hostcuda_fail_at(std::size_t n, int error) {
  const auto guard = lock();
  auto& s = state();
  s.calls.clear();
  s.fail_at = n;
  s.failure = static_cast<cudaError_t>(error);
  s.broken = last_error = cudaSuccess;
}

std::size_t hostcuda_calls() { return state().calls.size(); }
const char* hostcuda_call(std::size_t index) { return state().calls[index]; }

/// The next `calls` solvers report this `info`; 0 ends it.
void hostcuda_solver_info(int info, int calls) {
  state().solver_info = info;
  state().solver_calls = calls;
}

void hostcuda_gesvdp_error(double bound) { state().gesvdp_error = bound; }

void hostcuda_drain() { drain_all(); }
std::size_t hostcuda_pending() { return pending(); }
std::size_t hostcuda_live_bytes() { return live_bytes(); }
std::size_t hostcuda_peak_bytes() { return peak_bytes(); }
void hostcuda_set_memory_limit(std::size_t bytes) { set_memory_limit(bytes); }
void hostcuda_fail_allocations(std::size_t from) { fail_allocations(from); }
std::size_t hostcuda_allocations() { return allocations(); }

}  // extern "C"

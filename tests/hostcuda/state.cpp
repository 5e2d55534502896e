#include "state.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
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
  bool pools = true;
  std::array<bool, max_devices> contexts{};  // whether work has been done on the device
  std::vector<const char*> calls;            // since the last hostcuda_fail_at
  std::size_t fail_at = 0;                   // counted from 1; 0: none
  cudaError_t failure = cudaSuccess;
  cudaError_t broken = cudaSuccess;
  pid_t owner = 0;  // who used CUDA first: nobody forked from it can
  int solver_info = 0, solver_calls = 0, solver_skipped = 0;
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

/// What can be asked before a device has its context.
bool needs_context(std::string_view call) {
  constexpr std::array<std::string_view, 6> questions{
      "cudaDeviceGetAttribute",  "cudaGetDevice", "cudaGetDeviceCount",
      "cudaGetDeviceProperties", "cudaSetDevice", "cudaGetDriverEntryPointByVersion"};
  return std::ranges::find(questions, call) == questions.end();
}

CUresult CUDAAPI primary_context_state(CUdevice wanted, unsigned* flags, int* active) {
  *flags = 0;
  *active = has_context(wanted) ? 1 : 0;
  return CUDA_SUCCESS;
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
bool has_pools() { return state().pools; }
bool has_context(int wanted) { return state().contexts.at(static_cast<std::size_t>(wanted)); }
/// That of data centres on device 0, of desktops on the others; HOSTCUDA_DOUBLE_RATIO is for all.
int double_ratio(int wanted) {
  if (const char* const chosen = std::getenv("HOSTCUDA_DOUBLE_RATIO")) return std::atoi(chosen);
  return wanted == 0 ? 2 : 64;
}

cudaError_t arrive(const char* call) {
  const auto guard = lock();
  auto& s = state();
  if (s.owner == 0) s.owner = getpid();
  if (s.owner != getpid()) return cudaErrorInitializationError;
  if (s.broken != cudaSuccess) return s.broken;
  if (needs_context(call)) s.contexts.at(static_cast<std::size_t>(device)) = true;
  s.calls.push_back(call);
  if (s.calls.size() != s.fail_at) return cudaSuccess;
  if (is_sticky(s.failure)) {
    s.broken = s.failure;
    abandon();
  }
  return s.failure;
}

cudaError_t returned(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

int solver_info(int own) {
  auto& s = state();
  if (s.solver_skipped > 0 && s.solver_skipped-- > 0) return own;
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
  state().contexts.at(static_cast<std::size_t>(wanted)) = true;  // since CUDA 12
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function,
                                             unsigned /*version*/, unsigned long long /*flags*/,
                                             cudaDriverEntryPointQueryResult* found) {
  if (const auto error = arrive(__func__)) return returned(error);
  const bool known = std::string_view{symbol} == "cuDevicePrimaryCtxGetState";
  *function = known ? reinterpret_cast<void*>(&primary_context_state) : nullptr;
  *found = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}

// What the tests say and ask; tests/hostcuda/standin.py has the other side.

void hostcuda_set_devices(int count) {
  if (count > max_devices) die("at most %d devices", max_devices);
  state().devices = count;
}

/// Whether a device has memory pools, as some virtual ones do not.
void hostcuda_set_pools(int there) { state().pools = there != 0; }

int hostcuda_has_context(int wanted) { return has_context(wanted) ? 1 : 0; }

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
  state().solver_skipped = 0;
}
/// But for so many before them.
void hostcuda_skip_solvers(int calls) { state().solver_skipped = calls; }

void hostcuda_gesvdp_error(double bound) { state().gesvdp_error = bound; }

void hostcuda_drain() { drain_all(); }
std::size_t hostcuda_pending() { return pending(); }
std::size_t hostcuda_live_bytes() { return live_bytes(); }
std::size_t hostcuda_peak_bytes() { return peak_bytes(); }
void hostcuda_set_memory_limit(std::size_t bytes) { set_memory_limit(bytes); }
void hostcuda_fail_allocations(std::size_t from) { fail_allocations(from); }
std::size_t hostcuda_allocations() { return allocations(); }

}  // extern "C"

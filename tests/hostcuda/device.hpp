// CUDA's device-side names for a host compiler: included by force before kernels.cu, which is
// compiled as it is.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "hostcuda.hpp"

// C++'s overloads, or float arguments would go by way of double.
using std::exp;
using std::expm1;
using std::fabs;
using std::fma;
using std::fmax;
using std::fmin;
using std::max;
using std::min;
using std::sqrt;

// One block runs at a time, so what its threads share is static; filled with NaN at its start.
#undef __shared__
#define __shared__ static
#define cudaLaunchKernelEx ::hostcuda::launch

inline constexpr int warpSize = 32;

inline void __syncthreads() { ::hostcuda::sync_block(); }
inline void __syncwarp(unsigned mask = 0xffffffffU) { ::hostcuda::sync_warp(mask); }
template <class T>
T __ldg(const T* address) {
  return *address;
}

namespace hostcuda {

/// What the lane `from(lane, first lane of the segment, width)` passed; the caller's own value if
/// that is negative.
template <class T, class F>
T exchange(unsigned mask, T value, int width, F from) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Slot));
  const unsigned own = lane();
  if ((mask >> own & 1) == 0) die("shuffle: lane %u is not in its own mask %08x", own, mask);
  std::memcpy(slot(own).bytes, &value, sizeof value);
  sync_warp(mask);
  const int me = static_cast<int>(own);
  const int source = from(me, me / width * width, width);
  T received = value;
  if (source >= 0) {
    if ((mask >> source & 1) == 0) die("shuffle: lane %d is not in the mask %08x", source, mask);
    std::memcpy(&received, slot(static_cast<unsigned>(source)).bytes, sizeof received);
  }
  sync_warp(mask);
  return received;
}

}  // namespace hostcuda

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return ::hostcuda::exchange(mask, value, width, [source](int, int first, int size) {
    return first + (source & (size - 1));
  });
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return ::hostcuda::exchange(mask, value, width, [delta](int lane, int first, int size) {
    const int source = lane + static_cast<int>(delta);
    return source < first + size ? source : -1;
  });
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  return ::hostcuda::exchange(mask, value, width, [delta](int lane, int first, int) {
    const int source = lane - static_cast<int>(delta);
    return source >= first ? source : -1;
  });
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  return ::hostcuda::exchange(mask, value, width, [lanes](int lane, int first, int size) {
    const int source = lane ^ lanes;
    return source < first + size ? source : -1;
  });
}
/// Threads of a block may be threads of the system (HOSTCUDA_THREADS).
template <class T>
T atomicAdd(T* p, std::type_identity_t<T> value) {
  return std::atomic_ref<T>{*p}.fetch_add(value);
}

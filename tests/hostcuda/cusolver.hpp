// What the files of the stand-in for libcusolver.so.12 share. Workspaces must be as large as was
// said, and are written over.
#pragma once

#include <cusolverDn.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "blas.hpp"
#include "hostcuda.hpp"
#include "memory.hpp"
#include "state.hpp"
#include "streams.hpp"

struct cusolverDnContext {
  int device;
  cudaStream_t stream = nullptr;
};
struct cusolverDnParams {};

namespace hostcuda {

using blas::Int;

inline cusolverStatus_t status_of(cudaError_t error) {
  if (error == cudaSuccess) return CUSOLVER_STATUS_SUCCESS;
  return error == cudaErrorMemoryAllocation ? CUSOLVER_STATUS_ALLOC_FAILED
                                            : CUSOLVER_STATUS_INTERNAL_ERROR;
}

inline cusolverStatus_t enter(cusolverDnHandle_t handle, const char* call) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (const auto error = arrive(call)) return status_of(error);
  if (handle->device != current_device() || device_of(handle->stream) != handle->device)
    die("%s: a handle of device %d with a stream of %d, while %d is current", call, handle->device,
        device_of(handle->stream), current_device());
  return CUSOLVER_STATUS_SUCCESS;
}

/// Both workspaces of a call. Sizes depend on the matrix, and are odd.
struct Workspace {
  void* device;
  std::size_t device_bytes;
  void* host;
  std::size_t host_bytes;

  static constexpr std::size_t device_size(Int m, Int n) {
    return 1001 + static_cast<std::size_t>(8 * (m + n));
  }
  static constexpr std::size_t host_size(Int n) { return 501 + static_cast<std::size_t>(n); }
  static cusolverStatus_t sizes(Int m, Int n, std::size_t* device, std::size_t* host) {
    *device = device_size(m, n);
    *host = host_size(n);
    return CUSOLVER_STATUS_SUCCESS;
  }

  void use(Int m, Int n) const {
    if (device_bytes < device_size(m, n) || host_bytes < host_size(n))
      die("cuSOLVER: a workspace of %zu and %zu bytes for a %lld x %lld matrix", device_bytes,
          host_bytes, static_cast<long long>(m), static_cast<long long>(n));
    require_device(device, device_bytes, "workspace of cuSOLVER");
    if (device_of(host) >= 0) die("cuSOLVER: the host's workspace is on a device");
    poison(device, device_bytes);
    poison(host, host_bytes);
  }
};

template <class T>
void require_matrix(const T* data, Int rows, Int cols, Int ld, const char* what) {
  if (rows > 0 && cols > 0)
    require_device(data, static_cast<std::size_t>(ld * (cols - 1) + rows) * sizeof(T), what);
}

/// Calls a function with a null pointer of the element type; no other type is supported.
template <class F>
cusolverStatus_t with_type(cudaDataType type, F call) {
  if (type == CUDA_R_32F) return call(static_cast<float*>(nullptr));
  if (type == CUDA_R_64F) return call(static_cast<double*>(nullptr));
  return CUSOLVER_STATUS_NOT_SUPPORTED;
}

inline void report(int* info, Int own) {
  require_device(info, sizeof *info, "info of cuSOLVER");
  *info = solver_info(static_cast<int>(own));
}

inline bool is_bad(Int rows, Int cols, Int ld) {
  return rows < 0 || cols < 0 || ld < std::max<Int>(1, rows);
}

/// Calls a LAPACK routine twice: for the size of its workspace, and with it.
template <class T, class F>
void with_lapack_workspace(F call) {
  T size = 0;
  call(&size, Int{-1});
  std::vector<T> work(std::max<std::size_t>(1, static_cast<std::size_t>(size)));
  call(work.data(), static_cast<Int>(work.size()));
}

}  // namespace hostcuda

// What the statuses of CUDA, cuBLAS and cuSOLVER become: the one place that turns them into
// exceptions.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cusolverDn.h>

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

namespace gramian::cuda {

/// No memory on the device: Python's MemoryError.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string message) : message_{std::move(message)} {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// A factorisation that did not converge: numpy.linalg.LinAlgError.
struct NotConverged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Name and meaning of an error, and what to do about it where something can be done.
std::string describe(cudaError_t status);

/// Throw unless the status is a success; `what` names the call.
void check(cudaError_t status, const char* what);
void check(cublasStatus_t status, const char* what);
void check(cusolverStatus_t status, const char* what);

}  // namespace gramian::cuda

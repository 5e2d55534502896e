#include "error.hpp"

namespace gramian::cuda {
namespace {

/// Errors after which no call of this process succeeds: a kernel failed on the device.
bool is_lost(cudaError_t status) {
  switch (status) {
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorECCUncorrectable:
    case cudaErrorContained: return true;
    default: return false;
  }
}

constexpr const char* no_code =
    "; this build has code for the CUDA architectures " GRAMIAN_CUDA_ARCHITECTURES
    " and what is newer than the last: build gramian for this device with "
    "-Ccmake.define.GRAMIAN_CUDA_ARCHITECTURES=native";
constexpr const char* no_start =
    "; if this process was forked from one that used CUDA, start workers with "
    "multiprocessing.get_context('spawn')";
constexpr const char* no_memory =
    ": out of device memory; what other libraries cache counts as used (torch.cuda.empty_cache)";

/// The libraries' statuses do not say that the device is lost, nor does cudaGetLastError, since
/// they have a runtime of their own linked in; waiting for the device does.
void check_lost(const char* what) {
  cudaGetLastError();
  if (const auto cause = cudaStreamSynchronize(nullptr); is_lost(cause)) check(cause, what);
}

}  // namespace

std::string describe(cudaError_t status) {
  const std::string text =
      std::string{cudaGetErrorName(status)} + ": " + cudaGetErrorString(status);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorUnsupportedPtxVersion)
    return text + no_code;
  if (status == cudaErrorInitializationError) return text + no_start;
  if (is_lost(status)) return text + "; CUDA cannot be used in this process any more: restart it";
  return text;
}

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears it, unless the device is lost: the next call would report it again
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory{what + std::string{no_memory}};
  throw std::runtime_error{std::string{what} + ": " + describe(status)};
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  check_lost(what);
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfMemory{what + std::string{no_memory}};
  throw std::runtime_error{std::string{what} + ": " + cublasGetStatusName(status) + ": " +
                           cublasGetStatusString(status)};
}

void check(cusolverStatus_t status, const char* what) {
  if (status == CUSOLVER_STATUS_SUCCESS) return;
  check_lost(what);
  if (status == CUSOLVER_STATUS_ALLOC_FAILED) throw OutOfMemory{what + std::string{no_memory}};
  throw std::runtime_error{std::string{what} + ": cuSOLVER status " +
                           std::to_string(static_cast<int>(status))};
}

}  // namespace gramian::cuda

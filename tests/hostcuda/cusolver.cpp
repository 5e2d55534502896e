// A stand-in for libcusolver.so.12 on the project's own LAPACK: handles, Cholesky, inverse, QR.
#include "cusolver.hpp"

using namespace hostcuda;

extern "C" {

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t* handle) {
  if (const auto error = arrive(__func__)) return status_of(error);
  *handle = new cusolverDnContext{current_device()};
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle) {
  delete handle;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnCreateParams(cusolverDnParams_t* params) {
  if (const auto error = arrive(__func__)) return status_of(error);
  *params = new cusolverDnParams;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnDestroyParams(cusolverDnParams_t params) {
  delete params;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverGetProperty(libraryPropertyType part, int* value) {
  *value = part == MAJOR_VERSION ? CUSOLVER_VER_MAJOR
      : part == MINOR_VERSION    ? CUSOLVER_VER_MINOR
                                 : CUSOLVER_VER_PATCH;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream) {
  if (handle == nullptr) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (const auto error = arrive(__func__)) return status_of(error);
  handle->stream = stream;
  return CUSOLVER_STATUS_SUCCESS;
}

cusolverStatus_t cusolverDnXpotrf_bufferSize(cusolverDnHandle_t handle,
                                             cusolverDnParams_t /*params*/,
                                             cublasFillMode_t /*triangle*/, Int n,
                                             cudaDataType /*type*/, const void* /*a*/, Int lda,
                                             cudaDataType /*compute*/, std::size_t* device,
                                             std::size_t* host) {
  if (const auto status = enter(handle, __func__)) return status;
  return is_bad(n, n, lda) ? CUSOLVER_STATUS_INVALID_VALUE : Workspace::sizes(n, n, device, host);
}

cusolverStatus_t cusolverDnXpotrf(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                  cublasFillMode_t triangle, Int n, cudaDataType type, void* a,
                                  Int lda, cudaDataType /*compute*/, void* device,
                                  std::size_t device_bytes, void* host, std::size_t host_bytes,
                                  int* info) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(n, n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;
  const Workspace workspace{device, device_bytes, host, host_bytes};
  return with_type(type, [=]<class T>(T*) {
    enqueue(handle->stream, [=] {
      workspace.use(n, n);
      require_matrix(static_cast<T*>(a), n, n, lda, "A of potrf");
      const char uplo = triangle == CUBLAS_FILL_MODE_UPPER ? 'U' : 'L';
      Int own = 0;
      blas::potrf<T>(&uplo, &n, static_cast<T*>(a), &lda, &own, 1);
      report(info, own);
    });
    return CUSOLVER_STATUS_SUCCESS;
  });
}

cusolverStatus_t cusolverDnXtrtri_bufferSize(cusolverDnHandle_t handle,
                                             cublasFillMode_t /*triangle*/,
                                             cublasDiagType_t /*diagonal*/, Int n,
                                             cudaDataType /*type*/, void* /*a*/, Int lda,
                                             std::size_t* device, std::size_t* host) {
  if (const auto status = enter(handle, __func__)) return status;
  return is_bad(n, n, lda) ? CUSOLVER_STATUS_INVALID_VALUE : Workspace::sizes(n, n, device, host);
}

cusolverStatus_t cusolverDnXtrtri(cusolverDnHandle_t handle, cublasFillMode_t triangle,
                                  cublasDiagType_t diagonal, Int n, cudaDataType type, void* a,
                                  Int lda, void* device, std::size_t device_bytes, void* host,
                                  std::size_t host_bytes, int* info) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(n, n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;
  const Workspace workspace{device, device_bytes, host, host_bytes};
  return with_type(type, [=]<class T>(T*) {
    enqueue(handle->stream, [=] {
      workspace.use(n, n);
      require_matrix(static_cast<T*>(a), n, n, lda, "A of trtri");
      const char uplo = triangle == CUBLAS_FILL_MODE_UPPER ? 'U' : 'L';
      const char unit = diagonal == CUBLAS_DIAG_UNIT ? 'U' : 'N';
      Int own = 0;
      blas::trtri<T>(&uplo, &unit, &n, static_cast<T*>(a), &lda, &own, 1, 1);
      report(info, own);
    });
    return CUSOLVER_STATUS_SUCCESS;
  });
}

cusolverStatus_t cusolverDnXgeqrf_bufferSize(cusolverDnHandle_t handle,
                                             cusolverDnParams_t /*params*/, Int m, Int n,
                                             cudaDataType /*type*/, const void* /*a*/, Int lda,
                                             cudaDataType /*tau_type*/, const void* /*tau*/,
                                             cudaDataType /*compute*/, std::size_t* device,
                                             std::size_t* host) {
  if (const auto status = enter(handle, __func__)) return status;
  return is_bad(m, n, lda) ? CUSOLVER_STATUS_INVALID_VALUE : Workspace::sizes(m, n, device, host);
}

cusolverStatus_t cusolverDnXgeqrf(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/, Int m,
                                  Int n, cudaDataType type, void* a, Int lda,
                                  cudaDataType /*tau_type*/, void* tau, cudaDataType /*compute*/,
                                  void* device, std::size_t device_bytes, void* host,
                                  std::size_t host_bytes, int* info) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(m, n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;
  const Workspace workspace{device, device_bytes, host, host_bytes};
  return with_type(type, [=]<class T>(T*) {
    enqueue(handle->stream, [=] {
      workspace.use(m, n);
      require_matrix(static_cast<T*>(a), m, n, lda, "A of geqrf");
      require_device(tau, static_cast<std::size_t>(std::min(m, n)) * sizeof(T), "tau of geqrf");
      Int own = 0;
      with_lapack_workspace<T>([&](T* work, Int size) {
        blas::geqrf<T>(&m, &n, static_cast<T*>(a), &lda, static_cast<T*>(tau), work, &size, &own);
      });
      report(info, own);
    });
    return CUSOLVER_STATUS_SUCCESS;
  });
}

}  // extern "C"

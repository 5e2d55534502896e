// The singular values, and the eigenvalues, of the stand-in for cuSOLVER.
#include <limits>
#include <utility>

#include "cusolver.hpp"

namespace hostcuda {
namespace {

template <class T>
void poison_matrix(T* data, Int rows, Int cols, Int ld) {
  for (Int column = 0; column < cols; ++column)
    poison(data + column * ld, static_cast<std::size_t>(rows) * sizeof(T));
}

/// A = U S Vᵀ, m >= n. Either both of U and Vᵀ are wanted, with n columns and n rows, or neither.
template <class T>
struct Svd {
  bool vectors;
  Int m, n;
  T* a;
  Int lda;
  T* s;
  T* u;
  Int ldu;
  T* vt;
  Int ldvt;

  void require() const {
    require_matrix(a, m, n, lda, "A of an SVD");
    require_device(s, static_cast<std::size_t>(n) * sizeof(T), "S of an SVD");
    if (!vectors) return;
    require_matrix(u, m, n, ldu, "U of an SVD");
    require_matrix(vt, n, n, ldvt, "V of an SVD");
  }

  Int run() const {
    const char job = vectors ? 'S' : 'N';
    const Int u_stride = std::max<Int>(1, ldu), vt_stride = std::max<Int>(1, ldvt);
    Int info = 0;
    with_lapack_workspace<T>([&](T* work, Int size) {
      blas::gesvd<T>(&job, &job, &m, &n, a, &lda, s, u, &u_stride, vt, &vt_stride, work, &size,
                     &info, 1, 1);
    });
    poison_matrix(a, m, n, lda);  // what was in it is lost
    return info;
  }
};

template <class T>
void transpose_in_place(T* a, Int n, Int ld) {
  for (Int i = 0; i < n; ++i)
    for (Int j = 0; j < i; ++j) std::swap(a[i + j * ld], a[j + i * ld]);
}

Int eigenvalues(bool vectors, cublasFillMode_t triangle, Int n, double* a, Int lda, double* w) {
  const char job = vectors ? 'V' : 'N';
  const char uplo = triangle == CUBLAS_FILL_MODE_UPPER ? 'U' : 'L';
  double size = 0;
  Int integers = 0, query = -1, info = 0;
  blas::scipy_dsyevd_64_(&job, &uplo, &n, a, &lda, w, &size, &query, &integers, &query, &info, 1,
                         1);
  std::vector<double> work(static_cast<std::size_t>(size));
  std::vector<Int> more(static_cast<std::size_t>(integers));
  const auto length = static_cast<Int>(work.size());
  blas::scipy_dsyevd_64_(&job, &uplo, &n, a, &lda, w, work.data(), &length, more.data(), &integers,
                         &info, 1, 1);
  return info;
}

}  // namespace
}  // namespace hostcuda

using namespace hostcuda;

extern "C" {

cusolverStatus_t cusolverDnXgesvd_bufferSize(
    cusolverDnHandle_t handle, cusolverDnParams_t /*params*/, signed char /*u_job*/,
    signed char /*vt_job*/, Int m, Int n, cudaDataType /*type*/, const void* /*a*/, Int lda,
    cudaDataType /*s_type*/, const void* /*s*/, cudaDataType /*u_type*/, const void* /*u*/,
    Int /*ldu*/, cudaDataType /*vt_type*/, const void* /*vt*/, Int /*ldvt*/,
    cudaDataType /*compute*/, std::size_t* device, std::size_t* host) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(m, n, lda) || m < n) return CUSOLVER_STATUS_INVALID_VALUE;
  return Workspace::sizes(m, n, device, host);
}

cusolverStatus_t cusolverDnXgesvd(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                  signed char u_job, signed char vt_job, Int m, Int n,
                                  cudaDataType type, void* a, Int lda, cudaDataType /*s_type*/,
                                  void* s, cudaDataType /*u_type*/, void* u, Int ldu,
                                  cudaDataType /*vt_type*/, void* vt, Int ldvt,
                                  cudaDataType /*compute*/, void* device, std::size_t device_bytes,
                                  void* host, std::size_t host_bytes, int* info) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(m, n, lda) || m < n) return CUSOLVER_STATUS_INVALID_VALUE;
  const bool vectors = u_job == 'S' && vt_job == 'S';
  if (!vectors && !(u_job == 'N' && vt_job == 'N')) return CUSOLVER_STATUS_NOT_SUPPORTED;
  if (vectors && (is_bad(m, n, ldu) || is_bad(n, n, ldvt))) return CUSOLVER_STATUS_INVALID_VALUE;
  const Workspace workspace{device, device_bytes, host, host_bytes};
  return with_type(type, [=]<class T>(T*) {
    const Svd<T> svd{vectors,
                     m,
                     n,
                     static_cast<T*>(a),
                     lda,
                     static_cast<T*>(s),
                     static_cast<T*>(u),
                     ldu,
                     static_cast<T*>(vt),
                     ldvt};
    enqueue(handle->stream, [=] {
      workspace.use(m, n);
      svd.require();
      report(info, svd.run());
    });
    return CUSOLVER_STATUS_SUCCESS;
  });
}

cusolverStatus_t cusolverDnXgesvdp_bufferSize(
    cusolverDnHandle_t handle, cusolverDnParams_t /*params*/, cusolverEigMode_t /*job*/,
    int /*econ*/, Int m, Int n, cudaDataType /*type*/, const void* /*a*/, Int lda,
    cudaDataType /*s_type*/, const void* /*s*/, cudaDataType /*u_type*/, const void* /*u*/,
    Int /*ldu*/, cudaDataType /*v_type*/, const void* /*v*/, Int /*ldv*/, cudaDataType /*compute*/,
    std::size_t* device, std::size_t* host) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(m, n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;
  return Workspace::sizes(m, n, device, host);
}

/// Unlike gesvd it returns V, not Vᵀ. It works in U and V even when no vectors are wanted: null is
/// an illegal address then.
cusolverStatus_t cusolverDnXgesvdp(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                   cusolverEigMode_t job, int econ, Int m, Int n, cudaDataType type,
                                   void* a, Int lda, cudaDataType /*s_type*/, void* s,
                                   cudaDataType /*u_type*/, void* u, Int ldu,
                                   cudaDataType /*v_type*/, void* v, Int ldv,
                                   cudaDataType /*compute*/, void* device, std::size_t device_bytes,
                                   void* host, std::size_t host_bytes, int* info, double* error) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(m, n, lda) || is_bad(m, n, ldu) || is_bad(n, n, ldv))
    return CUSOLVER_STATUS_INVALID_VALUE;
  if (m < n || econ != 1) return CUSOLVER_STATUS_NOT_SUPPORTED;  // by the stand-in
  const bool vectors = job == CUSOLVER_EIG_MODE_VECTOR;
  const Workspace workspace{device, device_bytes, host, host_bytes};
  return with_type(type, [=]<class T>(T*) {
    const Svd<T> svd{true,
                     m,
                     n,
                     static_cast<T*>(a),
                     lda,
                     static_cast<T*>(s),
                     static_cast<T*>(u),
                     ldu,
                     static_cast<T*>(v),
                     ldv};
    enqueue(handle->stream, [=] {
      workspace.use(m, n);
      svd.require();
      const Int own = svd.run();
      transpose_in_place(static_cast<T*>(v), n, ldv);
      if (!vectors) {
        poison_matrix(static_cast<T*>(u), m, n, ldu);
        poison_matrix(static_cast<T*>(v), n, n, ldv);
      }
      const double largest = n > 0 ? static_cast<double>(*static_cast<T*>(s)) : 0;
      *error = gesvdp_error(largest * static_cast<double>(std::numeric_limits<T>::epsilon()));
      report(info, own);
    });
    return CUSOLVER_STATUS_SUCCESS;
  });
}

/// In double alone, which is all that is asked for.
cusolverStatus_t cusolverDnXsyevd_bufferSize(
    cusolverDnHandle_t handle, cusolverDnParams_t /*params*/, cusolverEigMode_t /*job*/,
    cublasFillMode_t /*triangle*/, Int n, cudaDataType /*type*/, const void* /*a*/, Int lda,
    cudaDataType /*w_type*/, const void* /*w*/, cudaDataType /*compute*/, std::size_t* device,
    std::size_t* host) {
  if (const auto status = enter(handle, __func__)) return status;
  return is_bad(n, n, lda) ? CUSOLVER_STATUS_INVALID_VALUE : Workspace::sizes(n, n, device, host);
}

/// Reads one triangle; what it does not fill with vectors is lost.
cusolverStatus_t cusolverDnXsyevd(cusolverDnHandle_t handle, cusolverDnParams_t /*params*/,
                                  cusolverEigMode_t job, cublasFillMode_t triangle, Int n,
                                  cudaDataType type, void* a, Int lda, cudaDataType w_type, void* w,
                                  cudaDataType compute, void* device, std::size_t device_bytes,
                                  void* host, std::size_t host_bytes, int* info) {
  if (const auto status = enter(handle, __func__)) return status;
  if (is_bad(n, n, lda)) return CUSOLVER_STATUS_INVALID_VALUE;
  if (type != CUDA_R_64F || w_type != type || compute != type) return CUSOLVER_STATUS_NOT_SUPPORTED;
  const Workspace workspace{device, device_bytes, host, host_bytes};
  const bool vectors = job == CUSOLVER_EIG_MODE_VECTOR;
  enqueue(handle->stream, [=] {
    workspace.use(n, n);
    auto* const matrix = static_cast<double*>(a);
    require_matrix(matrix, n, n, lda, "A of syevd");
    require_device(w, static_cast<std::size_t>(n) * sizeof(double), "W of syevd");
    report(info, eigenvalues(vectors, triangle, n, matrix, lda, static_cast<double*>(w)));
    if (!vectors) poison_matrix(matrix, n, n, lda);
  });
  return CUSOLVER_STATUS_SUCCESS;
}

}  // extern "C"

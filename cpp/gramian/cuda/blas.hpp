// cuBLAS as the backend calls it: row-major, through the 64-bit interface. A row-major matrix is
// its transpose to cuBLAS, so that C = A B is asked for as Cᵀ = Bᵀ Aᵀ.
#pragma once

#include <type_traits>

#include "context.hpp"

namespace gramian::cuda {

/// A row-major matrix with rows `stride` apart, or its transpose.
template <class T>
struct Operand {
  const T* data;
  Index stride;
  bool transposed = false;
};

inline cublasOperation_t operation(bool transposed) {
  return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

/// C = alpha A B + beta C, C m x n without gaps, A m x k. No dimension is 0.
template <class T>
void gemm(Context& context, Index m, Index n, Index k, T alpha, Operand<T> a, Operand<T> b, T* c,
          T beta = 0) {
  const auto call = [&](auto* routine) {
    check(routine(context.blas, operation(b.transposed), operation(a.transposed), n, m, k, &alpha,
                  b.data, b.stride, a.data, a.stride, &beta, c, n),
          "gemm");
  };
  if constexpr (std::is_same_v<T, float>)
    call(&cublasSgemm_64);
  else
    call(&cublasDgemm_64);
}

/// C(i) = alpha A(i) B(i) + beta C(i) for i < count, one after the other in memory: A(i) and B(i)
/// start `step_a` and `step_b` elements after the ones before.
template <class T>
void gemm_batched(Context& context, Index m, Index n, Index k, Index count, Operand<T> a,
                  Index step_a, Operand<T> b, Index step_b, T* c, T alpha = 1, T beta = 0) {
  const auto call = [&](auto* routine) {
    check(routine(context.blas, operation(b.transposed), operation(a.transposed), n, m, k, &alpha,
                  b.data, b.stride, step_b, a.data, a.stride, step_a, &beta, c, n, m * n, count),
          "gemm");
  };
  if constexpr (std::is_same_v<T, float>)
    call(&cublasSgemmStridedBatched_64);
  else
    call(&cublasDgemmStridedBatched_64);
}

/// Products A Bᵀ of m vectors with n others, by stretches of their k elements: C(i) from elements
/// i k, ..., for i < count. Vectors are `stride` apart.
template <class T>
void gemm_of_stretches(Context& context, Index m, Index n, Index k, Index count, const T* a,
                       const T* b, Index stride, T* c) {
  gemm_batched<T>(context, m, n, k, count, {a, stride}, k, {b, stride, true}, k, c);
}

/// Lower triangle of C = A Aᵀ + beta C, A n x k.
template <class T>
void syrk(Context& context, Index n, Index k, Operand<T> a, T* c, T beta = 0) {
  const T one = 1;
  const auto call = [&](auto* routine) {
    check(routine(context.blas, CUBLAS_FILL_MODE_UPPER, operation(!a.transposed), n, k, &one,
                  a.data, a.stride, &beta, c, n),
          "syrk");
  };
  if constexpr (std::is_same_v<T, float>)
    call(&cublasSsyrk_64);
  else
    call(&cublasDsyrk_64);
}

}  // namespace gramian::cuda

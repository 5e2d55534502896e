// The BLAS and LAPACK routines in use, declared once for float and double. The pinned build
// (scipy-openblas64) has 64-bit integers and names of its own, so that it cannot collide with
// another library's BLAS; a system BLAS has the usual names and, as a rule, 32-bit integers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <semaphore>
#include <stdexcept>

namespace gramian::blas {

#ifdef GRAMIAN_SYSTEM_BLAS
using Int = int;
#define GRAMIAN_CBLAS(name) cblas_##name
#else
using Int = std::int64_t;
#define GRAMIAN_CBLAS(name) scipy_cblas_##name##64_
#endif

enum Order : int { row_major = 101 };
enum Transpose : int { no = 111, yes = 112 };
enum Triangle : int { lower = 122 };

extern "C" {
void GRAMIAN_CBLAS(sgemm)(Order, Transpose, Transpose, Int, Int, Int, float, const float*, Int,
                          const float*, Int, float, float*, Int);
void GRAMIAN_CBLAS(dgemm)(Order, Transpose, Transpose, Int, Int, Int, double, const double*, Int,
                          const double*, Int, double, double*, Int);
void GRAMIAN_CBLAS(ssyrk)(Order, Triangle, Transpose, Int, Int, float, const float*, Int, float,
                          float*, Int);
void GRAMIAN_CBLAS(dsyrk)(Order, Triangle, Transpose, Int, Int, double, const double*, Int, double,
                          double*, Int);
void GRAMIAN_CBLAS(sgemv)(Order, Transpose, Int, Int, float, const float*, Int, const float*, Int,
                          float, float*, Int);
void GRAMIAN_CBLAS(dgemv)(Order, Transpose, Int, Int, double, const double*, Int, const double*,
                          Int, double, double*, Int);
}

/// A dimension in the BLAS's own integer type, or an error when it does not fit.
inline Int narrow(std::int64_t n) {
  if (n > std::numeric_limits<Int>::max())
    throw std::length_error("a dimension does not fit the integers of this BLAS build");
  return static_cast<Int>(n);
}

/// OpenBLAS has buffers for 64 callers at once and prints a warning beyond them; half of that is
/// far more than the cores of a process keep busy. Renewed after a fork by the thread pool.
using Gate = std::counting_semaphore<32>;
Gate& gate();

/// Holds one of the places at the gate.
class Turn {
 public:
  Turn() : gate_{gate()} { gate_.acquire(); }
  ~Turn() { gate_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Gate& gate_;
};

/// C = op(A) op(B) + beta C, row-major. No dimension may be 0: OpenBLAS rejects some of those by
/// printing.
inline void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k,
                 const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float* c,
                 std::int64_t ldc, float beta = 0) {
  const Turn turn;
  GRAMIAN_CBLAS(sgemm)(row_major, ta, tb, narrow(m), narrow(n), narrow(k), 1.0F, a, narrow(lda), b,
                       narrow(ldb), beta, c, narrow(ldc));
}
inline void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k,
                 const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double* c,
                 std::int64_t ldc, double beta = 0) {
  const Turn turn;
  GRAMIAN_CBLAS(dgemm)(row_major, ta, tb, narrow(m), narrow(n), narrow(k), 1.0, a, narrow(lda), b,
                       narrow(ldb), beta, c, narrow(ldc));
}

/// Lower triangle of C = op(A) op(A)ᵀ + beta C, row-major, op(A) n x k.
inline void syrk(Transpose ta, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
                 float* c, std::int64_t ldc, float beta = 0) {
  const Turn turn;
  GRAMIAN_CBLAS(ssyrk)(row_major, lower, ta, narrow(n), narrow(k), 1.0F, a, narrow(lda), beta, c,
                       narrow(ldc));
}
inline void syrk(Transpose ta, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda,
                 double* c, std::int64_t ldc, double beta = 0) {
  const Turn turn;
  GRAMIAN_CBLAS(dsyrk)(row_major, lower, ta, narrow(n), narrow(k), 1.0, a, narrow(lda), beta, c,
                       narrow(ldc));
}

/// y = op(A) x, row-major, A m x n.
inline void gemv(Transpose ta, std::int64_t m, std::int64_t n, const float* a, const float* x,
                 float* y) {
  const Turn turn;
  GRAMIAN_CBLAS(sgemv)(row_major, ta, narrow(m), narrow(n), 1.0F, a, narrow(n), x, 1, 0.0F, y, 1);
}
inline void gemv(Transpose ta, std::int64_t m, std::int64_t n, const double* a, const double* x,
                 double* y) {
  const Turn turn;
  GRAMIAN_CBLAS(dgemv)(row_major, ta, narrow(m), narrow(n), 1.0, a, narrow(n), x, 1, 0.0, y, 1);
}

/// Where dgemm lives, to find out which file it came from.
inline const void* dgemm_address() { return reinterpret_cast<const void*>(&GRAMIAN_CBLAS(dgemm)); }

#ifdef GRAMIAN_SYSTEM_BLAS
#define GRAMIAN_LAPACK(name) name##_
#else
#define GRAMIAN_LAPACK(name) scipy_##name##_64_
#endif

// Fortran: column-major, everything by pointer, the lengths of characters last. A row-major matrix
// is its transpose there.
extern "C" {
void GRAMIAN_LAPACK(spotrf)(const char*, const Int*, float*, const Int*, Int*, std::size_t);
void GRAMIAN_LAPACK(dpotrf)(const char*, const Int*, double*, const Int*, Int*, std::size_t);
void GRAMIAN_LAPACK(strtri)(const char*, const char*, const Int*, float*, const Int*, Int*,
                            std::size_t, std::size_t);
void GRAMIAN_LAPACK(dtrtri)(const char*, const char*, const Int*, double*, const Int*, Int*,
                            std::size_t, std::size_t);
void GRAMIAN_LAPACK(sgeqrf)(const Int*, const Int*, float*, const Int*, float*, float*, const Int*,
                            Int*);
void GRAMIAN_LAPACK(dgeqrf)(const Int*, const Int*, double*, const Int*, double*, double*,
                            const Int*, Int*);
void GRAMIAN_LAPACK(sgesdd)(const char*, const Int*, const Int*, float*, const Int*, float*, float*,
                            const Int*, float*, const Int*, float*, const Int*, Int*, Int*,
                            std::size_t);
void GRAMIAN_LAPACK(dgesdd)(const char*, const Int*, const Int*, double*, const Int*, double*,
                            double*, const Int*, double*, const Int*, double*, const Int*, Int*,
                            Int*, std::size_t);
void GRAMIAN_LAPACK(dsyevd)(const char*, const char*, const Int*, double*, const Int*, double*,
                            double*, const Int*, Int*, const Int*, Int*, std::size_t, std::size_t);
}

/// Overloads by element type, under LAPACK's own names; all return its `info`.
inline Int potrf(char triangle, Int n, float* a) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(spotrf)(&triangle, &n, a, &n, &info, 1);
  return info;
}
inline Int potrf(char triangle, Int n, double* a) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(dpotrf)(&triangle, &n, a, &n, &info, 1);
  return info;
}
inline Int trtri(char triangle, Int n, float* a) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(strtri)(&triangle, "N", &n, a, &n, &info, 1, 1);
  return info;
}
inline Int trtri(char triangle, Int n, double* a) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(dtrtri)(&triangle, "N", &n, a, &n, &info, 1, 1);
  return info;
}
inline Int geqrf(Int m, Int n, float* a, float* tau, float* work, Int size) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(sgeqrf)(&m, &n, a, &m, tau, work, &size, &info);
  return info;
}
inline Int geqrf(Int m, Int n, double* a, double* tau, double* work, Int size) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(dgeqrf)(&m, &n, a, &m, tau, work, &size, &info);
  return info;
}
inline Int gesdd(char job, Int m, Int n, float* a, float* s, float* u, float* vt, float* work,
                 Int size, Int* integers) {
  const Turn turn;
  Int info = 0;
  const Int k = std::min(m, n);
  GRAMIAN_LAPACK(sgesdd)(&job, &m, &n, a, &m, s, u, &m, vt, &k, work, &size, integers, &info, 1);
  return info;
}
inline Int gesdd(char job, Int m, Int n, double* a, double* s, double* u, double* vt, double* work,
                 Int size, Int* integers) {
  const Turn turn;
  Int info = 0;
  const Int k = std::min(m, n);
  GRAMIAN_LAPACK(dgesdd)(&job, &m, &n, a, &m, s, u, &m, vt, &k, work, &size, integers, &info, 1);
  return info;
}

/// Eigenvalues, ascending, of the symmetric matrix of which `a` holds a triangle; with job 'V' the
/// eigenvectors take its place.
inline Int syevd(char job, char triangle, Int n, double* a, double* values, double* work, Int size,
                 Int* integers, Int integer_size) {
  const Turn turn;
  Int info = 0;
  GRAMIAN_LAPACK(dsyevd)(&job, &triangle, &n, a, &n, values, work, &size, integers, &integer_size,
                         &info, 1, 1);
  return info;
}

#undef GRAMIAN_LAPACK

#undef GRAMIAN_CBLAS

}  // namespace gramian::blas

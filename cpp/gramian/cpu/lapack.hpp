// The BLAS and LAPACK routines in use, declared once for float and double. The pinned build
// (scipy-openblas64) has 64-bit integers and names of its own, so that it cannot collide with
// another library's BLAS; a system BLAS has the usual names and, as a rule, 32-bit integers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "gate.hpp"

namespace gramian::blas {

#ifdef GRAMIAN_SYSTEM_BLAS
using Int = int;
#define GRAMIAN_CBLAS(name) cblas_##name
#else
using Int = std::int64_t;
#define GRAMIAN_CBLAS(name) scipy_cblas_##name##64_
#endif

/// The routine of this name in the library's own BLAS. It is linked too, but the dynamic linker may
/// take one of another library for it, where that was loaded into the global namespace: another
/// version, with threads and kernels of its own.
const void* own_routine(const void* linked, const char* name);
template <class Routine>
Routine* own_routine(Routine* linked, const char* name) {
  const void* const found = own_routine(reinterpret_cast<const void*>(linked), name);
  return reinterpret_cast<Routine*>(const_cast<void*>(found));
}
#define GRAMIAN_TEXT(name) #name
#define GRAMIAN_OWN_NAMED(name) gramian::blas::own_routine(&name, GRAMIAN_TEXT(name))
#define GRAMIAN_OWN(name) GRAMIAN_OWN_NAMED(name)

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

// The routines, each from the library's own BLAS.
namespace own {
inline const auto sgemm = GRAMIAN_OWN(GRAMIAN_CBLAS(sgemm));
inline const auto dgemm = GRAMIAN_OWN(GRAMIAN_CBLAS(dgemm));
inline const auto ssyrk = GRAMIAN_OWN(GRAMIAN_CBLAS(ssyrk));
inline const auto dsyrk = GRAMIAN_OWN(GRAMIAN_CBLAS(dsyrk));
inline const auto sgemv = GRAMIAN_OWN(GRAMIAN_CBLAS(sgemv));
inline const auto dgemv = GRAMIAN_OWN(GRAMIAN_CBLAS(dgemv));
}  // namespace own

/// C = op(A) op(B) + beta C, row-major. No dimension may be 0: OpenBLAS rejects some of those by
/// printing.
inline void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k,
                 const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float* c,
                 std::int64_t ldc, float beta = 0) {
  const Turn turn;
  own::sgemm(row_major, ta, tb, narrow(m), narrow(n), narrow(k), 1.0F, a, narrow(lda), b,
             narrow(ldb), beta, c, narrow(ldc));
}
inline void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k,
                 const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double* c,
                 std::int64_t ldc, double beta = 0) {
  const Turn turn;
  own::dgemm(row_major, ta, tb, narrow(m), narrow(n), narrow(k), 1.0, a, narrow(lda), b,
             narrow(ldb), beta, c, narrow(ldc));
}

/// Lower triangle of C = op(A) op(A)ᵀ + beta C, row-major, op(A) n x k.
inline void syrk(Transpose ta, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
                 float* c, std::int64_t ldc, float beta = 0) {
  const Turn turn;
  own::ssyrk(row_major, lower, ta, narrow(n), narrow(k), 1.0F, a, narrow(lda), beta, c,
             narrow(ldc));
}
inline void syrk(Transpose ta, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda,
                 double* c, std::int64_t ldc, double beta = 0) {
  const Turn turn;
  own::dsyrk(row_major, lower, ta, narrow(n), narrow(k), 1.0, a, narrow(lda), beta, c, narrow(ldc));
}

/// y = op(A) x, row-major, A m x n.
inline void gemv(Transpose ta, std::int64_t m, std::int64_t n, const float* a, const float* x,
                 float* y) {
  const Turn turn;
  own::sgemv(row_major, ta, narrow(m), narrow(n), 1.0F, a, narrow(n), x, 1, 0.0F, y, 1);
}
inline void gemv(Transpose ta, std::int64_t m, std::int64_t n, const double* a, const double* x,
                 double* y) {
  const Turn turn;
  own::dgemv(row_major, ta, narrow(m), narrow(n), 1.0, a, narrow(n), x, 1, 0.0, y, 1);
}

/// Where dgemm lives, to find out which file it came from.
inline const void* dgemm_address() { return reinterpret_cast<const void*>(own::dgemm); }

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

namespace own {
inline const auto spotrf = GRAMIAN_OWN(GRAMIAN_LAPACK(spotrf));
inline const auto dpotrf = GRAMIAN_OWN(GRAMIAN_LAPACK(dpotrf));
inline const auto strtri = GRAMIAN_OWN(GRAMIAN_LAPACK(strtri));
inline const auto dtrtri = GRAMIAN_OWN(GRAMIAN_LAPACK(dtrtri));
inline const auto sgeqrf = GRAMIAN_OWN(GRAMIAN_LAPACK(sgeqrf));
inline const auto dgeqrf = GRAMIAN_OWN(GRAMIAN_LAPACK(dgeqrf));
inline const auto sgesdd = GRAMIAN_OWN(GRAMIAN_LAPACK(sgesdd));
inline const auto dgesdd = GRAMIAN_OWN(GRAMIAN_LAPACK(dgesdd));
inline const auto dsyevd = GRAMIAN_OWN(GRAMIAN_LAPACK(dsyevd));
}  // namespace own

/// Overloads by element type, under LAPACK's own names; all return its `info`.
inline Int potrf(char triangle, Int n, float* a) {
  const Turn turn;
  Int info = 0;
  own::spotrf(&triangle, &n, a, &n, &info, 1);
  return info;
}
inline Int potrf(char triangle, Int n, double* a) {
  const Turn turn;
  Int info = 0;
  own::dpotrf(&triangle, &n, a, &n, &info, 1);
  return info;
}
inline Int trtri(char triangle, Int n, float* a) {
  const Turn turn;
  Int info = 0;
  own::strtri(&triangle, "N", &n, a, &n, &info, 1, 1);
  return info;
}
inline Int trtri(char triangle, Int n, double* a) {
  const Turn turn;
  Int info = 0;
  own::dtrtri(&triangle, "N", &n, a, &n, &info, 1, 1);
  return info;
}
inline Int geqrf(Int m, Int n, float* a, float* tau, float* work, Int size) {
  const Turn turn;
  Int info = 0;
  own::sgeqrf(&m, &n, a, &m, tau, work, &size, &info);
  return info;
}
inline Int geqrf(Int m, Int n, double* a, double* tau, double* work, Int size) {
  const Turn turn;
  Int info = 0;
  own::dgeqrf(&m, &n, a, &m, tau, work, &size, &info);
  return info;
}
inline Int gesdd(char job, Int m, Int n, float* a, float* s, float* u, float* vt, float* work,
                 Int size, Int* integers) {
  const Turn turn;
  Int info = 0;
  const Int k = std::min(m, n);
  own::sgesdd(&job, &m, &n, a, &m, s, u, &m, vt, &k, work, &size, integers, &info, 1);
  return info;
}
inline Int gesdd(char job, Int m, Int n, double* a, double* s, double* u, double* vt, double* work,
                 Int size, Int* integers) {
  const Turn turn;
  Int info = 0;
  const Int k = std::min(m, n);
  own::dgesdd(&job, &m, &n, a, &m, s, u, &m, vt, &k, work, &size, integers, &info, 1);
  return info;
}

/// Eigenvalues, ascending, of the symmetric matrix of which `a` holds a triangle; with job 'V' the
/// eigenvectors take its place.
inline Int syevd(char job, char triangle, Int n, double* a, double* values, double* work, Int size,
                 Int* integers, Int integer_size) {
  const Turn turn;
  Int info = 0;
  own::dsyevd(&job, &triangle, &n, a, &n, values, work, &size, integers, &integer_size, &info, 1,
              1);
  return info;
}

#undef GRAMIAN_LAPACK
#undef GRAMIAN_CBLAS

}  // namespace gramian::blas

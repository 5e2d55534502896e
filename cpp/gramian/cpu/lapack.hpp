// The BLAS and LAPACK routines in use, declared once for float and double. The pinned build
// (scipy-openblas64) has 64-bit integers and names of its own, so that it cannot collide with
// another library's BLAS; a system BLAS has the usual names and, as a rule, 32-bit integers.
#pragma once

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

/// C = op(A) op(B), row-major. No dimension may be 0: OpenBLAS rejects some of those by printing.
inline void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k,
                 const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float* c,
                 std::int64_t ldc) {
  const Turn turn;
  GRAMIAN_CBLAS(sgemm)(row_major, ta, tb, narrow(m), narrow(n), narrow(k), 1.0F, a, narrow(lda), b,
                       narrow(ldb), 0.0F, c, narrow(ldc));
}
inline void gemm(Transpose ta, Transpose tb, std::int64_t m, std::int64_t n, std::int64_t k,
                 const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double* c,
                 std::int64_t ldc) {
  const Turn turn;
  GRAMIAN_CBLAS(dgemm)(row_major, ta, tb, narrow(m), narrow(n), narrow(k), 1.0, a, narrow(lda), b,
                       narrow(ldb), 0.0, c, narrow(ldc));
}

/// Lower triangle of C = A Aᵀ, row-major, A n x k.
inline void syrk(std::int64_t n, std::int64_t k, const float* a, std::int64_t lda, float* c,
                 std::int64_t ldc) {
  const Turn turn;
  GRAMIAN_CBLAS(ssyrk)(row_major, lower, no, narrow(n), narrow(k), 1.0F, a, narrow(lda), 0.0F, c,
                       narrow(ldc));
}
inline void syrk(std::int64_t n, std::int64_t k, const double* a, std::int64_t lda, double* c,
                 std::int64_t ldc) {
  const Turn turn;
  GRAMIAN_CBLAS(dsyrk)(row_major, lower, no, narrow(n), narrow(k), 1.0, a, narrow(lda), 0.0, c,
                       narrow(ldc));
}

/// Where dgemm lives, to find out which file it came from.
inline const void* dgemm_address() { return reinterpret_cast<const void*>(&GRAMIAN_CBLAS(dgemm)); }

#undef GRAMIAN_CBLAS

}  // namespace gramian::blas

// What kernels.cu offers to host C++: functions that queue a kernel on a stream. All pointers are
// to device memory, all matrices are row-major unless an argument says otherwise.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "../backend.hpp"

namespace gramian::cuda {

/// Where packed elements go and what is done to them on the way, see Layer; M is the type of its
/// backend.
template <class T, class M = T>
struct Packing {
  const M *mean_high, *mean_low;
  T scale;
  T* out;
  bool row_major;
};

/// Packs columns first, ..., first + cols - 1 of the given rows; or, if not null, of those that
/// `chosen` lists.
template <class T, class M>
void pack(cudaStream_t stream, const Source& source, Rows rows, Index first, Index cols,
          const Packing<T, M>& to, const Index* chosen = nullptr);

/// How many stretches `column_moments` cuts n rows into, to be summed side by side.
Index stretches(Index n);

/// For every stretch of rows (outer) and every column: the squares of the elements times `unit`.
/// Or, centred, of what they deviate by from the first row; and then, in three more arrays of that
/// size, the sum of the deviations, the largest |deviation| and the largest |element|, and behind
/// them the first row.
void column_moments(cudaStream_t stream, const Source& source, bool centred, double unit,
                    double* out);

/// out[i] = the sum, or the maximum, of parts[k * width + i] over the `count` k, in their order.
struct Combination {
  const double* parts;
  Index count, width;
  double* out;
  bool maximum = false;
};
/// Several at once, at most `most`.
struct Combinations {
  static constexpr int most = 5;
  Combination each[most];
};
void combine(cudaStream_t stream, const Combinations& all, int number);

/// One side of a tile, see Side.
template <class T>
struct TileSide {
  const T *squared_norms, *shift;
};

/// tile = k(tile) - aᵢ - aⱼ. Sums of rows come in one part for 32 columns, sums of columns in one
/// part for 32 rows; parts are outer.
template <class T>
void apply(cudaStream_t stream, const Kernel& kernel, T* tile, Index rows, Index cols,
           TileSide<T> i, TileSide<T> j, double* row_parts, double* col_parts);

/// A matrix of any strides.
template <class T>
struct Strided {
  const T* data;
  Index rows, cols, row_stride, col_stride;
};

/// tile(i, j) = -|fᵢ xᵢ - fⱼ yⱼ|² / 2, products to twice the precision; both factors may be null.
template <class T>
void differences(cudaStream_t stream, Strided<T> x, Strided<T> y, const T* factors_x,
                 const T* factors_y, T* tile);

/// tile(i, j) = |xᵢ|² + |xⱼ|² - 2 tile(i, j), at least 0.
template <class T>
void squared_distances(cudaStream_t stream, T* tile, Index rows, Index cols, const T* norms_i,
                       const T* norms_j);

/// Counts values into `size` cells (see Histogram); counts[size] are those below the first.
template <class T>
void count(cudaStream_t stream, const T* tile, Index rows, Index cols, bool below_diagonal,
           std::uint64_t first, int shift, unsigned long long* counts, Index size);

/// Inner products of `pairs` pairs of vectors, `stride_x` and `stride_y` apart, in `dot_parts(n)`
/// parts each.
Index dot_parts(Index n);
template <class T>
void dots(cudaStream_t stream, const T* x, Index stride_x, const T* y, Index stride_y, Index pairs,
          Index n, double* parts);

/// out[i] = Σⱼ |xᵢⱼ| and, behind those of all rows, Σⱼ max(|xᵢⱼ|, |xᵢ₊₁ⱼ|) of all but the last.
template <class T>
void absolute_sums(cudaStream_t stream, const T* x, Index rows, Index cols, double* out);

/// total[i] += Σ x[k * n + i] over the `count` k.
template <class T>
void accumulate(cudaStream_t stream, const T* x, Index n, Index count, double* total);

/// out = factor x, n elements.
template <class T>
void widen(cudaStream_t stream, const T* x, Index n, double factor, double* out);

/// out = x rounded, rows x cols; of a symmetric x, `lower_only` is read.
template <class T>
void narrow(cudaStream_t stream, const double* x, Index rows, Index cols, bool lower_only, T* out);

/// x(i, j) = values[i] wherever i, of adjacent rows, is j.
template <class T>
void fill_diagonal(cudaStream_t stream, T* x, Rows rows, Rows cols, const T* values);

/// out[i] = x(i, i) for i < n, x with `cols` columns; and 0 in its place if `clear`.
template <class T>
void take_diagonal(cudaStream_t stream, T* x, Index n, Index cols, bool clear, double* out);

/// out(j, i) = x(i, j), x rows x cols with rows `stride` apart.
template <class T>
void transpose(cudaStream_t stream, const T* x, Index rows, Index cols, Index stride, T* out);

/// Zeros to the right of the diagonal of the n x n matrix with rows `stride` apart.
template <class T>
void keep_lower(cudaStream_t stream, T* x, Index n, Index stride);

/// m = a m + c x, n elements.
template <class T>
void add(cudaStream_t stream, double a, T* m, double c, const T* x, Index n);

/// total(i, j) += c x(i, j) + u[i] v[j], rows x cols.
template <class T>
void add_product(cudaStream_t stream, double c, const T* x, Index rows, Index cols, const double* u,
                 const double* v, double* total);

/// x(i, j) *= row_factors[i] * col_factors[j].
template <class T>
void scale(cudaStream_t stream, T* x, Index rows, Index cols, const double* row_factors,
           const double* col_factors);

/// out(i, j) = x(i, j) times the factor of its row, or of its column; out with rows `stride` apart.
template <class T>
void scaled_copy(cudaStream_t stream, Strided<T> x, const double* factors, bool of_rows, T* out,
                 Index stride);

/// out, n x n: the tile of rows I and J over a number, and across the diagonal its transpose; of a
/// tile on the diagonal the lower triangle.
template <class T>
void place(cudaStream_t stream, const T* tile, Rows i, Rows j, double unit, T* out, Index n);

/// x(i, j) -= u[i] + v[j], rows x cols.
template <class T>
void subtract_sums(cudaStream_t stream, T* x, Index rows, Index cols, const double* u,
                   const double* v);

/// x(i, j) /= u[i] v[j], in [-1, 1]; NaN where that is 0, and 1 on the diagonal if `own`.
template <class T>
void correlate(cudaStream_t stream, T* x, Index rows, Index cols, const double* u, const double* v,
               bool own);

/// rows[j] = the first row in which column j is not finite, or the number of rows.
void first_not_finite(cudaStream_t stream, const Source& source, Index* rows);

/// Of every row of a square matrix: the largest |x(i, j) - x(j, i)| and |x(i, j)|, and behind those
/// of all rows -x(i, j), n numbers each.
void row_facts(cudaStream_t stream, const Source& source, double* out);

/// Of every row the column with the largest value, NaN apart, or -1, the first of equal ones; and
/// behind those of all rows the value. Or by absolute values.
template <class T>
void largest_in_rows(cudaStream_t stream, const T* x, Index rows, Index cols, bool absolute,
                     double* out);

/// y(i, j) = x(i, j) - y(i, j).
template <class T>
void subtract_from(cudaStream_t stream, Strided<T> x, T* y);

}  // namespace gramian::cuda

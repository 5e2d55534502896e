// The loops that are neither BLAS nor bookkeeping, compiled for several x86-64 levels from one
// source (simd.cpp) and chosen at run time.
#pragma once

#include <type_traits>

#include "../backend.hpp"

namespace gramian::simd {

/// One side of a tile: |x_i|² and the near-centring shift a_i of its rows.
template <class T>
struct Side {
  const T* squared_norms;
  const T* shift;
};

/// Where packed rows go, and what is done to every element on the way:
/// (x - mean_high - mean_low) * scale, which in float is exact to the last bit of the difference
/// although the mean is known in double.
template <class T>
struct Packing {
  const T* mean_high;
  const T* mean_low;
  T scale;
  T* out;          // row-major rows x cols, or column-major, as `row_major` says
  bool row_major;  // the order in which the source is contiguous
};

/// A kernel of kernels.hpp without std::variant, whose code must not be instantiated in simd.cpp.
struct TileKernel {
  enum Kind { inner_product, rbf, laplacian, distance, polynomial, cosine } kind = inner_product;
  double gamma = 0;
  bool minus_one = false;
  double factor = 0, constant = 0, unit = 0;
  int degree = 0;
};

/// A histogram without std::vector, for the same reason.
struct Bins {
  std::uint64_t first;
  int shift;
  std::uint64_t* cells;
  Index size;
};

/// The kernels of one instruction set, in one precision.
template <class T>
struct Kernels {
  /// Packs columns first_col, ..., first_col + cols - 1 of the given rows.
  void (*pack)(const Source&, Rows, Index first_col, Index cols, const Packing<T>&);
  /// out[i] = Σⱼ panel(i, j)², in double.
  void (*squared_norms)(const T* panel, Index rows, Index cols, bool row_major, double* out);
  /// tile(i, j) = k(tile(i, j), |xᵢ|², |xⱼ|²) - aᵢ - aⱼ in place; adds the tile's row and column
  /// sums.
  void (*apply)(const TileKernel&, T* tile, Index rows, Index cols, Side<T> i, Side<T> j,
                double* row_sums, double* col_sums);
  /// tile(i, j) = |xᵢ|² + |xⱼ|² - 2 tile(i, j), at least 0, in place.
  void (*squared_distances)(T* tile, Index rows, Index cols, Side<T> i, Side<T> j);
  /// Counts values by cell; returns how many lie below the first.
  std::uint64_t (*count)(const T* values, Index n, const Bins&);
  /// Σ xᵢ yᵢ, in double.
  double (*dot)(const T* x, const T* y, Index n);
  /// out(i, j) = Σₖ x(i, k) y(j, k), rows of length n, out in double; with `lower`, x and y being
  /// the same, only i >= j is sure to be there.
  void (*row_products)(const T* x, Index rows, const T* y, Index cols, Index n, bool lower,
                       double* out);
  /// acc[i] += x[i].
  void (*accumulate)(const T* x, Index n, double* acc);
  /// acc[i] += x[i]².
  void (*accumulate_squares)(const T* x, Index n, double* acc);
};

/// Column sums in double and the largest |x| of some rows. A NaN or an infinity reaches its
/// column's sum.
using ColumnSums = void (*)(const Source&, Rows, double* sums, double* largest);

/// How many targets of a LASSO are solved side by side, and how many sweeps an extrapolation is
/// made from (3 or 7 are no better); see lasso.cpp.
inline constexpr Index lasso_lanes = 8, lasso_memory = 5;

/// Coefficients w and gradients q = c - Gw of all lanes.
struct LassoState {
  double *w, *q;
};
/// max |q|, |w|₁, qᵀw and cᵀw of every lane.
struct LassoMeasure {
  double largest[lasso_lanes], l1[lasso_lanes], qw[lasso_lanes], cw[lasso_lanes];
};

struct LassoKernels {
  /// One round of coordinate descent; w and q are updated in place.
  void (*sweep)(Index p, const double* gram, const double* alpha, double* w, double* q);
  LassoMeasure (*measure)(Index p, const double* c, const double* w, const double* q);
  /// Adds the inner products of successive differences of the w, the lower triangle.
  void (*step_products)(Index p, const double* const* w, double* products);
  /// out = now + Σ weights[k] (states[k] - now), now the last state, so that rounding is as small
  /// as the differences although weights may be large; gain: how far its objective is below now's.
  void (*combine)(Index p, Index count, const LassoState* states, const double* weights,
                  const double* alpha, const double* c, const LassoState& out, double* gain);
};

struct Table {
  const char* level;  // "x86-64-v4", ...
  Kernels<float> f32;
  Kernels<double> f64;
  ColumnSums column_sums;
  LassoKernels lasso;
};

/// The best table this processor runs. GRAMIAN_SIMD names a lower level, for tests.
const Table& table();

template <class T>
const Kernels<T>& kernels() {
  if constexpr (std::is_same_v<T, float>)
    return table().f32;
  else
    return table().f64;
}

}  // namespace gramian::simd

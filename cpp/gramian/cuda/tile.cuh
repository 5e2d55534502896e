// Kernels on tiles of Gram matrices: a part of kernels.cu.
#pragma once

#include <cstring>

#include "kernels.hpp"
#include "launch.hpp"

namespace gramian::cuda {

/// |xᵢ - xⱼ|² from the inner product and the norms, which cancel for near neighbours. Rows with the
/// same norm whose distance drowns in rounding are taken for equal, so that duplicates are exactly
/// 0 apart whatever the order of GEMM's sums.
template <class T>
__device__ T squared_distance(T g, T si, T sj) {
  constexpr T rounding = sizeof(T) == sizeof(float) ? T(64 * 0x1p-23) : T(64 * 0x1p-52);
  const T squared = si + sj - T(2) * g;
  const T least = si == sj ? rounding * si : T(0);
  return squared > least ? squared : T(0);
}

/// The values of kernels.hpp, from an inner product and two squared norms.
template <class T>
__device__ T value(const Linear&, T g, T, T) {
  return g;
}
template <class T>
__device__ T value(const Rbf& k, T g, T si, T sj) {
  const T x = -static_cast<T>(k.gamma) * squared_distance(g, si, sj);
  return k.minus_one ? expm1(x) : exp(x);
}
template <class T>
__device__ T value(const Laplacian& k, T g, T si, T sj) {
  const T x = -static_cast<T>(k.gamma) * sqrt(squared_distance(g, si, sj));
  return k.minus_one ? expm1(x) : exp(x);
}
template <class T>
__device__ T value(const Distance&, T g, T si, T sj) {
  return -sqrt(squared_distance(g, si, sj));
}
template <class T>
__device__ T value_about_origin(const Polynomial& k, T g, T vi, T vj) {
  const T constant = static_cast<T>(k.constant), along = static_cast<T>(k.along);
  const T r = constant + along * vi, s = constant + along * vj, q = constant + along * (vi + vj);
  const T base = q + static_cast<T>(k.factor) * g;
  T sum = 1, bend = 0, hr = 1, hs = 1, of_q = 1, power = 1;
  for (int m = 1; m < k.degree; ++m) {
    bend = q * bend + (hr + hs);
    of_q *= q;
    power *= constant;
    sum = sum * base + of_q;
    hr = hr * r + power;
    hs = hs * s + power;
  }
  const T value = g * sum + static_cast<T>(k.origin) * (vi * vj) * bend;
  return g > T(far_away / 2) ? static_cast<T>(k.outer) * value : T(0);
}
template <class T>
__device__ T value(const Polynomial& k, T g, T si, T sj) {
  if (k.origin > 0) return value_about_origin(k, g, si, sj);
  const T constant = static_cast<T>(k.constant), base = static_cast<T>(k.factor) * g + constant;
  T sum = 1, power = 1;
  for (int n = 1; n < k.degree; ++n) {
    power *= constant;
    sum = sum * base + (k.minus_constant ? power : 0);
  }
  return (k.minus_constant ? static_cast<T>(k.outer) * g : base) * sum;
}
template <class T>
__device__ T value(const Cosine&, T g, T si, T sj) {
  const T norms = sqrt(si) * sqrt(sj);  // the roots first: a product of norms could leave the range
  return norms > T(0) ? g / norms : T(0);
}

/// k(i, j) - aᵢ - aⱼ.
template <class T, class K>
__device__ T shifted(const K& kernel, T g, T si, T sj, T ai, T aj) {
  return value(kernel, g, si, sj) - ai - aj;
}
/// The same of a Gram matrix that is given, without a loss: see cpu/simd.cpp.
__device__ inline float shifted(const Precomputed&, float g, float, float, float ai, float aj) {
  return static_cast<float>(double{g} - double{ai} - double{aj});
}
__device__ inline double shifted(const Precomputed&, double g, double, double, double ai,
                                 double aj) {
  const double once = g - ai, part = once - g, lost = (g - (once - part)) - (ai + part);
  const double twice = once - aj, rest = twice - once;
  return twice + (lost + ((once - (twice - rest)) - (aj + rest)));
}

/// One block for 32 x 32 elements, which are read once and written once. After a single barrier two
/// warps sum the rows and the columns, each thread one of them in order: no atomics, the same bits
/// every time.
template <class T, class K>
__global__ void apply_kernel(K kernel, T* tile, Index rows, Index cols, TileSide<T> side_i,
                             TileSide<T> side_j, double* row_parts, double* col_parts) {
  __shared__ T patch[lanes][lanes + 1];
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const Index first_row = Index{blockIdx.y} * lanes, first_col = Index{blockIdx.x} * lanes;
  const Index j = first_col + x;
  constexpr int own = lanes / warps;
  T values[own] = {};
  for (int k = 0; k < own; ++k)  // all reads before any write
    if (const Index i = first_row + y + k * warps; i < rows && j < cols)
      values[k] = tile[i * cols + j];
  for (int k = 0; k < own; ++k) {
    const int r = y + k * warps;
    const Index i = first_row + r;
    T v = 0;
    if (i < rows && j < cols) {
      v = shifted(kernel, values[k], side_i.squared_norms[i], side_j.squared_norms[j],
                  side_i.shift[i], side_j.shift[j]);
      tile[i * cols + j] = v;
    }
    patch[r][x] = v;
  }
  __syncthreads();
  if (y == 0 && first_row + x < rows) {
    double sum = 0;
    for (int k = 0; k < lanes; ++k) sum += static_cast<double>(patch[x][k]);
    row_parts[Index{blockIdx.x} * rows + first_row + x] = sum;
  } else if (y == 1 && j < cols) {
    double sum = 0;
    for (int k = 0; k < lanes; ++k) sum += static_cast<double>(patch[k][x]);
    col_parts[Index{blockIdx.y} * cols + j] = sum;
  }
}

/// Element k of row i times the factor of the row, to twice the precision; 0 outside.
template <class T>
struct Product {
  T high, low;
};
template <class T>
__device__ Product<T> product(const Strided<T>& x, const T* factors, Index i, Index k) {
  if (i >= x.rows || k >= x.cols) return {};
  const T element = x.data[i * x.row_stride + k * x.col_stride];
  if (factors == nullptr) return {element, 0};
  const T high = element * factors[i];
  return {high, fma(element, factors[i], -high)};
}

/// One block for 32 x 32 elements of the tile, each thread for four of them, from 32 columns of the
/// rows at a time.
template <class T>
__global__ void differences_kernel(Strided<T> x, Strided<T> y, const T* factors_x,
                                   const T* factors_y, T* tile) {
  __shared__ Product<T> of_x[lanes][lanes + 1], of_y[lanes][lanes + 1];
  const int col = static_cast<int>(threadIdx.x), first = static_cast<int>(threadIdx.y);
  const Index row_x = Index{blockIdx.y} * lanes, row_y = Index{blockIdx.x} * lanes;
  T sums[lanes / warps] = {};
  for (Index k = 0; k < x.cols; k += lanes) {
    for (int r = first; r < lanes; r += warps) {
      // Neighbouring threads read neighbouring elements, of a row or of a column.
      const int i = x.col_stride == 1 ? r : col, at = x.col_stride == 1 ? col : r;
      of_x[i][at] = product(x, factors_x, row_x + i, k + at);
      of_y[i][at] = product(y, factors_y, row_y + i, k + at);
    }
    __syncthreads();
    for (int at = 0; at < lanes; ++at)
      for (int r = 0; r < lanes / warps; ++r) {
        const Product<T> a = of_x[first + r * warps][at], b = of_y[col][at];
        const T d = (a.high - b.high) + (a.low - b.low);
        sums[r] += d * d;
      }
    __syncthreads();
  }
  for (int r = 0; r < lanes / warps; ++r) {
    const Index i = row_x + first + r * warps, j = row_y + col;
    if (i < x.rows && j < y.rows) tile[i * y.rows + j] = -sums[r] / 2;
  }
}

template <class T>
__global__ void squared_distances_kernel(T* tile, Index rows, Index cols, const T* norms_i,
                                         const T* norms_j) {
  const Index j = Index{blockIdx.x} * lanes + threadIdx.x;
  if (j >= cols) return;
  const Index step = Index{gridDim.y} * warps;
  for (Index i = Index{blockIdx.y} * warps + threadIdx.y; i < rows; i += in_flight * step) {
    T values[in_flight] = {};
    for (int k = 0; k < in_flight; ++k)
      if (i + k * step < rows) values[k] = tile[(i + k * step) * cols + j];
    for (int k = 0; k < in_flight; ++k)
      if (const Index row = i + k * step; row < rows)
        tile[row * cols + j] = squared_distance(values[k], norms_i[row], norms_j[j]);
  }
}

template <std::size_t Size>
struct BitsOf;
template <>
struct BitsOf<4> {
  using type = std::uint32_t;
};
template <>
struct BitsOf<8> {
  using type = std::uint64_t;
};

/// Counts are integers: atomics change nothing about the result. Those below the first cell, often
/// half of all, meet in the block before they meet in memory.
template <class T>
__global__ void count_kernel(const T* tile, Index rows, Index cols, bool below_diagonal,
                             std::uint64_t first, int shift, unsigned long long* counts,
                             Index size) {
  using Bits = typename BitsOf<sizeof(T)>::type;
  __shared__ unsigned below;
  const bool leads = threadIdx.x == 0 && threadIdx.y == 0;
  if (leads) below = 0;
  __syncthreads();
  unsigned own = 0;
  const Index j = Index{blockIdx.x} * lanes + threadIdx.x, step = Index{gridDim.y} * warps;
  for (Index i = Index{blockIdx.y} * warps + threadIdx.y; i < rows; i += in_flight * step) {
    Bits bits[in_flight] = {};
    const auto is_own = [&](Index row) { return row < rows && j < (below_diagonal ? row : cols); };
    for (int k = 0; k < in_flight; ++k)
      if (is_own(i + k * step)) memcpy(bits + k, tile + (i + k * step) * cols + j, sizeof *bits);
    for (int k = 0; k < in_flight; ++k) {
      if (!is_own(i + k * step)) continue;
      if (bits[k] < first) {
        ++own;
        continue;
      }
      const std::uint64_t cell = (bits[k] - first) >> shift;
      if (cell < static_cast<std::uint64_t>(size)) atomicAdd(counts + cell, 1ULL);
    }
  }
  if (own > 0) atomicAdd(&below, own);
  __syncthreads();
  if (leads && below > 0) atomicAdd(counts + size, 1ULL * below);
}

}  // namespace gramian::cuda

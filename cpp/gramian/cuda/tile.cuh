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
__device__ T value(const Polynomial& k, T g, T, T) {
  const T base = static_cast<T>(k.factor) * g + static_cast<T>(k.constant);
  T power = static_cast<T>(k.unit);
  for (int n = 0; n < k.degree; ++n) power *= base;
  return power;
}
template <class T>
__device__ T value(const Cosine&, T g, T si, T sj) {
  const T squared = si * sj;
  return squared > T(0) ? g / sqrt(squared) : T(0);
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
  for (int r = y; r < lanes; r += warps) {
    const Index i = first_row + r;
    T v = 0;
    if (i < rows && j < cols) {
      v = value(kernel, tile[i * cols + j], side_i.squared_norms[i], side_j.squared_norms[j]) -
          side_i.shift[i] - side_j.shift[j];
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

template <class T>
__global__ void squared_distances_kernel(T* tile, Index rows, Index cols, const T* norms_i,
                                         const T* norms_j) {
  const Index j = Index{blockIdx.x} * lanes + threadIdx.x;
  if (j >= cols) return;
  for (Index i = Index{blockIdx.y} * warps + threadIdx.y; i < rows; i += Index{gridDim.y} * warps)
    tile[i * cols + j] = squared_distance(tile[i * cols + j], norms_i[i], norms_j[j]);
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
  __shared__ unsigned long long below;
  const bool leads = threadIdx.x == 0 && threadIdx.y == 0;
  if (leads) below = 0;
  __syncthreads();
  unsigned long long own = 0;
  const Index j = Index{blockIdx.x} * lanes + threadIdx.x;
  for (Index i = Index{blockIdx.y} * warps + threadIdx.y; i < rows; i += Index{gridDim.y} * warps) {
    if (j >= (below_diagonal ? i : cols)) continue;
    Bits bits;
    memcpy(&bits, tile + i * cols + j, sizeof bits);
    if (bits < first) {
      ++own;
      continue;
    }
    const std::uint64_t cell = (bits - first) >> shift;
    if (cell < static_cast<std::uint64_t>(size)) atomicAdd(counts + cell, 1ULL);
  }
  if (own > 0) atomicAdd(&below, own);
  __syncthreads();
  if (leads && below > 0) atomicAdd(counts + size, below);
}

}  // namespace gramian::cuda

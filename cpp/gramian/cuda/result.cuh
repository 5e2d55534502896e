// Kernels that finish a matrix which a call returns: a part of kernels.cu.
#pragma once

#include <cmath>

#include "matrix.cuh"

namespace gramian::cuda {

/// By patches of 32 x 32, so that both places are written along rows.
template <class T>
__global__ void place_kernel(const T* tile, Rows i, Rows j, double unit, T* out, Index n) {
  __shared__ T patch[lanes][lanes + 1];
  const int lane = static_cast<int>(threadIdx.x);
  const Index first_row = Index{blockIdx.y} * lanes, first_col = Index{blockIdx.x} * lanes;
  const bool diagonal = i.first == j.first;
  if (diagonal && first_col > first_row) return;
  T* const below = out + i.first * n + j.first;
  T* const above = out + j.first * n + i.first;
  for (int r = static_cast<int>(threadIdx.y); r < lanes; r += warps) {
    const Index row = first_row + r, col = first_col + lane;
    if (row >= i.count || col >= j.count) continue;
    const T value = static_cast<T>(static_cast<double>(tile[row * j.count + col]) / unit);
    patch[r][lane] = value;
    if (!diagonal || col <= row) below[row * n + col] = value;
  }
  __syncthreads();
  for (int r = static_cast<int>(threadIdx.y); r < lanes; r += warps) {
    const Index row = first_row + lane, col = first_col + r;
    if (row < i.count && col < j.count && (!diagonal || col < row))
      above[col * n + row] = patch[lane][r];
  }
}

template <class T>
__global__ void subtract_sums_kernel(T* x, Index rows, Index cols, const double* u,
                                     const double* v) {
  const Index j = own_col();
  if (j >= cols) return;
  for (Index i = own_row(); i < rows; i += row_step())
    x[i * cols + j] = static_cast<T>(static_cast<double>(x[i * cols + j]) - (u[i] + v[j]));
}

template <class T>
__global__ void correlate_kernel(T* x, Index rows, Index cols, const double* u, const double* v,
                                 bool own) {
  constexpr T undefined = NAN;
  const Index j = own_col();
  if (j >= cols) return;
  for (Index i = own_row(); i < rows; i += row_step()) {
    const double norm = u[i] * v[j], r = static_cast<double>(x[i * cols + j]) / norm;
    const double value = own && i == j ? 1 : r > 1 ? 1 : r < -1 ? -1 : r;
    x[i * cols + j] = norm > 0 ? static_cast<T>(value) : undefined;
  }
}

}  // namespace gramian::cuda

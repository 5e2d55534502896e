// Kernels that look at matrices, for checks and messages: a part of kernels.cu.
#pragma once

#include <cmath>

#include "matrix.cuh"
#include "read.cuh"

namespace gramian::cuda {

/// What one thread of `first_not_finite_kernel` finds in its rows.
struct FirstNotFinite {
  const Source& source;
  Index column, begin;
  Index* found;

  template <class D>
  __device__ void as() const {
    const D* const data = static_cast<const D*>(source.data) + column * source.col_stride;
    for (Index i = begin; i < source.rows; i += warps) {
      const double value = widen<double>(data[i * source.row_stride]);
      if (value - value == 0) continue;
      *found = i;
      return;
    }
  }
};

__global__ void first_not_finite_kernel(Source source, Index* rows) {
  __shared__ Index firsts[warps][lanes];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const Index column = Index{blockIdx.x} * lanes + lane;
  Index first = source.rows;
  if (column < source.cols) with_type(source.dtype, FirstNotFinite{source, column, warp, &first});
  firsts[warp][lane] = first;
  __syncthreads();
  if (warp != 0 || column >= source.cols) return;
  for (int k = 1; k < warps; ++k) first = firsts[k][lane] < first ? firsts[k][lane] : first;
  rows[column] = first;
}

/// A block takes 32 rows, by patches of 32 x 32 and those across the diagonal, which are read along
/// rows as well.
struct RowFacts {
  const Source& source;
  double (*patch)[lanes + 1];
  double* out;

  template <class D>
  __device__ void as() const {
    constexpr int each = lanes / warps;  // rows of a thread
    constexpr double least = -HUGE_VAL;
    const D* const data = static_cast<const D*>(source.data);
    const Index n = source.rows, first_row = Index{blockIdx.x} * lanes;
    const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
    const auto value = [&](Index i, Index j) {
      return widen<double>(data[i * source.row_stride + j * source.col_stride]);
    };
    double off[each] = {}, largest[each] = {}, negative[each];
    for (double& one : negative) one = least;
    for (Index first_col = 0; first_col < n; first_col += lanes) {
      for (int r = warp; r < lanes; r += warps)
        if (first_col + r < n && first_row + lane < n)
          patch[r][lane] = value(first_col + r, first_row + lane);
      __syncthreads();
      for (int k = 0; k < each; ++k) {
        const int r = warp + k * warps;
        if (first_row + r >= n || first_col + lane >= n) continue;
        const double own = value(first_row + r, first_col + lane);
        off[k] = fmax(off[k], fabs(own - patch[lane][r]));
        largest[k] = fmax(largest[k], fabs(own));
        negative[k] = fmax(negative[k], -own);
      }
      __syncthreads();
    }
    combine(off, 0, out + first_row);
    combine(largest, 0, out + n + first_row);
    combine(negative, least, out + 2 * n + first_row);
  }

  __device__ void combine(const double* values, double least, double* to) const {
    const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
    for (int k = 0; k < lanes / warps; ++k) patch[warp + k * warps][lane] = values[k];
    __syncthreads();
    const Index row = Index{blockIdx.x} * lanes + lane;
    if (warp == 0 && row < source.rows) {
      double result = least;
      for (int k = 0; k < lanes; ++k) result = fmax(result, patch[lane][k]);
      to[lane] = result;
    }
    __syncthreads();
  }
};

__global__ void row_facts_kernel(Source source, double* out) {
  __shared__ double patch[lanes][lanes + 1];
  with_type(source.dtype, RowFacts{source, patch, out});
}

/// A warp takes a row.
template <class T>
__global__ void largest_in_rows_kernel(const T* x, Index rows, Index cols, bool absolute,
                                       double* out) {
  __shared__ T values[warps][lanes];
  __shared__ Index columns[warps][lanes];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const auto size = [=](T value) { return absolute && value < 0 ? -value : value; };
  for (Index first = Index{blockIdx.y} * warps; first < rows; first += row_step()) {
    const Index row = first + warp;
    Index column = -1;
    T largest = 0;
    for (Index j = lane; j < cols && row < rows; j += lanes) {
      const T value = x[row * cols + j];
      if (value != value || (column >= 0 && !(size(value) > size(largest)))) continue;
      column = j;
      largest = value;
    }
    values[warp][lane] = largest;
    columns[warp][lane] = column;
    __syncthreads();
    if (lane == 0 && row < rows) {
      for (int k = 1; k < lanes; ++k) {
        const Index other = columns[warp][k];
        const T value = values[warp][k];
        if (other < 0) continue;
        const bool larger = column < 0 || size(value) > size(largest);
        if (!larger && !(size(value) == size(largest) && other < column)) continue;
        column = other;
        largest = value;
      }
      out[row] = static_cast<double>(column);
      out[rows + row] = static_cast<double>(largest);
    }
    __syncthreads();
  }
}

}  // namespace gramian::cuda

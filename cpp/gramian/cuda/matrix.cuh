// Kernels on whole matrices, and sums in double: a part of kernels.cu.
#pragma once

#include "kernels.hpp"
#include "launch.hpp"

namespace gramian::cuda {

/// The caller's element of a vector, for kernels of one dimension.
__device__ inline Index element() {
  return Index{blockIdx.x} * (lanes * warps) + threadIdx.y * lanes + threadIdx.x;
}
/// Column and first row of the caller in a matrix; it goes on by `row_step()`.
__device__ inline Index own_col() { return Index{blockIdx.x} * lanes + threadIdx.x; }
__device__ inline Index own_row() { return Index{blockIdx.y} * warps + threadIdx.y; }
__device__ inline Index row_step() { return Index{gridDim.y} * warps; }

/// Row i of some rows; a quotient of 64 bits takes long, and few rows need one.
__device__ inline Index row_of(const Rows& rows, Index i) {
  return rows.first + (rows.den == 1 ? i * rows.num : i * rows.num / rows.den);
}

/// In order of k: add(x[k * step]) for k = first, ..., count - 1, several reads at a time.
template <class T, class Add>
__device__ void for_each_read(const T* x, Index first, Index count, Index step, const Add& add) {
  for (Index k = first; k < count; k += 2 * in_flight) {
    T values[2 * in_flight] = {};
    for (int r = 0; r < 2 * in_flight; ++r)
      if (k + r < count) values[r] = x[(k + r) * step];
    for (int r = 0; r < 2 * in_flight; ++r)
      if (k + r < count) add(values[r]);
  }
}

__global__ void combine_kernel(Combinations all) {
  const Combination& c = all.each[blockIdx.y];
  const Index i = element();
  if (i >= c.width) return;
  double result = c.parts[i];
  for_each_read(c.parts + i, 1, c.count, c.width, [&](double part) {
    result = !c.maximum ? result + part : part > result ? part : result;
  });
  c.out[i] = result;
}

/// A block sums a stretch; its 256 sums are added in two steps of 32 and 8.
template <class T>
__global__ void dots_kernel(const T* x, Index stride_x, const T* y, Index stride_y, Index n,
                            Index stretch, double* parts) {
  __shared__ double sums[warps][lanes + 1], totals[warps];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  const T* const a = x + Index{blockIdx.x} * stride_x;
  const T* const b = y + Index{blockIdx.x} * stride_y;
  const Index begin = Index{blockIdx.y} * stretch;
  const Index end = begin + stretch < n ? begin + stretch : n;
  double sum = 0;
  for (Index i = begin + warp * lanes + lane; i < end; i += lanes * warps)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  sums[warp][lane] = sum;
  __syncthreads();
  if (lane == 0) {
    for (int k = 1; k < lanes; ++k) sum += sums[warp][k];
    totals[warp] = sum;
  }
  __syncthreads();
  if (lane == 0 && warp == 0) {
    for (int k = 1; k < warps; ++k) sum += totals[k];
    parts[Index{blockIdx.x} * gridDim.y + blockIdx.y] = sum;
  }
}

/// A warp takes a row and the next one; its 32 sums are added in order.
template <class T>
__global__ void absolute_sums_kernel(const T* x, Index rows, Index cols, double* out) {
  __shared__ double sums[2][warps][lanes + 1];
  const int lane = static_cast<int>(threadIdx.x), warp = static_cast<int>(threadIdx.y);
  for (Index first = Index{blockIdx.y} * warps; first < rows; first += row_step()) {
    const Index row = first + warp, next = row + 1 < rows ? row + 1 : row;
    double own = 0, larger = 0;
    for (Index j = lane; j < cols && row < rows; j += lanes) {
      const double value = fabs(static_cast<double>(x[row * cols + j]));
      own += value;
      larger += fmax(value, fabs(static_cast<double>(x[next * cols + j])));
    }
    sums[0][warp][lane] = own;
    sums[1][warp][lane] = larger;
    __syncthreads();
    if (lane < 2 && row + lane < rows) {
      double total = 0;
      for (int k = 0; k < lanes; ++k) total += sums[lane][warp][k];
      out[lane * rows + row] = total;
    }
    __syncthreads();
  }
}

template <class T>
__global__ void accumulate_kernel(const T* x, Index n, Index count, double* total) {
  const Index i = element();
  if (i >= n) return;
  double sum = total[i];
  for_each_read(x + i, 0, count, n, [&](T part) { sum += static_cast<double>(part); });
  total[i] = sum;
}

template <class T>
__global__ void widen_kernel(const T* x, Index n, double factor, double* out) {
  const Index i = element();
  if (i < n) out[i] = factor * static_cast<double>(x[i]);
}

template <class T>
__global__ void narrow_kernel(const double* x, Index rows, Index cols, bool lower_only, T* out) {
  const Index j = own_col();
  if (j >= cols) return;
  for (Index i = own_row(); i < rows; i += row_step())
    out[i * cols + j] = static_cast<T>(x[lower_only && j > i ? j * cols + i : i * cols + j]);
}

template <class T>
__global__ void fill_diagonal_kernel(T* x, Rows rows, Rows cols, const T* values) {
  const Index j = element();
  if (j >= cols.count) return;
  const Index i = row_of(cols, j), row = i - rows.first;
  if (row >= 0 && row < rows.count) x[row * cols.count + j] = values[i];
}

template <class T>
__global__ void take_diagonal_kernel(T* x, Index n, Index cols, bool clear, double* out) {
  const Index i = element();
  if (i >= n) return;
  out[i] = static_cast<double>(x[i * (cols + 1)]);
  if (clear) x[i * (cols + 1)] = 0;
}

/// By patches of 32 x 32, so that both sides are read and written along rows.
template <class T>
__global__ void transpose_kernel(const T* x, Index rows, Index cols, Index stride, T* out) {
  __shared__ T patch[lanes][lanes + 1];
  const int lane = static_cast<int>(threadIdx.x);
  const Index first_row = Index{blockIdx.y} * lanes, first_col = Index{blockIdx.x} * lanes;
  for (int r = static_cast<int>(threadIdx.y); r < lanes; r += warps)
    if (first_row + r < rows && first_col + lane < cols)
      patch[r][lane] = x[(first_row + r) * stride + first_col + lane];
  __syncthreads();
  for (int r = static_cast<int>(threadIdx.y); r < lanes; r += warps)
    if (first_col + r < cols && first_row + lane < rows)
      out[(first_col + r) * rows + first_row + lane] = patch[lane][r];
}

template <class T>
__global__ void keep_lower_kernel(T* x, Index n, Index stride) {
  const Index j = own_col();
  if (j >= n) return;
  for (Index i = own_row(); i < j; i += row_step()) x[i * stride + j] = 0;
}

template <class T>
__global__ void add_kernel(double a, T* m, double c, const T* x, Index n) {
  const Index i = element();
  if (i < n) m[i] = static_cast<T>(a * static_cast<double>(m[i]) + c * static_cast<double>(x[i]));
}

template <class T>
__global__ void add_product_kernel(double c, const T* x, Index rows, Index cols, const double* u,
                                   const double* v, double* total) {
  const Index j = own_col();
  if (j >= cols) return;
  for (Index i = own_row(); i < rows; i += row_step())
    total[i * cols + j] += c * static_cast<double>(x[i * cols + j]) + u[i] * v[j];
}

template <class T>
__global__ void scale_kernel(T* x, Index rows, Index cols, const double* row_factors,
                             const double* col_factors) {
  const Index j = own_col();
  if (j >= cols) return;
  for (Index i = own_row(); i < rows; i += row_step()) {
    T& value = x[i * cols + j];
    value = static_cast<T>(static_cast<double>(value) * row_factors[i] * col_factors[j]);
  }
}

template <class T>
__global__ void scaled_copy_kernel(Strided<T> x, const double* factors, bool of_rows, T* out,
                                   Index stride) {
  const Index j = own_col();
  if (j >= x.cols) return;
  for (Index i = own_row(); i < x.rows; i += row_step()) {
    const T value = x.data[i * x.row_stride + j * x.col_stride];
    out[i * stride + j] = static_cast<T>(static_cast<double>(value) * factors[of_rows ? i : j]);
  }
}

template <class T>
__global__ void subtract_kernel(Strided<T> x, T* y) {
  const Index j = own_col();
  if (j >= x.cols) return;
  for (Index i = own_row(); i < x.rows; i += row_step())
    y[i * x.cols + j] = x.data[i * x.row_stride + j * x.col_stride] - y[i * x.cols + j];
}

}  // namespace gramian::cuda

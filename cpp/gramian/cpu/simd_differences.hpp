// Distances of rows from the differences of their elements: a part of simd.cpp, compiled with it
// for every instruction set. It takes 2 to 3 times as long as a GEMM, and loses nothing where rows
// are near one another.
#pragma once

#include "simd_products.hpp"

namespace gramian::simd {
namespace {

/// Some rows, n elements long and `stride` apart; what they lack to twice the precision may be in
/// `low`.
template <class T>
struct Lines {
  const T *high, *low;
  Index stride;

  Lines from(Index row, Index element) const {
    const Index offset = row * stride + element;
    return {high + offset, low == nullptr ? nullptr : low + offset, stride};
  }
};

template <class T, bool Low>
T difference(const Lines<T>& x, Index i, const Lines<T>& y, Index j, Index k) {
  const Index at_x = i * x.stride + k, at_y = j * y.stride + k;
  const T d = x.high[at_x] - y.high[at_y];
  return Low ? d + (x.low[at_x] - y.low[at_y]) : d;
}

/// Subtracts half the squared distances of R rows and C rows over n elements.
template <class T, bool Low, int R, int C>
void subtract_block(const Lines<T>& x, const Lines<T>& y, Index n, T* out, Index out_stride) {
  using Lanes = typename Vector<T>::Lanes;
  constexpr Index size = Vector<T>::size;
  const auto load = [](const T* from) {
    Lanes lanes;
    std::memcpy(&lanes, from, sizeof lanes);
    return lanes;
  };
  Lanes sums[R][C] = {};
  Index k = 0;
  for (; k + size <= n; k += size) {
    Lanes of_y[C], low_of_y[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      of_y[c] = load(y.high + c * y.stride + k);
      if constexpr (Low) low_of_y[c] = load(y.low + c * y.stride + k);
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      const Lanes of_x = load(x.high + r * x.stride + k);
      Lanes low_of_x{};
      if constexpr (Low) low_of_x = load(x.low + r * x.stride + k);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) {
        Lanes d = of_x - of_y[c];
        if constexpr (Low) d += low_of_x - low_of_y[c];
        sums[r][c] += d * d;
      }
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) {
      T sum = sum_of_lanes<T>(sums[r][c]);
      for (Index rest = k; rest < n; ++rest) {
        const T d = difference<T, Low>(x, r, y, c, rest);
        sum += d * d;
      }
      out[r * out_stride + c] -= sum / 2;
    }
}

template <class T, bool Low, int R, int C>
void subtract_across(Index cols, const Lines<T>& x, const Lines<T>& y, Index n, T* out,
                     Index out_stride) {
  Index j = 0;
  for (; j + C <= cols; j += C)
    subtract_block<T, Low, R, C>(x, y.from(j, 0), n, out + j, out_stride);
  if constexpr (C > 1)
    subtract_across<T, Low, R, C / 2>(cols - j, x, y.from(j, 0), n, out + j, out_stride);
}

template <class T, bool Low, int R>
void subtract_squares(Index rows, Index cols, const Lines<T>& x, const Lines<T>& y, Index n,
                      T* out) {
  Index i = 0;
  for (; i + R <= rows; i += R)
    subtract_across<T, Low, R, across>(cols, x.from(i, 0), y, n, out + i * cols, cols);
  if constexpr (R > 1)
    subtract_squares<T, Low, R / 2>(rows - i, cols, x.from(i, 0), y, n, out + i * cols);
}

/// out(i, j) = -|xᵢ - yⱼ|² / 2, in strips of the rows that stay in cache.
template <class T>
void differences(const T* x, const T* x_low, Index rows, const T* y, const T* y_low, Index cols,
                 Index n, T* out) {
  constexpr Index strip = 512;
  const Lines<T> of_x{x, x_low, n}, of_y{y, y_low, n};
  for (Index k = 0; k < rows * cols; ++k) out[k] = 0;
  for (Index first = 0; first < n; first += strip) {
    const Index length = n - first < strip ? n - first : strip;
    if (x_low == nullptr)
      subtract_squares<T, false, along>(rows, cols, of_x.from(0, first), of_y.from(0, first),
                                        length, out);
    else
      subtract_squares<T, true, along>(rows, cols, of_x.from(0, first), of_y.from(0, first), length,
                                       out);
  }
}

}  // namespace
}  // namespace gramian::simd

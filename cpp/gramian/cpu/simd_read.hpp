// Reading of activations of any element type and layout: a part of simd.cpp, compiled with it for
// every instruction set.
#pragma once

#include <cmath>
#include <cstring>

#include "simd.hpp"

namespace gramian::simd {
namespace {

using std::int32_t;
using std::uint16_t;
using std::uint32_t;

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

float from_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T, class D>
T widen(D x) {
  return static_cast<T>(x);
}
template <class T>
T widen(BFloat x) {
  return from_bits(uint32_t{x.bits} << 16);
}
// The exponent is moved by multiplying, which also turns half's denormals into normal floats.
template <class T>
T widen(Half x) {
  const uint32_t magnitude = (x.bits & 0x7FFFU) << 13;
  const uint32_t special = magnitude >= (0x7C00U << 13) ? 0x7F800000U : 0U;  // infinity, NaN
  const float scaled = from_bits(magnitude) * 0x1p112F;
  uint32_t bits;
  std::memcpy(&bits, &scaled, sizeof bits);
  return from_bits(bits | special | (x.bits & 0x8000U) << 16);
}

/// Calls f with a null pointer of the source's element type.
template <class F>
void with_type(DType dtype, F f) {
  switch (dtype) {
    case DType::f16: return f(static_cast<const Half*>(nullptr));
    case DType::bf16: return f(static_cast<const BFloat*>(nullptr));
    case DType::f32: return f(static_cast<const float*>(nullptr));
    case DType::f64: return f(static_cast<const double*>(nullptr));
    case DType::i8: return f(static_cast<const std::int8_t*>(nullptr));
    case DType::u8: return f(static_cast<const std::uint8_t*>(nullptr));
    case DType::i16: return f(static_cast<const std::int16_t*>(nullptr));
    case DType::u16: return f(static_cast<const uint16_t*>(nullptr));
    case DType::i32: return f(static_cast<const int32_t*>(nullptr));
    case DType::u32: return f(static_cast<const uint32_t*>(nullptr));
    case DType::i64: return f(static_cast<const int64_t*>(nullptr));
    case DType::u64: return f(static_cast<const std::uint64_t*>(nullptr));
  }
}

template <class T, class D>
void pack_as(const D* x, const Source& source, Rows rows, Index first, Index cols,
             const Packing<T>& to) {
  const Index rs = source.row_stride, cs = source.col_stride;
  const T* const high = to.mean_high + first;
  const T* const low = to.mean_low + first;
  const T scale = to.scale;
  if (to.row_major) {
    for (Index i = 0; i < rows.count; ++i) {
      const D* const row = x + rows[i] * rs + first * cs;
      T* const out = to.out + i * cols;
      if (cs == 1) {
#pragma omp simd
        for (Index j = 0; j < cols; ++j) out[j] = widen<T>(row[j]) * scale - high[j] - low[j];
      } else {
        for (Index j = 0; j < cols; ++j) out[j] = widen<T>(row[j * cs]) * scale - high[j] - low[j];
      }
    }
    return;
  }
  const bool contiguous = rs == 1 && rows.num == rows.den;
  for (Index j = 0; j < cols; ++j) {
    const D* const col = x + (first + j) * cs;
    T* const out = to.out + j * rows.count;
    const T h = high[j], l = low[j];
    if (contiguous) {
#pragma omp simd
      for (Index i = 0; i < rows.count; ++i) out[i] = widen<T>(col[rows.first + i]) * scale - h - l;
    } else {
      for (Index i = 0; i < rows.count; ++i) out[i] = widen<T>(col[rows[i] * rs]) * scale - h - l;
    }
  }
}

template <class T>
void pack(const Source& source, Rows rows, Index first, Index cols, const Packing<T>& to) {
  with_type(source.dtype, [&]<class D>(const D*) {
    pack_as(static_cast<const D*>(source.data), source, rows, first, cols, to);
  });
}

/// How elements of some rows, times `unit`, deviate from the first row of all. Several rows at
/// once, so that sums are fetched and stored less often.
template <int rows, class D>
void row_moments(const D* x, Index stride, Index count, double unit, const double* first,
                 double* sums, double* squares, double* spread, double* largest) {
  double most = *spread, top = *largest;
#pragma omp simd reduction(max : most, top)
  for (Index j = 0; j < count; ++j) {
    const double origin = first[j];
    double sum = sums[j], square = squares[j];
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      const double value = widen<double>(x[i * stride + j]) * unit, deviation = value - origin;
      sum += deviation;
      square += deviation * deviation;
      most = std::fabs(deviation) > most ? std::fabs(deviation) : most;
      top = std::fabs(value) > top ? std::fabs(value) : top;
    }
    sums[j] = sum;
    squares[j] = square;
  }
  *spread = most;
  *largest = top;
}

/// The same of a column, whose first element is given.
template <class D>
void column_moments(const D* column, Index stride, Index count, double unit, double first,
                    double* sum, double* square, double* spread, double* largest) {
  double total = 0, squares = 0, most = *spread, top = *largest;
#pragma omp simd reduction(+ : total, squares) reduction(max : most, top)
  for (Index i = 0; i < count; ++i) {
    const double value = widen<double>(column[i * stride]) * unit, deviation = value - first;
    total += deviation;
    squares += deviation * deviation;
    most = std::fabs(deviation) > most ? std::fabs(deviation) : most;
    top = std::fabs(value) > top ? std::fabs(value) : top;
  }
  *sum += total;
  *square += squares;
  *spread = most;
  *largest = top;
}

template <class D>
void column_moments_of(const D* x, const Source& source, Rows rows, double unit,
                       const double* first, const MomentSums& to) {
  const Index rs = source.row_stride, cs = source.col_stride;
  if (cs == 1) {
    constexpr Index width = 512;  // columns at a time, whose sums stay in the first cache
    for (Index j = 0; j < source.cols; j += width) {
      const Index count = j + width < source.cols ? width : source.cols - j;
      const D* row = x + rows.first * rs + j;
      Index i = 0;
      for (; i + 4 <= rows.count; i += 4, row += 4 * rs)
        row_moments<4>(row, rs, count, unit, first + j, to.sums + j, to.squares + j, to.spread,
                       to.largest);
      for (; i < rows.count; ++i, row += rs)
        row_moments<1>(row, rs, count, unit, first + j, to.sums + j, to.squares + j, to.spread,
                       to.largest);
    }
    return;
  }
  for (Index j = 0; j < source.cols; ++j)
    column_moments(x + rows.first * rs + j * cs, rs, rows.count, unit, first[j], to.sums + j,
                   to.squares + j, to.spread, to.largest);
}

void column_moments(const Source& source, Rows rows, double unit, const double* first,
                    const MomentSums& to) {
  with_type(source.dtype, [&]<class D>(const D*) {
    column_moments_of(static_cast<const D*>(source.data), source, rows, unit, first, to);
  });
}

template <class T>
void squared_norms(const T* panel, Index rows, Index cols, bool row_major, double* out) {
  if (row_major) {
    for (Index i = 0; i < rows; ++i) {
      const T* const row = panel + i * cols;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index j = 0; j < cols; ++j) sum += double{row[j]} * double{row[j]};
      out[i] = sum;
    }
    return;
  }
  for (Index i = 0; i < rows; ++i) out[i] = 0;
  for (Index j = 0; j < cols; ++j) {
    const T* const col = panel + j * rows;
#pragma omp simd
    for (Index i = 0; i < rows; ++i) out[i] += double{col[i]} * double{col[i]};
  }
}

}  // namespace
}  // namespace gramian::simd

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
        for (Index j = 0; j < cols; ++j) out[j] = (widen<T>(row[j]) - high[j] - low[j]) * scale;
      } else {
        for (Index j = 0; j < cols; ++j)
          out[j] = (widen<T>(row[j * cs]) - high[j] - low[j]) * scale;
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
      for (Index i = 0; i < rows.count; ++i)
        out[i] = (widen<T>(col[rows.first + i]) - h - l) * scale;
    } else {
      for (Index i = 0; i < rows.count; ++i) out[i] = (widen<T>(col[rows[i] * rs]) - h - l) * scale;
    }
  }
}

template <class T>
void pack(const Source& source, Rows rows, Index first, Index cols, const Packing<T>& to) {
  with_type(source.dtype, [&]<class D>(const D*) {
    pack_as(static_cast<const D*>(source.data), source, rows, first, cols, to);
  });
}

template <class D>
void column_sums_of(const D* x, const Source& source, Rows rows, double* sums, double* largest) {
  const Index rs = source.row_stride, cs = source.col_stride;
  double top = *largest;
  if (cs == 1) {
    for (Index i = 0; i < rows.count; ++i) {
      const D* const row = x + rows[i] * rs;
#pragma omp simd reduction(max : top)
      for (Index j = 0; j < source.cols; ++j) {
        const double v = widen<double>(row[j]);
        sums[j] += v;
        top = std::fabs(v) > top ? std::fabs(v) : top;
      }
    }
  } else {
    for (Index j = 0; j < source.cols; ++j) {
      const D* const col = x + rows.first * rs + j * cs;
      double sum = 0;
#pragma omp simd reduction(+ : sum) reduction(max : top)
      for (Index i = 0; i < rows.count; ++i) {
        const double v = widen<double>(col[i * rs]);
        sum += v;
        top = std::fabs(v) > top ? std::fabs(v) : top;
      }
      sums[j] += sum;
    }
  }
  *largest = top;
}

void column_sums(const Source& source, Rows rows, double* sums, double* largest) {
  with_type(source.dtype, [&]<class D>(const D*) {
    column_sums_of(static_cast<const D*>(source.data), source, rows, sums, largest);
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

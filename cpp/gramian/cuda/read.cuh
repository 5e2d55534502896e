// Kernels that read activations of any element type and layout: a part of kernels.cu.
#pragma once

#include <cstring>

#include "matrix.cuh"

namespace gramian::cuda {

struct Half {
  std::uint16_t bits;
};
struct BFloat {
  std::uint16_t bits;
};

__device__ inline float from_bits(std::uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T, class D>
__device__ T widen(D x) {
  return static_cast<T>(x);
}
template <class T>
__device__ T widen(BFloat x) {
  return from_bits(std::uint32_t{x.bits} << 16);
}
// The exponent is moved by multiplying, which also turns half's denormals into normal floats.
template <class T>
__device__ T widen(Half x) {
  const std::uint32_t magnitude = (x.bits & 0x7FFFU) << 13;
  const std::uint32_t special = magnitude >= (0x7C00U << 13) ? 0x7F800000U : 0U;  // infinity, NaN
  const float scaled = from_bits(magnitude) * 0x1p112F;
  std::uint32_t bits;
  memcpy(&bits, &scaled, sizeof bits);
  return from_bits(bits | special | (x.bits & 0x8000U) << 16);
}

/// Calls f.as<D>() with the element type D, the same one for all threads.
template <class F>
__device__ void with_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f16: return f.template as<Half>();
    case DType::bf16: return f.template as<BFloat>();
    case DType::f32: return f.template as<float>();
    case DType::f64: return f.template as<double>();
    case DType::i8: return f.template as<std::int8_t>();
    case DType::u8: return f.template as<std::uint8_t>();
    case DType::i16: return f.template as<std::int16_t>();
    case DType::u16: return f.template as<std::uint16_t>();
    case DType::i32: return f.template as<std::int32_t>();
    case DType::u32: return f.template as<std::uint32_t>();
    case DType::i64: return f.template as<std::int64_t>();
    case DType::u64: return f.template as<std::uint64_t>();
  }
}

/// Of some elements of a column: the sum and the squares of what they deviate by, and the largest
/// |deviation| and |element|.
struct Moments {
  double sum, squares, spread, largest;

  __device__ void add(const Moments& other) {
    sum += other.sum;
    squares += other.squares;
    spread = other.spread > spread ? other.spread : spread;
    largest = other.largest > largest ? other.largest : largest;
  }
};

/// The lines of a packed panel are rows, or columns, as it is ordered; a warp takes elements along
/// a line, and a thread the same element of every eighth line.
template <class T, class M>
struct PackLines {
  Source source;
  Rows rows;
  Index first, cols;
  Packing<T, M> to;
  const Index* chosen;

  __device__ Index row(Index i) const { return chosen != nullptr ? chosen[i] : row_of(rows, i); }

  template <class D>
  __device__ void as() const {
    const D* const x = static_cast<const D*>(source.data) + first * source.col_stride;
    const Index length = to.row_major ? cols : rows.count, lines = to.row_major ? rows.count : cols;
    const Index along = Index{blockIdx.x} * lanes + threadIdx.x;
    if (along >= length) return;
    const Index step = Index{gridDim.y} * warps;
    for (Index line = Index{blockIdx.y} * warps + threadIdx.y; line < lines;
         line += in_flight * step) {
      T values[in_flight] = {}, high[in_flight] = {}, low[in_flight] = {};
      for (int k = 0; k < in_flight; ++k) {
        const Index at = line + k * step;
        if (at >= lines) continue;
        const Index i = to.row_major ? at : along, j = to.row_major ? along : at;
        values[k] = widen<T>(x[row(i) * source.row_stride + j * source.col_stride]);
        high[k] = T(to.mean_high[first + j]);
        low[k] = T(to.mean_low[first + j]);
      }
      for (int k = 0; k < in_flight; ++k)
        if (line + k * step < lines)
          to.out[(line + k * step) * length + along] = values[k] * to.scale - high[k] - low[k];
    }
  }
};

template <class T, class M>
__global__ void pack_kernel(PackLines<T, M> pack) {
  with_type(pack.source.dtype, pack);
}

/// What one thread of `column_moments_kernel` finds in its elements of rows begin, begin + step,
/// ...
struct ColumnPart {
  const Source& source;
  bool centred;
  double unit;
  Index column, begin, end, step;
  Moments* found;
  double* origin;  // the first element

  template <class D>
  __device__ void as() const {
    const D* const data = static_cast<const D*>(source.data) + column * source.col_stride;
    const double first = centred ? widen<double>(data[0]) * unit : 0;
    *origin = first;
    for (Index i = begin; i < end; i += step) {
      const double value = widen<double>(data[i * source.row_stride]) * unit;
      const double deviation = value - first;
      found->add({deviation, deviation * deviation, fabs(deviation), fabs(value)});
    }
  }
};

/// A block takes `stretch` rows. A warp takes adjacent elements: 8 rows of 32 columns are in the
/// block, or 32 rows of 8 columns. A NaN or an infinity reaches its column's sums.
__global__ void column_moments_kernel(Source source, bool across, Index stretch, bool centred,
                                      double unit, double* out) {
  __shared__ Moments parts[warps][lanes + 1];
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int row = across ? y : x, step = across ? warps : lanes;
  const Index column = Index{blockIdx.x} * (across ? lanes : warps) + (across ? x : y);
  const Index begin = Index{blockIdx.y} * stretch;
  const Index end = begin + stretch < source.rows ? begin + stretch : source.rows;
  Moments total{0, 0, 0, 0};
  double first = 0;
  if (column < source.cols)
    with_type(source.dtype,
              ColumnPart{source, centred, unit, column, begin + row, end, step, &total, &first});
  parts[y][x] = total;
  __syncthreads();
  if (row != 0 || column >= source.cols) return;
  for (int k = 1; k < step; ++k) total.add(across ? parts[k][x] : parts[y][k]);
  const Index stretches = gridDim.y, size = stretches * source.cols;
  double* const at = out + Index{blockIdx.y} * source.cols + column;
  at[0] = total.squares;
  if (!centred) return;
  at[size] = total.sum;
  at[2 * size] = total.spread;
  at[3 * size] = total.largest;
  if (begin == 0) out[4 * size + column] = first;
}

}  // namespace gramian::cuda

// Activations for the tests: every element type in every layout, with the values they stand for.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gramian/cpu/cpu.hpp"
#include "gramian/linalg.hpp"

namespace gramian::test {

inline std::vector<double> filled(Index n, double value) {
  return std::vector<double>(static_cast<std::size_t>(n), value);
}

template <class B>
double epsilon() {
  return static_cast<double>(std::numeric_limits<typename B::scalar>::epsilon());
}

enum class Layout { rows, columns, padded_rows, padded_columns, every_other, backwards };
inline constexpr std::array layouts = {Layout::rows,        Layout::columns,
                                       Layout::padded_rows, Layout::padded_columns,
                                       Layout::every_other, Layout::backwards};
inline constexpr std::array dtypes = {DType::f16, DType::bf16, DType::f32, DType::f64,
                                      DType::i8,  DType::u8,   DType::i16, DType::u16,
                                      DType::i32, DType::u32,  DType::i64, DType::u64};

/// The bits of a value that float16 holds exactly as a normal number or 0.
inline std::uint16_t half_bits(double value) {
  if (value == 0) return 0;
  int exponent;
  const double fraction = std::frexp(std::abs(value), &exponent);  // in [1/2, 1)
  const auto mantissa = static_cast<unsigned>(std::ldexp(fraction, 11)) & 0x3FFU;
  const auto bits = (value < 0 ? 0x8000U : 0U) | static_cast<unsigned>(exponent + 14) << 10;
  return static_cast<std::uint16_t>(bits | mantissa);
}

inline std::uint16_t bfloat_bits(double value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16);
}

/// A matrix in memory of its own, and its values in row-major order.
struct Data {
  std::vector<std::byte> memory;
  Source source{};
  std::vector<double> values;

  double operator()(Index i, Index j) const {
    return values[static_cast<std::size_t>(i * source.cols + j)];
  }
  double mean(Index j) const { return static_cast<double>(exact_mean(j)); }
  /// Times scale, as layers have them.
  Means means(double scale = 1) const {
    Means all;
    for (Index j = 0; j < source.cols; ++j) {
      all.high.push_back(mean(j) * scale);
      all.low.push_back(static_cast<double>(exact_mean(j) - mean(j)) * scale);
    }
    return all;
  }
  bool is_constant() const {
    for (Index i = 0; i < source.rows; ++i)
      for (Index j = 0; j < source.cols; ++j)
        if ((*this)(i, j) != (*this)(0, j)) return false;
    return true;
  }

 private:
  long double exact_mean(Index j) const {
    long double sum = 0;
    for (Index i = 0; i < source.rows; ++i) sum += (*this)(i, j);
    return sum / static_cast<long double>(source.rows);
  }
};

template <class E>
void store(Data& data, Index at, E element) {
  std::memcpy(data.memory.data() + static_cast<std::size_t>(at) * sizeof(E), &element, sizeof(E));
}

inline void store(Data& data, DType dtype, Index at, double value) {
  switch (dtype) {
    case DType::f16: return store(data, at, half_bits(value));
    case DType::bf16: return store(data, at, bfloat_bits(value));
    case DType::f32: return store(data, at, static_cast<float>(value));
    case DType::f64: return store(data, at, value);
    case DType::i8: return store(data, at, static_cast<std::int8_t>(value));
    case DType::u8: return store(data, at, static_cast<std::uint8_t>(value));
    case DType::i16: return store(data, at, static_cast<std::int16_t>(value));
    case DType::u16: return store(data, at, static_cast<std::uint16_t>(value));
    case DType::i32: return store(data, at, static_cast<std::int32_t>(value));
    case DType::u32: return store(data, at, static_cast<std::uint32_t>(value));
    case DType::i64: return store(data, at, static_cast<std::int64_t>(value));
    case DType::u64: return store(data, at, static_cast<std::uint64_t>(value));
  }
}

/// Puts values into memory under a layout.
inline Data make_data(Index rows, Index cols, DType dtype, Layout layout,
                      std::vector<double> values) {
  Data data;
  data.values = std::move(values);
  Index row_stride = cols, col_stride = 1, first = 0;
  switch (layout) {
    case Layout::rows: break;
    case Layout::padded_rows: row_stride = cols + 3; break;
    case Layout::columns: row_stride = 1, col_stride = rows; break;
    case Layout::padded_columns: row_stride = 1, col_stride = rows + 5; break;
    case Layout::every_other: row_stride = 2 * cols + 1, col_stride = 2; break;
    case Layout::backwards: row_stride = -cols, col_stride = -1, first = rows * cols - 1; break;
  }
  const Index last = first + (rows - 1) * row_stride + (cols - 1) * col_stride;
  data.memory.resize(static_cast<std::size_t>((std::max(first, last) + 1) * size_of(dtype)));
  data.source = {
      data.memory.data() + first * size_of(dtype), dtype, rows, cols, row_stride, col_stride};
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j)
      store(data, dtype, first + i * row_stride + j * col_stride, data(i, j));
  return data;
}

/// Values that every element type holds exactly: multiples of 1/8, or whole numbers, up to 31.
inline Data exact_data(Index rows, Index cols, DType dtype, Layout layout, unsigned seed = 0) {
  std::mt19937 random{seed};
  const bool whole = dtype > DType::f64;
  const bool positive = dtype == DType::u8 || dtype == DType::u16 || dtype >= DType::u32;
  std::uniform_int_distribution<int> number{positive ? 0 : -31, 31};
  auto values = filled(rows * cols, 0);
  for (double& value : values) value = number(random) / (whole ? 1.0 : 8.0);
  return make_data(rows, cols, dtype, layout, std::move(values));
}

/// Normal floats, a different offset for each column.
inline Data normal_data(Index rows, Index cols, Layout layout = Layout::rows, double offset = 0,
                        unsigned seed = 0) {
  std::mt19937 random{seed};
  std::normal_distribution<double> normal;
  auto values = filled(rows * cols, 0);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto column = static_cast<double>(k % static_cast<std::size_t>(cols));
    values[k] = static_cast<double>(static_cast<float>(normal(random) + offset * (1 + column)));
  }
  return make_data(rows, cols, DType::f32, layout, std::move(values));
}

template <class B>
Layer<B> layer_of(B& b, const Data& data, double scale = 1) {
  return make_layer(b, data.source, data.means(scale), scale, data.is_constant());
}

}  // namespace gramian::test

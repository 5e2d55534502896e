// What reads layers: upload, pack, block, column statistics, norms and dot products.
#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "check.hpp"
#include "gramian/cpu/blas_info.hpp"
#include "gramian/cpu/column_statistics.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

template <class B>
void test_upload_and_dot(B& b) {
  for (const Index n : {0, 1, 7, 64, 1001}) {
    auto x = filled(n, 0), y = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = 1.0 / (1.0 + static_cast<double>(i));
      y[i] = std::ldexp(static_cast<double>(i) - 500, -3);
    }
    const auto on_device = b.upload(x), other = b.upload(y);
    const auto rounded = b.download(on_device.get(), n);
    for (std::size_t i = 0; i < x.size(); ++i)
      check(rounded[i] == static_cast<double>(static_cast<typename B::scalar>(x[i])), "upload");
    double expected = 0, size = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected += rounded[i] * y[i];
      size += std::abs(rounded[i] * y[i]);
    }
    check_near(b.dot({on_device.get(), n, 1}, {other.get(), n, 1}), expected, 1e-14 * size, "dot");
  }
}

/// Element (i, j) of a packed panel, in double.
template <class B>
auto panel_reader(B& b, const Panel<B>& panel) {
  return
      [&panel, values = b.download(panel.memory.get(), panel.rows * panel.cols)](Index i, Index j) {
        const Index at = panel.row_major ? i * panel.cols + j : j * panel.rows + i;
        return values[static_cast<std::size_t>(at)];
      };
}

template <class B>
void check_packed(B& b, const Data& data, Rows rows, double scale, const std::string& what) {
  const auto layer = layer_of(b, data, scale);
  Panel<B> panel;
  b.pack(layer, rows, panel);
  check(panel.rows == rows.count && panel.cols == data.source.cols, what + ": shape");
  check(panel.row_major == data.source.row_major(), what + ": order");
  const auto packed = panel_reader(b, panel);
  const double eps = epsilon<B>();
  const Means means = data.means();
  for (Index j = 0; j < data.source.cols; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const double mean = means.high[at];
    for (Index i = 0; i < rows.count; ++i) {
      // Two roundings of the difference, and what is left of a mean held as two numbers.
      const double expected = data(rows[i], j) - mean - means.low[at];
      const double tolerance = 2 * eps * std::abs(expected) + eps * eps * std::abs(mean);
      check_near(packed(i, j), expected * scale, tolerance * scale, what);
    }
  }
}

template <class B>
void test_pack(B& b) {
  for (const DType dtype : dtypes)
    for (const Layout layout : layouts) {
      const std::string what = "pack dtype " + std::to_string(static_cast<int>(dtype)) +
          " layout " + std::to_string(static_cast<int>(layout));
      const Data data = exact_data(37, 19, dtype, layout);
      check_packed(b, data, {0, 37}, 1, what);
      check_packed(b, data, {5, 9}, 0.25, what + " part");
      check_packed(b, data, {0, 16, 37, 16}, 4, what + " landmarks");
    }
  check_packed(b, exact_data(1, 1, DType::f32, Layout::rows), {0, 1}, 1, "pack 1 x 1");
  for (const Layout layout : {Layout::rows, Layout::columns})
    check_packed(b, normal_data(300, 7, layout, 1e4), {0, 300}, 1, "pack at an offset");
}

template <class B>
void test_pack_keeps_its_memory(B& b) {
  const Data data = normal_data(64, 8);
  const auto layer = layer_of(b, data);
  Panel<B> panel;
  b.pack(layer, {0, 64}, panel);
  const auto* const memory = panel.memory.get();
  b.pack(layer, {3, 5}, panel);
  check(panel.memory.get() == memory && panel.rows == 5, "a smaller panel uses the memory it has");
}

/// All 65,536 numbers of 16 bits: denormals, infinities and NaN among them.
template <class B>
void test_every_16_bit_float(B& b) {
  std::vector<std::uint16_t> bits(65536);
  std::iota(bits.begin(), bits.end(), std::uint16_t{0});
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const Source source{bits.data(), dtype, 256, 256, 256, 1};
    const auto layer = make_layer(b, source, Means::none(256), 1);
    Panel<B> panel;
    b.pack(layer, {0, 256}, panel);
    const auto packed = panel_reader(b, panel);
    for (Index k = 0; k < 65536; ++k) {
      double expected = 0;
      if (dtype == DType::bf16) {
        expected = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(k) << 16));
      } else {
        const auto exponent = static_cast<int>(k >> 10 & 31), mantissa = static_cast<int>(k & 1023);
        if (exponent == 31)
          expected = mantissa == 0 ? HUGE_VAL : std::nan("");
        else
          expected = exponent == 0 ? std::ldexp(mantissa, -24)
                                   : std::ldexp(1024 + mantissa, exponent - 25);
        if (k >= 32768) expected = -expected;
      }
      check_near(packed(k / 256, k % 256), expected, 0, "16-bit float " + std::to_string(k));
    }
  }
}

template <class B>
void test_squared_norms(B& b) {
  for (const Layout layout : {Layout::rows, Layout::columns})
    for (const Index cols : {1, 31, 257}) {
      const Data data = normal_data(33, cols, layout, 3);
      const auto layer = layer_of(b, data, 0.5);
      Panel<B> panel;
      b.pack(layer, {0, 33}, panel);
      const auto packed = panel_reader(b, panel);
      auto norms = filled(33, 0);
      b.squared_norms(panel, norms.data());
      const auto of_layer = squared_norms(b, layer);
      for (Index i = 0; i < 33; ++i) {
        double expected = 0;
        for (Index j = 0; j < cols; ++j) expected += packed(i, j) * packed(i, j);
        const auto at = static_cast<std::size_t>(i);
        check_near(norms[at], expected, 1e-13 * expected, "squared norms of a panel");
        check(of_layer[at] == norms[at], "squared norms of a layer");
      }
    }
}

/// The part of a symmetric matrix across the diagonal may be read instead.
template <class B>
void test_block(B& b) {
  const Index n = 21;
  auto values = filled(n * n, 0);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j)
      values[static_cast<std::size_t>(i * n + j)] = static_cast<double>((i + 1) * (j + 1) % 31);
  for (const Layout layout : layouts) {
    const Data data = make_data(n, n, DType::f32, layout, values);
    const auto layer = make_layer(b, data.source, Means::none(n), 0.5);
    const Rows i{4, 9}, j{2, 5};
    auto tile = b.allocate(i.count * j.count);
    b.block(layer, i, j, tile.get());
    const auto got = b.download(tile.get(), i.count * j.count);
    for (Index r = 0; r < i.count; ++r)
      for (Index c = 0; c < j.count; ++c)
        check_near(got[static_cast<std::size_t>(r * j.count + c)],
                   data(i.first + r, j.first + c) / 2, 0, "block");
  }
}

void test_column_statistics() {
  for (const DType dtype : dtypes)
    for (const Layout layout : layouts) {
      const Data data = exact_data(301, 5, dtype, layout);
      const auto found = column_statistics(data.source, {});
      double largest = 0, spread = 0;
      for (Index i = 0; i < 301; ++i)
        for (Index j = 0; j < 5; ++j) {
          largest = std::max(largest, std::abs(data(i, j)));
          spread = std::max(spread, std::abs(data(i, j) - data(0, j)));
        }
      check(found.largest == largest, "largest element");
      check(spread * found.scale >= 0.5 && spread * found.scale < 1, "scale");
      for (Index j = 0; j < 5; ++j) {
        const auto at = static_cast<std::size_t>(j);
        double squares = 0;
        for (Index i = 0; i < 301; ++i) squares += std::pow(data(i, j) - data.mean(j), 2);
        squares *= found.scale * found.scale;
        check_near(found.means.high[at] / found.scale, data.mean(j), 1e-13, "column mean");
        check_near(found.squares[at], squares, 1e-13 * squares, "squares of deviations");
      }
    }
  for (const double bad : {std::nan(""), HUGE_VAL})
    for (const Layout layout : layouts) {
      Data data = normal_data(50, 3);
      data.values[3 * 41 + 1] = bad;
      data = make_data(50, 3, DType::f32, layout, data.values);
      const auto found = column_statistics(data.source, {});
      check(std::isfinite(found.means.high[0]) && std::isfinite(found.means.high[2]),
            "finite columns");
      check(!std::isfinite(found.means.high[1]), "a column with NaN or infinity");
    }
  const Data zeros = make_data(3, 2, DType::f64, Layout::rows, filled(6, 0));
  check(column_statistics(zeros.source, {}).scale == 1, "scale of zeros");
}

/// Columns of one value do not vary at all, whatever it is; offsets and sizes cost no digits.
void test_statistics_of_hard_columns() {
  const Data constant = make_data(1000, 2, DType::f64, Layout::columns, [] {
    auto values = filled(2000, 0.1);
    for (std::size_t k = 1; k < 2000; k += 2) values[k] = -1e300;
    return values;
  }());
  const auto found = column_statistics(constant.source, {});
  check(found.means.high[0] == 0.1 && found.means.low[0] == 0, "mean of one value");
  check(found.means.high[1] == -1e300 && found.squares[1] == 0, "mean of one huge value");
  for (const double size : {1e-300, 1.0, 1e300})
    for (const double offset : {0.0, 1e6}) {
      auto values = filled(30, 0);
      for (std::size_t k = 0; k < 30; ++k)
        values[k] = size * (offset + static_cast<double>(k * k % 7));
      const Data data = make_data(30, 1, DType::f64, Layout::rows, values);
      const auto own = column_statistics(data.source, {});
      long double mean = 0, squares = 0;
      for (const double value : values) mean += static_cast<long double>(value) / 30;
      for (const double value : values) {
        const long double part = (static_cast<long double>(value) - mean) * own.scale;
        squares += part * part;
      }
      const auto rest = static_cast<double>(
          (mean * own.scale - static_cast<long double>(own.means.high[0]) - own.means.low[0]) /
          (size * own.scale));
      check_near(rest, 0, 1e-14 + 1e-18 * offset, "mean to the digits of the deviations");
      check_near(own.squares[0], static_cast<double>(squares), 1e-9, "squares about an offset");
      check(own.squares[0] > 0.1 && own.squares[0] < 120, "squares are in range");
    }
}

template <class B>
void test_operations() {
  B b;
  test_upload_and_dot(b);
  test_pack(b);
  test_pack_keeps_its_memory(b);
  test_every_16_bit_float(b);
  test_squared_norms(b);
  test_block(b);
}

}  // namespace

int main() {
  blas::use_one_thread();
  const std::string level = simd::table().level;
  std::printf("vector loops: %s\n", level.c_str());
  if (const char* limit = std::getenv("GRAMIAN_SIMD"))
    check(level <= limit, "GRAMIAN_SIMD is the highest level allowed");
  test_operations<Cpu<float>>();
  test_operations<Cpu<double>>();
  test_column_statistics();
  test_statistics_of_hard_columns();
  return result();
}

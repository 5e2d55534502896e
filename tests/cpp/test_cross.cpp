// XᵀY by tiles of columns and segments of rows, around the edges of both; products of tiles.
#include "check.hpp"
#include "gramian/cpu/blas_info.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

std::vector<double> centered(const Data& data) {
  const auto means = data.means().high;
  std::vector<double> values = data.values;
  for (std::size_t k = 0; k < values.size(); ++k) values[k] -= means[k % means.size()];
  return values;
}

/// XᵀY in plain loops, of centered values.
std::vector<double> product(const Data& x, const Data& y) {
  const auto a = centered(x), b = centered(y);
  const auto n = static_cast<std::size_t>(x.source.rows);
  const auto p = static_cast<std::size_t>(x.source.cols);
  const auto q = static_cast<std::size_t>(y.source.cols);
  std::vector<double> c(p * q);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < p; ++j)
      for (std::size_t k = 0; k < q; ++k) c[j * q + k] += a[i * p + j] * b[i * q + k];
  return c;
}

/// |error| <= 40 eps |x_j| |y_k|, the columns being of norm sqrt(n). Chunks of 512 rows are summed
/// by GEMM, where errors were measured up to 15 eps.
template <class B>
void check_matrix(B& b, const Matrix<B>& c, const std::vector<double>& expected, Index n,
                  const std::string& what) {
  const auto got = b.download(c.data, c.rows * c.cols);
  const double tolerance = 40 * epsilon<B>() * static_cast<double>(n);
  for (std::size_t k = 0; k < expected.size(); ++k)
    check_near(got[k], expected[k], tolerance, what + " at " + std::to_string(k));
}

template <class B>
void check_cross(B& b, const Data& x, const Data& y, const std::string& what) {
  const auto c = b.cross(layer_of(b, x), layer_of(b, y));
  check(c.rows == x.source.cols && c.cols == y.source.cols, what + ": shape");
  check_matrix(b, c, product(x, y), x.source.rows, what);
}

template <class B>
void check_self_cross(B& b, const Data& x, const std::string& what) {
  const auto c = b.self_cross(layer_of(b, x));
  check_matrix(b, c, product(x, x), x.source.rows, what);
  const auto got = b.download(c.data, c.rows * c.cols);
  for (Index i = 0; i < c.rows; ++i)
    for (Index j = 0; j < i; ++j)
      check(got[static_cast<std::size_t>(i * c.cols + j)] ==
                got[static_cast<std::size_t>(j * c.cols + i)],
            what + ": symmetric to the last bit");
}

template <class B>
void test_tile_edges(B& b) {
  for (const Index p : {1, 256, 511, 512, 513})
    for (const Index q : {1, 512, 513})
      check_cross(b, normal_data(40, p, Layout::rows, 0.1, 1),
                  normal_data(40, q, Layout::rows, 0, 2),
                  "cross " + std::to_string(p) + " x " + std::to_string(q));
  for (const Index p : {1, 256, 512, 513, 1025})
    check_self_cross(b, normal_data(40, p), "self_cross " + std::to_string(p));
}

template <class B>
void test_row_edges(B& b) {
  for (const Index n : {1, 2, 511, 512, 513, 1025}) {
    const Data x = normal_data(n, 5, Layout::rows, 1, 3), y = normal_data(n, 3, Layout::rows, 0, 4);
    check_cross(b, x, y, "cross of rows " + std::to_string(n));
    check_self_cross(b, x, "self_cross of rows " + std::to_string(n));
  }
  // Segments of 129 x 128 columns have 2,048 rows, and 1,024 are summed in T: over one, two and
  // three.
  for (const Index n : {2048, 2049, 4100}) {
    const Data x = normal_data(n, 129, Layout::rows, 0.01, 5);
    check_cross(b, x, normal_data(n, 128, Layout::rows, 0, 6), "cross of segments");
    check_self_cross(b, x, "self_cross of segments");
  }
}

template <class B>
void test_orders(B& b) {
  for (const Layout of_x : layouts)
    for (const Layout of_y : layouts)
      check_cross(b, normal_data(70, 12, of_x, 2, 7), normal_data(70, 9, of_y, 0, 8), "orders");
}

template <class B>
void test_same_bits_for_any_number_of_threads(B& b) {
  const Data x = normal_data(4500, 300);
  const auto layer = layer_of(b, x);
  b.threads = 1;
  const auto expected = b.download(b.self_cross(layer).data, 300 * 300);
  for (const int threads : {2, 3, 7}) {
    b.threads = threads;
    check(b.download(b.self_cross(layer).data, 300 * 300) == expected,
          "the same bits on " + std::to_string(threads) + " threads");
  }
}

template <class B>
void test_tile_products(B& b) {
  using Layers = std::pair<Index, Index>;
  for (const Index area : {1, 63, 96 * 96})
    for (const auto& [x, y] : {Layers{1, 1},
                               {1, 0},
                               {2, 2},
                               {2, 0},
                               {3, 0},
                               {5, 7},
                               {1, 9},
                               {9, 0},
                               {64, 65},
                               {64, 0}}) {
      const Index layers = x + y, others = y == 0 ? x : y;
      const Data data = normal_data(layers, area);
      const auto tiles = b.upload(data.values);
      auto products = filled(x * others + layers, -1);
      b.tile_products(tiles.get(), x, y, area, products.data());
      const auto check_product = [&](std::size_t at, Index i, Index j) {
        double expected = 0, size = 0;
        for (Index k = 0; k < area; ++k) {
          expected += data(i, k) * data(j, k);
          size += std::abs(data(i, k) * data(j, k));
        }
        check_near(products[at], expected, 100 * epsilon<B>() * size, "tile products");
      };
      for (Index i = 0; i < x; ++i)
        for (Index j = 0; j < others; ++j)
          check_product(static_cast<std::size_t>(i * others + j), i, y == 0 ? j : x + j);
      for (Index l = 0; l < layers; ++l)
        check_product(static_cast<std::size_t>(x * others + l), l, l);
    }
}

template <class B>
void test_cross() {
  B b;
  test_tile_edges(b);
  test_row_edges(b);
  test_orders(b);
  test_same_bits_for_any_number_of_threads(b);
  test_tile_products(b);
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_cross<Cpu<float>>();
  test_cross<Cpu<double>>();
  return result();
}

// The operations of the concept LinearAlgebra: passes over layers, and products.
#include <algorithm>
#include <atomic>
#include <utility>

#include "gramian/cpu/blas_info.hpp"
#include "host_matrix.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

template <class B>
void test_moving(B& b) {
  const Host a = random_host(5, 7);
  const auto m = upload(b, a);
  const Host rounded = download<B>(b, m);
  check_close<B>(rounded, a, norm(a), "matrix and download");
  check(download<B>(b, b.copy(m)).values == rounded.values, "copy");
  check(download<B>(b, b.transposed(m)).values == transposed(rounded).values, "transposed");
  const auto tall = upload(b, random_host(70, 33));
  check(download<B>(b, b.transposed(tall)).values == transposed(download<B>(b, tall)).values,
        "transposed by tiles");

  const auto diagonal = gramian::diagonal<B>(b, m);
  check(std::ssize(diagonal) == 5, "length of a diagonal");
  for (Index i = 0; i < 5; ++i)
    check(diagonal[static_cast<std::size_t>(i)] == rounded(i, i), "diagonal");

  auto wide = b.wide();
  const auto in_double = wide.matrix(a.values, 5, 7);
  check(download<B>(b, b.narrow(in_double)).values == rounded.values, "narrow");

  auto sum = upload(b, random_host(5, 7, 1));
  Host expected = download<B>(b, sum);
  for (std::size_t k = 0; k < expected.values.size(); ++k)
    expected.values[k] = 2 * expected.values[k] - 0.5 * rounded.values[k];
  b.add(2, sum, -0.5, m);
  check_close<B>(download<B>(b, sum), expected, norm(expected), "add");

  const std::vector<double> rows = {1, 2, -3, 0, 0.5}, cols = {1, 0, 3, 4, 5, 6, 0.25};
  auto scaled = b.copy(m);
  b.scale(scaled, rows, cols);
  expected = rounded;
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 7; ++j)
      expected(i, j) *= rows[static_cast<std::size_t>(i)] * cols[static_cast<std::size_t>(j)];
  check_close<B>(download<B>(b, scaled), expected, norm(expected), "scale");
}

/// Added to what is there, but for the last row's neighbour, which it has not.
template <class B>
void test_absolute_sums(B& b) {
  for (const auto& [m, n] : {std::pair<Index, Index>{1, 1}, {1, 40}, {2, 3}, {9, 33}, {70, 257}}) {
    const auto x = upload(b, random_host(m, n));
    const Host rounded = download<B>(b, x);
    std::vector<double> sums(static_cast<std::size_t>(m), 2.0), larger = sums;
    b.together([&] { b.absolute_sums(x, sums.data(), larger.data()); });
    for (Index i = 0; i < m; ++i) {
      double own = 2, both = 2;
      for (Index j = 0; j < n; ++j) {
        own += std::abs(rounded(i, j));
        if (i + 1 < m) both += std::max(std::abs(rounded(i, j)), std::abs(rounded(i + 1, j)));
      }
      const auto at = static_cast<std::size_t>(i);
      check_near(sums[at], own, 1e-14 * own, "absolute sums");
      check_near(larger[at], both, 1e-14 * both, "sums of the larger of two rows");
    }
  }
}

template <class B>
void test_passes_over_layers(B& b) {
  for (const Layout layout : layouts)
    for (const Index n : {1, 255, 256, 257, 600}) {
      const Data data = normal_data(n, 9, layout, 2), other = normal_data(n, 4, layout, 1, 1);
      const auto x = layer_of(b, data, 0.5), y = layer_of(b, other);
      const Host plain = centered(data, 0.5), plain_y = centered(other, 1);
      const auto norms = column_norms(b, x);
      for (Index j = 0; j < 9; ++j) {
        double square = 0;
        for (Index i = 0; i < n; ++i) square += plain(i, j) * plain(i, j);
        const auto at = static_cast<std::size_t>(j);
        check_near(norms[at], square, 100 * epsilon<B>() * square + 1e-30, "column norms");
      }
      const Host w = random_host(3, 9), fit = random_host(4, 9, 1);
      const Host expected = multiply(plain, transposed(w));
      check_close<B>(download<B>(b, b.project(x, upload(b, w))), expected,
                     10 * norm(plain) * norm(w), "project");
      Host rest = multiply(plain_y, fit);
      for (std::size_t k = 0; k < rest.values.size(); ++k) rest.values[k] -= plain.values[k];
      const double size = norm(plain) + norm(plain_y) * norm(fit);
      check_near(b.squared_residual(x, y, upload(b, fit)), norm(rest) * norm(rest),
                 20 * epsilon<B>() * size * size, "squared residual");
    }
}

/// Blocks of columns and of rows, both cut off.
template <class B>
void test_project_lower(B& b) {
  for (const Index n : {300, 8193}) {
    const Index p = n == 300 ? 259 : 131;
    const Data data = normal_data(n, p, Layout::rows, 0);
    const auto x = layer_of(b, data);
    Host w = random_host(p, p, 1);
    for (Index i = 0; i < p; ++i)
      for (Index j = i + 1; j < p; ++j) w(i, j) = 0;
    const Host plain = centered(data, 1);
    check_close<B>(download<B>(b, b.project_lower(x, upload(b, w))), multiply(plain, transposed(w)),
                   10 * norm(plain) * norm(w), "project_lower");
  }
}

/// A layer over a matrix is the matrix.
template <class B>
void test_as_layer(B& b) {
  const auto m = upload(b, random_host(300, 6));
  const auto layer = b.as_layer(m);
  const Host plain = download<B>(b, m);
  check_close<B>(download<B>(b, b.self_cross(layer)), multiply(transposed(plain), plain),
                 10 * norm(plain) * norm(plain), "as_layer");
}

/// R'R is the Gram matrix of the scaled columns, or of the rows where they are fewer.
template <class B>
void test_triangle(B& b) {
  struct Shape {
    Index n, p;
  };
  for (const auto [n, p] :
       {Shape{40, 7}, {7, 40}, {8, 8}, {1023, 5}, {1025, 5}, {5000, 3}, {3, 2500}, {1, 4}})
    for (const Layout layout : {Layout::rows, Layout::columns}) {
      const Data data = normal_data(n, p, layout, 1);
      auto scales = filled(p, 1);
      for (std::size_t j = 0; j < scales.size(); ++j) scales[j] = std::ldexp(1, int(j % 3) - 1);
      const auto layer = layer_of(b, data);
      const Host r = download<B>(b, b.triangle(layer, scales));
      Host x = centered(data, 1);
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < p; ++j) x(i, j) *= scales[static_cast<std::size_t>(j)];
      if (p >= n) x = transposed(x);
      check_close<B>(multiply(transposed(r), r), multiply(transposed(x), x), 20 * norm(x) * norm(x),
                     "triangle");
      for (Index i = 0; i < r.rows; ++i)
        for (Index j = 0; j < i; ++j) check(r(i, j) == 0, "triangle: zeros below");
    }
}

template <class B>
void test_products(B& b) {
  for (const Index m : {1, 255, 257})
    for (const Index n : {1, 256, 300}) {
      const Host x = random_host(m, 20), y = random_host(20, n, 1);
      const auto a = upload(b, x), c = upload(b, y);
      const double bound = 10 * norm(x) * norm(y);
      check_close<B>(download<B>(b, b.multiply(a, c)), multiply(x, y), bound, "multiply");
      check_close<B>(download<B>(b, b.multiply_transposed(a, b.transposed(c))), multiply(x, y),
                     bound, "multiply_transposed");
    }
}

template <class B>
void test_for_each(B& b) {
  std::vector<std::atomic<int>> done(100);
  b.for_each(100, [&](Index i) { ++done[static_cast<std::size_t>(i)]; });
  for (const auto& times : done) check(times == 1, "for_each");
}

template <LinearAlgebra B>
void test_matrices() {
  B b;
  test_moving(b);
  test_absolute_sums(b);
  test_passes_over_layers(b);
  test_project_lower(b);
  test_as_layer(b);
  test_triangle(b);
  test_products(b);
  test_for_each(b);
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_matrices<Cpu<float>>();
  test_matrices<Cpu<double>>();
  return result();
}

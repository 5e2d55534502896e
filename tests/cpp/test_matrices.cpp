// The operations of the concept LinearAlgebra: passes over layers, products, factorisations.
#include <algorithm>
#include <atomic>

#include "check.hpp"
#include "gramian/cpu/blas_info.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

/// A small matrix on the host, in double.
struct Host {
  Index rows, cols;
  std::vector<double> values;

  Host(Index r, Index c) : rows{r}, cols{c}, values(filled(r * c, 0)) {}
  double& operator()(Index i, Index j) { return values[static_cast<std::size_t>(i * cols + j)]; }
  double operator()(Index i, Index j) const {
    return values[static_cast<std::size_t>(i * cols + j)];
  }
};

Host random_host(Index rows, Index cols, unsigned seed = 0) {
  Host m(rows, cols);
  m.values = normal_data(rows, cols, Layout::rows, 0, seed).values;
  return m;
}

Host transposed(const Host& a) {
  Host t(a.cols, a.rows);
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}

Host multiply(const Host& a, const Host& b) {
  Host c(a.rows, b.cols);
  for (Index i = 0; i < a.rows; ++i)
    for (Index k = 0; k < a.cols; ++k)
      for (Index j = 0; j < b.cols; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}

double norm(const Host& a) {
  double sum = 0;
  for (const double v : a.values) sum += v * v;
  return std::sqrt(sum);
}

Host identity(Index n) {
  Host m(n, n);
  for (Index i = 0; i < n; ++i) m(i, i) = 1;
  return m;
}

Host centered(const Data& data, double scale) {
  Host m(data.source.rows, data.source.cols);
  for (Index j = 0; j < m.cols; ++j) {
    const double mean = data.mean(j);
    for (Index i = 0; i < m.rows; ++i) m(i, j) = (data(i, j) - mean) * scale;
  }
  return m;
}

template <class B>
Matrix<B> upload(B& b, const Host& m) {
  return b.matrix(m.values, m.rows, m.cols);
}

template <class B>
Host download(B& b, View<B> view) {
  Host m(view.rows, view.cols);
  m.values = b.download(view);
  return m;
}

/// |got - expected|_F <= bound eps.
template <class B>
void check_close(const Host& got, const Host& expected, double bound, const std::string& what) {
  check(got.rows == expected.rows && got.cols == expected.cols, what + ": shape");
  Host difference = expected;
  for (std::size_t k = 0; k < difference.values.size(); ++k) difference.values[k] -= got.values[k];
  check_near(norm(difference), 0, bound * epsilon<B>(), what);
}

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

  const auto diagonal = b.diagonal(m);
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

template <class B>
void test_passes_over_layers(B& b) {
  for (const Layout layout : layouts)
    for (const Index n : {1, 255, 256, 257, 600}) {
      const Data data = normal_data(n, 9, layout, 2), other = normal_data(n, 4, layout, 1, 1);
      const auto x = layer_of(b, data, 0.5), y = layer_of(b, other);
      const Host plain = centered(data, 0.5), plain_y = centered(other, 1);
      const auto norms = b.column_norms(x), sums = b.column_sums(x);
      for (Index j = 0; j < 9; ++j) {
        double square = 0;
        for (Index i = 0; i < n; ++i) square += plain(i, j) * plain(i, j);
        const auto at = static_cast<std::size_t>(j);
        check_near(norms[at], square, 100 * epsilon<B>() * square + 1e-30, "column norms");
        check_near(sums[at], 0, 10 * epsilon<B>() * static_cast<double>(n), "column sums");
      }
      const Host w = random_host(3, 9), fit = random_host(4, 9, 1);
      const Host expected = multiply(plain, transposed(w));
      check_close<B>(download<B>(b, b.project(x, upload(b, w))), expected,
                     10 * norm(plain) * norm(w), "project");
      Host lower = random_host(9, 9, 3);
      for (Index i = 0; i < 9; ++i)
        for (Index j = i + 1; j < 9; ++j) lower(i, j) = 0;
      check_close<B>(download<B>(b, b.project_lower(x, upload(b, lower))),
                     multiply(plain, transposed(lower)), 10 * norm(plain) * norm(lower),
                     "project_lower");
      Host rest = multiply(plain_y, fit);
      for (std::size_t k = 0; k < rest.values.size(); ++k) rest.values[k] -= plain.values[k];
      const double size = norm(plain) + norm(plain_y) * norm(fit);
      check_near(b.squared_residual(x, y, upload(b, fit)), norm(rest) * norm(rest),
                 20 * epsilon<B>() * size * size, "squared residual");
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
void test_triangular_factors(B& b) {
  for (const Index n : {1, 2, 65}) {
    const Host x = random_host(n + 10, n);
    const Host a = multiply(transposed(x), x);
    auto factor = upload(b, a);
    check(b.cholesky(factor), "a positive matrix has a Cholesky factor");
    const Host l = download<B>(b, factor);
    check_close<B>(multiply(l, transposed(l)), a, 20 * norm(a), "cholesky");
    check(b.invert_lower(factor), "which has an inverse");
    const Host inverse = download<B>(b, factor);
    check_close<B>(multiply(inverse, l), identity(n), 20 * norm(l) * norm(inverse), "invert_lower");
    for (Index i = 0; i < n; ++i)
      for (Index j = i + 1; j < n; ++j) check(l(i, j) == 0 && inverse(i, j) == 0, "zeros above");
  }
  Host negative = identity(3);
  negative(1, 1) = -1;
  auto m = upload(b, negative);
  check(!b.cholesky(m), "an indefinite matrix has none");
  Host singular = identity(3);
  singular(2, 2) = 0;
  m = upload(b, singular);
  check(!b.invert_lower(m), "a singular triangle has no inverse");
}

template <class B>
void test_svd(B& b) {
  struct Shape {
    Index m, n;
  };
  for (const auto [m, n] : {Shape{1, 1}, {6, 6}, {40, 9}, {9, 40}, {1, 7}, {130, 128}}) {
    const Host a = random_host(m, n);
    const auto found = b.svd(upload(b, a));
    const Index k = std::min(m, n);
    Host u = download<B>(b, found.u);
    const Host vt = download<B>(b, found.vt);
    const auto root = std::sqrt(static_cast<double>(k));
    check_close<B>(multiply(transposed(u), u), identity(k), 20 * root, "left vectors");
    check_close<B>(multiply(vt, transposed(vt)), identity(k), 20 * root, "right vectors");
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < k; ++j) u(i, j) *= found.s[static_cast<std::size_t>(j)];
    check_close<B>(multiply(u, vt), a, 20 * norm(a), "svd");
    check(std::ranges::is_sorted(found.s, std::ranges::greater{}), "singular values descend");
    const auto values = b.singular_values(upload(b, a));
    for (std::size_t j = 0; j < values.size(); ++j)
      check_near(values[j], found.s[j], 20 * epsilon<B>() * found.s[0], "singular values");
    const double estimate = b.spectral_norm(upload(b, a));
    check(estimate <= found.s[0] * (1 + 10 * epsilon<B>()), "spectral norm: from below");
    check(estimate >= 0.8 * found.s[0], "spectral norm: near");
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
  test_passes_over_layers(b);
  test_as_layer(b);
  test_triangle(b);
  test_products(b);
  test_triangular_factors(b);
  test_svd(b);
  test_for_each(b);
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_matrices<Cpu<float>>();
  test_matrices<Cpu<double>>();
  return result();
}

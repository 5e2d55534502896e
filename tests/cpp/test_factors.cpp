// The operations of the concept LinearAlgebra: triangular factors and singular values.
#include <algorithm>
#include <optional>
#include <utility>

#include "gramian/cpu/blas_info.hpp"
#include "gramian/cuda/newton.hpp"
#include "host_matrix.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

/// L⁻¹ and Lᵀ of A = L Lᵀ with a diagonal of ones, and estimates of |A| and |L⁻¹|.
template <class B>
void test_inverse_factor(B& b) {
  for (const Index n : {1, 2, 65}) {
    const Host x = random_host(n + 10, n);
    Host a = multiply(transposed(x), x);
    for (Index i = 0; i < n; ++i)
      for (Index j = i + 1; j < n; ++j) {
        a(i, j) /= std::sqrt(a(i, i) * a(j, j));
        a(j, i) = a(i, j);
      }
    for (Index i = 0; i < n; ++i) a(i, i) = 1;
    auto factor = upload(b, a);
    std::optional<Matrix<B>> kept;
    Factoring found;
    b.together([&] { b.inverse_factor(factor, &kept, &found); });
    check(found.done, "a positive matrix has a Cholesky factor, which has an inverse");
    const Host l = transposed(download<B>(b, *kept)), inverse = download<B>(b, factor);
    check_close<B>(multiply(l, transposed(l)), a, 20 * norm(a), "cholesky");
    check_close<B>(multiply(inverse, l), identity(n), 20 * norm(l) * norm(inverse), "inverse");
    for (Index i = 0; i < n; ++i)
      for (Index j = i + 1; j < n; ++j) check(l(i, j) == 0 && inverse(i, j) == 0, "zeros above");
    const auto near = [&](double estimate, const Host& of, const char* what) {
      const double largest = b.singular_values(upload(b, of))[0];
      check(estimate <= largest * (1 + 20 * epsilon<B>()), what);
      check(estimate >= 0.8 * largest, what);
    };
    near(found.norm, a, "norm: from below, and near");
    near(found.inverse_norm, inverse, "norm of the inverse: from below, and near");
  }
  Host negative = identity(3);
  negative(0, 1) = negative(1, 0) = -2;
  Host singular = identity(3);
  singular(2, 2) = 0;
  for (const Host& a : {negative, singular}) {
    auto m = upload(b, a);
    Factoring found;
    b.together([&] { b.inverse_factor(m, nullptr, &found); });
    check(!found.done, "a matrix that is not positive has none");
  }
}

/// X D² Xᵀ of centred layers of few rows, whose columns are read in blocks.
template <class B>
void test_row_products(B& b) {
  for (const auto& [n, p] : {std::pair<Index, Index>{3, 5}, {130, 1100}, {257, 1025}}) {
    const Host x = random_host(n, p);
    std::vector<double> scales(static_cast<std::size_t>(p));
    Host scaled = x;
    for (Index j = 0; j < p; ++j) {
      scales[static_cast<std::size_t>(j)] = 1 + static_cast<double>(j % 3);
      for (Index i = 0; i < n; ++i) scaled(i, j) *= scales[static_cast<std::size_t>(j)];
    }
    const auto matrix = upload(b, x);
    const Host got = download<B>(b, b.row_products(b.as_layer(matrix), scales));
    const Host expected = multiply(scaled, transposed(scaled));
    check_close<B>(got, expected, 20 * norm(expected), "row_products");
  }
}

/// Orthonormal rows with Uᵀ A = S Vᵀ: rows of length s, orthogonal to one another. And likewise
/// those of Aᵀ, of which several are found together.
template <class B>
void test_one_side(B& b, const Host& a, const std::vector<double>& s) {
  const Index k = std::ssize(s);
  const auto root = std::sqrt(static_cast<double>(k));
  const auto test = [&](const Host& vectors, const Host& of, const std::vector<double>& values) {
    check_close<B>(multiply(vectors, transposed(vectors)), identity(k), 20 * root, "one side");
    const Host rest = multiply(vectors, of);
    Host squares(k, k);
    for (Index i = 0; i < k; ++i) {
      const double value = s[static_cast<std::size_t>(i)];
      check_near(values[static_cast<std::size_t>(i)], value, 20 * epsilon<B>() * s[0], "values");
      squares(i, i) = value * value;
    }
    check_close<B>(multiply(rest, transposed(rest)), squares, 50 * root * s[0] * s[0],
                   "vectors of one side diagonalise");
  };
  const auto left = svd(b, upload(b, a), Vectors::left);
  check(!left.vt, "left vectors alone");
  test(download<B>(b, *left.ut), a, left.s);
  std::vector<Matrix<B>> twice;
  for (int i = 0; i < 2; ++i) twice.push_back(upload(b, i == 0 ? a : transposed(a)));
  const auto right = b.svd(std::move(twice), Vectors::right);
  check(!right[0].ut, "right vectors alone");
  test(download<B>(b, *right[0].vt), transposed(a), right[0].s);
  test(download<B>(b, *right[1].vt), a, right[1].s);
}

/// Values far below the largest, and zeros, whose squares no precision holds.
template <class B>
void test_falling_values(B& b) {
  for (const Index zeros : {0, 30}) {
    Host a(40, 50);
    for (Index i = 0; i < 40 - zeros; ++i) a(i, 49 - i) = std::ldexp(1, static_cast<int>(-i));
    const auto values = b.singular_values(upload(b, a));
    test_one_side(b, a, svd(b, upload(b, a), Vectors::both).s);
    for (Index i = 0; i < 40; ++i)
      check_near(values[static_cast<std::size_t>(i)],
                 i < 40 - zeros ? std::ldexp(1, static_cast<int>(-i)) : 0, 2 * epsilon<B>(),
                 "falling singular values");
  }
}

template <class B>
void test_svd(B& b) {
  struct Shape {
    Index m, n;
  };
  for (const auto [m, n] : {Shape{1, 1}, {6, 6}, {40, 9}, {9, 40}, {1, 7}, {130, 128}}) {
    const Host a = random_host(m, n);
    const auto found = svd(b, upload(b, a), Vectors::both);
    const Index k = std::min(m, n);
    Host u = transposed(download<B>(b, *found.ut));
    const Host vt = download<B>(b, *found.vt);
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
    test_one_side(b, a, found.s);
  }
}

template <class B>
void test_nuclear_norms(B& b) {
  std::vector<Matrix<B>> all;
  std::vector<double> bounds, expected;
  for (const auto& [m, n] : {std::pair<Index, Index>{6, 6}, {9, 40}, {40, 9}}) {
    const Host a = random_host(m, n);
    all.push_back(upload(b, a));
    bounds.push_back(norm(a));
    expected.push_back(sum(b.singular_values(upload(b, a))));
  }
  const std::vector<double> precisions(all.size(), epsilon<B>());
  const auto found = b.nuclear_norms(std::move(all), bounds, precisions);
  for (std::size_t k = 0; k < found.size(); ++k)
    check_near(found[k], expected[k], 20 * epsilon<B>() * expected[k], "nuclear norm");
}

/// What Newton's steps leave of a singular value in a sum; and where they take what is just above
/// the bound, which rounding may be.
void test_newton() {
  const auto scales = newton::scales();
  check(scales.size() == 28, "number of steps");
  const auto after = [&](double s) {
    for (const double a : scales) s = a * s * (3 - a * s * a * s) / 2;
    return s;
  };
  double worst = 0;
  for (double s = 1e-16; s < 1; s *= 1.001) worst = std::max(worst, s * std::abs(1 - after(s)));
  check(worst < 0.4 * newton::least, "what is lost of a value");
  for (const double s : {newton::least, 1e-5, 0.5, 1.0 / newton::margin, 1.0})
    check_near(after(s), 1, 1.1e-11, "a value within the bounds");
  check(after(1 + 1e-5) < 0, "beyond 1 values change their sign, hence the margin");
  check_near(after((1 + 1e-5) / newton::margin), 1, 1.1e-11, "a value just beyond the bound");
}

template <LinearAlgebra B>
void test_factors() {
  B b;
  test_inverse_factor(b);
  test_row_products(b);
  test_svd(b);
  test_falling_values(b);
  test_nuclear_norms(b);
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_factors<Cpu<float>>();
  test_factors<Cpu<double>>();
  test_newton();
  return result();
}

// What happens to a tile: GEMM, kernels with near-centring and sums, distances, counts, products.
#include <algorithm>
#include <functional>
#include <numeric>

#include "check.hpp"
#include "gramian/cpu/blas_info.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

template <class B>
void test_multiply(B& b) {
  for (const Layout of_i : {Layout::rows, Layout::columns})
    for (const Layout of_j : {Layout::rows, Layout::columns})
      for (const Index cols : {1, 17, 300}) {
        const Data x = normal_data(40, cols, of_i), y = normal_data(40, cols, of_j, 0, 1);
        const auto layer_x = layer_of(b, x), layer_y = layer_of(b, y);
        Panel<B> i, j;
        b.pack(layer_x, {3, 33}, i);
        b.pack(layer_y, {0, 31}, j);
        auto tile = b.allocate(33 * 31);
        b.multiply(i, j, tile.get());
        const auto got = b.download(tile.get(), 33 * 31);
        for (Index r = 0; r < 33; ++r)
          for (Index c = 0; c < 31; ++c) {
            double expected = 0, size = 0;
            for (Index k = 0; k < cols; ++k) {
              const double term = (x(3 + r, k) - x.mean(k)) * (y(c, k) - y.mean(k));
              expected += term;
              size += std::abs(term);
            }
            check_near(got[static_cast<std::size_t>(r * 31 + c)], expected,
                       10 * epsilon<B>() * size, "multiply");
          }
      }
}

template <class B>
void test_diagonal(B& b) {
  const Index n = 9;
  auto values = filled(n * n, 0), diagonal = filled(n, 0), sums = filled(n, 100);
  std::iota(values.begin(), values.end(), 1.0);
  std::iota(diagonal.begin(), diagonal.end(), 0.5);
  auto tile = b.upload(values);
  const auto new_diagonal = b.upload(diagonal);
  b.fill_diagonal(tile.get(), {0, n}, {0, n}, new_diagonal.get());
  const auto filled = b.download(tile.get(), n * n);
  b.drop_diagonal(tile.get(), n, sums.data());
  const auto dropped = b.download(tile.get(), n * n);
  for (Index i = 0; i < n; ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (Index j = 0; j < n; ++j) {
      const auto at = static_cast<std::size_t>(i * n + j);
      check(filled[at] == (i == j ? diagonal[row] : values[at]), "fill_diagonal");
      check(dropped[at] == (i == j ? 0 : values[at]), "drop_diagonal");
    }
    check(sums[row] == 100 - diagonal[row], "drop_diagonal takes it out of the row sums");
  }
}

/// One side of a tile: rows with norms and shifts.
template <class B>
struct Line {
  std::vector<double> norms, shifts;
  typename B::Buffer norms_there, shifts_there;

  Line(B& b, Index n, double size, double shift) {
    for (Index k = 0; k < n; ++k) {
      const auto part = static_cast<double>(k % 11);
      norms.push_back(size * (0.5 + part / 16));
      shifts.push_back(shift * (part - 5) / 8);
    }
    norms_there = b.upload(norms);
    shifts_there = b.upload(shifts);
    norms = b.download(norms_there.get(), n);
    shifts = b.download(shifts_there.get(), n);
  }
  Side<B> side() const { return {norms_there.get(), shifts_there.get()}; }
};

/// k(inner product, |xᵢ|², |xⱼ|²), and the bound of its error in epsilons.
struct Expected {
  double value, error;
};
using Formula = std::function<Expected(double g, double si, double sj)>;

double squared_distance(double g, double si, double sj) { return std::max(si + sj - 2 * g, 0.0); }

/// Applies a kernel to tiles of many shapes, and compares with the formula in double.
template <class B>
void check_kernel(B& b, const Kernel& kernel, const Formula& formula, double size,
                  const std::string& what) {
  for (const Index rows : {1, 16, 37})
    for (const Index cols : {1, 15, 64, 513, 700}) {
      const Line<B> i(b, rows, size, 0.5), j(b, cols, size, 0.25);
      auto products = filled(rows * cols, 0);
      for (std::size_t k = 0; k < products.size(); ++k)
        products[k] = size * (static_cast<double>(k % 101) / 100 - 0.5);
      auto tile = b.upload(products);
      products = b.download(tile.get(), rows * cols);
      auto row_sums = filled(rows, 10), col_sums = filled(cols, 20);
      b.apply(kernel, tile.get(), rows, cols, i.side(), j.side(), row_sums.data(), col_sums.data());
      const auto got = b.download(tile.get(), rows * cols);

      double largest = 0;
      for (Index r = 0; r < rows; ++r)
        for (Index c = 0; c < cols; ++c) {
          const auto at = static_cast<std::size_t>(r * cols + c);
          const auto row = static_cast<std::size_t>(r), col = static_cast<std::size_t>(c);
          const auto [value, error] = formula(products[at], i.norms[row], j.norms[col]);
          const double expected = value - i.shifts[row] - j.shifts[col];
          check_near(got[at], expected, epsilon<B>() * (error + 2), what);
          largest = std::max(largest, std::abs(got[at]));
          row_sums[row] -= got[at];
          col_sums[col] -= got[at];
        }
      // A tile's sums run in its own precision, along at most 512 values.
      const auto bound = [&](Index length) {
        const auto terms = static_cast<double>(std::min<Index>(length, 512));
        return epsilon<B>() * terms * terms * largest + 1e-13;
      };
      for (const double sum : row_sums) check_near(sum, 10, bound(cols), what + ": row sums");
      for (const double sum : col_sums) check_near(sum, 20, bound(rows), what + ": column sums");
    }
}

template <class B>
void test_kernels(B& b) {
  const auto inner_product = [](double g, double, double) { return Expected{g, std::abs(g)}; };
  check_kernel(b, Linear{}, inner_product, 2, "linear");
  check_kernel(b, Precomputed{}, inner_product, 2, "precomputed");
  for (const double gamma : {1e-3, 0.3, 5.0, 200.0})
    for (const bool minus_one : {false, true}) {
      const std::string of = " kernel, gamma " + std::to_string(gamma);
      check_kernel(
          b, Rbf{gamma, minus_one},
          [&](double g, double si, double sj) {
            const double x = gamma * squared_distance(g, si, sj);
            const double rounding = gamma * (si + sj);
            return Expected{minus_one ? std::expm1(-x) : std::exp(-x),
                            (8 * rounding + 4) * std::exp(-x) + 2};
          },
          2, "RBF" + of);
      check_kernel(
          b, Laplacian{gamma, minus_one},
          [&](double g, double si, double sj) {
            const double d = std::sqrt(squared_distance(g, si, sj));
            const double rounding = d > 0 ? gamma * (si + sj) / d : 0;
            return Expected{minus_one ? std::expm1(-gamma * d) : std::exp(-gamma * d),
                            (8 * rounding + 4) * std::exp(-gamma * d) + 2};
          },
          2, "Laplacian" + of);
    }
  for (const int degree : {1, 2, 5})
    check_kernel(
        b, Polynomial{0.5, 1, degree},
        [&](double g, double, double) {
          const double value = std::pow(0.5 * g + 1, degree);
          return Expected{value, 4 * (degree + 1) * (std::abs(value) + 1)};
        },
        2, "polynomial kernel");
  for (const int degree : {1, 2, 5})
    check_kernel(
        b, Polynomial{0.5, 1, degree, true, 0.5},
        [&](double g, double, double) {
          const double value = std::pow(0.5 * g + 1, degree) - 1;
          return Expected{value, 4 * (degree + 1) * (std::abs(value) + 1)};
        },
        2, "polynomial kernel less its constant");
  for (const int degree : {1, 2, 5})
    check_kernel(
        b, Polynomial{0.5, 0.7, degree, true, 0.5, 0, 0.3, 0.18},
        [&](double g, double vi, double vj) {
          const auto power = [&](double a) { return std::pow(0.7 + a, degree); };
          const double of_i = power(0.3 * vi), of_j = power(0.3 * vj), constant = power(0);
          const double value = power(0.3 * (vi + vj) + 0.5 * g) - of_i - of_j + constant;
          const double size = power(0.3 * (vi + vj) + 0.5 * std::abs(g));
          return Expected{value, 4 * (degree + 1) * (size + 1)};
        },
        2, "polynomial kernel about an origin");
  check_kernel(
      b, Cosine{},
      [](double g, double si, double sj) {
        const double value = g / std::sqrt(si * sj);
        return Expected{value, 4 * std::abs(value)};
      },
      2, "cosine kernel");
}

/// exp and exp - 1 themselves, over their whole range: distances come from norms alone.
template <class B>
void test_exponential(B& b) {
  const Index n = 512;
  const double eps = epsilon<B>();
  const auto zero = filled(1, 0), zeros = filled(n, 0), &products = zeros;
  const auto no_shift = b.upload(zero), no_shifts = b.upload(zeros), none = b.upload(zero);
  for (const bool minus_one : {false, true})
    for (const double lowest : {1e-6, 0.1, 1.0, 80.0, 1e5}) {
      auto norms = zeros;
      for (std::size_t k = 0; k < norms.size(); ++k)
        norms[k] = lowest * static_cast<double>(k + 1) / static_cast<double>(n);
      const auto there = b.upload(norms);
      norms = b.download(there.get(), n);
      auto tile = b.upload(products);
      double row_sum = 0;
      auto col_sums = zeros;
      b.apply(Rbf{1, minus_one}, tile.get(), 1, n, {none.get(), no_shift.get()},
              {there.get(), no_shifts.get()}, &row_sum, col_sums.data());
      const auto got = b.download(tile.get(), n);
      for (std::size_t k = 0; k < norms.size(); ++k) {
        const double expected = minus_one ? std::expm1(-norms[k]) : std::exp(-norms[k]);
        // The argument is exact here, so the error is relative; below 1e-37 both count as 0.
        check_near(got[k], expected, 2 * eps * std::abs(expected) + 1e-37, "exponential");
      }
    }
}

template <class B>
void test_squared_distances(B& b) {
  for (const Index cols : {1, 17, 600}) {
    const Line<B> i(b, 5, 2, 0), j(b, cols, 2, 0);
    auto products = filled(5 * cols, 0);
    for (std::size_t k = 0; k < products.size(); ++k)
      products[k] = static_cast<double>(k % 7) / 4 - 0.25;  // some of them make a square negative
    auto tile = b.upload(products);
    b.squared_distances(tile.get(), 5, cols, i.side(), j.side());
    const auto got = b.download(tile.get(), 5 * cols);
    for (Index r = 0; r < 5; ++r)
      for (Index c = 0; c < cols; ++c) {
        const auto at = static_cast<std::size_t>(r * cols + c);
        const double expected =
            squared_distance(products[at], i.norms[std::size_t(r)], j.norms[std::size_t(c)]);
        check_near(got[at], expected, 16 * epsilon<B>(), "squared distances");
      }
  }
}

template <class B>
void test_count(B& b) {
  using T = typename B::scalar;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const Index n = 45;
  auto values = filled(n * n, 0);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<double>(k * k % 97) / 16;
  const auto tile = b.upload(values);
  for (const bool below_diagonal : {false, true}) {
    // 8 cells of equal length from 1.0 on: some values lie below, some above.
    Histogram bins;
    bins.first = std::bit_cast<Bits>(T{1});
    bins.shift = sizeof(T) == 4 ? 21 : 50;
    bins.cells.assign(8, 0);
    Histogram expected = bins;
    b.count(tile.get(), n, n, below_diagonal, bins);
    b.count(tile.get(), n, n, below_diagonal, bins);  // counts are added to
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < (below_diagonal ? i : n); ++j) {
        const auto bits = std::bit_cast<Bits>(static_cast<T>(values[std::size_t(i * n + j)]));
        if (bits < expected.first)
          expected.below += 2;
        else if (const auto cell = (bits - expected.first) >> bins.shift; cell < 8)
          expected.cells[cell] += 2;
      }
    check(bins.below == expected.below, "values below the cells");
    check(bins.cells == expected.cells, "counts of the cells");
    check(expected.below > 0 && expected.cells[0] > 0 && expected.cells[5] > 0, "a fair test");
  }
}

template <class B>
void test_tiles() {
  B b;
  test_multiply(b);
  test_diagonal(b);
  test_kernels(b);
  test_exponential(b);
  test_squared_distances(b);
  test_count(b);
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_tiles<Cpu<float>>();
  test_tiles<Cpu<double>>();
  return result();
}

#include "svd.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "../roots.hpp"
#include "blas.hpp"
#include "kernels.hpp"
#include "solver.hpp"

namespace gramian::cuda {
namespace {

/// By its shorter side: k vectors of k elements, and k of the longer side's.
struct Shape {
  Index rows, cols;
  bool wide() const { return rows <= cols; }
  Index k() const { return std::min(rows, cols); }
  Index longer() const { return std::max(rows, cols); }
};

/// Makes the rows of V, k x n, which nearly are so, orthonormal: every step squares what is missing
/// (Newton's, for the polar factor).
void orthonormalise(Context& context, double* v, Index k, Index n) {
  const auto gram = allocate<double>(context, k * k), fit = allocate<double>(context, k * n);
  for (int step = 0; step < 3; ++step) {
    gemm<double>(context, k, k, n, 1, {v, n}, {v, n, true}, gram.get());
    gemm<double>(context, k, n, k, -0.5, {gram.get(), k}, {v, n}, fit.get());
    add(context.stream, 1.5, v, 1, fit.get(), k * n);
  }
}

/// Values and vectors of the shorter side from the eigenvalues of A Aᵀ, or of AᵀA; those of the
/// longer side from their products with A. On an H200, half the time of `gesvdp` at 512 columns and
/// a third of it at 1024. Nothing if the squares will not do for float.
/// Vectors u of values s and t mix by 32 eps / |s² - t²| at most (the largest value being 1), and
/// Aᵀu / s is then no longer orthogonal to its like by 32 eps / (s t): little enough down to 1e-6.
std::optional<std::vector<double>> by_squares(Context& context, const double* a, const Shape& shape,
                                              double* shorter, double* longer) {
  constexpr double smallest = 1e-6;
  const Index k = shape.k(), n = shape.longer();
  const Operand<double> x{a, shape.cols}, x_transposed{a, shape.cols, true};
  const auto squares = allocate<double>(context, k * k);
  gemm<double>(context, k, k, n, 1, shape.wide() ? x : x_transposed,
               shape.wide() ? x_transposed : x, squares.get());
  const auto found = eigenvalues(context, squares.get(), k, shorter || longer);
  if (!found || !roots_are_exact(*found)) return {};
  std::vector<double> s = roots(*found);
  if (!shorter && !longer) return s;
  if (longer && !(s.back() > smallest * s.front())) return {};

  const auto own = allocate<double>(context, shorter ? 0 : k * k);
  const auto factors = allocate<double>(context, k);
  if (!shorter) shorter = own.get();
  const auto scaled = [&](const double* rows, Index cols, Index step, auto factor, double* out) {
    std::vector<double> all;
    for (const double value : s) all.push_back(factor(value));
    to_device<double>(context, all, factors.get());
    scaled_copy(context.stream, Strided<double>{rows, k, cols, step, 1}, factors.get(), true, out,
                cols);
  };
  // From the last to the first: the largest comes first here.
  scaled(squares.get() + (k - 1) * k, k, -k, [](double) { return 1.0; }, shorter);
  if (longer) {
    const auto product = allocate<double>(context, k * n);
    gemm<double>(context, k, n, k, 1, {shorter, k}, shape.wide() ? x : x_transposed, product.get());
    scaled(product.get(), n, n, [](double value) { return 1 / value; }, longer);
    orthonormalise(context, longer, k, n);
  }
  return s;
}

}  // namespace

std::vector<double> svd(Context& context, double* a, Index rows, Index cols, double precision,
                        double* ut, double* vt) {
  const Shape shape{rows, cols};
  double* shorter = shape.wide() ? ut : vt;
  double* longer = shape.wide() ? vt : ut;
  if (precision >= static_cast<double>(std::numeric_limits<float>::epsilon()))
    if (const auto s = by_squares(context, a, shape, shorter, longer)) return *s;

  // To cuSOLVER a row-major matrix is its transpose, and a wide A the tall Aᵀ = V S Uᵀ; a tall A is
  // transposed first. The vectors it finds are transposed too.
  const Index k = shape.k(), n = shape.longer();
  const bool vectors = shorter || longer;  // it finds both sides' or none
  const auto own_shorter = allocate<double>(context, vectors && !shorter ? k * k : 0);
  const auto own_longer = allocate<double>(context, vectors && !longer ? k * n : 0);
  const auto turned = allocate<double>(context, shape.wide() ? 0 : rows * cols);
  if (!shape.wide()) transpose(context.stream, a, rows, cols, cols, turned.get());
  return tall_svd(context, shape.wide() ? a : turned.get(), n, k,
                  longer ? longer : own_longer.get(), shorter ? shorter : own_shorter.get(),
                  precision);
}

}  // namespace gramian::cuda

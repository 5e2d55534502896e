// Wide layers, of as many features as samples or more: their spectra, from products of the samples
// where these have the digits, and the coordinates that stand for them wherever a rotation of the
// features changes nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "basis.hpp"

namespace gramian {

template <class B>
bool is_wide(const Layer<B>& layer) {
  return layer.source.cols >= layer.source.rows;
}

/// Singular values and Vᵀ of (X D)ᵀ = U S Vᵀ, X wide, from X D² Xᵀ in double; nothing where the
/// squares have too few digits.
///
/// The products are off by about u = 2e-16 of the largest square, so that a direction t times as
/// large as the first is off by u / t². Of data that came in float that is less than a tenth of
/// their eps down to t = 2e-4, and what is below the tolerance is not kept: Gram matrices serve
/// unless there are directions in between. For data in double they do if all directions are within
/// t² = .1. One direction, that of equal rows, centring has made 0.
template <LinearAlgebra B>
std::optional<SVD<B>> svd_by_rows(B& b, const BasisInput<B>& x, std::span<const double> scales,
                                  double tolerance) {
  constexpr double unit = std::numeric_limits<double>::epsilon();
  const bool coarse = x.epsilon * x.epsilon > unit && tolerance >= x.epsilon;
  SVD<B> found = svd(b, b.row_products(x.layer, scales), Vectors::right);
  const double largest = found.s[0];
  const double exact = (coarse ? std::min(.1, 16 * unit / x.epsilon) : .1) * largest;
  const auto kept = static_cast<std::size_t>(
      std::ranges::count_if(found.s, [&](double square) { return square >= exact; }));
  const bool complete = kept + 1 >= found.s.size();
  if (!complete && !(coarse && found.s[kept] <= tolerance * tolerance * largest)) return {};
  if (complete && kept < found.s.size()) found.s.back() = 0;
  for (double& s : found.s) s = std::sqrt(std::max(s, 0.0));
  return found;
}

/// The same in any case.
template <LinearAlgebra B>
SVD<B> wide_svd(B& b, const BasisInput<B>& x, std::span<const double> scales) {
  auto found = svd_by_rows(b, x, scales, x.tolerance);
  return found ? std::move(*found) : svd(b, b.triangle(x.layer, scales), Vectors::right);
}

/// Z with Z Zᵀ = X D² Xᵀ, n x r, D the identity or, `scaled`, what makes the columns of norm 1: a
/// rotation takes X D into Z. For a backend in double, in units of the layer's scale. Of directions
/// below the tolerance no more is right than that they are small.
template <LinearAlgebra B>
Matrix<B> coordinates(B& b, const BasisInput<B>& x, bool scaled) {
  const auto width = static_cast<std::size_t>(x.layer.source.cols);
  std::vector<double> scales(width, 1.0);
  if (scaled) scales = column_scales(x, column_norms(b, x.layer));
  auto found = svd_by_rows(b, x, scales, x.tolerance);
  if (!found) return b.transposed(b.triangle(x.layer, scales));
  const auto rank =
      std::max<Index>(1, std::ranges::count_if(found->s, [](double s) { return s > 0; }));
  Matrix<B> v = b.copy(View<B>{found->vt->data, rank, found->vt->cols});
  found->s.resize(static_cast<std::size_t>(rank));
  b.scale(v, found->s, std::vector<double>(static_cast<std::size_t>(v.cols), 1.0));
  return b.transposed(v);
}

/// Columns first, ..., first + count - 1 of a layer, as a layer.
template <LinearAlgebra B>
Layer<B> columns_of(B& b, const Layer<B>& layer, Index first, Index count) {
  return {columns_of(layer.source, first, count), layer.scale, layer.constant,
          copy(b, layer.mean_high.get() + first, count),
          copy(b, layer.mean_low.get() + first, count)};
}

}  // namespace gramian

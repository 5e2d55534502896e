// Orthonormal bases of the column spaces of layers, rank-revealing, at the speed of matrix products
// where the layer allows it.
//
// The ladder, for columns scaled to norm 1 and R their Cholesky factor of condition k:
//   k <= 50     Q = X D R⁻¹ is never formed: what is wanted of it follows from products of X.
//   k <= 2e3 in float, 1e7 in double: Q₁ = X D R⁻¹ is formed, which is orthonormal but for k² eps,
//               and made so by a second Cholesky factor (CholeskyQR2).
//   otherwise   in double, R by Householder QR of blocks of rows, and its SVD, which decides the
//               rank; Q₁ = X D V S⁻¹ and the second Cholesky factor as above. With more features
//               than samples, Xᵀ takes the place of X, and the basis is V.
// Measured for the mean canonical correlation in float, n = 500, p = 50: one pass is off by 1 eps
// at k = 1, 18 at 100, 728 at 1,000; two passes, and QR, by 0.1 at 1,000.
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "spectral.hpp"

namespace gramian {

template <LinearAlgebra B>
std::vector<Basis<B>> orthonormal_bases(B& b, std::vector<BasisInput<B>> inputs, Extras wanted);

/// The rungs in double, for one layer.
template <LinearAlgebra B>
Basis<B> basis_in_double(B& b, BasisInput<B> x, std::vector<double> scales, Extras wanted) {
  if constexpr (std::same_as<B, typename B::Wide>) {
    SVD<B> svd = b.svd(b.triangle(x.layer, scales));
    return basis_from_svd(b, std::move(x.layer), std::move(svd), scales, above(x.tolerance),
                          wanted);
  } else {
    using W = typename B::Wide;
    W w = b.wide();
    Layer<W> layer = make_layer(w, x.layer.source, x.means, x.layer.scale);
    recenter(w, layer, x.means);
    std::vector<BasisInput<W>> inputs;
    inputs.push_back({std::move(layer), x.means, x.epsilon, x.tolerance});
    Basis<W> found = std::move(orthonormal_bases(w, std::move(inputs), wanted)[0]);
    Basis<B> basis{std::move(x.layer), found.rank, found.squared_norm};
    if (found.rank == 0) return basis;
    Matrix<B> q = found.coefficients ? b.narrow(w.project(found.factor(), *found.coefficients))
                                     : b.narrow(found.columns->matrix);
    Layer<B> own = b.as_layer(q);
    basis.columns = typename Basis<B>::Columns{std::move(q), std::move(own)};
    if (found.coordinates) basis.coordinates = b.narrow(*found.coordinates);
    if (found.weights) basis.weights = b.narrow(*found.weights);
    return basis;
  }
}

/// Bases of all layers: products of one layer at a time, shared by the threads; factorisations of
/// different layers side by side.
template <LinearAlgebra B>
std::vector<Basis<B>> orthonormal_bases(B& b, std::vector<BasisInput<B>> inputs, Extras wanted) {
  using T = typename B::scalar;
  // Below this a squared norm in T has no digits left: a column that small beside the others.
  constexpr double smallest = static_cast<double>(std::numeric_limits<T>::min()) * 1e10;
  const auto count = inputs.size();
  std::vector<Coefficients<B>> grams(count);
  std::vector<std::optional<Whitening<B>>> first(count);
  std::vector<std::vector<double>> scales(count);
  std::vector<Basis<B>> bases;
  for (std::size_t l = 0; l < count; ++l) {
    const BasisInput<B>& x = inputs[l];
    const bool wide = x.layer.source.cols >= x.layer.source.rows;
    if (!wide) grams[l] = b.self_cross(x.layer);
    const auto norms = wide ? b.column_norms(x.layer) : b.diagonal(*grams[l]);
    scales[l] = column_scales(x, norms);
    bases.push_back({Layer<B>{}, 0, sum(norms)});
    const bool tiny = std::ranges::any_of(norms, [](double v) { return v > 0 && v < smallest; });
    if (tiny) grams[l].reset();
  }
  b.for_each(static_cast<Index>(count), [&](Index task) {
    const auto l = static_cast<std::size_t>(task);
    if (grams[l] && std::ranges::any_of(scales[l], [](double s) { return s > 0; }))
      first[l] = whiten(b, std::move(*grams[l]), scales[l], wanted.coordinates);
  });
  for (std::size_t l = 0; l < count; ++l) {
    BasisInput<B>& x = inputs[l];
    Basis<B>& basis = bases[l];
    if (std::ranges::all_of(scales[l], [](double s) { return s == 0; })) {
      basis.layer = std::move(x.layer);
      basis.squared_norm = 0;  // but for rounding
      continue;
    }
    // The condition is an estimate from below, by a few percent: full rank is certain at a
    // distance.
    const double limit = std::min(two_pass_condition<T>, 0.5 / x.tolerance);
    if (first[l] && first[l]->condition <= limit) {
      basis.layer = std::move(x.layer);
      basis.rank = first[l]->coefficients.rows;
      if (first[l]->condition <= direct_limit<T>(x.epsilon)) {
        basis.coefficients = std::move(first[l]->coefficients);
        basis.coordinates = std::move(first[l]->coordinates);
        if (wanted.weights) basis.weights = b.copy(*basis.coefficients);
        continue;
      }
      if (refine(b, basis, first[l]->coefficients, wanted)) continue;
      x.layer = std::move(basis.layer);
    }
    const double squared_norm = basis.squared_norm;
    basis = basis_in_double(b, std::move(x), std::move(scales[l]), wanted);
    basis.squared_norm = squared_norm;
  }
  return bases;
}

}  // namespace gramian

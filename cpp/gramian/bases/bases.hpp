// Orthonormal bases of the column spaces of layers, rank-revealing, at the speed of matrix products
// where the layer allows it.
//
// The ladder, for columns scaled to norm 1 and R their Cholesky factor of condition k:
//   k <= 8      Q = X D R⁻¹ is never formed: what is wanted of it follows from products of X.
//   k <= 2e3 in float, 1e7 in double: Q₁ = X D R⁻¹ is formed, which is orthonormal but for k² eps,
//               and made so by a second Cholesky factor (CholeskyQR2). Any R will do that leaves Q₁
//               well conditioned: with many samples, that of some rows.
//   otherwise   in double, R by Householder QR of blocks of rows, and its SVD, which decides the
//               rank; Q₁ = X D V S⁻¹ and the second Cholesky factor as above. With more features
//               than samples, Xᵀ takes the place of X, and the basis is V (see wide.hpp).
// Measured for the mean canonical correlation in float, n = 500, p = 50: one pass is off by 1 eps
// at k = 1, 18 at 100, 728 at 1,000; two passes, and QR, by 0.1 at 1,000.
#pragma once

#include <algorithm>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cholesky_qr.hpp"
#include "spectral.hpp"

namespace gramian {

template <LinearAlgebra B>
std::vector<Basis<B>> orthonormal_bases(B& b, std::vector<BasisInput<B>> inputs, Extras wanted);

/// The rungs in double.
template <LinearAlgebra B>
std::vector<Basis<B>> bases_in_double(B& b, std::vector<BasisInput<B>> inputs,
                                      std::span<const std::vector<double>> scales, Extras wanted) {
  std::vector<Basis<B>> bases;
  if constexpr (std::same_as<B, typename B::Wide>) {
    std::vector<Matrix<B>> triangles;  // of those that are not wide
    b.together([&] {
      for (std::size_t l = 0; l < inputs.size(); ++l)
        if (!is_wide(inputs[l].layer)) triangles.push_back(b.triangle(inputs[l].layer, scales[l]));
    });
    auto svds = b.svd(std::move(triangles), Vectors::right);
    auto next = svds.begin();
    for (std::size_t l = 0; l < inputs.size(); ++l) {
      BasisInput<B>& x = inputs[l];
      SVD<B> found = is_wide(x.layer) ? wide_svd(b, x, scales[l]) : std::move(*next++);
      bases.push_back(basis_from_svd(b, std::move(x.layer), std::move(found), scales[l],
                                     above(x.tolerance), x.epsilon, wanted));
    }
  } else {
    using W = typename B::Wide;
    W w = b.wide();
    std::vector<BasisInput<W>> wide;
    for (const BasisInput<B>& x : inputs) wide.push_back(widened(w, x));
    const auto found = orthonormal_bases(w, std::move(wide), wanted);
    for (std::size_t l = 0; l < inputs.size(); ++l)
      bases.push_back(narrowed(b, w, found[l], std::move(inputs[l].layer)));
  }
  return bases;
}

/// Bases of all layers: products of one layer at a time, shared by the threads; factorisations of
/// different layers side by side.
template <LinearAlgebra B>
std::vector<Basis<B>> orthonormal_bases(B& b, std::vector<BasisInput<B>> inputs, Extras wanted) {
  std::vector<CholeskyQR<B>> layers;
  const auto count = static_cast<Index>(inputs.size());
  for (BasisInput<B>& input : inputs) layers.emplace_back(b, std::move(input), wanted);
  const auto at = [&](Index l) -> CholeskyQR<B>& { return layers[static_cast<std::size_t>(l)]; };
  const auto all = [&](auto step) {
    b.together([&] {
      for (auto& layer : layers) (layer.*step)();
    });
  };
  const auto side_by_side = [&](auto step) {
    b.together([&] { b.for_each(count, [&](Index l) { (at(l).*step)(); }); });
  };
  using Steps = CholeskyQR<B>;
  side_by_side(&Steps::factor_sample);
  all(&Steps::measure_columns);
  all(&Steps::set_scales);
  side_by_side(&Steps::factor);
  side_by_side(&Steps::factored);
  all(&Steps::form);
  side_by_side(&Steps::factor_again);
  side_by_side(&Steps::factored_again);
  std::vector<Basis<B>> bases(layers.size());
  std::vector<std::size_t> rest;
  for (std::size_t l = 0; l < layers.size(); ++l)
    if (layers[l].finish())
      bases[l] = std::move(layers[l].basis);
    else
      rest.push_back(l);
  for (auto l = rest.begin(); l != rest.end();) {
    const auto first = l;
    std::vector<BasisInput<B>> together;
    std::vector<std::vector<double>> their_scales;
    for (Index elements = 0; l == first || (l != rest.end() && elements < B::side_by_side); ++l) {
      CholeskyQR<B>& layer = layers[*l];
      elements += layer.input.layer.source.rows * layer.input.layer.source.cols;
      together.push_back(std::move(layer.input));
      their_scales.push_back(std::move(layer.scales));
    }
    auto found = bases_in_double<B>(b, std::move(together), their_scales, wanted);
    for (auto k = first; k != l; ++k) {
      bases[*k] = std::move(found[static_cast<std::size_t>(k - first)]);
      bases[*k].squared_norm = layers[*k].basis.squared_norm;
    }
  }
  return bases;
}

}  // namespace gramian

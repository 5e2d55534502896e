// Projection-weighted CCA.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "cca.hpp"

namespace gramian {

/// Σ aᵢ rhoᵢ / Σ aᵢ with aᵢ = Σⱼ |projectionᵢⱼ|, and whether it hangs on the basis of directions
/// whose correlations tie: whether turning two of them by 45 degrees changes it.
struct WeightedMean {
  double value;
  bool ambiguous = false;

  WeightedMean(std::span<const double> rho, std::span<const double> projections, double tolerance) {
    const auto r = rho.size(), p = projections.size() / r;
    std::vector<double> weights(r);
    double top = 0, bottom = 0;
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < p; ++j) weights[i] += std::abs(projections[i * p + j]);
      top += weights[i] * clipped(rho[i]);
      bottom += weights[i];
    }
    value = top / bottom;
    for (std::size_t i = 0; i + 1 < r; ++i) {
      if (clipped(rho[i]) - clipped(rho[i + 1]) >= tolerance) continue;
      double turned = 0;  // |a + b| + |a - b| = 2 max(|a|, |b|)
      for (std::size_t j = 0; j < p; ++j)
        turned +=
            2 * std::max(std::abs(projections[i * p + j]), std::abs(projections[(i + 1) * p + j]));
      const double change = turned / std::sqrt(2.0) - weights[i] - weights[i + 1];
      if (std::abs(change * (clipped(rho[i]) - value)) > tolerance * bottom) ambiguous = true;
    }
  }
};

/// Whose columns weigh the correlations.
enum class WeightSide : std::uint8_t { x, y, mean };

/// Σ aᵢ rhoᵢ / Σ aᵢ (Morcos et al. 2018), in [0, 1]: aᵢ = Σⱼ |<hᵢ, xⱼ>| of X's variates hᵢ = Qx uᵢ
/// on X's columns; of Y's on Y's; or the mean of both. Marks the ambiguous.
struct Pwcca : OnBases {
  WeightSide side = WeightSide::x;
  double tie_tolerance = 0;

  template <LinearAlgebra B>
  std::vector<Basis<B>> prepare(B& b, std::vector<BasisInput<B>> layers) const {
    return OnBases::prepare(b, std::move(layers), {.coordinates = true});
  }
  template <LinearAlgebra B>
  Compared compare(B& b, const Basis<B>& x, const Basis<B>& y, Matrix<B> product,
                   Wanted wanted) const {
    Matrix<B> m = between(b, x.coefficients, std::move(product), y.coefficients);
    const bool needs_x = side != WeightSide::y || wanted.mirrored;
    const bool needs_y = side != WeightSide::x || wanted.mirrored;
    std::optional<WeightedMean> of_x, of_y;
    std::vector<double> rho;
    const auto weigh = [&](const Matrix<B>& vectors, const Basis<B>& basis) {
      const Matrix<B> projections = b.multiply(vectors, *basis.coordinates);
      return WeightedMean(rho, b.download(projections), tie_tolerance);
    };
    if (needs_x && needs_y) {
      const SVD<B> svd = b.svd(std::move(m));
      rho = svd.s;
      of_x = weigh(b.transposed(svd.u), x);
      of_y = weigh(svd.vt, y);
    } else {  // one side's vectors are all it takes
      const auto found = b.left_vectors(needs_x ? std::move(m) : b.transposed(m));
      rho = found.s;
      (needs_x ? of_x : of_y) = weigh(found.ut, needs_x ? x : y);
    }
    const auto [value, marked] = chosen(of_x, of_y);
    Compared compared{.value = value, .mirrored = value, .marked = marked};
    if (wanted.mirrored) std::tie(compared.mirrored, compared.mirrored_marked) = chosen(of_y, of_x);
    std::ranges::transform(rho, rho.begin(), clipped);
    compared.correlations = std::move(rho);
    return compared;
  }

 private:
  std::pair<double, bool> chosen(const std::optional<WeightedMean>& own,
                                 const std::optional<WeightedMean>& other) const {
    if (side == WeightSide::x) return {own->value, own->ambiguous};
    if (side == WeightSide::y) return {other->value, other->ambiguous};
    return {(own->value + other->value) / 2, own->ambiguous || other->ambiguous};
  }
};

}  // namespace gramian

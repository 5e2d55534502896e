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

/// Weights aᵢ = Σⱼ |projectionᵢⱼ| of variates on the columns of a layer, and what two neighbours
/// have once they turn by 45 degrees: |a + b| + |a - b| = 2 max(|a|, |b|).
struct VariateWeights {
  std::vector<double> own, larger;

  explicit VariateWeights(std::size_t variates) : own(variates), larger(variates) {}
  /// Adds projections, one row for every variate; told as by `absolute_sums`.
  template <LinearAlgebra B>
  void add(B& b, const Matrix<B>& projections) {
    b.absolute_sums(projections, own.data(), larger.data());
  }
  double operator[](std::size_t i) const { return own[i]; }
  /// What the weights of i and i + 1 change by, together.
  double change(std::size_t i) const { return std::sqrt(2.0) * larger[i] - own[i] - own[i + 1]; }
};

/// Σ aᵢ rhoᵢ / Σ aᵢ, and whether it hangs on the basis of directions whose correlations tie:
/// whether turning two of them by 45 degrees changes it. Directions that the other layer has no
/// match for, `unmatched`, have a correlation of 0, so that a last one of 0 ties with them.
struct WeightedMean {
  double value;
  bool ambiguous = false;

  WeightedMean(std::span<const double> rho, const VariateWeights& weights, bool unmatched,
               double tolerance) {
    const auto r = rho.size();
    double top = 0, bottom = 0;
    for (std::size_t i = 0; i < r; ++i) {
      top += weights[i] * clipped(rho[i]);
      bottom += weights[i];
    }
    value = top / bottom;
    for (std::size_t i = 0; i + 1 < r; ++i)
      if (clipped(rho[i]) - clipped(rho[i + 1]) < tolerance &&
          std::abs(weights.change(i) * (clipped(rho[i]) - value)) > tolerance * bottom)
        ambiguous = true;
    if (unmatched && clipped(rho[r - 1]) < tolerance && weights[r - 1] * value > tolerance * bottom)
      ambiguous = true;
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
  /// The correlations of x with y and of y with x are one, but whose columns weigh them is not.
  bool is_symmetric() const { return side == WeightSide::mean; }
  /// A mean of ones.
  template <class B>
  std::optional<Compared> own(const Basis<B>& x) const {
    return Compared{.value = 1,
                    .mirrored = 1,
                    .correlations = std::vector<double>(static_cast<std::size_t>(x.rank), 1.0)};
  }
  template <LinearAlgebra B>
  void compare(B& b, std::vector<Comparing<B, Basis<B>, Basis<B>>>& pairs, bool mirrored) const {
    const bool of_x = side != WeightSide::y || mirrored, of_y = side != WeightSide::x || mirrored;
    const auto for_each_pair = [&](const auto& work) {
      b.for_each(std::ssize(pairs), [&](Index k) { work(static_cast<std::size_t>(k)); });
    };
    for_each_pair([&](std::size_t k) {
      auto& pair = pairs[k];
      pair.matrix = between(b, pair.x->coefficients, std::move(pair.matrix), pair.y->coefficients);
    });
    std::vector<Matrix<B>> cores;
    for (auto& pair : pairs) cores.push_back(std::move(pair.matrix));
    const Vectors of_one = of_x ? Vectors::left : Vectors::right;
    const auto found = b.svd(std::move(cores), of_x && of_y ? Vectors::both : of_one);

    std::vector<Weights> weights(pairs.size());
    b.together([&] {
      for_each_pair([&](std::size_t k) {
        const std::size_t r = found[k].s.size();
        if (of_x) add_by_coordinates(b, *found[k].ut, *pairs[k].x, weights[k].x.emplace(r));
        if (of_y) add_by_coordinates(b, *found[k].vt, *pairs[k].y, weights[k].y.emplace(r));
      });
      for (std::size_t k = 0; k < pairs.size(); ++k) {
        if (of_x) add_by_columns(b, *found[k].ut, *pairs[k].x, *weights[k].x);
        if (of_y) add_by_columns(b, *found[k].vt, *pairs[k].y, *weights[k].y);
      }
    });
    for (std::size_t k = 0; k < pairs.size(); ++k)
      pairs[k].compared = weighed(found[k].s, pairs[k].x->rank, pairs[k].y->rank, weights[k]);
  }

 private:
  struct Weights {
    std::optional<VariateWeights> x{}, y{};
  };

  Compared weighed(const std::vector<double>& rho, Index x_rank, Index y_rank,
                   const Weights& weights) const {
    const auto weigh = [&](const std::optional<VariateWeights>& of,
                           Index rank) -> std::optional<WeightedMean> {
      if (!of) return {};
      return WeightedMean(rho, *of, std::ssize(rho) < rank, tie_tolerance);
    };
    const auto of_x = weigh(weights.x, x_rank), of_y = weigh(weights.y, y_rank);
    Compared compared{0};
    std::tie(compared.value, compared.marked) = chosen(of_x, of_y);
    compared.mirrored = compared.value;
    if (of_x && of_y) std::tie(compared.mirrored, compared.mirrored_marked) = chosen(of_y, of_x);
    for (const double value : rho) compared.correlations.push_back(clipped(value));
    return compared;
  }

  /// The weights of variates M Qᵀ, by the coordinates of the layer.
  template <LinearAlgebra B>
  static void add_by_coordinates(B& b, const Matrix<B>& m, const Basis<B>& basis,
                                 VariateWeights& weights) {
    if (basis.coordinates) weights.add(b, b.multiply(m, *basis.coordinates));
  }

  /// Where these are as large as a wide layer, by products with some of its columns at a time.
  template <LinearAlgebra B>
  static void add_by_columns(B& b, const Matrix<B>& m, const Basis<B>& basis,
                             VariateWeights& weights) {
    if (basis.coordinates) return;
    constexpr Index width = 4096;
    const Matrix<B> variates = b.project(basis.factor(), m);
    const Layer<B> own = b.as_layer(variates);
    for (Index first = 0; first < basis.layer.source.cols; first += width) {
      const Index count = std::min(width, basis.layer.source.cols - first);
      weights.add(b, b.cross(own, columns_of(b, basis.layer, first, count)));
    }
  }

  std::pair<double, bool> chosen(const std::optional<WeightedMean>& own,
                                 const std::optional<WeightedMean>& other) const {
    if (side == WeightSide::x) return {own->value, own->ambiguous};
    if (side == WeightSide::y) return {other->value, other->ambiguous};
    return {(own->value + other->value) / 2, own->ambiguous || other->ambiguous};
  }
};

}  // namespace gramian

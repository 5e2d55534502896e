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

/// Weights aᵢ = Σⱼ |projectionᵢⱼ| of variates, and what they are when two neighbours turn by 45
/// degrees, from their projections on the columns of a layer, some at a time.
class VariateWeights {
 public:
  explicit VariateWeights(std::size_t variates) : own_(variates), turned_(variates) {}

  /// Projections, one row for every variate.
  void add(std::span<const double> projections) {
    const auto r = own_.size(), p = projections.size() / r;
    for (std::size_t i = 0; i < r; ++i) {
      const double *const row = projections.data() + i * p, *const next = row + p;
      for (std::size_t j = 0; j < p; ++j) own_[i] += std::abs(row[j]);
      for (std::size_t j = 0; i + 1 < r && j < p; ++j)  // |a + b| + |a - b| = 2 max(|a|, |b|)
        turned_[i] += std::sqrt(2.0) * std::max(std::abs(row[j]), std::abs(next[j]));
    }
  }
  double operator[](std::size_t i) const { return own_[i]; }
  /// What the weights of i and i + 1 change by, together.
  double change(std::size_t i) const { return turned_[i] - own_[i] - own_[i + 1]; }

 private:
  std::vector<double> own_, turned_;
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
  Compared compare(B& b, const Basis<B>& x, const Basis<B>& y, Matrix<B> product,
                   bool mirrored) const {
    Matrix<B> m = between(b, x.coefficients, std::move(product), y.coefficients);
    const bool needs_x = side != WeightSide::y || mirrored;
    const bool needs_y = side != WeightSide::x || mirrored;
    Compared compared{0};
    if (needs_x && needs_y) {
      const SVD<B> svd = b.svd(std::move(m));
      compared.correlations = svd.s;
      compared.x_vectors = b.download(b.transposed(svd.u));
      compared.y_vectors = b.download(svd.vt);
    } else {  // one side's vectors are all it takes
      const auto found = b.left_vectors(needs_x ? std::move(m) : b.transposed(m));
      compared.correlations = found.s;
      (needs_x ? compared.x_vectors : compared.y_vectors) = b.download(found.ut);
    }
    if (x.coordinates && y.coordinates) compared = weighed(b, x, y, std::move(compared));
    return compared;
  }
  /// The weights of wide layers, whose projections are found by products of the layers.
  template <LinearAlgebra B>
  Compared settle(B& b, const Basis<B>& x, const Basis<B>& y, Compared compared) const {
    if (compared.x_vectors.empty() && compared.y_vectors.empty()) return compared;
    return weighed(b, x, y, std::move(compared));
  }

 private:
  template <LinearAlgebra B>
  Compared weighed(B& b, const Basis<B>& x, const Basis<B>& y, Compared compared) const {
    std::vector<double>& rho = compared.correlations;
    const auto weigh = [&](std::vector<double>& vectors,
                           const Basis<B>& basis) -> std::optional<WeightedMean> {
      if (vectors.empty()) return {};
      const auto r = static_cast<Index>(rho.size());
      const Matrix<B> m = b.matrix(vectors, r, basis.rank);
      vectors.clear();
      return WeightedMean(rho, weights_of(b, m, basis), r < basis.rank, tie_tolerance);
    };
    const auto of_x = weigh(compared.x_vectors, x), of_y = weigh(compared.y_vectors, y);
    std::tie(compared.value, compared.marked) = chosen(of_x, of_y);
    compared.mirrored = compared.value;
    if (of_x && of_y) std::tie(compared.mirrored, compared.mirrored_marked) = chosen(of_y, of_x);
    std::ranges::transform(rho, rho.begin(), clipped);
    return compared;
  }

  /// Of variates M Qᵀ: by the coordinates of the layer or, where these are as large as a wide
  /// layer, by some of its columns at a time.
  template <LinearAlgebra B>
  static VariateWeights weights_of(B& b, const Matrix<B>& m, const Basis<B>& basis) {
    VariateWeights weights(static_cast<std::size_t>(m.rows));
    if (basis.coordinates) {
      weights.add(b.download(b.multiply(m, *basis.coordinates)));
      return weights;
    }
    constexpr Index width = 4096;
    const Matrix<B> variates = b.project(basis.factor(), m);
    const Layer<B> own = b.as_layer(variates);
    for (Index first = 0; first < basis.layer.source.cols; first += width) {
      const Index count = std::min(width, basis.layer.source.cols - first);
      weights.add(b.download(b.cross(own, columns_of(b, basis.layer, first, count))));
    }
    return weights;
  }

  std::pair<double, bool> chosen(const std::optional<WeightedMean>& own,
                                 const std::optional<WeightedMean>& other) const {
    if (side == WeightSide::x) return {own->value, own->ambiguous};
    if (side == WeightSide::y) return {other->value, other->ambiguous};
    return {(own->value + other->value) / 2, own->ambiguous || other->ambiguous};
  }
};

}  // namespace gramian

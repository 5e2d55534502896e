// Canonical correlations rho of two layers: the singular values of QxᵀQy, Qx and Qy orthonormal
// bases of the centred layers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../bases/bases.hpp"
#include "map.hpp"

namespace gramian {

inline double clipped(double rho) { return std::clamp(rho, 0.0, 1.0); }

/// What measures on bases share.
struct OnBases {
  static constexpr bool mirrors = true;

  bool is_symmetric() const { return true; }
  template <class B>
  bool is_defined(const Basis<B>& x, const Basis<B>& y) const {
    return x.rank > 0 && y.rank > 0;
  }
  template <class B>
  LayerPair<B> product(const Basis<B>& x, const Basis<B>& y) const {
    return {&x.factor(), &y.factor()};
  }
  /// Products of one layer at a time, shared by the threads.
  template <LinearAlgebra B>
  static std::vector<Basis<B>> prepare(B& b, std::vector<BasisInput<B>> layers, Extras wanted) {
    return orthonormal_bases(b, std::move(layers), wanted);
  }
};

/// What a mean of correlations divides by: the smaller number of features, or the smaller rank.
enum class Denominator : std::uint8_t { features, rank };

template <class B>
double count_of(Denominator denominator, const Basis<B>& x, const Basis<B>& y) {
  const bool by_rank = denominator == Denominator::rank;
  return static_cast<double>(by_rank ? std::min(x.rank, y.rank)
                                     : std::min(x.layer.source.cols, y.layer.source.cols));
}

/// And of those of correlations, which are the singular values of a pair's core.
struct OfCorrelations : OnBases {
  template <LinearAlgebra B>
  Matrix<B> core(B& b, const Basis<B>& x, const Basis<B>& y, Matrix<B> product) const {
    return between(b, x.coefficients, std::move(product), y.coefficients);
  }
  template <class B>
  double bound(const Basis<B>&, const Basis<B>&) const {
    return 1;
  }
};

/// Σ rho / d or, squared, Σ rho² / d = |QxᵀQy|² / d, which needs no singular values (R²_CCA of
/// Kornblith et al. 2019); in [0, 1].
struct Cca : OfCorrelations {
  Denominator denominator = Denominator::features;
  bool squared = false;

  template <LinearAlgebra B>
  std::vector<Basis<B>> prepare(B& b, std::vector<BasisInput<B>> layers) const {
    return OnBases::prepare(b, std::move(layers), {});
  }
  /// Every correlation of an orthonormal basis with itself is 1, but for gains on either side.
  template <class B>
  std::optional<Compared> own(const Basis<B>& x) const {
    std::vector<double> rho(static_cast<std::size_t>(x.rank), 1.0);
    for (std::size_t i = 0; i < x.gains.size(); ++i) rho[i] = x.gains[i] * x.gains[i];
    const double value = (squared ? dot(rho, rho) : sum(rho)) / count_of(denominator, x, x);
    return Compared{.value = value, .mirrored = value, .correlations = std::move(rho)};
  }
  Norm norm() const { return squared ? Norm::squared_frobenius : Norm::nuclear; }
  template <class B>
  Compared of_norm(const Basis<B>& x, const Basis<B>& y, double norm) const {
    const auto most = static_cast<double>(std::min(x.rank, y.rank));
    return {.value = std::min(most, norm) / count_of(denominator, x, y)};
  }
  template <LinearAlgebra B>
  Compared in_full(B& b, const Basis<B>& x, const Basis<B>& y, Matrix<B> product) const {
    Matrix<B> m = core(b, x, y, std::move(product));
    const double squares = squared ? b.dot(m, m) : 0;
    std::vector<double> rho = b.singular_values(std::move(m));
    std::ranges::transform(rho, rho.begin(), clipped);
    Compared compared = of_norm(x, y, squared ? squares : sum(rho));
    compared.correlations = std::move(rho);
    return compared;
  }
};

/// All of one pair: correlations, and weights, rank columns each, with X x_weights orthonormal.
template <class B>
struct CanonicalPair {
  std::vector<double> correlations;
  Matrix<typename B::Wide> x_weights, y_weights;
};

/// Of bases with weights, both of some rank.
template <LinearAlgebra B>
CanonicalPair<B> canonical_pair(B& b, const Basis<B>& x, const Basis<B>& y) {
  SVD<B> found = svd(b, between(b, x.coefficients, b.cross(x.factor(), y.factor()), y.coefficients),
                     Vectors::both);
  const Matrix<B> of_x = b.multiply(*found.ut, *x.weights);
  const Matrix<B> of_y = b.multiply(*found.vt, *y.weights);
  b.release_inputs();
  std::ranges::transform(found.s, found.s.begin(), clipped);
  return {std::move(found.s), b.widen(b.transposed(of_x), x.layer.scale),
          b.widen(b.transposed(of_y), y.layer.scale)};
}

}  // namespace gramian

// Measures on the singular directions of the layers, whose bases are found in double: SVCCA, ridge
// CCA, shape distance. The first keeps some directions; the others multiply them by gains.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cca.hpp"

namespace gramian {

/// The bases that a measure chooses. In single precision, those found in double are narrowed where
/// that does no harm; gains are for double alone.
template <LinearAlgebra B, class M>
std::vector<Basis<B>> singular_bases(B& b, const M& measure, std::vector<BasisInput<B>> layers,
                                     Extras wanted) {
  using W = typename B::Wide;
  const auto choose = [&](std::span<const double> s, const BasisInput<W>& layer) {
    return measure.choose(s, layer);
  };
  if constexpr (std::same_as<B, W>) {
    return spectral_bases<B>(b, std::move(layers), choose, wanted);
  } else {
    W w = b.wide();
    std::vector<BasisInput<W>> wide;
    for (const BasisInput<B>& layer : layers) wide.push_back(widened(w, layer));
    const auto found = spectral_bases<W>(w, std::move(wide), choose, wanted);
    std::vector<Basis<B>> bases;
    for (std::size_t l = 0; l < found.size(); ++l)
      bases.push_back(narrowed(b, w, found[l], std::move(layers[l].layer)));
    return bases;
  }
}

/// All directions, multiplied by gain(singular value).
template <class Gain>
Choice with_gains(std::span<const double> s, double tolerance, const Gain& gain) {
  Choice all = above(tolerance)(s);
  for (std::size_t i = 0; i < static_cast<std::size_t>(all.kept); ++i)
    all.gains.push_back(gain(s[i]));
  return all;
}

/// Mean correlation, or squared one, of the directions that hold the share `variance` of the sum of
/// squares, or of so many components (Raghu et al. 2017); in [0, 1].
struct Svcca : OfCorrelations {
  double variance = 0.99;
  Index components = 0;  // 0: by variance
  bool squared = false;

  template <LinearAlgebra B>
  std::vector<Basis<B>> prepare(B& b, std::vector<BasisInput<B>> layers, Extras wanted = {}) const {
    return singular_bases(b, *this, std::move(layers), wanted);
  }
  template <class B>
  std::optional<Compared> own(const Basis<B>& x) const {
    return as_cca().own(x);
  }
  Norm norm() const { return as_cca().norm(); }
  template <class B>
  Compared of_norm(const Basis<B>& x, const Basis<B>& y, double norm) const {
    return as_cca().of_norm(x, y, norm);
  }
  template <class B>
  Choice choose(std::span<const double> s, const BasisInput<B>& layer) const {
    Choice choice = above(layer.tolerance)(s);
    if (components > 0) return {std::min(components, choice.kept)};
    if (variance == 1) return choice;
    const auto square = [&](double value) { return value / s[0] * (value / s[0]); };  // in range
    double total = 0, partial = 0;
    for (const double value : s) total += square(value);
    std::size_t k = 0;
    // A share that is reached but for rounding is reached: singular values are right to a few
    // epsilon of the largest.
    while (k < static_cast<std::size_t>(choice.kept) &&
           partial < (variance - 10 * layer.epsilon) * total) {
      partial += square(s[k]);
      ++k;
    }
    return {static_cast<Index>(k)};
  }

 private:
  Cca as_cca() const { return {{}, Denominator::rank, squared}; }
};

/// Mean correlation, or squared one, under a ridge of `regularization` times the mean squared
/// column norm: gains are s / sqrt(s² + ridge).
struct RidgeCca : OfCorrelations {
  double regularization = 0;
  Denominator denominator = Denominator::features;
  bool squared = false;

  template <LinearAlgebra W>
  std::vector<Basis<W>> prepare(W& w, std::vector<BasisInput<W>> layers, Extras wanted = {}) const {
    return singular_bases(w, *this, std::move(layers), wanted);
  }
  template <class W>
  std::optional<Compared> own(const Basis<W>& x) const {
    return as_cca().own(x);
  }
  Norm norm() const { return as_cca().norm(); }
  template <class W>
  Compared of_norm(const Basis<W>& x, const Basis<W>& y, double norm) const {
    return as_cca().of_norm(x, y, norm);
  }
  template <class B>
  Choice choose(std::span<const double> s, const BasisInput<B>& layer) const {
    const auto width = static_cast<double>(layer.layer.source.cols);
    const double total = dot(s, s);
    return with_gains(s, layer.tolerance, [&](double value) {
      return value / std::sqrt(value * value + regularization * total / width);
    });
  }

 private:
  Cca as_cca() const { return {{}, denominator, squared}; }
};

/// The angle arccos(|X'ᵀY'|_* / (|X'| |Y'|)) of the shape distance (Williams et al. 2021), in
/// [0, pi/2], where X' = X (alpha I + (1 - alpha) (XᵀX)^(-1/2)): gains are alpha s + 1 - alpha.
struct Shape : OfCorrelations {
  double alpha = 1;

  template <LinearAlgebra W>
  std::vector<Basis<W>> prepare(W& w, std::vector<BasisInput<W>> layers) const {
    return singular_bases(w, *this, std::move(layers), {});
  }
  template <class W>
  std::optional<Compared> own(const Basis<W>&) const {
    return Compared{.value = 0};
  }
  Norm norm() const { return Norm::nuclear; }
  template <class W>
  double bound(const Basis<W>& x, const Basis<W>& y) const {
    return x.gain_norm() * y.gain_norm();
  }
  template <class W>
  Compared of_norm(const Basis<W>& x, const Basis<W>& y, double norm) const {
    return {.value = std::min(1.0, norm / bound(x, y))};
  }
  /// The angle from the cosine or, near 1, where arccos has half the digits, from what a rotation
  /// leaves between the layers of unit norm: see Procrustes.
  template <LinearAlgebra W>
  Compared settle(W& w, const Basis<W>& x, const Basis<W>& y, Compared cosine) const {
    constexpr double near = 1e-3;
    if (1 - cosine.value >= near) return {.value = std::acos(cosine.value)};
    return {.value = 2 * std::asin(std::min(1.0, residual(w, x, y) / 2))};
  }
  template <class B>
  Choice choose(std::span<const double> s, const BasisInput<B>& layer) const {
    return with_gains(s, layer.tolerance, [&](double value) {
      return alpha * value / layer.layer.scale + (1 - alpha);
    });
  }

 private:
  template <LinearAlgebra W>
  static double residual(W& w, const Basis<W>& x, const Basis<W>& y) {
    if (x.rank < y.rank) return residual(w, y, x);
    const auto formed = [&](const Basis<W>& basis) {
      Matrix<W> columns = w.project(basis.factor(), *basis.coefficients);
      const std::vector<double> rows(static_cast<std::size_t>(columns.rows), 1.0);
      const std::vector<double> cols(static_cast<std::size_t>(columns.cols), 1 / basis.gain_norm());
      w.scale(columns, rows, cols);
      return columns;
    };
    const Matrix<W> of_x = formed(x), of_y = formed(y);
    const Layer<W> own = w.as_layer(of_x), other = w.as_layer(of_y);
    return std::sqrt(w.squared_residual(own, other, polar_factor(w, w.cross(other, own))));
  }
};

}  // namespace gramian

// Measures on the singular directions of the layers, whose bases are found in double: SVCCA, ridge
// CCA, shape distance. The first keeps some directions; the others multiply them by gains.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <span>
#include <utility>
#include <vector>

#include "cca.hpp"

namespace gramian {

/// All directions, multiplied by gain(singular value).
template <class Gain>
Choice with_gains(std::span<const double> s, double tolerance, const Gain& gain) {
  Choice all = above(tolerance)(s);
  for (std::size_t i = 0; i < static_cast<std::size_t>(all.kept); ++i)
    all.gains.push_back(gain(s[i]));
  return all;
}

/// The directions that hold the share `variance` of the sum of squares, or so many components
/// (Raghu et al. 2017).
struct Svcca {
  double variance = 0.99;
  Index components = 0;  // 0: by variance

  template <class B>
  Choice choose(std::span<const double> s, const BasisInput<B>& layer) const {
    Choice choice = above(layer.tolerance)(s);
    if (components > 0) return {std::min(components, choice.kept)};
    if (variance == 1) return choice;
    const double total = dot(s, s);
    double partial = 0;
    std::size_t k = 0;
    // A share that is reached but for rounding is reached.
    while (k < static_cast<std::size_t>(choice.kept) &&
           partial < (variance - 10 * layer.epsilon) * total) {
      partial += s[k] * s[k];
      ++k;
    }
    return {static_cast<Index>(k)};
  }
};

/// Gains s / sqrt(s² + ridge) for a ridge of `regularization` times the mean squared column norm.
struct RidgeCca {
  double regularization = 0;

  template <class B>
  Choice choose(std::span<const double> s, const BasisInput<B>& layer) const {
    const auto width = static_cast<double>(layer.layer.source.cols);
    const double total = dot(s, s);
    return with_gains(s, layer.tolerance, [&](double value) {
      return value / std::sqrt(value * value + regularization * total / width);
    });
  }
};

/// Of layers X (alpha I + (1 - alpha) (XᵀX)^(-1/2)), whose gains are alpha s + 1 - alpha: the
/// cosine |X'ᵀY'|_* / (|X'| |Y'|) of the shape distance (Williams et al. 2021), in [0, 1].
struct Shape : OnBases {
  double alpha = 1;

  template <class B>
  Choice choose(std::span<const double> s, const BasisInput<B>& layer) const {
    return with_gains(s, layer.tolerance,
                      [&](double value) { return alpha * value + (1 - alpha); });
  }
  template <LinearAlgebra B>
  Compared compare(B& b, const Basis<B>& x, const Basis<B>& y, Matrix<B> product, Wanted) const {
    return {.value = sum(
                b.singular_values(between(b, x.coefficients, std::move(product), y.coefficients)))};
  }
};

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
    recenter_all(b, layers);
    return spectral_bases<B>(b, std::move(layers), choose, wanted);
  } else {
    W w = b.wide();
    std::vector<BasisInput<W>> wide;
    for (const BasisInput<B>& layer : layers) wide.push_back(widened(w, layer));
    const auto found = spectral_bases<W>(w, std::move(wide), choose, wanted);
    std::vector<Basis<B>> bases;
    for (std::size_t l = 0; l < found.size(); ++l)
      bases.push_back(narrowed(b, found[l], std::move(layers[l].layer)));
    return bases;
  }
}

}  // namespace gramian

// Orthogonal Procrustes: how well a rotation takes one layer into another.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../bases/basis.hpp"
#include "map.hpp"

namespace gramian {

template <class B>
struct CentredLayer {
  Layer<B> layer;
  double squared_norm;  // 0 for a constant layer
  Means means;          // times the layer's scale
};

/// The same samples in another order, in which `layer` has them.
template <LinearAlgebra B>
CentredLayer<B> reordered(B&, const CentredLayer<B>& x, Layer<B> layer, std::span<const Index>) {
  return {std::move(layer), x.squared_norm, x.means};
}

/// Layers of which no basis is wanted.
template <LinearAlgebra B>
std::vector<CentredLayer<B>> centred_layers(B& b, std::vector<BasisInput<B>> layers) {
  std::vector<const Layer<B>*> all;
  for (const BasisInput<B>& layer : layers) all.push_back(&layer.layer);
  const auto squares = column_norms<B>(b, all);
  std::vector<CentredLayer<B>> centred;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const double norm = layers[l].layer.constant ? 0 : sum(squares[l]);
    centred.push_back({std::move(layers[l].layer), norm, std::move(layers[l].means)});
  }
  return centred;
}

/// XᵀY on the host, in the units of the layers.
template <LinearAlgebra B>
std::vector<double> cross_product(B& b, const CentredLayer<B>& x, const CentredLayer<B>& y) {
  std::vector<double> values = b.download(b.cross(x.layer, y.layer));
  for (double& value : values) value /= x.layer.scale * y.layer.scale;
  return values;
}

/// s = |XᵀY|_* / (|X| |Y|), in [0, 1] (Schönemann 1966), whose sum of singular values is found
/// without vectors; or the distance sqrt(2 - 2s) of layers of unit norm (Williams et al. 2021).
struct Procrustes {
  static constexpr bool mirrors = true;
  bool distance = false;

  template <LinearAlgebra B>
  std::vector<CentredLayer<B>> prepare(B& b, std::vector<BasisInput<B>> layers) const {
    return centred_layers(b, std::move(layers));
  }
  template <class B>
  bool is_defined(const CentredLayer<B>& x, const CentredLayer<B>& y) const {
    return x.squared_norm > 0 && y.squared_norm > 0;
  }
  bool is_symmetric() const { return true; }
  template <class B>
  std::optional<Compared> own(const CentredLayer<B>&) const {
    return Compared{.value = distance ? 0.0 : 1.0};
  }
  template <class B>
  LayerPair<B> product(const CentredLayer<B>& x, const CentredLayer<B>& y) const {
    return {&x.layer, &y.layer};
  }
  Norm norm() const { return Norm::nuclear; }
  template <LinearAlgebra B>
  Matrix<B> core(B&, const CentredLayer<B>&, const CentredLayer<B>&, Matrix<B> product) const {
    return product;
  }
  template <class B>
  double bound(const CentredLayer<B>& x, const CentredLayer<B>& y) const {
    return std::sqrt(x.squared_norm * y.squared_norm);
  }
  template <class B>
  Compared of_norm(const CentredLayer<B>& x, const CentredLayer<B>& y, double norm) const {
    return {.value = std::min(1.0, norm / bound(x, y))};
  }
  /// The distance, from the similarity or, where that has lost digits, from what a rotation leaves.
  template <LinearAlgebra B>
  Compared settle(B& b, const CentredLayer<B>& x, const CentredLayer<B>& y,
                  Compared similarity) const {
    // Below this 1 - s the residual gives the distance: sqrt(2 - 2s) magnifies the error of s by
    // its own inverse, which is 22 here and grows without bound.
    constexpr double near = 1e-3;
    const double s = similarity.value;
    if (!distance) return similarity;
    return {.value = 1 - s < near ? exact_residual(b, x, y) : std::sqrt(2 - 2 * s)};
  }

 private:
  /// In double: a rotation of small columns beside large ones is lost in the rounding of YᵀX.
  template <LinearAlgebra B>
  static double exact_residual(B& b, const CentredLayer<B>& x, const CentredLayer<B>& y) {
    if constexpr (std::same_as<B, typename B::Wide>) {
      return residual(b, x, y);
    } else {
      auto w = b.wide();
      const auto wide = [&](const CentredLayer<B>& of) {
        auto layer = make_layer(w, of.layer.source, of.means, of.layer.scale);
        const double norm = sum(column_norms(w, layer));
        return CentredLayer<typename B::Wide>{std::move(layer), norm, of.means};
      };
      return residual(w, wide(x), wide(y));
    }
  }

  /// |X - Y Q| of layers of unit norm, Q the polar factor of YᵀX (its rows orthonormal: the wider
  /// layer comes first). sqrt(2 - 2s), which it equals, has half the digits where it is small.
  template <LinearAlgebra B>
  static double residual(B& b, const CentredLayer<B>& x, const CentredLayer<B>& y) {
    if (x.layer.source.cols < y.layer.source.cols) return residual(b, y, x);
    Matrix<B> q = polar_factor(b, b.cross(y.layer, x.layer));
    const std::vector<double> rows(static_cast<std::size_t>(q.rows),
                                   std::sqrt(x.squared_norm / y.squared_norm));
    const std::vector<double> ones(static_cast<std::size_t>(q.cols), 1.0);
    b.scale(q, rows, ones);
    return std::sqrt(b.squared_residual(x.layer, y.layer, q) / x.squared_norm);
  }
};

}  // namespace gramian

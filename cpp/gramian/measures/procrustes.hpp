// Orthogonal Procrustes: how well a rotation takes one layer into another.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../linalg.hpp"

namespace gramian {

template <class B>
struct CentredLayer {
  Layer<B> layer;
  double squared_norm;  // 0 for a constant layer
};

/// s = |XᵀY|_* / (|X| |Y|), in [0, 1]; the sum of singular values is found without vectors.
template <LinearAlgebra B>
double procrustes_similarity(B& b, const CentredLayer<B>& x, const CentredLayer<B>& y,
                             Matrix<B> product) {
  return std::min(
      1.0, sum(b.singular_values(std::move(product))) / std::sqrt(x.squared_norm * y.squared_norm));
}

/// |X - Y Q| of layers of unit norm, Q the polar factor of YᵀX (its rows orthonormal: the wider
/// layer comes first). sqrt(2 - 2s), which it equals, has half the digits where it is small.
template <LinearAlgebra B>
double procrustes_residual(B& b, const CentredLayer<B>& x, const CentredLayer<B>& y) {
  if (x.layer.source.cols < y.layer.source.cols) return procrustes_residual(b, y, x);
  const SVD<B> svd = b.svd(b.cross(y.layer, x.layer));
  Matrix<B> q = b.multiply(svd.u, svd.vt);
  const std::vector<double> rows(static_cast<std::size_t>(q.rows),
                                 std::sqrt(x.squared_norm / y.squared_norm));
  const std::vector<double> ones(static_cast<std::size_t>(q.cols), 1.0);
  b.scale(q, rows, ones);
  return std::sqrt(b.squared_residual(x.layer, y.layer, q) / x.squared_norm);
}

/// Every pair of layers, those among the x when there are no others; NaN for a constant one.
template <LinearAlgebra B>
std::vector<double> procrustes(B& b, std::span<const CentredLayer<B>> layers, Index x,
                               bool distance) {
  constexpr double near = 1e-3;  // 1 - s below which the distance is found from the residual
  const Index y = std::ssize(layers) - x, others = y == 0 ? x : y;
  const auto at = [&](Index l) -> const CentredLayer<B>& {
    return layers[static_cast<std::size_t>(l)];
  };
  std::vector<double> values(static_cast<std::size_t>(x * others),
                             std::numeric_limits<double>::quiet_NaN());
  const Control whole = b.control;
  for (Index i = 0; i < x; ++i) {
    b.control = whole.part(i, x);
    const Index first = y == 0 ? 0 : x, count = y == 0 ? i + 1 : y;
    std::vector<const Layer<B>*> partners;
    for (Index j = 0; j < count; ++j) {
      const bool sound = at(i).squared_norm > 0 && at(first + j).squared_norm > 0;
      partners.push_back(sound ? &at(first + j).layer : nullptr);
    }
    auto products = products_with<B>(b, at(i).layer, partners);
    b.for_each(count, [&](Index j) {
      auto& product = products[static_cast<std::size_t>(j)];
      if (product)
        values[static_cast<std::size_t>(i * others + j)] =
            procrustes_similarity(b, at(i), at(first + j), std::move(*product));
    });
    for (Index j = 0; j < count; ++j) {
      double& value = values[static_cast<std::size_t>(i * others + j)];
      if (distance && !std::isnan(value))
        value = 1 - value < near ? procrustes_residual(b, at(i), at(first + j))
                                 : std::sqrt(2 - 2 * value);
      if (y == 0) values[static_cast<std::size_t>(j * others + i)] = value;
    }
  }
  return values;
}

}  // namespace gramian

// HSIC and CKA: from sums over Gram tiles (any kernel), or from X'Y (the linear kernel, where there
// are more samples than features).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "../gram_products.hpp"
#include "../linalg.hpp"
#include "../pairwise.hpp"

namespace gramian {

enum class Estimator { biased, unbiased };

/// HSIC for every pair of layers, and for every layer with itself (0 where only rounding is left of
/// it), in units of the scaled layers; `scales` are those of the layers' kernels.
struct Hsic {
  Index x, y;  // y == 0: the x layers among themselves
  std::vector<double> cross, self, scales{};

  Index others() const { return y == 0 ? x : y; }
  double& at(Index i, Index j) { return cross[static_cast<std::size_t>(i * others() + j)]; }
  std::size_t other(Index j) const { return static_cast<std::size_t>(y == 0 ? j : x + j); }
};

/// A value, and the size of the terms it is the sum of.
struct Cancelling {
  double value, size;

  /// 0 where rounding in precision T is all that the terms have left.
  template <class T>
  double or_zero() const {
    return value > 32 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size ? value : 0;
  }
};

/// Whether a layer has a similarity: not when its rows are equal but for rounding, nor when its own
/// HSIC vanishes for another reason.
enum class Status : std::uint8_t { sound, constant, degenerate };

/// Constant layers, whose HSIC with anything is 0, are made exactly so: rounding leaves some of it.
inline std::vector<Status> settle(Hsic& h, const std::vector<bool>& constant) {
  std::vector<Status> status;
  for (std::size_t l = 0; l < h.self.size(); ++l) {
    if (constant[l]) h.self[l] = 0;
    status.push_back(constant[l]       ? Status::constant
                     : h.self[l] > 0 ? Status::sound
                                     : Status::degenerate);
  }
  for (Index i = 0; i < h.x; ++i)
    for (Index j = 0; j < h.others(); ++j)
      if (constant[static_cast<std::size_t>(i)] || constant[h.other(j)]) h.at(i, j) = 0;
  return status;
}

/// CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) (Kornblith et al. 2019, eq. 4), in [0, 1] when
/// biased; NaN where a layer's own HSIC is 0.
inline std::vector<double> cka_values(Hsic h) {
  for (Index i = 0; i < h.x; ++i)
    for (Index j = 0; j < h.others(); ++j) {
      const double own = h.self[static_cast<std::size_t>(i)], other = h.self[h.other(j)];
      h.at(i, j) = own > 0 && other > 0 ? h.at(i, j) / (std::sqrt(own) * std::sqrt(other))
                                        : std::numeric_limits<double>::quiet_NaN();
    }
  return std::move(h.cross);
}

/// HSIC in the units of the layers themselves.
inline std::vector<double> hsic_values(Hsic h) {
  for (Index i = 0; i < h.x; ++i)
    for (Index j = 0; j < h.others(); ++j)
      h.at(i, j) = h.at(i, j) / h.scales[static_cast<std::size_t>(i)] / h.scales[h.other(j)];
  return std::move(h.cross);
}

/// HSIC from near-centred sums over i != j: S = Σ K L and row sums r, and the diagonals d:
///   biased   [S' - 2/n r'ₖ·r'ₗ + tₖtₗ/n²] / (n-1)²,  S' = S + dₖ·dₗ, r' = r + d  (Gretton et al. 2005)
///   unbiased [S - 2/(n-2) rₖ·rₗ + tₖtₗ/((n-1)(n-2))] / (n(n-3))                   (Song et al. 2012)
/// with t = Σ r. Keeping d apart spares float the one large term of the unbiased sum.
template <class B>
Hsic hsic_in_sample_space(B& b, std::span<const GramLayer<B>> layers, Index x,
                          Estimator estimator) {
  const auto n = static_cast<double>(layers[0].layer.source.rows);
  const bool biased = estimator == Estimator::biased;
  GramProducts sums = gram_products(b, layers, x);
  std::vector<double> totals;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    auto& rows = sums.row_sums[l];
    if (biased) std::ranges::transform(rows, layers[l].diagonal, rows.begin(), std::plus{});
    totals.push_back(sum(rows));
  }
  const auto value = [&](std::size_t k, std::size_t l, double products) -> Cancelling {
    const double r = dot(sums.row_sums[k], sums.row_sums[l]), t = totals[k] * totals[l];
    if (!biased) {
      const double rows = 2 / (n - 2) * r, total = t / ((n - 1) * (n - 2)), unit = n * (n - 3);
      return {(products - rows + total) / unit, (std::abs(products) + std::abs(rows)) / unit};
    }
    products += dot(layers[k].diagonal, layers[l].diagonal);
    const double rows = 2 / n * r, total = t / (n * n), unit = (n - 1) * (n - 1);
    return {(products - rows + total) / unit, (std::abs(products) + std::abs(rows)) / unit};
  };
  Hsic h{sums.x, sums.y, std::move(sums.cross), std::move(sums.self)};
  for (Index i = 0; i < h.x; ++i)
    for (Index j = 0; j < h.others(); ++j)
      h.at(i, j) = value(static_cast<std::size_t>(i), h.other(j), h.at(i, j)).value;
  for (std::size_t l = 0; l < h.self.size(); ++l)
    h.self[l] = value(l, l, h.self[l]).template or_zero<typename B::scalar>();
  return h;
}

/// A layer prepared for the linear kernel in feature space.
template <class B>
struct FeatureLayer {
  Layer<B> layer;
  std::vector<double> squared_norms;  // of the centred rows
  double self;                        // HSIC with itself
};

/// Linear HSIC in feature space: |XᵀY|²_F / (n-1)², or, without bias,
///   [|XᵀY|²_F - n/(n-2) Σ |xᵢ|²|yᵢ|² + |X|²_F |Y|²_F / ((n-1)(n-2))] / (n(n-3)).
struct FeatureHsic {
  Estimator estimator;

  Cancelling value(double products, std::span<const double> x, std::span<const double> y) const {
    const auto n = static_cast<double>(x.size());
    if (estimator == Estimator::biased) return {products / ((n - 1) * (n - 1)), 0};
    const double norms = n / (n - 2) * dot(x, y), unit = n * (n - 3);
    return {(products - norms + sum(x) * sum(y) / ((n - 1) * (n - 2))) / unit,
            (products + norms) / unit};
  }
  template <Backend B>
  FeatureLayer<B> prepare(B& b, Layer<B> layer, std::vector<double> norms) const {
    const auto c = b.self_cross(layer);
    const double self = value(b.dot(c, c), norms, norms).template or_zero<typename B::scalar>();
    return {std::move(layer), std::move(norms), self};
  }
  template <Backend B>
  double compare(B& b, const FeatureLayer<B>& x, const FeatureLayer<B>& y) const {
    const auto c = b.cross(x.layer, y.layer);
    return value(b.dot(c, c), x.squared_norms, y.squared_norms).value;
  }
};

/// Whether all pairs of the linear kernel cost less in feature space (2 n p q flops a pair, n p² a
/// layer) than in sample space (n² p a layer, 2 n² a pair).
inline bool feature_space_is_cheaper(Index n, std::span<const Index> widths, Index x) {
  const auto y = std::ssize(widths) - x;
  double feature = 0, sample = 0;
  const auto samples = static_cast<double>(n);
  for (const Index p : widths) {
    const auto width = static_cast<double>(p);
    feature += samples * width * width;
    sample += samples * samples * width;
  }
  for (Index i = 0; i < x; ++i)
    for (Index j = 0; j < (y == 0 ? i : y); ++j) {
      const Index other = widths[static_cast<std::size_t>(y == 0 ? j : x + j)];
      feature += 2 * samples * static_cast<double>(widths[static_cast<std::size_t>(i)] * other);
      sample += samples * samples;
    }
  return feature < sample;
}

/// HSIC of the first x layers with the rest, or among themselves when there is no rest; one kernel a
/// layer, gamma in the layers' own units.
template <Backend B>
Hsic hsic(B& b, std::vector<Layer<B>> layers, std::vector<std::vector<double>> norms, Index x,
          std::span<const Kernel> kernels, Estimator estimator) {
  const auto count = layers.size();
  std::vector<double> scales(count, 1.0);
  std::vector<Index> widths;
  bool linear = true;
  for (std::size_t l = 0; l < count; ++l) {
    widths.push_back(layers[l].source.cols);
    if (std::holds_alternative<Linear>(kernels[l]))
      scales[l] = layers[l].scale * layers[l].scale;
    else
      linear = false;
  }
  constexpr double preparation = 0.1;  // of the time, as progress reports it
  b.control.end = preparation;
  if (linear && feature_space_is_cheaper(layers[0].source.rows, widths, x)) {
    const FeatureHsic measure{estimator};
    std::vector<FeatureLayer<B>> prepared;
    for (std::size_t l = 0; l < count; ++l)
      prepared.push_back(measure.prepare(b, std::move(layers[l]), std::move(norms[l])));
    Hsic h{x, std::ssize(prepared) - x, pairwise(b, measure, prepared, x, preparation), {}, scales};
    for (const auto& layer : prepared) h.self.push_back(layer.self);
    return h;
  }
  std::vector<GramLayer<B>> prepared;
  for (std::size_t l = 0; l < count; ++l) {
    Kernel kernel = kernels[l];
    if (auto* rbf = std::get_if<Rbf>(&kernel)) rbf->gamma /= layers[l].scale * layers[l].scale;
    prepared.push_back(make_gram_layer(b, std::move(layers[l]), kernel, norms[l]));
  }
  b.control.begin = preparation;
  b.control.end = 1;
  Hsic h = hsic_in_sample_space<B>(b, prepared, x, estimator);
  h.scales = std::move(scales);
  return h;
}

}  // namespace gramian

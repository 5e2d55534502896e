// HSIC and CKA: from sums over Gram tiles (any kernel), or from X'Y (the linear kernel, where there
// are more samples than features).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../gram_products.hpp"
#include "../kernel_spec.hpp"
#include "../linalg.hpp"
#include "../plan.hpp"

namespace gramian {

enum class Estimator { biased, unbiased };

/// Whether a layer has a similarity: not when its rows are equal but for rounding, nor when its own
/// HSIC vanishes for another reason.
enum class Status : std::uint8_t { sound, constant, degenerate };

/// HSIC for every pair of layers, and for every layer with itself (0 where only rounding is left of
/// it), in units of the scaled layers; `scales` are those of the layers' kernels.
struct Hsic {
  Index x, y;  // y == 0: the x layers among themselves
  std::vector<double> cross{}, self{}, scales{};
  std::vector<Status> status{};

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

/// Constant layers, whose HSIC with anything is 0, are made exactly so: rounding leaves some of it.
inline void settle(Hsic& h) {
  for (std::size_t l = 0; l < h.self.size(); ++l) {
    if (h.status[l] == Status::constant) h.self[l] = 0;
    if (h.status[l] == Status::sound && h.self[l] == 0) h.status[l] = Status::degenerate;
  }
  for (Index i = 0; i < h.x; ++i)
    for (Index j = 0; j < h.others(); ++j)
      if (h.status[static_cast<std::size_t>(i)] == Status::constant ||
          h.status[h.other(j)] == Status::constant)
        h.at(i, j) = 0;
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
///   biased   [S' - 2/n r'ₖ·r'ₗ + tₖtₗ/n²] / (n-1)²,  S' = S + dₖ·dₗ, r' = r + d  (Gretton et al.
///   2005) unbiased [S - 2/(n-2) rₖ·rₗ + tₖtₗ/((n-1)(n-2))] / (n(n-3))                   (Song et
///   al. 2012)
/// with t = Σ r. Keeping d apart spares float the one large term of the unbiased sum.
template <class B>
Hsic hsic_in_sample_space(B& b, std::span<const GramLayer<B>> layers, Index x, Estimator estimator,
                          const Tiling& tiling) {
  const auto n = static_cast<double>(layers[0].layer.source.rows);
  const bool biased = estimator == Estimator::biased;
  GramProducts sums = gram_products(b, layers, x, tiling);
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
  constexpr auto eps = static_cast<double>(std::numeric_limits<typename B::scalar>::epsilon());
  for (std::size_t l = 0; l < h.self.size(); ++l) {
    h.self[l] = value(l, l, h.self[l]).template or_zero<typename B::scalar>();
    // Entries that near-centring takes to 0 keep the rounding of what it subtracted.
    if (h.self[l] <= std::pow(32 * eps, 2) * layers[l].mean_squared_shift) h.self[l] = 0;
  }
  return h;
}

/// Linear HSIC in feature space, from products = |XᵀY|²_F and the squared norms of the centred
/// rows:
///   biased   products / (n-1)²
///   unbiased [products - n/(n-2) Σ |xᵢ|²|yᵢ|² + |X|²_F |Y|²_F / ((n-1)(n-2))] / (n(n-3))
inline Cancelling linear_hsic(Estimator estimator, Index rows, double products,
                              std::span<const double> x, std::span<const double> y) {
  const auto n = static_cast<double>(rows);
  if (estimator == Estimator::biased) return {products / ((n - 1) * (n - 1)), 0};
  const double norms = n / (n - 2) * dot(x, y), unit = n * (n - 3);
  return {(products - norms + sum(x) * sum(y) / ((n - 1) * (n - 2))) / unit,
          (products + norms) / unit};
}

/// What a comparison by HSIC found. It is not complete where a median is 0, which leaves a kernel
/// without a width, or where a kernel is too narrow for float.
struct Outcome {
  Hsic hsic;
  std::vector<double> medians{};  // squared; of the layers whose kernel takes its width from it
  bool complete = false;
};

/// |xᵢ|² as packed, or the diagonal of a Gram matrix that is given.
template <Backend B>
std::vector<double> norms_of(B& b, const Layer<B>& layer, const KernelSpec& spec) {
  if (spec.kind != KernelSpec::precomputed) return squared_norms(b, layer);
  Source diagonal = layer.source;  // as a column
  diagonal.cols = 1;
  diagonal.row_stride += std::exchange(diagonal.col_stride, 1);
  const Layer<B> column = make_layer(b, diagonal, std::vector<double>(1), layer.scale);
  Panel<B> panel;
  b.pack(column, {0, diagonal.rows}, panel);
  return b.download(panel.memory.get(), diagonal.rows);
}

/// Share of the time that the layers take before the pairs, as progress reports it.
constexpr double preparation = 0.1;

/// One piece of work of all products: those of the pairs first, since threads end together best
/// when the last tasks are short.
template <Backend B>
Outcome hsic_by_features(B& b, const std::vector<Layer<B>>& layers, Index x, const KernelSpec& spec,
                         Estimator estimator) {
  const Index count = std::ssize(layers), n = layers[0].source.rows;
  Outcome outcome{.hsic = {x, count - x}, .complete = true};
  Hsic& h = outcome.hsic;
  h.cross.resize(static_cast<std::size_t>(x * h.others()));
  h.self.resize(layers.size());
  std::vector<std::vector<double>> norms(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (estimator == Estimator::unbiased) norms[l] = squared_norms(b, layers[l]);
    h.scales.push_back(spec.unit(Linear{}, layers[l].scale));
  }

  std::vector<std::pair<std::size_t, std::size_t>> indices;
  for (Index i = 0; i < x; ++i)
    for (Index j = 0; j < (h.y == 0 ? i : h.y); ++j)
      indices.emplace_back(static_cast<std::size_t>(i), h.other(j));
  for (std::size_t l = 0; l < layers.size(); ++l) indices.emplace_back(l, l);
  std::vector<LayerPair<B>> pairs;
  for (const auto& [k, l] : indices) pairs.push_back({&layers[k], &layers[l]});

  h.status.resize(layers.size());
  b.cross_products(pairs, [&](Index pair, const Matrix<B>& c) {
    const auto [k, l] = indices[static_cast<std::size_t>(pair)];
    const double products = b.dot(c, c);
    const Cancelling value = linear_hsic(estimator, n, products, norms[k], norms[l]);
    const auto i = static_cast<Index>(k);
    if (k != l) {
      h.at(i, static_cast<Index>(l) - (h.y == 0 ? 0 : x)) = value.value;
      if (h.y == 0) h.at(static_cast<Index>(l), i) = value.value;
      return;
    }
    h.self[k] = value.template or_zero<typename B::scalar>();
    if (h.y == 0) h.at(i, i) = value.value;
    // The root of `products` is the sum of squares, but for a factor √p.
    const bool constant = is_constant(layers[k], std::sqrt(products));
    h.status[k] = constant ? Status::constant : Status::sound;
  });
  return outcome;
}

template <Backend B>
Outcome hsic_by_samples(B& b, std::vector<Layer<B>> layers, Index x, const KernelSpec& spec,
                        Estimator estimator, const Plan& plan) {
  Outcome outcome{.hsic = {x, std::ssize(layers) - x}};
  const double end_of_medians = spec.by_median() ? 0.5 : preparation;
  const double step = end_of_medians / static_cast<double>(layers.size());
  std::vector<GramLayer<B>> prepared;
  for (auto& layer : layers) {
    b.control.begin = step * static_cast<double>(prepared.size());
    b.control.end = b.control.begin + step;
    const bool keep = spec.by_median() && std::ssize(prepared) < plan.kept;
    auto [read, constant] = as_read_by(b, spec, std::move(layer));
    auto& g = prepared.emplace_back(std::move(read));
    g.norms = norms_of(b, g.layer, spec);
    g.squared_norms = b.upload(g.norms);
    constant = constant || (spec.centers() && is_constant(g.layer, sum(g.norms)));
    outcome.hsic.status.push_back(constant ? Status::constant : Status::sound);
    if (keep) g.kept = b.allocate(plan.tiling.count() * plan.tiling.area());
    Middle median{};
    if (spec.by_median()) {
      median = median_of(b, g, plan.tiling, spec.sample);
      outcome.medians.push_back((median.low + median.high) / 2);
      if (outcome.medians.back() == 0) return outcome;
    }
    const Kernel kernel = kernel_of(spec, g, median);
    if (is_too_narrow_for<typename B::scalar>(kernel, g.norms)) return outcome;
    set_kernel(b, g, kernel);
    outcome.hsic.scales.push_back(spec.unit(g.kernel, g.layer.scale));
  }
  b.control.begin = end_of_medians;
  b.control.end = 1;
  Hsic h = hsic_in_sample_space<B>(b, prepared, x, estimator, plan.tiling);
  outcome.hsic.cross = std::move(h.cross);
  outcome.hsic.self = std::move(h.self);
  outcome.complete = true;
  return outcome;
}

/// HSIC of the first x layers with the rest, or among themselves when there is no rest.
template <Backend B>
Outcome hsic(B& b, std::vector<Layer<B>> layers, Index x, const KernelSpec& spec,
             Estimator estimator, const Plan& plan) {
  b.threads = plan.threads;
  Outcome outcome = plan.feature_space
      ? hsic_by_features(b, layers, x, spec, estimator)
      : hsic_by_samples(b, std::move(layers), x, spec, estimator, plan);
  if (outcome.complete) settle(outcome.hsic);
  return outcome;
}

}  // namespace gramian

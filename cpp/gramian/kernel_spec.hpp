// A kernel as the caller names it, and the kernel it becomes for one layer: widths by the layer's
// median distance, factors for the layer's scale.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "gram_layer.hpp"
#include "median.hpp"

namespace gramian {

struct KernelSpec {
  enum Kind { linear, rbf, laplacian, polynomial, cosine, precomputed } kind = linear;
  double sigma = 0;      // rbf, laplacian: in the units of the features; 0: by the median
  double bandwidth = 0;  // then: in medians
  Index sample = 0;      // of so many rows; 0: all
  double constant = 0;   // polynomial
  int degree = 0;

  bool by_median() const { return (kind == rbf || kind == laplacian) && sigma == 0; }

  /// Whether the features are centred before the kernel sees them.
  bool centers() const { return kind == linear || kind == rbf || kind == laplacian; }

  /// What the values of a layer's kernel are multiplied by, to be divided out of an HSIC.
  double unit(const Kernel& kernel, double scale) const {
    if (kind == linear) return scale * scale;
    if (kind == precomputed) return scale;
    if (const auto* p = std::get_if<Polynomial>(&kernel)) return p->unit;
    return 1;
  }
};

/// A layer that was centred, as the kernel reads it, and whether it is constant (a Gram matrix that
/// is given is never called so).
template <Backend B>
std::pair<Layer<B>, bool> as_read_by(B& b, const KernelSpec& spec, Layer<B> layer) {
  const bool constant = !spec.centers() && spec.kind != KernelSpec::precomputed &&
      is_constant(layer, sum(squared_norms(b, layer)));
  if (spec.centers()) return {std::move(layer), false};
  const std::vector<double> zeros(static_cast<std::size_t>(layer.source.cols));
  return {make_layer(b, layer.source, zeros, layer.scale), constant};
}

/// Rows floor(i n / count) of a layer, packed, as a layer of their own; `panel` owns the memory.
template <Backend B>
Layer<B> sampled(B& b, const Layer<B>& layer, Index count, Panel<B>& panel) {
  using T = typename B::scalar;
  const Source& source = layer.source;
  b.pack(layer, {0, count, source.rows, count}, panel);
  const Index p = source.cols;
  const DType dtype = sizeof(T) == sizeof(float) ? DType::f32 : DType::f64;
  const Source packed = panel.row_major ? Source{panel.memory.get(), dtype, count, p, p, 1}
                                        : Source{panel.memory.get(), dtype, count, p, 1, count};
  return make_layer(b, packed, std::vector<double>(static_cast<std::size_t>(p)), 1);
}

/// The middle of the squared distances of a layer, or of a sample of its rows.
template <Backend B>
Middle median_of(B& b, GramLayer<B>& g, const Tiling& tiling, Index sample) {
  if (sample == 0 || sample >= tiling.n) return median_squared_distance(b, g, tiling);
  Panel<B> panel;
  GramLayer<B> part{sampled(b, g.layer, sample, panel), {}, {}};
  part.norms = squared_norms(b, part.layer);
  part.squared_norms = b.upload(part.norms);
  return median_squared_distance(b, part, Tiling::of(sample, tiling.tile));
}

/// The kernel of one layer, in the units of the layer as packed.
template <Backend B>
Kernel kernel_of(const KernelSpec& spec, const GramLayer<B>& g, const Middle& median) {
  const double scale = g.layer.scale;
  switch (spec.kind) {
    case KernelSpec::linear: return Linear{};
    case KernelSpec::cosine: return Cosine{};
    case KernelSpec::precomputed: return Precomputed{};
    case KernelSpec::rbf: {
      const double squared = spec.by_median()
          ? spec.bandwidth * spec.bandwidth * (median.low + median.high) / 2
          : spec.sigma * spec.sigma * scale * scale;
      return Rbf{1 / (2 * squared)};
    }
    case KernelSpec::laplacian: {
      const double width = spec.by_median()
          ? spec.bandwidth * (std::sqrt(median.low) + std::sqrt(median.high)) / 2
          : spec.sigma * scale;
      return Laplacian{1 / width};
    }
    case KernelSpec::polynomial: {
      Polynomial p{1 / (static_cast<double>(g.layer.source.cols) * scale * scale), spec.constant,
                   spec.degree};
      double largest = 0;
      for (const double norm : g.norms) largest = std::max(largest, p.self_value(norm));
      if (largest > 0) p.unit = std::exp2(-std::round(std::log2(largest)));
      return p;
    }
  }
  return Linear{};
}

/// Whether a kernel is so narrow against the spread of its layer that the rounding of distances in
/// float, eps |x|², shows in its values: then the layer wants double.
template <std::floating_point T>
bool is_too_narrow_for(const Kernel& kernel, std::span<const double> norms) {
  if constexpr (sizeof(T) > sizeof(float)) return false;
  const double mean_norm = sum(norms) / static_cast<double>(norms.size());
  if (const auto* rbf = std::get_if<Rbf>(&kernel)) return rbf->gamma * mean_norm > 64;
  if (const auto* laplacian = std::get_if<Laplacian>(&kernel))
    return laplacian->gamma * std::sqrt(mean_norm) > 64;
  return false;
}

}  // namespace gramian

// A kernel as the caller names it, and the kernel it becomes for one layer: widths by the layer's
// median distance, factors for the layer's scale.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "median.hpp"

namespace gramian {

struct KernelSpec {
  enum Kind { linear, rbf, laplacian, distance, polynomial, cosine, precomputed } kind = linear;
  double sigma = 0;      // rbf, laplacian: in the units of the features; 0: by the median
  double bandwidth = 0;  // then: in medians
  Index sample = 0;      // of so many rows; 0: all
  double constant = 0;   // polynomial
  int degree = 0;

  bool operator==(const KernelSpec&) const = default;
  bool by_median() const { return (kind == rbf || kind == laplacian) && sigma == 0; }

  /// Whether the features are centred before the kernel sees them.
  bool centers() const {
    return kind == linear || kind == rbf || kind == laplacian || kind == distance;
  }

  /// What the values of a layer's kernel are multiplied by, to be divided out of an HSIC.
  double unit(const Kernel& kernel, double scale) const {
    if (kind == linear) return scale * scale;
    if (kind == precomputed || kind == distance) return scale;
    if (const auto* p = std::get_if<Polynomial>(&kernel)) return p->unit;
    return 1;
  }
};

/// The kernel of one layer, in the units of the layer as packed.
template <Backend B>
Kernel kernel_of(const KernelSpec& spec, const GramLayer<B>& g, const Middle& median) {
  const double scale = g.layer.scale;
  switch (spec.kind) {
    case KernelSpec::linear: return Linear{};
    case KernelSpec::distance: return Distance{};
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
/// float shows in its values: then the layer wants double. Distances are off by eps |x|², and so
/// values by gamma times that of themselves: with 64, two thirds of the 100 eps that are promised.
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

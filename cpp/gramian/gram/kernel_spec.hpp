// A kernel as the caller names it, and the kernel it becomes for one layer: widths by the layer's
// median distance, factors for the layer's scale.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "median.hpp"
#include "origin.hpp"

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

  /// What a layer is packed as differences from, to be near-centred or not.
  About about(bool near_centred) const {
    if (centers()) return About::means;
    return kind == polynomial && near_centred ? About::origin : About::nothing;
  }

  /// What the values of a layer's kernel are multiplied by, to be divided out of an HSIC.
  double unit(const Kernel& kernel, double scale) const {
    if (kind == linear) return scale * scale;
    if (kind == precomputed || kind == distance) return scale;
    if (const auto* p = std::get_if<Polynomial>(&kernel)) return std::ldexp(1.0, p->exponent);
    return 1;
  }
};

/// The polynomial kernel of a layer whose squared norms, as packed, are `largest` at most. Powers
/// of two are counted rather than multiplied, which would leave the range.
inline Polynomial polynomial_of(const KernelSpec& spec, Index features, double scale,
                                double largest, const Origin& o, bool minus_constant) {
  const double share = 1 / static_cast<double>(features);
  const int scaled = 2 * std::ilogb(scale);
  const auto exponent_of = [](double x) { return x > 0 ? std::ilogb(x) : -4096; };
  Polynomial p{0, 0, spec.degree, minus_constant};
  const int of_origin = o.squared > 0 ? exponent_of(o.squared * share) + 2 * o.exponent + 1 : -4096;
  const int size = std::max(std::max(exponent_of(largest * share), of_origin) - scaled,
                            exponent_of(spec.constant)) +
      1;
  const int shift = size > -4096 ? -size : 0;  // a is then 2 at most, about an origin 3
  p.factor = std::ldexp(share, shift - scaled);
  p.origin = std::ldexp(o.squared * share, 2 * o.exponent + shift - scaled);
  p.along = std::ldexp(std::sqrt(o.squared) * share, o.exponent + shift - scaled);
  p.constant = std::ldexp(spec.constant, shift) + p.origin;
  p.exponent = shift * spec.degree;
  if (minus_constant && largest > 0) {
    p.outer = share;
    const int own = std::ilogb(p.value(largest, std::sqrt(largest), std::sqrt(largest)));
    p.outer = std::ldexp(share, -own);
    p.exponent += scaled - shift - own;
  }
  return p;
}

/// The kernel of one layer, in the units of the layer as packed, for near-centring or as it is.
template <Backend B>
Kernel kernel_of(const KernelSpec& spec, const GramLayer<B>& g, const Middle& median,
                 bool near_centred) {
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
    case KernelSpec::polynomial:
      return polynomial_of(spec, g.layer.source.cols, scale, std::ranges::max(g.norms), g.origin,
                           near_centred);
  }
  return Linear{};
}

}  // namespace gramian

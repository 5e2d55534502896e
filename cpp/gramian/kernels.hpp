// The kernels of HSIC and CKA, as values: what a tile of inner products is turned into. How is in
// cpu/simd.cpp; here is what the driver needs to know of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <variant>

namespace gramian {

/// An inner product that stands for none: the value is 0, of a kernel of distances and of a
/// polynomial about an origin.
inline constexpr double far_away = -1e30;

/// k(x, y) = x·y of centred features.
struct Linear {
  double self_value(double squared_norm) const { return squared_norm; }
};

/// k(x, y) = exp(-gamma |x - y|²). A wide one is held as k - 1 = expm1(-gamma d²): the constant
/// shift changes no HSIC, and without it float loses 660,000 eps of CKA at a bandwidth of 1,000
/// medians. A narrow one is held as it is: next to -1 its small values would round away.
struct Rbf {
  double gamma;
  bool minus_one = false;
  double self_value(double) const { return minus_one ? 0 : 1; }
};

/// k(x, y) = exp(-gamma |x - y|), held like Rbf.
struct Laplacian {
  double gamma;
  bool minus_one = false;
  double self_value(double) const { return minus_one ? 0 : 1; }
};

/// k(x, y) = -|x - y|, which is conditionally positive definite: centred, it is the kernel whose
/// HSIC is the distance covariance (Sejdinovic et al. 2013).
struct Distance {
  double self_value(double) const { return 0; }
};

/// k(x, y) = a^degree, a = factor x·y + constant, of the features as they are. Held as it is, or
/// less the constant's power, without which features of 1e-3 leave nothing in float:
///   a^d - c^d = (a - c) Σ a^(d-1-i) cⁱ,  outer x·y being a - c in another unit.
/// Either way its values are 2^exponent times those of the layer's own kernel, and 1 at most.
///
/// Where units hardly vary about large values, what is packed are differences from an origin o, and
/// a = A + uᵢ + uⱼ + factor g with g their inner products, uᵢ = along vᵢ the part along o, and A
/// the constant, |o|² included. Held is what terms of i alone and of j alone leave of a^d, with Q =
/// A + uᵢ + uⱼ, R = A + uᵢ, S = A + uⱼ:
///   a^d - R^d - S^d + A^d = factor g Σ a^(d-1-i) Qⁱ + uᵢ uⱼ D,  D = (Q^d - R^d - S^d + A^d)/(uᵢ
///   uⱼ)
/// of which no part cancels:
///   D₁ = 0,  Dₘ₊₁ = Q Dₘ + hₘ(R) + hₘ(S),  hₘ(R) = Σ R^(m-1-i) Aⁱ.
struct Polynomial {
  double factor, constant;
  int degree;
  bool minus_constant = false;
  double outer = 1;
  int exponent = 0;
  double along = 0, origin = 0;  // |o|² as a part of the constant; 0: there is no origin

  /// What is multiplied by g, and by the product of the v.
  struct Parts {
    double of_product, of_origin;
  };
  Parts parts(double g, double vi, double vj) const {
    const double r = constant + along * vi, s = constant + along * vj;
    const double q = constant + along * (vi + vj), a = q + factor * g;
    double sum = 1, bend = 0, hr = 1, hs = 1, of_q = 1, power = 1;
    for (int m = 1; m < degree; ++m) {
      bend = q * bend + (hr + hs);
      of_q *= q;
      power *= constant;
      sum = sum * a + of_q;
      hr = hr * r + power;
      hs = hs * s + power;
    }
    return {sum, origin * bend};
  }
  double value(double g, double vi, double vj) const {
    if (!minus_constant) return std::pow(factor * g + constant, degree);
    const Parts found = parts(g, vi, vj);
    return outer * (g * found.of_product + vi * vj * found.of_origin);
  }
};

/// k(x, y) = x·y / (|x| |y|) of the features as they are; 0 where a norm is 0.
struct Cosine {
  double self_value(double squared_norm) const { return squared_norm > 0 ? 1 : 0; }
};

/// The same less 1, where inner products have given way to -|x/|x| - y/|y||² / 2.
struct NearCosine {
  double self_value(double) const { return 0; }
};

/// The layer is the Gram matrix itself.
struct Precomputed {
  double self_value(double diagonal) const { return diagonal; }
};

using Kernel =
    std::variant<Linear, Rbf, Laplacian, Distance, Polynomial, Cosine, NearCosine, Precomputed>;

/// Whether values are held as they are, 1 on the diagonal and less elsewhere.
inline bool is_narrow(const Kernel& kernel) {
  if (const auto* rbf = std::get_if<Rbf>(&kernel)) return !rbf->minus_one;
  const auto* laplacian = std::get_if<Laplacian>(&kernel);
  return laplacian != nullptr && !laplacian->minus_one;
}

/// Whether values come from distances, so that an offset of the features does not matter to them.
inline bool is_of_distance(const Kernel& kernel) {
  return std::holds_alternative<Rbf>(kernel) || std::holds_alternative<Laplacian>(kernel) ||
      std::holds_alternative<Distance>(kernel);
}

}  // namespace gramian

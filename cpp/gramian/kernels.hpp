// The kernels of HSIC and CKA, as values: what a tile of inner products is turned into. How is in
// cpu/simd.cpp; here is what the driver needs to know of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <variant>

namespace gramian {

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

/// k(x, y) = unit (factor x·y + constant)^degree of the features as they are; `unit`, a power of
/// two, keeps its values in the range of float.
struct Polynomial {
  double factor, constant;
  int degree;
  double unit = 1;
  double self_value(double squared_norm) const {
    return unit * std::pow(factor * squared_norm + constant, degree);
  }
};

/// k(x, y) = x·y / (|x| |y|) of the features as they are; 0 where a norm is 0.
struct Cosine {
  double self_value(double squared_norm) const { return squared_norm > 0 ? 1 : 0; }
};

/// The layer is the Gram matrix itself.
struct Precomputed {
  double self_value(double diagonal) const { return diagonal; }
};

using Kernel = std::variant<Linear, Rbf, Laplacian, Distance, Polynomial, Cosine, Precomputed>;

/// Whether values come from distances, so that an offset of the features does not matter to them.
inline bool is_of_distance(const Kernel& kernel) {
  return std::holds_alternative<Rbf>(kernel) || std::holds_alternative<Laplacian>(kernel) ||
      std::holds_alternative<Distance>(kernel);
}

}  // namespace gramian

// Linear regression of one layer on another.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "cca.hpp"
#include "procrustes.hpp"

namespace gramian {

/// R² of X from Y, |QyᵀX|² / |X|² (Kornblith et al. 2019), in [0, 1]; Qy an orthonormal basis of Y.
/// Of X, a CentredLayer or a Basis, no more than the layer and its norm are read.
struct LinearRegression {
  static constexpr bool mirrors = false;

  /// The layers to predict from; those to predict are prepared as by Procrustes.
  template <LinearAlgebra B>
  std::vector<Basis<B>> prepare(B& b, std::vector<BasisInput<B>> layers) const {
    return OnBases::prepare(b, std::move(layers), {});
  }
  template <class X, class B>
  bool is_defined(const X& x, const Basis<B>& y) const {
    return y.rank > 0 && x.squared_norm > 0;
  }
  bool is_symmetric() const { return false; }
  /// A layer is in its own span.
  template <class B>
  std::optional<Compared> own(const Basis<B>&) const {
    return Compared{.value = 1};
  }
  template <class X, class B>
  LayerPair<B> product(const X& x, const Basis<B>& y) const {
    return {&y.factor(), &x.layer};
  }
  Norm norm() const { return Norm::squared_frobenius; }
  template <LinearAlgebra B, class X>
  Matrix<B> core(B& b, const X&, const Basis<B>& y, Matrix<B> product) const {
    return between<B>(b, y.coefficients, std::move(product), {});
  }
  template <class X, class B>
  double bound(const X& x, const Basis<B>&) const {
    return std::sqrt(x.squared_norm);
  }
  template <class X, class B>
  Compared of_norm(const X& x, const Basis<B>&, double norm) const {
    return {.value = std::min(1.0, norm / x.squared_norm)};
  }
};

}  // namespace gramian

// HSIC and CKA of two prepared layers, as formulas; hsic_map.hpp evaluates them for many.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "../gram/plan.hpp"
#include "../gram/prepared_gram.hpp"

namespace gramian {

enum class Estimator : std::uint8_t { biased, unbiased };

/// A value, and the size of the terms it is the sum of. (That of a pair is at most the geometric
/// mean of those of its layers with themselves, so that it is enough to watch these.)
struct Cancelling {
  double value, size;

  /// 0 where rounding in precision T is all that the terms have left. Equidistant rows, 6 to 1,500
  /// of them, whose unbiased HSIC is 0, leave at most 17 eps in float under every kernel. (In
  /// double up to 14, but 30 under the linear kernel and 159 under the Laplacian: a root of a
  /// distance near 0 loses more.)
  template <class T>
  double or_zero() const {
    return value > 32 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size ? value : 0;
  }

  /// Whether more digits are lost to the terms than `allowed` in units of what rounding leaves of a
  /// sum without cancellation. Sums of a thousand products in float are off by up to 18 eps where
  /// most are one small constant (units that are seldom on), otherwise by less than 1: five times
  /// as much is what was promised. Random layers of fewer columns than rows lose 1 + 2 p/n, at
  /// most 4.
  bool cancels(double allowed) const { return !(size < 5 * allowed * value); }
};

/// What tiles say of one layer: the row sums of its Gram matrix and their sum.
struct Margins {
  std::vector<double> rows;
  double total;
};

/// The Hilbert-Schmidt independence criterion of two kernels, K and L, near-centred, from
/// S = Σ K L and row sums r over i != j, and the diagonals d; t = Σ r:
///   biased   [S' - 2/n r'ₖ·r'ₗ + tₖtₗ/n²] / (n-1)²,  S' = S + dₖ·dₗ, r' = r + d
///            (Gretton et al. 2005)
///   unbiased [S - 2/(n-2) rₖ·rₗ + tₖtₗ/((n-1)(n-2))] / (n(n-3))                (Song et al. 2012)
/// Keeping d apart spares float the one large term of the unbiased sum.
struct Hsic {
  KernelSpec kernel{};
  Estimator estimator = Estimator::biased;

  bool needs_norms(const Plan& plan) const {
    return !plan.feature_space || estimator == Estimator::unbiased;
  }

  /// What is kept of layers, up to the first that has no kernel (see Status).
  template <Backend B>
  std::vector<PreparedGram<B>> prepare(B& b, std::vector<Layer<B>> layers, const Plan& plan) const {
    b.threads = plan.threads;
    const Control whole = b.control;
    std::vector<std::vector<double>> norms(layers.size());
    b.control.end = b.control.begin;
    if (needs_norms(plan))
      b.together([&] {
        for (std::size_t l = 0; l < layers.size(); ++l) norms[l] = norms_of(b, layers[l], kernel);
      });
    auto prepared = plan.feature_space
        ? as_they_are(std::move(layers), std::move(norms))
        : with_grams(b, std::move(layers), std::move(norms), plan, whole);
    b.control = whole;
    return prepared;
  }

  template <class B>
  Margins margins(const PreparedGram<B>& x, std::vector<double> rows) const {
    if (estimator == Estimator::biased)
      std::ranges::transform(rows, x.gram.diagonal, rows.begin(), std::plus{});
    const double total = sum(rows);
    return {std::move(rows), total};
  }

  /// In sample space, `products` being S.
  template <class B>
  Cancelling compare(const PreparedGram<B>& x, const Margins& of_x, const PreparedGram<B>& y,
                     const Margins& of_y, double products) const {
    const auto n = static_cast<double>(of_x.rows.size());
    const double r = dot(of_x.rows, of_y.rows), t = of_x.total * of_y.total;
    if (estimator == Estimator::unbiased) {
      const double rows = 2 / (n - 2) * r, total = t / ((n - 1) * (n - 2)), unit = n * (n - 3);
      return {(products - rows + total) / unit, (std::abs(products) + std::abs(rows)) / unit};
    }
    products += dot(x.gram.diagonal, y.gram.diagonal);
    const double rows = 2 / n * r, total = t / (n * n), unit = (n - 1) * (n - 1);
    return {(products - rows + total) / unit, (std::abs(products) + std::abs(rows)) / unit};
  }

  /// Of linear kernels in feature space, from products = |XᵀY|²_F and the squared norms of the
  /// centred rows:
  ///   biased   products / (n-1)²
  ///   unbiased [products - n/(n-2) Σ |xᵢ|²|yᵢ|² + |X|²_F |Y|²_F / ((n-1)(n-2))] / (n(n-3))
  template <class B>
  Cancelling compare(const PreparedGram<B>& x, const PreparedGram<B>& y, double products) const {
    const auto n = static_cast<double>(x.gram.layer.source.rows);
    if (estimator == Estimator::biased) return {products / ((n - 1) * (n - 1)), 0};
    const auto &of_x = x.gram.norms, &of_y = y.gram.norms;
    const double norms = n / (n - 2) * dot(of_x, of_y), unit = n * (n - 3);
    return {(products - norms + sum(of_x) * sum(of_y) / ((n - 1) * (n - 2))) / unit,
            (products + norms) / unit};
  }

  /// In the units of the layers themselves.
  template <class B>
  double value(double hsic, const PreparedGram<B>& x, const PreparedGram<B>& y) const {
    return hsic / x.unit / y.unit;
  }

 private:
  /// For products of features.
  template <class B>
  std::vector<PreparedGram<B>> as_they_are(std::vector<Layer<B>> layers,
                                           std::vector<std::vector<double>> norms) const {
    std::vector<PreparedGram<B>> prepared;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      PreparedGram<B> one{.gram = {std::move(layers[l])}};
      one.gram.norms = std::move(norms[l]);
      one.unit = kernel.unit(Linear{}, one.gram.layer.scale);
      prepared.push_back(std::move(one));
    }
    return prepared;
  }
  template <Backend B>
  std::vector<PreparedGram<B>> with_grams(B& b, std::vector<Layer<B>> layers,
                                          std::vector<std::vector<double>> norms, const Plan& plan,
                                          const Control& whole) const {
    const GramPreparation how{kernel, plan.tiling};
    std::vector<PreparedGram<B>> prepared;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Index done = std::ssize(prepared);
      if (kernel.by_median()) b.control = whole.part(done, std::ssize(layers));
      prepared.push_back(
          with_kernel(b, how, std::move(layers[l]), std::move(norms[l]), done < plan.kept));
      if (!prepared.back().complete()) break;
    }
    if (!kernel.by_median()) b.control = whole;
    make_ready(b, how, prepared);
    if (kernel.kind == KernelSpec::linear && estimator == Estimator::unbiased)
      for (PreparedGram<B>& one : prepared) u_centre(b, one.gram);
    return prepared;
  }
};

/// √(xy) of positive numbers whose product may overflow. Of a number with itself it is exactly that
/// number, as the root of a rounded square is.
inline double geometric_mean(double x, double y) {
  const int of_x = std::ilogb(x) / 2, of_y = std::ilogb(y) / 2;
  const double root = std::sqrt(std::ldexp(x, -2 * of_x) * std::ldexp(y, -2 * of_y));
  return std::ldexp(root, of_x + of_y);
}

/// CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) (Kornblith et al. 2019, eq. 4), in [0, 1] when
/// biased; NaN where a layer's own HSIC is 0.
struct Cka : Hsic {
  static double value(double hsic, double own, double other) {
    return own > 0 && other > 0 ? hsic / geometric_mean(own, other)
                                : std::numeric_limits<double>::quiet_NaN();
  }
};

/// Distance correlation: the CKA of the kernel -|x - y|, since HSIC with that kernel is the
/// distance covariance, but for a factor. Biased (Székely et al. 2007) dCor = √CKA, in [0, 1];
/// unbiased (Székely and Rizzo 2014, by U-centring) the debiased CKA itself, which may be negative.
struct DistanceCorrelation : Cka {
  static double value(Estimator estimator, double cka) {
    // Rounding may leave less than 0 of a biased value; NaN stays.
    return estimator == Estimator::biased ? std::sqrt(cka < 0 ? 0 : cka) : cka;
  }
};

}  // namespace gramian

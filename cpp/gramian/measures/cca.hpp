// Measures on orthonormal bases Qx, Qy of two layers: canonical correlations rho, which are the
// singular values of QxᵀQy, their summaries, and linear regression.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../bases.hpp"

namespace gramian {

/// A value for each pair of layers, x by others, row by row; NaN for a layer without a basis.
struct PairValues {
  Index x, others;
  std::vector<double> values;
  std::vector<bool> marks{};

  PairValues(Index rows, Index cols)
      : x{rows},
        others{cols},
        values(static_cast<std::size_t>(rows * cols), std::numeric_limits<double>::quiet_NaN()),
        marks(values.size()) {}
  std::size_t at(Index i, Index j) const { return static_cast<std::size_t>(i * others + j); }
};

inline double clipped(double rho) { return std::clamp(rho, 0.0, 1.0); }

/// Σ rho, in [0, smaller rank].
struct CorrelationSum {
  template <LinearAlgebra B>
  double operator()(B& b, const Basis<B>&, const Basis<B>&, Matrix<B> m) const {
    double total = 0;
    for (const double rho : b.singular_values(std::move(m))) total += clipped(rho);
    return total;
  }
};

/// Σ rho² = |QxᵀQy|²: no singular values needed.
struct SquareSum {
  template <LinearAlgebra B>
  double operator()(B& b, const Basis<B>&, const Basis<B>&, Matrix<B> m) const {
    return b.dot(m, m);
  }
};

/// Σ of singular values that are no correlations.
struct NuclearNorm {
  template <LinearAlgebra B>
  double operator()(B& b, const Basis<B>&, const Basis<B>&, Matrix<B> m) const {
    return sum(b.singular_values(std::move(m)));
  }
};

/// Every pair of bases, those among the x when there are no others: finish(i, j, QxᵀQy). Products
/// of layers come one after the other, shared by the threads; what follows a row's, side by side.
template <LinearAlgebra B, class Finish>
void for_each_product(B& b, std::span<const Basis<B>> bases, Index x, const Finish& finish) {
  const Index y = std::ssize(bases) - x;
  const Control whole = b.control;
  const auto at = [&](Index l) -> const Basis<B>& { return bases[static_cast<std::size_t>(l)]; };
  for (Index i = 0; i < x; ++i) {
    b.control = whole.part(i, x);
    const Index first = y == 0 ? 0 : x, others = y == 0 ? i + 1 : y;
    std::vector<const Layer<B>*> partners;
    for (Index j = 0; j < others; ++j) {
      const bool sound = at(i).rank > 0 && at(first + j).rank > 0;
      partners.push_back(sound ? &at(first + j).factor() : nullptr);
    }
    auto products = products_with<B>(b, at(i).factor(), partners);
    b.for_each(others, [&](Index j) {
      auto& product = products[static_cast<std::size_t>(j)];
      const Basis<B>&left = at(i), &right = at(first + j);
      if (product)
        finish(i, j, left, right,
               between(b, left.coefficients, std::move(*product), right.coefficients));
    });
  }
}

/// A symmetric summary of every pair.
template <LinearAlgebra B, class Summary>
PairValues summarize(B& b, std::span<const Basis<B>> bases, Index x, const Summary& summary) {
  const Index y = std::ssize(bases) - x;
  PairValues found(x, y == 0 ? x : y);
  for_each_product(b, bases, x,
                   [&](Index i, Index j, const Basis<B>& left, const Basis<B>& right, Matrix<B> m) {
                     const double value = summary(b, left, right, std::move(m));
                     found.values[found.at(i, j)] = value;
                     if (y == 0) found.values[found.at(j, i)] = value;
                   });
  return found;
}

/// Σ aᵢ rhoᵢ / Σ aᵢ with aᵢ = Σⱼ |projectionᵢⱼ|, and whether it hangs on the basis of directions
/// whose correlations tie: whether turning two of them by 45 degrees changes it.
struct WeightedMean {
  double value;
  bool ambiguous = false;

  WeightedMean(std::span<const double> rho, std::span<const double> projections, double tolerance) {
    const auto r = rho.size(), p = projections.size() / r;
    std::vector<double> weights(r);
    double top = 0, bottom = 0;
    for (std::size_t i = 0; i < r; ++i) {
      for (std::size_t j = 0; j < p; ++j) weights[i] += std::abs(projections[i * p + j]);
      top += weights[i] * clipped(rho[i]);
      bottom += weights[i];
    }
    value = top / bottom;
    for (std::size_t i = 0; i + 1 < r; ++i) {
      if (clipped(rho[i]) - clipped(rho[i + 1]) >= tolerance) continue;
      double turned = 0;  // |a + b| + |a - b| = 2 max(|a|, |b|)
      for (std::size_t j = 0; j < p; ++j)
        turned +=
            2 * std::max(std::abs(projections[i * p + j]), std::abs(projections[(i + 1) * p + j]));
      const double change = turned / std::sqrt(2.0) - weights[i] - weights[i + 1];
      if (std::abs(change * (clipped(rho[i]) - value)) > tolerance * bottom) ambiguous = true;
    }
  }
};

/// Projection-weighted CCA (Morcos et al. 2018): the weights are those of X's variates hᵢ = Qx uᵢ
/// on X's columns, |<hᵢ, xⱼ>|; of Y's on Y's; or the mean of both. Marks the ambiguous.
enum class WeightSide { x, y, mean };

template <LinearAlgebra B>
PairValues pwcca(B& b, std::span<const Basis<B>> bases, Index x, WeightSide side,
                 double tie_tolerance) {
  const Index y = std::ssize(bases) - x;
  PairValues found(x, y == 0 ? x : y);
  std::vector<char> marks(found.values.size());  // written by several threads, unlike vector<bool>
  const auto put = [&](Index i, Index j, const WeightedMean* of_x, const WeightedMean* of_y) {
    const double both = of_x && of_y ? (of_x->value + of_y->value) / 2 : 0;
    found.values[found.at(i, j)] = side == WeightSide::mean ? both
        : side == WeightSide::x                             ? of_x->value
                                                            : of_y->value;
    marks[found.at(i, j)] =
        (side != WeightSide::y && of_x->ambiguous) || (side != WeightSide::x && of_y->ambiguous);
  };
  for_each_product(b, bases, x,
                   [&](Index i, Index j, const Basis<B>& left, const Basis<B>& right, Matrix<B> m) {
                     const bool swapped = y == 0 && i != j;
                     const bool x_only = side == WeightSide::x && !swapped;
                     const bool y_only = side == WeightSide::y && !swapped;
                     std::optional<WeightedMean> of_x, of_y;
                     const auto weigh = [&](std::span<const double> rho, const Matrix<B>& vectors,
                                            const Basis<B>& basis) {
                       const Matrix<B> projections = b.multiply(vectors, *basis.coordinates);
                       return WeightedMean(rho, b.download(projections), tie_tolerance);
                     };
                     if (x_only || y_only) {
                       const auto svd = b.left_vectors(x_only ? std::move(m) : b.transposed(m));
                       (x_only ? of_x : of_y) = weigh(svd.s, svd.ut, x_only ? left : right);
                     } else {
                       const SVD<B> svd = b.svd(std::move(m));
                       of_x = weigh(svd.s, b.transposed(svd.u), left);
                       of_y = weigh(svd.s, svd.vt, right);
                     }
                     const WeightedMean* px = of_x ? &*of_x : nullptr;
                     const WeightedMean* py = of_y ? &*of_y : nullptr;
                     put(i, j, px, py);
                     if (swapped) put(j, i, py, px);
                   });
  found.marks.assign(marks.begin(), marks.end());
  return found;
}

/// R² of X from Y, |QyᵀX|² / |X|² (Kornblith et al. 2019), in [0, 1]. Bases are those of the y, or
/// of the x when there are no others; of the x otherwise only `layer` and `squared_norm` are read.
template <LinearAlgebra B>
PairValues regression(B& b, std::span<const Basis<B>> bases, Index x) {
  const Index y = std::ssize(bases) - x, others = y == 0 ? x : y;
  PairValues found(x, others);
  const Control whole = b.control;
  for (Index i = 0; i < x; ++i)
    for (Index j = 0; j < others; ++j) {
      b.control = whole.part(i * others + j, x * others);
      const Basis<B>& of_x = bases[static_cast<std::size_t>(i)];
      const Basis<B>& of_y = bases[static_cast<std::size_t>(y == 0 ? j : x + j)];
      if (of_y.rank == 0 || !(of_x.squared_norm > 0)) continue;
      const Matrix<B> m = between<B>(b, of_y.coefficients, b.cross(of_y.factor(), of_x.layer), {});
      found.values[found.at(i, j)] = std::min(1.0, b.dot(m, m) / of_x.squared_norm);
    }
  return found;
}

/// All of one pair: correlations, and weights with X x_weightsᵀ orthonormal, rank rows each.
template <LinearAlgebra B>
struct CanonicalPair {
  std::vector<double> correlations, x_weights, y_weights;
};

template <LinearAlgebra B>
CanonicalPair<B> canonical_pair(B& b, const Basis<B>& x, const Basis<B>& y) {
  if (x.rank == 0 || y.rank == 0) return {};
  const SVD<B> svd =
      b.svd(between(b, x.coefficients, b.cross(x.factor(), y.factor()), y.coefficients));
  CanonicalPair<B> found{svd.s, b.download(b.multiply(b.transposed(svd.u), *x.weights)),
                         b.download(b.multiply(svd.vt, *y.weights))};
  std::ranges::transform(found.correlations, found.correlations.begin(), clipped);
  return found;
}

}  // namespace gramian

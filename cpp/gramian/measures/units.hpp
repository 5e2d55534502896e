// Convergent learning (Li et al. 2015): the Pearson correlation of single units, signed,
//   r_ij = x_iᵀy_j / (|x_i| |y_j|),  columns centred,  range [-1, 1].
// Matching, sparse prediction and clustering all start from it.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "../linalg.hpp"

namespace gramian {

/// A layer and the norms of its centred columns; 0 for a unit that is constant (or NaN somewhere)
/// and so has no correlation.
template <class B>
struct Units {
  Layer<B> layer;
  std::vector<double> norms;
};

/// Constant is a column whose centred norm is at most `tolerance` times its norm.
template <class B>
struct UnitsInput {
  Layer<B> layer;
  Means means;
  double tolerance;
};

/// The correlation of every unit of x with every unit of y.
struct UnitCorrelation {
  template <LinearAlgebra B>
  static std::vector<Units<B>> prepare(B& b, std::vector<UnitsInput<B>> inputs) {
    std::vector<const Layer<B>*> layers;
    for (const UnitsInput<B>& input : inputs) layers.push_back(&input.layer);
    auto squares = column_norms<B>(b, layers);
    std::vector<Units<B>> units;
    for (std::size_t l = 0; l < inputs.size(); ++l) {
      UnitsInput<B>& input = inputs[l];
      const double n = static_cast<double>(input.layer.source.rows);
      const double limit = input.tolerance * input.tolerance;
      for (std::size_t j = 0; j < squares[l].size(); ++j) {
        double& norm = squares[l][j];
        const double mean = input.means.high[j];
        norm = norm > limit * (norm + n * mean * mean) ? std::sqrt(norm) : 0;
      }
      units.push_back({std::move(input.layer), std::move(squares[l])});
    }
    return units;
  }

  /// r, p x q; NaN for units without a correlation. x may be y.
  template <LinearAlgebra B>
  static Matrix<B> compare(B& b, const Units<B>& x, const Units<B>& y) {
    const bool same = &x == &y;
    Matrix<B> r = same ? b.self_cross(x.layer) : b.cross(x.layer, y.layer);
    b.release_inputs();
    b.correlate(r, x.norms, y.norms, same);
    return r;
  }
};

/// The smallest mean product of two units that vary, in the units in which the largest activation
/// is about 1: below the range of the backend's precision, products lose digits.
template <class B>
double smallest_product(const Units<B>& x, const Units<B>& y) {
  const auto least = [](const Units<B>& units) {
    double norm = HUGE_VAL;
    for (const double value : units.norms)
      if (value > 0) norm = std::min(norm, value);
    return norm;
  };
  return least(x) * least(y) / static_cast<double>(x.layer.source.rows);
}

}  // namespace gramian

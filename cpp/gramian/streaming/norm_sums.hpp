// What the unbiased estimator of linear HSIC needs besides products of layers: moments of the norms
// of rows, which follow the means of the layers.
#pragma once

#include <span>
#include <vector>

#include "../linalg.hpp"

namespace gramian {

/// Moments of the norms of rows, which the unbiased estimator needs of a pair.
struct NormSums {
  double fourth = 0;               // Σ |x|² |y|²
  std::vector<double> of_x, of_y;  // Σ |y|² x and Σ |x|² y

  NormSums(Index p, Index q)
      : of_x(static_cast<std::size_t>(p)), of_y(static_cast<std::size_t>(q)) {}

  /// Of rows x + d and y + e: `cd` is Cᵀd and `ce` C e, C = XᵀY; x2 = Σ |x|² and y2 = Σ |y|².
  void shift(double n, double x2, double y2, std::span<const double> d, std::span<const double> e,
             std::span<const double> cd, std::span<const double> ce) {
    const double dd = dot(d, d), ee = dot(e, e);
    fourth +=
        2 * dot(e, of_y) + 2 * dot(d, of_x) + ee * x2 + dd * y2 + 4 * dot(e, cd) + n * dd * ee;
    for (std::size_t j = 0; j < of_y.size(); ++j) of_y[j] += 2 * cd[j] + e[j] * (x2 + n * dd);
    for (std::size_t i = 0; i < of_x.size(); ++i) of_x[i] += 2 * ce[i] + d[i] * (y2 + n * ee);
  }
  void rescale(double unit_x, double unit_y) {
    fourth = fourth * unit_x * unit_x * unit_y * unit_y;
    for (double& value : of_x) value = value * unit_x * unit_y * unit_y;
    for (double& value : of_y) value = value * unit_y * unit_x * unit_x;
  }
  void add(const NormSums& other, double unit_x, double unit_y) {
    const double xx = unit_x * unit_x, yy = unit_y * unit_y;
    fourth += xx * yy * other.fourth;
    for (std::size_t j = 0; j < of_y.size(); ++j) of_y[j] += xx * unit_y * other.of_y[j];
    for (std::size_t i = 0; i < of_x.size(); ++i) of_x[i] += yy * unit_x * other.of_x[i];
  }
};

}  // namespace gramian

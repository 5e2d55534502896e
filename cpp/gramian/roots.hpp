// Singular values by the eigenvalues of A Aᵀ, formed in double for data that came in float: when
// that is exact enough. Part of the contract: every backend decides by this.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>
#include <vector>

namespace gramian {

/// Whether the squares of singular values, ascending, with the error they have in double, give the
/// values as exactly as float needs: their sum is right to 4 eps of float.
inline bool roots_are_exact(const std::vector<double>& squares) {
  const double error = 32 * std::numeric_limits<double>::epsilon() * squares.back();
  double total = 0, off = 0;
  for (const double square : squares) {
    const double root = std::sqrt(std::max(square, 0.0));
    total += root;
    off += std::min(std::sqrt(error), error / (2 * root));
  }
  return off <= 4 * static_cast<double>(std::numeric_limits<float>::epsilon()) * total;
}

/// The values themselves, descending; rounding may have left a square below 0.
inline std::vector<double> roots(const std::vector<double>& squares) {
  std::vector<double> found;
  for (const double square : std::views::reverse(squares))
    found.push_back(std::sqrt(std::max(square, 0.0)));
  return found;
}

}  // namespace gramian

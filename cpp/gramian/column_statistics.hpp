// What one pass over a layer finds: means that are exact to the digits of what the columns vary by,
// and how much that is.
//
// Sums are of deviations from the first row, so that a constant column deviates by exactly 0 and an
// offset costs no digits: about 0, the mean of 1,000 times 0.1 is not 0.1.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "backend.hpp"

namespace gramian {

/// Of every column, times `unit`: the first element, the sum and the squares of the deviations from
/// it; and the largest |deviation| and |element| of all.
struct ColumnMoments {
  std::vector<double> first, sums, squares;
  double spread = 0, largest = 0;  // NaN apart
};

struct ColumnStatistics {
  Means means;  // times scale; NaN or infinite where the column holds such an element
  std::vector<double> squares;  // Σ (x - mean)² scale²
  double scale = 1;             // for what deviates
  double largest = 0;           // |element|
};

/// From moments of n rows. Centring takes at most (n - 1)/n from the squares (where the first row
/// is the only one that deviates), and so n eps of what is left.
inline ColumnStatistics statistics_of(const ColumnMoments& moments, double n, double unit) {
  const std::size_t p = moments.first.size();
  const std::vector<double> none(p);
  ColumnStatistics found{
      {none, none}, none, scale_for(moments.spread / unit), moments.largest / unit};
  const double factor = found.scale / unit;
  for (std::size_t j = 0; j < p; ++j) {
    const double first = moments.first[j], mean = moments.sums[j] / n;
    const double high = first + mean;
    // What the sum has rounded away, whichever of the two is larger.
    const double part = high - first;
    found.means.high[j] = high * factor;
    found.means.low[j] = ((first - (high - part)) + (mean - part)) * factor;
    const double squares = std::max(0.0, moments.squares[j] - mean * moments.sums[j]);
    found.squares[j] = squares * factor * factor;
  }
  return found;
}

/// From measure(unit), one pass over n rows. Squares of huge or of tiny deviations leave the range
/// of double: then once more, in the unit of the largest element.
template <class Measure>
ColumnStatistics column_statistics(Index n, const Measure& measure) {
  constexpr double huge = 0x1p+480, tiny = 0x1p-480;  // squares of 2^60 of them are in range
  double unit = 1;
  ColumnMoments moments = measure(unit);
  const bool in_range = moments.spread < huge && (moments.spread > tiny || moments.spread == 0);
  if (!in_range && std::isfinite(moments.largest)) {
    unit = scale_for(moments.largest);
    moments = measure(unit);
  }
  return statistics_of(moments, static_cast<double>(n), unit);
}

}  // namespace gramian

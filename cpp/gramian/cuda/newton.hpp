// Newton's iteration for the polar factor by products alone, with the best scale for each step: on
// singular values it is s -> a s (3 - (a s)²) / 2, which takes [l, 1] into [l', 1] with both ends
// at l' where a² = 3 / (1 + l + l²). A step multiplies small values by 2.6. Scales this
// large let a value just above 1 end at -1 (Chen and Chow 2014, on the stability of such scaling),
// hence the margin. What rounding adds to a small value grows with it, up to 1e-6 of a direction,
// and reaches the nuclear norm squared.
#pragma once

#include <cmath>
#include <vector>

namespace gramian::newton {

/// Values below it are left where they get to: such a one takes up to .4 times this from a sum.
inline constexpr double least = 1e-10;
/// What singular values are divided by, beyond their bound.
inline constexpr double margin = 1.01;

/// The scale of every step, 28 in all, after which values from `least` to 1 are within 1e-11 of 1.
inline std::vector<double> scales() {
  std::vector<double> found;
  for (double l = least; l < 1 - 1e-11;) {
    const double a = std::sqrt(3 / (1 + l + l * l));
    found.push_back(a);
    l = a * l * (3 - a * l * a * l) / 2;
  }
  return found;
}

}  // namespace gramian::newton

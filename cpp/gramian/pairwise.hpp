// Every layer prepared once, every pair compared: the driver of measures on cross products.
#pragma once

#include <vector>

#include "backend.hpp"

namespace gramian {

/// Calls pair(i, j) for the pairs of x layers with y others, or, when y == 0, for the pairs i >= j
/// among the x, and shares the time from `begin` to 1 out among them.
template <class B, class Pair>
void for_each_pair(B& b, Index x, Index y, double begin, const Pair& pair) {
  const Index pairs = y == 0 ? x * (x + 1) / 2 : x * y;
  Index done = 0;
  for (Index i = 0; i < x; ++i)
    for (Index j = 0; j < (y == 0 ? i + 1 : y); ++j) {
      const double step = (1 - begin) / static_cast<double>(pairs);
      b.control.begin = begin + step * static_cast<double>(done++);
      b.control.end = b.control.begin + step;
      pair(i, j);
    }
}

/// values[i, j] = measure.compare(prepared[i], prepared[x + j]), row by row. With y == 0 the x
/// layers are compared among themselves and the measure is taken to be symmetric.
template <Backend B, class Measure, class State>
std::vector<double> pairwise(B& b, const Measure& measure, const std::vector<State>& prepared,
                             Index x, double begin) {
  const Index y = std::ssize(prepared) - x, others = y == 0 ? x : y;
  std::vector<double> values(static_cast<std::size_t>(x * others));
  for_each_pair(b, x, y, begin, [&](Index i, Index j) {
    const auto at = [&](Index row, Index col) -> double& {
      return values[static_cast<std::size_t>(row * others + col)];
    };
    at(i, j) = measure.compare(b, prepared[static_cast<std::size_t>(i)],
                               prepared[static_cast<std::size_t>(y == 0 ? j : x + j)]);
    if (y == 0) at(j, i) = at(i, j);
  });
  return values;
}

}  // namespace gramian

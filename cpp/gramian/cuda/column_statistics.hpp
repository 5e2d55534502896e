// Column statistics of a layer in device memory.
#pragma once

#include <vector>

#include "../column_statistics.hpp"
#include "context.hpp"
#include "kernels.hpp"

namespace gramian::cuda {

/// Sums in double over stretches of rows, added in their order.
inline ColumnMoments column_moments(Context& context, const Source& source, double unit) {
  const Index p = source.cols, parts = stretches(source.rows);
  const auto memory = allocate<double>(context, (4 * parts + 5) * p);
  double* const first = memory.get() + 4 * parts * p;
  double* const found = first + p;
  column_moments(context.stream, source, true, unit, memory.get());
  for (Index k = 0; k < 4; ++k)
    combine(context.stream, memory.get() + k * parts * p, parts, p, k > 1, found + k * p);
  const auto all = to_host(context, first, 5 * p);
  const auto part = [&](Index k) {
    return std::vector<double>(all.begin() + k * p, all.begin() + (k + 1) * p);
  };
  return {part(0), part(2), part(1), std::ranges::max(part(3)), std::ranges::max(part(4))};
}

inline ColumnStatistics column_statistics(Context& context, const Source& source) {
  return gramian::column_statistics(
      source.rows, [&](double unit) { return column_moments(context, source, unit); });
}

}  // namespace gramian::cuda

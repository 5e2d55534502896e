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
  const auto memory = allocate<double>(context, 4 * (parts + 1) * p + 2 * p);
  double* const found = memory.get() + 4 * parts * p;
  column_moments(context.stream, source, true, unit, memory.get());
  for (Index k = 0; k < 4; ++k)
    combine(context.stream, memory.get() + k * parts * p, parts, p, k > 1, found + k * p);
  double* const zeros = found + 5 * p;
  to_device<double>(context, std::vector<double>(static_cast<std::size_t>(p)), zeros);
  pack<double, double>(context.stream, source, {0, 1}, 0, p,
                       {zeros, zeros, unit, found + 4 * p, true});
  const auto all = to_host(context, found, 5 * p);
  const auto part = [&](Index k) {
    return std::vector<double>(all.begin() + k * p, all.begin() + (k + 1) * p);
  };
  return {part(4), part(1), part(0), std::ranges::max(part(2)), std::ranges::max(part(3))};
}

inline ColumnStatistics column_statistics(Context& context, const Source& source) {
  return gramian::column_statistics(
      source.rows, [&](double unit) { return column_moments(context, source, unit); });
}

}  // namespace gramian::cuda

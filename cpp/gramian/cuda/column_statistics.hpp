// What one pass over a layer in device memory finds, as cpu/column_statistics.hpp does on the host.
#pragma once

#include <vector>

#include "context.hpp"
#include "kernels.hpp"

namespace gramian::cuda {

struct ColumnStatistics {
  std::vector<double> means;  // NaN or infinite where the column holds such an element
  double largest = 0;         // max |x|, of the elements that are not NaN
};

/// Sums in double over stretches of rows, added in their order.
inline ColumnStatistics column_statistics(Context& context, const Source& source) {
  const Index p = source.cols, parts = stretches(source.rows);
  const auto memory = allocate<double>(context, 2 * (parts + 1) * p);
  double* const sums = memory.get();
  double* const largest = sums + parts * p;
  double* const found = largest + parts * p;
  column_sums(context.stream, source, false, sums, largest);
  combine(context.stream, sums, parts, p, false, found);
  combine(context.stream, largest, parts, p, true, found + p);
  const auto both = to_host(context, found, 2 * p);
  ColumnStatistics statistics{{both.begin(), both.begin() + p},
                              *std::max_element(both.begin() + p, both.end())};
  for (double& mean : statistics.means) mean /= static_cast<double>(source.rows);
  return statistics;
}

}  // namespace gramian::cuda

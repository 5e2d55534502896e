// Column statistics of layers in device memory.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "../column_statistics.hpp"
#include "context.hpp"
#include "kernels.hpp"

namespace gramian::cuda {

/// Sums in double over stretches of rows, added in their order. The host waits once for those of
/// all layers.
inline std::vector<ColumnMoments> column_moments(Context& context, std::span<const Source> sources,
                                                 double unit) {
  constexpr Index kinds = 5;  // first elements, squares, sums, spreads and largest
  Index columns = 0;
  for (const Source& source : sources) columns += source.cols;
  const auto memory = allocate<double>(context, kinds * columns);
  double* found = memory.get();
  for (const Source& source : sources) {
    const Index p = source.cols, count = stretches(source.rows);
    const auto parts = allocate<double>(context, (4 * count + 1) * p);
    column_moments(context.stream, source, true, unit, parts.get());
    Combinations of_all{};
    of_all.each[0] = {parts.get() + 4 * count * p, 1, p, found};
    for (Index k = 0; k < 4; ++k)
      of_all.each[k + 1] = {parts.get() + k * count * p, count, p, found + (k + 1) * p, k > 1};
    combine(context.stream, of_all, kinds);
    found += kinds * p;
  }
  const auto all = to_host(context, memory.get(), kinds * columns);
  std::vector<ColumnMoments> moments;
  auto next = all.begin();
  for (const Source& source : sources) {
    const auto part = [&] {
      const auto first = next;
      return std::vector<double>(first, next += source.cols);
    };
    ColumnMoments m;
    m.first = part();
    m.squares = part();
    m.sums = part();
    m.spread = std::ranges::max(part());
    m.largest = std::ranges::max(part());
    moments.push_back(std::move(m));
  }
  return moments;
}

/// Of layers on the device of the context.
inline std::vector<ColumnStatistics> column_statistics(Context& context,
                                                       std::span<const Source> sources) {
  constexpr double unit = 1;
  const auto moments = column_moments(context, sources, unit);
  std::vector<ColumnStatistics> found;
  for (std::size_t k = 0; k < sources.size(); ++k)
    found.push_back(gramian::column_statistics(sources[k].rows, [&](double other) {
      return other == unit ? moments[k] : column_moments(context, {&sources[k], 1}, other)[0];
    }));
  return found;
}

}  // namespace gramian::cuda

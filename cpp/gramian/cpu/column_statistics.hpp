// Column statistics of a layer in host memory.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "../column_statistics.hpp"
#include "ordered.hpp"
#include "simd.hpp"

namespace gramian {

/// Sums in double over blocks of about a megabyte of elements, added in the order of the blocks.
inline ColumnMoments column_moments(const Source& source, double unit, const Control& control) {
  const Index n = source.rows, p = source.cols;
  const Index block = std::clamp<Index>((Index{1} << 18) / std::max<Index>(p, 1), 16, 4096);
  const std::vector<double> zeros(static_cast<std::size_t>(p));
  ColumnMoments total{zeros, zeros, zeros};
  simd::kernels<double>().pack(source, {0, 1}, 0, p,
                               {zeros.data(), zeros.data(), unit, total.first.data(), true});
  struct Slot {
    std::vector<double> sums, squares;
    double spread, largest;
  };
  struct Nothing {};
  run_ordered<Nothing, Slot>(
      (n + block - 1) / block, num_threads(), control, [] { return Nothing{}; },
      [&] { return Slot{zeros, zeros, 0, 0}; },
      [&](Nothing&, Index task, Slot& slot) {
        std::ranges::fill(slot.sums, 0.0);
        std::ranges::fill(slot.squares, 0.0);
        slot.spread = slot.largest = 0;
        const Rows rows{task * block, std::min(block, n - task * block)};
        simd::table().column_moments(
            source, rows, unit, total.first.data(),
            {slot.sums.data(), slot.squares.data(), &slot.spread, &slot.largest});
      },
      [&](Index, const Slot& slot) {
        std::ranges::transform(total.sums, slot.sums, total.sums.begin(), std::plus{});
        std::ranges::transform(total.squares, slot.squares, total.squares.begin(), std::plus{});
        total.spread = std::max(total.spread, slot.spread);
        total.largest = std::max(total.largest, slot.largest);
      });
  return total;
}

inline ColumnStatistics column_statistics(const Source& source, const Control& control) {
  return column_statistics(source.rows,
                           [&](double unit) { return column_moments(source, unit, control); });
}

}  // namespace gramian

// Column statistics of a layer in host memory.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "../column_statistics.hpp"
#include "ordered.hpp"
#include "simd.hpp"

namespace gramian {

/// Of some columns, sums over one block of rows.
struct BlockMoments {
  std::vector<double> sums, squares;
  double spread = 0, largest = 0;

  explicit BlockMoments(Index cols)
      : sums(static_cast<std::size_t>(cols)), squares(static_cast<std::size_t>(cols)) {}

  void take(const Source& source, Rows rows, double unit, const double* first) {
    std::ranges::fill(sums, 0.0);
    std::ranges::fill(squares, 0.0);
    spread = largest = 0;
    simd::table().column_moments(source, rows, unit, first,
                                 {sums.data(), squares.data(), &spread, &largest});
  }
  /// Adds the sums to those of a layer, of which these columns are the ones from `first_col` on.
  void add_sums_to(ColumnMoments& total, Index first_col, Index cols) const {
    const auto add = [&](const std::vector<double>& own, std::vector<double>& all) {
      for (Index j = 0; j < cols; ++j)
        all[static_cast<std::size_t>(first_col + j)] += own[static_cast<std::size_t>(j)];
    };
    add(sums, total.sums);
    add(squares, total.squares);
  }
};

/// Sums in double over blocks of about a megabyte of elements, added in the order of the blocks.
/// Threads share the blocks or, of wide layers, columns: blocks that wait to be added would hold
/// several times what the result does.
inline ColumnMoments column_moments(const Source& source, double unit, const Control& control) {
  constexpr Index wide = 8192, together = 1024;  // columns
  const Index n = source.rows, p = source.cols;
  const Index block = std::clamp<Index>((Index{1} << 18) / std::max<Index>(p, 1), 16, 4096);
  const std::vector<double> zeros(static_cast<std::size_t>(p));
  ColumnMoments total{zeros, zeros, zeros};
  simd::kernels<double>().pack(source, {0, 1}, 0, p,
                               {zeros.data(), zeros.data(), unit, total.first.data(), true});
  const auto rows_of = [&](Index task) {
    return Rows{task * block, std::min(block, n - task * block)};
  };
  struct Extremes {
    double spread = 0, largest = 0;
  };
  const auto add_extremes = [&](double spread, double largest) {
    total.spread = std::max(total.spread, spread);
    total.largest = std::max(total.largest, largest);
  };
  struct Nothing {};
  if (p < wide) {
    run_ordered<Nothing, BlockMoments>((n + block - 1) / block, num_threads(), control,
                                       [] { return Nothing{}; }, [&] { return BlockMoments{p}; },
                                       [&](Nothing&, Index task, BlockMoments& slot) {
                                         slot.take(source, rows_of(task), unit, total.first.data());
                                       },
                                       [&](Index, const BlockMoments& slot) {
                                         slot.add_sums_to(total, 0, p);
                                         add_extremes(slot.spread, slot.largest);
                                       });
    return total;
  }
  run_ordered<BlockMoments, Extremes>(
      (p + together - 1) / together, num_threads(), control, [] { return BlockMoments{together}; },
      [] { return Extremes{}; },
      [&](BlockMoments& w, Index task, Extremes& slot) {
        const Index first = task * together, cols = std::min(together, p - first);
        slot = {};
        for (Index k = 0; k * block < n; ++k) {
          w.take(columns_of(source, first, cols), rows_of(k), unit, total.first.data() + first);
          w.add_sums_to(total, first, cols);
          slot = {std::max(slot.spread, w.spread), std::max(slot.largest, w.largest)};
        }
      },
      [&](Index, const Extremes& slot) { add_extremes(slot.spread, slot.largest); });
  return total;
}

inline ColumnStatistics column_statistics(const Source& source, const Control& control) {
  return column_statistics(source.rows,
                           [&](double unit) { return column_moments(source, unit, control); });
}

}  // namespace gramian

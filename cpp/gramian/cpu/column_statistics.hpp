// What one pass over a layer in host memory finds: column means and the size of the largest
// element.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "ordered.hpp"
#include "simd.hpp"

namespace gramian {

struct ColumnStatistics {
  std::vector<double> means;  // NaN or infinite where the column holds such an element
  double largest = 0;         // max |x|, of the elements that are not NaN

  double scale() const { return scale_for(largest); }
};

/// Sums in double over blocks of about a megabyte of elements, added in the order of the blocks.
inline ColumnStatistics column_statistics(const Source& source, const Control& control) {
  const Index n = source.rows, p = source.cols;
  const Index block = std::clamp<Index>((Index{1} << 18) / std::max<Index>(p, 1), 16, 4096);
  ColumnStatistics result{std::vector<double>(static_cast<std::size_t>(p)), 0};
  struct Slot {
    std::vector<double> sums;
    double largest;
  };
  struct Nothing {};
  run_ordered<Nothing, Slot>(
      (n + block - 1) / block, num_threads(), control, [] { return Nothing{}; },
      [&] { return Slot{std::vector<double>(static_cast<std::size_t>(p)), 0}; },
      [&](Nothing&, Index task, Slot& slot) {
        std::ranges::fill(slot.sums, 0.0);
        slot.largest = 0;
        simd::table().column_sums(source, {task * block, std::min(block, n - task * block)},
                                  slot.sums.data(), &slot.largest);
      },
      [&](Index, const Slot& slot) {
        std::ranges::transform(result.means, slot.sums, result.means.begin(), std::plus{});
        result.largest = std::max(result.largest, slot.largest);
      });
  for (double& mean : result.means) mean /= static_cast<double>(n);
  return result;
}

}  // namespace gramian

// The exact median of all squared distances between the rows of a layer, without storing them.
#pragma once

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gram_layer.hpp"

namespace gramian {

/// The two middle entries of the sorted n x n matrix of squared distances, zero diagonal included
/// (the same one twice when n² is odd): numpy's median is their mean.
struct Middle {
  double low, high;
};

/// Counts distances of i > j by ranges of their bit patterns: non-negative floats are ordered like
/// these. All passes form the same tiles, so that a distance has the same bits in each.
template <Backend B>
class DistanceRanks {
 public:
  using T = typename B::scalar;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

  DistanceRanks(B& b, GramLayer<B>& layer, const Tiling& tiling)
      : b_{b}, layer_{layer}, tiling_{tiling} {}

  /// Distances of two adjacent ranks, from 0, in sorted order. Their ranges rarely part, and then
  /// only near the end.
  Middle find(std::uint64_t low, std::uint64_t high) {
    if (tiling_.n >= sampled_from) {
      const auto [first, last] = bracket(low);
      const int shift = std::max(0, static_cast<int>(std::bit_width(last - first)) - cell_bits);
      if (const auto found = refine(low, high, first, shift)) return *found;
    }
    return *refine(low, high, 0, std::numeric_limits<Bits>::digits - cell_bits);
  }

 private:
  // So many that in float the bracket has a cell for every pattern as a rule, and one pass does.
  static constexpr int cell_bits = 18;
  static constexpr Index sampled_from = 2048;

  static double value_of(std::uint64_t bits) {
    return static_cast<double>(std::bit_cast<T>(static_cast<Bits>(bits)));
  }

  /// Nothing if a rank is not in the range of cells that starts at `first`.
  std::optional<Middle> refine(std::uint64_t low, std::uint64_t high, std::uint64_t first,
                               int shift) {
    const Histogram bins = pass(first, shift);
    const auto start_of_cell_with = [&](std::uint64_t rank) -> std::optional<std::uint64_t> {
      std::uint64_t seen = bins.below;
      if (rank < seen) return {};
      for (std::size_t c = 0; c < bins.cells.size(); seen += bins.cells[c++])
        if (rank < seen + bins.cells[c]) return first + (std::uint64_t{c} << shift);
      return {};
    };
    const auto at_low = start_of_cell_with(low), at_high = start_of_cell_with(high);
    if (!at_low || !at_high) return {};
    if (shift == 0) return Middle{value_of(*at_low), value_of(*at_high)};
    const int next = std::max(0, shift - cell_bits);
    if (*at_low == *at_high) return refine(low, high, *at_low, next);
    return Middle{refine(low, low, *at_low, next)->low, refine(high, high, *at_high, next)->high};
  }

  /// A range of patterns that the wanted rank is in as good as always: from the distances among 512
  /// rows, whose rank is off by a standard deviation of at most 2%, 5 points to each side.
  std::pair<std::uint64_t, std::uint64_t> bracket(std::uint64_t rank) {
    constexpr Index count = 512;
    const Rows sample{0, count, tiling_.n, count};
    Panel<B> panel;
    b_.pack(layer_.layer, sample, panel);
    std::vector<double> norms;
    for (Index k = 0; k < count; ++k)
      norms.push_back(layer_.norms[static_cast<std::size_t>(sample[k])]);
    const auto norms_t = b_.upload(norms);
    auto tile = b_.allocate(count * count);
    b_.multiply(panel, panel, tile.get());
    b_.squared_distances(tile.get(), count, count, {norms_t.get(), nullptr},
                         {norms_t.get(), nullptr});
    std::vector<T> distances;
    for (Index i = 1; i < count; ++i)
      for (const double d : b_.download(tile.get() + i * count, i))
        distances.push_back(static_cast<T>(d));
    const auto pairs = static_cast<double>(tiling_.n) * static_cast<double>(tiling_.n - 1) / 2;
    const auto pattern_at = [&](double share) -> std::uint64_t {
      const double last = static_cast<double>(distances.size() - 1);
      const auto at = std::clamp(share, 0.0, 1.0) * last;
      const auto nth = distances.begin() + static_cast<std::ptrdiff_t>(at);
      std::ranges::nth_element(distances, nth);
      return std::bit_cast<Bits>(*nth);
    };
    const double share = static_cast<double>(rank) / pairs;
    return {pattern_at(share - 0.05), pattern_at(share + 0.05)};
  }

  Histogram pass(std::uint64_t first, int shift) {
    struct Workspace {
      TileWorkspace<B> w;
      Histogram bins;
    };
    struct Nothing {};
    Histogram total{first, shift, 0, std::vector<std::uint64_t>(std::size_t{1} << cell_bits)};
    std::mutex mutex;
    std::vector<std::shared_ptr<Workspace>> workspaces;  // counts are integers: any order will do
    b_.template run_ordered<std::shared_ptr<Workspace>, Nothing>(
        tiling_.count(),
        [&] {
          auto w =
              std::make_shared<Workspace>(Workspace{{.tiles = b_.allocate(tiling_.area())}, total});
          const std::lock_guard lock{mutex};
          workspaces.push_back(w);
          return w;
        },
        [] { return Nothing{}; },
        [&](std::shared_ptr<Workspace>& w, Index task, Nothing&) {
          const auto [block_i, block_j] = tiling_[task];
          const Rows i = tiling_.rows(block_i), j = tiling_.rows(block_j);
          auto* const tile = w->w.tiles.get();
          inner_products(b_, layer_, tiling_, task, w->w, tile);
          b_.squared_distances(tile, i.count, j.count,
                               {layer_.squared_norms.get() + i.first, nullptr},
                               {layer_.squared_norms.get() + j.first, nullptr});
          b_.count(tile, i.count, j.count, block_i == block_j, w->bins);
        },
        [](Index, const Nothing&) {});
    layer_.kept_is_filled = static_cast<bool>(layer_.kept);
    for (const auto& w : workspaces) {
      total.below += w->bins.below;
      std::ranges::transform(total.cells, w->bins.cells, total.cells.begin(), std::plus{});
    }
    return total;
  }

  B& b_;
  GramLayer<B>& layer_;
  const Tiling& tiling_;
};

/// The middle of the squared distances between all rows. One pass over the tiles in float as a
/// rule, three in double; the inner products are kept for later passes if the layer has room for
/// them.
template <Backend B>
Middle median_squared_distance(B& b, GramLayer<B>& layer, const Tiling& tiling) {
  const auto n = static_cast<std::uint64_t>(tiling.n);
  const std::uint64_t rank = (n * n / 2 - n) / 2;  // among i > j, of the entry after the middle
  DistanceRanks<B> ranks{b, layer, tiling};
  if (n % 2 == 1) {
    const std::uint64_t middle = ((n * n - 1) / 2 - n) / 2;
    return ranks.find(middle, middle);
  }
  if (rank == 0) return {0, ranks.find(0, 0).low};  // n = 2: the other one is on the diagonal
  return ranks.find(rank - 1, rank);
}

}  // namespace gramian

// The exact median of all squared distances between the rows of a layer, without storing them.
#pragma once

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>
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

/// A pass counts in at most 2 to the power of this cells.
constexpr int most_cell_bits = 18;

/// Counts distances of i > j by ranges of their bit patterns: non-negative floats are ordered like
/// these. All passes form the same tiles, so that a distance has the same bits in each.
template <Backend B>
class DistanceRanks {
 public:
  using T = typename B::scalar;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

  DistanceRanks(B& b, GramLayer<B>& layer, const Tiling& tiling)
      : b_{b}, layer_{layer}, tiling_{tiling} {}

  /// Distances of two adjacent ranks, from 0, in sorted order; NaN where passes do not agree, since
  /// the layer changes meanwhile.
  Middle find(std::uint64_t low, std::uint64_t high) {
    const Index n = tiling_.n;
    auto sample = distances({0, std::min(n, sample_rows), n, std::min(n, sample_rows)});
    if (n <= sample_rows) {
      const double value = value_at(sample, low);  // and the next one is the least of the rest
      const auto rest = sample.begin() + static_cast<std::ptrdiff_t>(low) + 1;
      return {value,
              high == low ? value : static_cast<double>(*std::min_element(rest, sample.end()))};
    }
    // The rank of the sample's median is off by a standard deviation of about 2%: a bracket of 7
    // points to each side misses the wanted one about once in 2,000 layers, and costs a pass then.
    const auto pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
    const auto pattern_at = [&](double share) -> std::uint64_t {
      const double rank = std::clamp(share, 0.0, 1.0) * static_cast<double>(sample.size() - 1);
      return std::bit_cast<Bits>(
          static_cast<T>(value_at(sample, static_cast<std::uint64_t>(rank))));
    };
    const double share = static_cast<double>(low) / pairs;
    const auto first = pattern_at(share - 0.07), last = pattern_at(share + 0.07);
    const int shift = std::max(0, static_cast<int>(std::bit_width(last - first)) - cell_bits_);
    const auto cells = static_cast<std::size_t>((last - first) >> shift) + 1;
    if (const auto found = refine(low, high, first, shift, cells)) return *found;
    return refine(low, high, 0, std::numeric_limits<Bits>::digits - cell_bits_, all_cells_)
        .value_or(not_found);
  }

 private:
  static constexpr Index sample_rows = 256;
  static constexpr Middle not_found{std::numeric_limits<double>::quiet_NaN(),
                                    std::numeric_limits<double>::quiet_NaN()};

  static double value_of(std::uint64_t bits) {
    return static_cast<double>(std::bit_cast<T>(static_cast<Bits>(bits)));
  }

  static double value_at(std::vector<T>& values, std::uint64_t rank) {
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::ranges::nth_element(values, nth);
    return static_cast<double>(*nth);
  }

  /// Nothing if a rank is not in the range of cells that starts at `first`. The paths of two
  /// adjacent ranks rarely part, and then only near the end.
  std::optional<Middle> refine(std::uint64_t low, std::uint64_t high, std::uint64_t first,
                               int shift, std::size_t cells) {
    const Histogram bins = pass(first, shift, cells);
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
    const int next = std::max(0, shift - cell_bits_);
    if (*at_low == *at_high) return refine(low, high, *at_low, next, all_cells_);
    return Middle{refine(low, low, *at_low, next, all_cells_).value_or(not_found).low,
                  refine(high, high, *at_high, next, all_cells_).value_or(not_found).high};
  }

  /// All distances among some rows.
  std::vector<T> distances(Rows rows) {
    Panel<B> panel;
    b_.pack(layer_.layer, rows, panel);
    const auto norms_t = b_.upload(at(layer_.norms, rows));
    auto tile = b_.allocate(rows.count * rows.count);
    multiply_rows(b_, layer_, panel, panel, nullptr, nullptr, tile.get());
    b_.squared_distances(tile.get(), rows.count, rows.count, {norms_t.get(), nullptr},
                         {norms_t.get(), nullptr});
    const std::vector<double> all = b_.download(tile.get(), rows.count * rows.count);
    std::vector<T> found;
    for (Index i = 1; i < rows.count; ++i)
      std::transform(all.begin() + i * rows.count, all.begin() + i * (rows.count + 1),
                     std::back_inserter(found),
                     // Not a number only in a layer that changes, and without a place in an order.
                     [](double d) { return d > 0 ? static_cast<T>(d) : T{0}; });
    return found;
  }

  Histogram pass(std::uint64_t first, int shift, std::size_t cells) {
    struct Workspace {
      TileWorkspace<B> tiles;
      Histogram bins;
    };
    struct Nothing {};
    Histogram total{first, shift, 0, std::vector<std::uint64_t>(cells)};
    std::mutex mutex;
    std::vector<std::shared_ptr<Workspace>> workspaces;  // counts are integers: any order will do
    for_each_tile<std::shared_ptr<Workspace>, Nothing>(
        b_, tiling_,
        [&] {
          auto w = std::make_shared<Workspace>();
          w->tiles.tiles = b_.allocate(tiling_.area());
          w->bins = total;
          const std::lock_guard lock{mutex};
          workspaces.push_back(w);
          return w;
        },
        [] { return Nothing{}; },
        [&](std::shared_ptr<Workspace>& w, const Tile& tile, Nothing&) {
          auto* const values = w->tiles.tiles.get();
          inner_products(b_, layer_, tiling_, tile, w->tiles, values);
          b_.squared_distances(values, tile.i.count, tile.j.count,
                               {layer_.squared_norms.get() + tile.i.first, nullptr},
                               {layer_.squared_norms.get() + tile.j.first, nullptr});
          b_.count(values, tile.i.count, tile.j.count, tile.diagonal, w->bins);
        },
        [](const Tile&, const Nothing&) {});
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
  // With many rows, so many cells that in float the bracket has one for every pattern as a rule,
  // and one pass does; with few, a second pass costs less than the cells.
  const int cell_bits_ = tiling_.n < 4096 ? most_cell_bits - 2 : most_cell_bits;
  const std::size_t all_cells_ = std::size_t{1} << cell_bits_;
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

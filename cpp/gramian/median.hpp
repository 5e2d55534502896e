// The exact median of all squared distances between the rows of a layer, without storing them.
#pragma once

#include <bit>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

#include "gram_products.hpp"

namespace gramian {

/// numpy.median of the full n x n matrix of squared distances, its zero diagonal included.
///
/// Non-negative floats are ordered like their bit patterns. Every pass counts the distances of
/// i > j in 2^16 equal cells of a range of patterns, and the next pass divides the cell that holds
/// the wanted rank: two passes in float, four in double. All passes form the same tiles, so that a
/// distance has the same bits in each.
template <Backend B>
double median_squared_distance(B& b, const Layer<B>& layer, std::span<const double> norms) {
  using T = typename B::scalar;
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const Index n = layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(n, 1, sizeof(T)));
  const std::vector<double> zeros(static_cast<std::size_t>(n));
  const auto norms_t = b.upload(norms), no_shift = b.upload(zeros);

  struct Workspace {
    Panel<B> i, j;
    typename B::Buffer tile;
    std::vector<double> sums;
    Histogram bins;
  };
  struct Nothing {};
  constexpr std::size_t cells = std::size_t{1} << 16;

  const auto distance_of = [](std::uint64_t bits) {
    return static_cast<double>(std::bit_cast<T>(static_cast<Bits>(bits)));
  };
  const auto pass = [&](std::uint64_t first, int shift) {
    Histogram total{first, shift, 0, std::vector<std::uint64_t>(cells)};
    std::mutex mutex;
    std::vector<std::shared_ptr<Workspace>> workspaces;  // counts are integers: any order will do
    b.template run_ordered<std::shared_ptr<Workspace>, Nothing>(
        tiling.count(),
        [&] {
          auto w = std::make_shared<Workspace>(
              Workspace{{}, {}, b.allocate(tiling.tile * tiling.tile),
                        std::vector<double>(std::size_t(tiling.tile)), total});
          const std::lock_guard lock{mutex};
          workspaces.push_back(w);
          return w;
        },
        [] { return Nothing{}; },
        [&](std::shared_ptr<Workspace>& w, Index task, Nothing&) {
          const auto [block_i, block_j] = tiling[task];
          const Rows i = tiling.rows(block_i), j = tiling.rows(block_j);
          gram_tile(b, layer, SquaredDistance{}, i, j,
                    Side<B>{norms_t.get() + i.first, no_shift.get()},
                    Side<B>{norms_t.get() + j.first, no_shift.get()}, w->i, w->j, w->tile.get(),
                    w->sums.data(), w->sums.data());
          b.count(w->tile.get(), i.count, j.count, block_i == block_j, w->bins);
        },
        [](Index, const Nothing&) {});
    for (const auto& w : workspaces) {
      total.below += w->bins.below;
      for (std::size_t c = 0; c < cells; ++c) total.cells[c] += w->bins.cells[c];
    }
    return total;
  };

  /// Distances of two adjacent ranks among those of i > j, from 0, known to lie in the range of
  /// patterns that starts at `first`. Their paths rarely part, and then only near the end.
  using Pair = std::pair<double, double>;
  const std::function<Pair(std::uint64_t, std::uint64_t, std::uint64_t, int)> ranked =
      [&](std::uint64_t low, std::uint64_t high, std::uint64_t first, int shift) -> Pair {
    const Histogram bins = pass(first, shift);
    const auto start_of_cell_with = [&](std::uint64_t rank) {
      std::uint64_t seen = bins.below;
      std::size_t c = 0;
      while (seen + bins.cells[c] <= rank) seen += bins.cells[c++];
      return first + (std::uint64_t{c} << shift);
    };
    const std::uint64_t at_low = start_of_cell_with(low), at_high = start_of_cell_with(high);
    if (shift == 0) return {distance_of(at_low), distance_of(at_high)};
    if (at_low == at_high) return ranked(low, high, at_low, shift - 16);
    return {ranked(low, low, at_low, shift - 16).first, ranked(high, high, at_high, shift - 16).first};
  };

  // Ranks among the pairs i > j of the entries in the middle of the full, symmetric matrix.
  const auto m = static_cast<std::uint64_t>(n);
  const std::uint64_t rank = (m * m / 2 - m) / 2;
  constexpr int all_bits = std::numeric_limits<Bits>::digits - 16;
  if (m % 2 == 1) return ranked(rank, rank, 0, all_bits).first;
  if (rank == 0) return ranked(0, 0, 0, all_bits).first / 2;  // n = 2: the other is on the diagonal
  const auto [low, high] = ranked(rank - 1, rank, 0, all_bits);
  return (low + high) / 2;
}

}  // namespace gramian

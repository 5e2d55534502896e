// How the lower triangle of an n x n matrix is cut into tiles.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "backend.hpp"

namespace gramian {

/// The pairs of row blocks (I >= J), in the order in which they are committed.
struct Tiling {
  Index n, tile;

  /// Blocks of nearly equal size, at most `largest` rows, a multiple of 16 where there are several.
  static Tiling of(Index n, Index largest) {
    const Index blocks = (n + largest - 1) / largest;
    const Index even = (n + blocks - 1) / blocks;
    return {n, blocks == 1 ? n : std::min(largest, (even + 15) / 16 * 16)};
  }
  Index blocks() const { return (n + tile - 1) / tile; }
  Index count() const { return blocks() * (blocks() + 1) / 2; }
  Index area() const { return tile * tile; }
  Rows rows(Index block) const { return {block * tile, std::min(tile, n - block * tile)}; }
  std::pair<Index, Index> operator[](Index task) const {
    auto i = static_cast<Index>((std::sqrt(8.0 * static_cast<double>(task) + 1) - 1) / 2);
    while (i * (i + 1) / 2 > task) --i;  // the square root may round either way
    while ((i + 1) * (i + 2) / 2 <= task) ++i;
    return {i, task - i * (i + 1) / 2};
  }
};

/// Rows of a tile at most: large enough for GEMM to run at its best, small enough for the tiles of
/// all layers to stay in a cache (on the CPU, twice one of 2 MiB) and in `bytes`, and for enough
/// tasks to keep threads busy. A function of the backend, the problem and the options only: the
/// bits of a result may not depend on the number of threads.
inline Index tile_rows(const TilePolicy& policy, Index n, Index layers, Index scalar_size,
                       double bytes) {
  const auto edge = [&](double memory) {
    const double rows = std::sqrt(memory / static_cast<double>(layers * scalar_size));
    return static_cast<Index>(rows) / 16 * 16;
  };
  const Index cached = std::clamp(edge(policy.cached), policy.smallest, policy.largest);
  const Index balanced = std::max<Index>(64, (n / policy.across + 15) / 16 * 16);
  return std::max<Index>(64, std::min({cached, balanced, edge(bytes)}));
}

}  // namespace gramian

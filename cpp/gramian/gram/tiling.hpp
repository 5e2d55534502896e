// How the lower triangle of an n x n matrix is cut into tiles, and the loop over them.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "../backend.hpp"

namespace gramian {

/// Rows I and J of the matrix, where they meet.
struct Tile {
  Index number;  // in the order of tasks
  Rows i, j;
  bool diagonal;

  Index area() const { return i.count * j.count; }
  /// How often the whole matrix holds it: tile (J, I) is its transpose.
  double weight() const { return diagonal ? 1 : 2; }
};

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
  bool operator==(const Tiling&) const = default;
  Rows rows(Index block) const { return {block * tile, std::min(tile, n - block * tile)}; }
  Tile operator[](Index task) const {
    auto i = static_cast<Index>((std::sqrt(8.0 * static_cast<double>(task) + 1) - 1) / 2);
    while (i * (i + 1) / 2 > task) --i;  // the square root may round either way
    while ((i + 1) * (i + 2) / 2 <= task) ++i;
    const Index j = task - i * (i + 1) / 2;
    return {task, rows(i), rows(j), i == j};
  }
};

/// work(workspace, tile, slot) for every tile, on any threads; commit(tile, slot) in their order.
template <class Workspace, class Slot, Backend B>
void for_each_tile(B& b, const Tiling& tiling, const std::function<Workspace()>& make_workspace,
                   const std::function<Slot()>& make_slot,
                   const std::function<void(Workspace&, const Tile&, Slot&)>& work,
                   const std::function<void(const Tile&, const Slot&)>& commit) {
  b.template run_ordered<Workspace, Slot>(
      tiling.count(), make_workspace, make_slot,
      [&](Workspace& w, Index task, Slot& slot) { work(w, tiling[task], slot); },
      [&](Index task, const Slot& slot) { commit(tiling[task], slot); });
}

/// Rows of tiles that, one of every layer, take so many bytes.
inline Index tile_edge(double bytes, Index layers, Index scalar_size) {
  const double rows = std::sqrt(bytes / static_cast<double>(layers * scalar_size));
  return static_cast<Index>(rows) / 16 * 16;
}

/// Rows of a tile at most: large enough for GEMM to run at its best, small enough for the tiles of
/// all layers to stay in a cache (on the CPU, twice one of 2 MiB), and for enough tasks to keep
/// threads busy. A function of the backend, the problem and the options only: the bits of a result
/// may not depend on the number of threads.
inline Index tile_rows(const TilePolicy& policy, Index n, Index layers, Index scalar_size) {
  const Index cached =
      std::clamp(tile_edge(policy.cached, layers, scalar_size), policy.smallest, policy.largest);
  const Index balanced = std::max<Index>(64, (n / policy.across + 15) / 16 * 16);
  return std::max<Index>(64, std::min(cached, balanced));
}

/// Where there are no more than so many bytes for the tiles of a thread.
inline Index tile_rows(const TilePolicy& policy, Index n, Index layers, Index scalar_size,
                       double bytes) {
  return std::max<Index>(
      64,
      std::min(tile_rows(policy, n, layers, scalar_size), tile_edge(bytes, layers, scalar_size)));
}

}  // namespace gramian

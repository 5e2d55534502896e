// What decisions about tiles and costs need to know of a backend. The defaults are the CPU's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gramian {

/// Rows of a tile that suit a backend, see tile_rows.
struct TilePolicy {
  std::int64_t smallest = 192, largest = 256;
  double cached = 4.0 * 1024 * 1024;  // bytes that the tiles of all layers stay near
  std::int64_t across = 6;            // tiles along a side at least, so that threads have enough
  double share = 1.0 / 16;            // of the memory of a call, for the tiles of one thread
};

/// How many of a layer's rows backend B packs at once where any number will do: of wide layers
/// fewer, so that a panel stays small, but enough for a product.
template <class B>
std::int64_t rows_of_panel(std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t least = 16, most = B::panel_rows;
  const std::int64_t few = std::max(least, B::panel_elements / cols);
  return std::max<std::int64_t>(1, std::min({most, few, rows}));
}

/// Columns, at most, of the tiles that a product of layers is cut into on the CPU; what is planned
/// and what is done agree on it.
constexpr std::int64_t product_tile_columns = 512;

/// What a comparison amounts to, in numbers of things that take time.
struct Work {
  double flops = 0;        // of GEMMs that form tiles
  double paired = 0;       // products of an element of one tile with one of another
  double packed = 0;       // elements read, centred and written
  double transformed = 0;  // elements of tiles that went through their kernel and into the sums
  double counted = 0;      // distances that were ranked for a median
  double tasks = 0;        // tiles handed out and committed
};

/// Seconds that each of these takes on one core, the one place that says so; for float, as fitted
/// by `python -m bench fit` on a core with AVX-512: half of its runs are within 10%, all within
/// 52%. What matters is the ratios.
struct CostModel {
  double flop = 1.1e-11;
  double paired = 9e-11;
  double packed = 4.8e-10;
  double transformed = 9.7e-10;
  double counted = 3.9e-9;
  double task = 0;

  double seconds(const Work& w) const {
    return w.flops * flop + w.paired * paired + w.packed * packed + w.transformed * transformed +
        w.counted * counted + w.tasks * task;
  }
};

}  // namespace gramian

// What decisions about tiles and costs need to know of a backend. The defaults are the CPU's.
#pragma once

#include <cstdint>

namespace gramian {

/// Rows of a tile that suit a backend, see tile_rows.
struct TilePolicy {
  std::int64_t smallest = 192, largest = 256;
  double cached = 4.0 * 1024 * 1024;  // bytes that the tiles of all layers stay near
  std::int64_t across = 6;            // tiles along a side at least, so that threads have enough
  double share = 1.0 / 16;            // of the memory of a call, for the tiles of one thread
};

/// Seconds on one core, the one place that says so. Fitted on an AVX-512 server core at 2.1 GHz to
/// runs with n from 1,000 to 16,000, p from 16 to 1,024, 1 to 150 layers; what matters is the
/// ratios.
struct CostModel {
  double flop = 1 / 75e9;        // float GEMM on 256-row tiles
  double packed = 0.25e-9;       // an element read, centred and written
  double transformed = 0.45e-9;  // an element of a tile through its kernel and the sums
  double counted = 1.0e-9;       // a distance ranked for the median
  double task = 8e-6;            // a tile handed out and committed

  static CostModel of(std::int64_t scalar_size) {
    CostModel cost;
    if (scalar_size == 8)
      cost.flop *= 2.5, cost.packed *= 2, cost.transformed *= 2.5, cost.counted *= 1.2;
    return cost;
  }
};

}  // namespace gramian

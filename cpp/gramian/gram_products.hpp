// The fused driver for kernel measures: inner products of the Gram matrices of many layers, tile by
// tile, without ever holding an n x n matrix. For a pair of row blocks, the tile of every layer's
// kernel is formed by one GEMM and transformed in place; all inner products of those tiles follow.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "gram_layer.hpp"

namespace gramian {

/// What HSIC needs of layers x_0 ... and y_0 ...: sums over pairs i != j of products of their Gram
/// matrices, and row sums without the diagonal; near-centred throughout.
struct GramProducts {
  Index x, y;                 // numbers of layers; y == 0 means the x among themselves
  std::vector<double> cross;  // x rows; y columns, or x when y == 0
  std::vector<double> self;   // x + y
  std::vector<std::vector<double>> row_sums;  // a vector of n for each layer
};

/// All inner products in one pass over the tiles. Cost: n² p flops a layer and 2 n² a pair of
/// layers; memory: threads x layers x tile² and layers x n.
template <Backend B>
GramProducts gram_products(B& b, std::span<const GramLayer<B>> layers, Index x,
                           const Tiling& tiling) {
  const auto count = std::ssize(layers);
  const Index y = count - x, others = y == 0 ? x : y;
  const auto size = [](Index k) { return static_cast<std::size_t>(k); };
  GramProducts result{
      x, y, std::vector<double>(size(x * others)), std::vector<double>(size(count)), {}};
  result.row_sums.assign(size(count), std::vector<double>(size(tiling.n)));

  struct Slot {
    std::vector<double> row_sums, col_sums;  // a stretch of tile rows for each layer
    std::vector<double> products;            // cross, then self
  };
  b.template run_ordered<TileWorkspace<B>, Slot>(
      tiling.count(), [&] { return TileWorkspace<B>{.tiles = b.allocate(count * tiling.area())}; },
      [&] {
        return Slot{std::vector<double>(size(count * tiling.tile)),
                    std::vector<double>(size(count * tiling.tile)),
                    std::vector<double>(size(x * others + count))};
      },
      [&](TileWorkspace<B>& w, Index task, Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const Index area = tiling.rows(block_i).count * tiling.rows(block_j).count;
        std::ranges::fill(slot.row_sums, 0.0);
        std::ranges::fill(slot.col_sums, 0.0);
        for (Index l = 0; l < count; ++l)
          gram_tile(b, layers[size(l)], tiling, task, w, w.tiles.get() + l * area,
                    slot.row_sums.data() + l * tiling.tile, slot.col_sums.data() + l * tiling.tile);
        b.tile_products(w.tiles.get(), x, y, area, slot.products.data());
      },
      [&](Index task, const Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const Rows i = tiling.rows(block_i), j = tiling.rows(block_j);
        const double weight = block_i == block_j ? 1 : 2;  // tile (J, I) is the transpose
        for (std::size_t k = 0; k < result.cross.size(); ++k)
          result.cross[k] += weight * slot.products[k];
        for (std::size_t l = 0; l < result.self.size(); ++l) {
          result.self[l] += weight * slot.products[result.cross.size() + l];
          const auto add = [&](Rows rows, const std::vector<double>& sums) {
            const double* const from = sums.data() + l * size(tiling.tile);
            double* const to = result.row_sums[l].data() + rows.first;
            for (Index k = 0; k < rows.count; ++k) to[k] += from[k];
          };
          add(i, slot.row_sums);
          if (block_i != block_j) add(j, slot.col_sums);
        }
      });
  return result;
}

}  // namespace gramian

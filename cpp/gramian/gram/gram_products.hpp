// The fused driver for kernel measures: inner products of the Gram matrices of many layers, tile by
// tile, without ever holding an n x n matrix. For a pair of row blocks, the tile of every layer's
// kernel is formed by one GEMM and transformed in place; all inner products of those tiles follow.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "../pairs.hpp"
#include "gram_layer.hpp"

namespace gramian {

/// What HSIC needs of layers: sums over rows i != j of products of their Gram matrices, and row
/// sums without the diagonal; near-centred throughout.
struct GramProducts {
  std::vector<double> cross;                  // as the map of the pairs
  std::vector<double> self;                   // of every layer
  std::vector<std::vector<double>> row_sums;  // a vector of n for each layer
};

/// All inner products in one pass over the tiles. Cost: n² p flops a layer and 2 n² a pair of
/// layers; memory: threads x layers x tile² and layers x n.
template <Backend B>
GramProducts gram_products(B& b, std::span<const GramLayer<B>* const> layers, const Pairs& pairs,
                           const Tiling& tiling) {
  const Index count = pairs.layers();
  const auto size = [](Index k) { return static_cast<std::size_t>(k); };
  GramProducts result{std::vector<double>(pairs.size()), std::vector<double>(size(count)), {}};
  result.row_sums.assign(size(count), std::vector<double>(size(tiling.n)));

  struct Slot {
    std::vector<double> row_sums, col_sums;  // a stretch of tile rows for each layer
    std::vector<double> products;            // cross, then self
  };
  for_each_tile<TileWorkspace<B>, Slot>(
      b, tiling, [&] { return TileWorkspace<B>{.tiles = b.allocate(count * tiling.area())}; },
      [&] {
        return Slot{std::vector<double>(size(count * tiling.tile)),
                    std::vector<double>(size(count * tiling.tile)),
                    std::vector<double>(pairs.size() + size(count))};
      },
      [&](TileWorkspace<B>& w, const Tile& tile, Slot& slot) {
        std::ranges::fill(slot.row_sums, 0.0);
        std::ranges::fill(slot.col_sums, 0.0);
        for (Index l = 0; l < count; ++l)
          gram_tile(b, *layers[size(l)], tiling, tile, w, w.tiles.get() + l * tile.area(),
                    slot.row_sums.data() + l * tiling.tile, slot.col_sums.data() + l * tiling.tile);
        b.tile_products(w.tiles.get(), pairs.x, pairs.y, tile.area(), slot.products.data());
      },
      [&](const Tile& tile, const Slot& slot) {
        for (std::size_t k = 0; k < result.cross.size(); ++k)
          result.cross[k] += tile.weight() * slot.products[k];
        for (std::size_t l = 0; l < result.self.size(); ++l) {
          result.self[l] += tile.weight() * slot.products[result.cross.size() + l];
          const auto first = l * size(tiling.tile);
          add_row_sums(tile, slot.row_sums.data() + first, slot.col_sums.data() + first,
                       result.row_sums[l]);
        }
      });
  return result;
}

}  // namespace gramian

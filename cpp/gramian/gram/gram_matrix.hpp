// The n x n Gram matrix itself, for those who want to see it.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "prepared_gram.hpp"

namespace gramian {

/// A layer as its Gram matrix needs it: near-centred for HKH, as it is for K.
template <Backend B>
PreparedGram<B> prepare_matrix(B& b, const KernelSpec& spec, Layer<B> layer, bool centered) {
  const Index n = layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(B::tile_policy, n, 1, sizeof(typename B::scalar)));
  auto norms = norms_of(b, layer, spec);
  return prepare_gram(b, spec, std::move(layer), std::move(norms), tiling, false, centered);
}

/// Writes K, or its double-centred form HKH, of a layer prepared for it to `out`, n x n in host
/// memory. HKH comes from the near-centred kernel, whose own HKH is the same and keeps its digits
/// in float.
template <Backend B>
void gram_matrix(B& b, const PreparedGram<B>& prepared, bool centered, typename B::scalar* out) {
  using T = typename B::scalar;
  const GramLayer<B>& layer = prepared.gram;
  const double unit = prepared.unit;
  const Index n = layer.layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(B::tile_policy, n, 1, sizeof(T)));
  std::vector<double> means = layer.diagonal;  // of the rows, once the sums are complete
  struct Slot {
    std::vector<double> row_sums, col_sums;
  };
  for_each_tile<TileWorkspace<B>, Slot>(
      b, tiling, [&] { return TileWorkspace<B>{.tiles = b.allocate(tiling.area())}; },
      [&] {
        const auto size = static_cast<std::size_t>(tiling.tile);
        return Slot{std::vector<double>(size), std::vector<double>(size)};
      },
      [&](TileWorkspace<B>& w, const Tile& tile, Slot& slot) {
        std::ranges::fill(slot.row_sums, 0.0);
        std::ranges::fill(slot.col_sums, 0.0);
        gram_tile(b, layer, tiling, tile, w, w.tiles.get(), slot.row_sums.data(),
                  slot.col_sums.data());
        const auto values = b.download(w.tiles.get(), tile.area());
        for (Index r = 0; r < tile.i.count; ++r)
          for (Index c = 0; c < (tile.diagonal ? r + 1 : tile.j.count); ++c) {
            const Index row = tile.i.first + r, col = tile.j.first + c;
            const double k = row == col ? layer.diagonal[static_cast<std::size_t>(row)]
                                        : values[static_cast<std::size_t>(r * tile.j.count + c)];
            out[row * n + col] = out[col * n + row] = static_cast<T>(k / unit);
          }
      },
      [&](const Tile& tile, const Slot& slot) {
        add_row_sums(tile, slot.row_sums.data(), slot.col_sums.data(), means);
      });
  if (!centered) return;

  for (double& mean : means) mean /= static_cast<double>(n) * unit;
  const double grand = sum(means) / static_cast<double>(n);
  for (double& mean : means) mean -= grand / 2;
  struct Nothing {};
  b.template run_ordered<Nothing, Nothing>(
      tiling.blocks(), [] { return Nothing{}; }, [] { return Nothing{}; },
      [&](Nothing&, Index block, Nothing&) {
        const Rows rows = tiling.rows(block);
        for (Index i = rows.first; i < rows.first + rows.count; ++i) {
          const double shift = means[static_cast<std::size_t>(i)];
          for (Index j = 0; j < n; ++j) {
            T& k = out[i * n + j];
            k = static_cast<T>(static_cast<double>(k) -
                               (shift + means[static_cast<std::size_t>(j)]));
          }
        }
      },
      [](Index, const Nothing&) {});
}

}  // namespace gramian

// The n x n Gram matrix itself, for those who want to see it.
#pragma once

#include <algorithm>
#include <vector>

#include "gram_layer.hpp"

namespace gramian {

/// Writes K (a layer made without shift) or its double-centred form HKH (made with one) to `out`,
/// n x n in host memory, divided by `unit`. HKH comes from the near-centred kernel, whose own HKH
/// is the same and keeps its digits in float.
template <Backend B>
void gram_matrix(B& b, const GramLayer<B>& layer, bool centered, double unit,
                 typename B::scalar* out) {
  using T = typename B::scalar;
  const Index n = layer.layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(B::tile_policy, n, 1, sizeof(T), 1e9));
  std::vector<double> means = layer.diagonal;  // of the rows, once the sums are complete
  struct Slot {
    std::vector<double> row_sums, col_sums;
  };
  b.template run_ordered<TileWorkspace<B>, Slot>(
      tiling.count(), [&] { return TileWorkspace<B>{.tiles = b.allocate(tiling.area())}; },
      [&] {
        const auto size = static_cast<std::size_t>(tiling.tile);
        return Slot{std::vector<double>(size), std::vector<double>(size)};
      },
      [&](TileWorkspace<B>& w, Index task, Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const Rows i = tiling.rows(block_i), j = tiling.rows(block_j);
        std::ranges::fill(slot.row_sums, 0.0);
        std::ranges::fill(slot.col_sums, 0.0);
        gram_tile(b, layer, tiling, task, w, w.tiles.get(), slot.row_sums.data(),
                  slot.col_sums.data());
        const auto tile = b.download(w.tiles.get(), i.count * j.count);
        for (Index r = 0; r < i.count; ++r)
          for (Index c = 0; c < (block_i == block_j ? r + 1 : j.count); ++c) {
            const Index row = i.first + r, col = j.first + c;
            const double k = row == col ? layer.diagonal[static_cast<std::size_t>(row)]
                                        : tile[static_cast<std::size_t>(r * j.count + c)];
            out[row * n + col] = out[col * n + row] = static_cast<T>(k / unit);
          }
      },
      [&](Index task, const Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const auto add = [&](Rows rows, const std::vector<double>& sums) {
          for (Index k = 0; k < rows.count; ++k)
            means[static_cast<std::size_t>(rows.first + k)] += sums[static_cast<std::size_t>(k)];
        };
        add(tiling.rows(block_i), slot.row_sums);
        if (block_i != block_j) add(tiling.rows(block_j), slot.col_sums);
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

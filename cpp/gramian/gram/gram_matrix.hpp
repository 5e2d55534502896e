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
  const GramPreparation how{spec, tiling, centered};
  std::vector<PreparedGram<B>> one;
  one.push_back(with_kernel(b, how, std::move(layer), std::move(norms), false));
  make_ready(b, how, one);
  return std::move(one.front());
}

/// K, or its double-centred form HKH, of a layer prepared for it. HKH comes from the near-centred
/// kernel, whose own HKH is the same and keeps its digits in float.
template <Backend B>
Matrix<B> gram_matrix(B& b, const PreparedGram<B>& prepared, bool centered) {
  using T = typename B::scalar;
  const GramLayer<B>& layer = prepared.gram;
  const double unit = prepared.unit;
  const Index n = layer.layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(B::tile_policy, n, 1, sizeof(T)));
  std::vector<double> means = layer.diagonal;  // of the rows, once the sums are complete
  Matrix<B> out(b, n, n);
  T* const to = out.mutable_data();
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
        b.place(w.tiles.get(), tile.i, tile.j, unit, to, n);
      },
      [&](const Tile& tile, const Slot& slot) {
        add_row_sums(tile, slot.row_sums.data(), slot.col_sums.data(), means);
      });
  b.release_inputs();
  std::vector<double> diagonal = layer.diagonal;
  for (double& value : diagonal) value /= unit;
  const typename B::Buffer on_diagonal = b.upload(diagonal);
  b.fill_diagonal(to, {0, n}, {0, n}, on_diagonal.get());
  if (!centered) return out;

  for (double& mean : means) mean /= static_cast<double>(n) * unit;
  const double grand = sum(means) / static_cast<double>(n);
  for (double& mean : means) mean -= grand / 2;
  b.subtract_means(to, n, means);
  return out;
}

}  // namespace gramian

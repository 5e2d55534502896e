// The n x n Gram matrix itself, for those who want to see it.
#pragma once

#include <algorithm>
#include <vector>

#include "gram_products.hpp"

namespace gramian {

/// Writes K (a layer made without shift) or its double-centred form HKH (made with one) to `out`,
/// n x n in host memory, divided by `unit`. HKH comes from the near-centred kernel, whose own HKH is
/// the same and keeps its digits in float.
template <Backend B>
void gram_matrix(B& b, const GramLayer<B>& layer, bool centered, double unit,
                 typename B::scalar* out) {
  using T = typename B::scalar;
  const Index n = layer.layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(n, 1, sizeof(T)));
  std::vector<double> means = layer.diagonal;  // of the rows, once the sums are complete
  struct Workspace {
    Panel<B> i, j;
    typename B::Buffer tile;
  };
  struct Slot {
    std::vector<double> row_sums, col_sums;
  };
  b.template run_ordered<Workspace, Slot>(
      tiling.count(),
      [&] { return Workspace{{}, {}, b.allocate(tiling.tile * tiling.tile)}; },
      [&] {
        const auto size = static_cast<std::size_t>(tiling.tile);
        return Slot{std::vector<double>(size), std::vector<double>(size)};
      },
      [&](Workspace& w, Index task, Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const Rows i = tiling.rows(block_i), j = tiling.rows(block_j);
        std::ranges::fill(slot.row_sums, 0.0);
        std::ranges::fill(slot.col_sums, 0.0);
        std::visit(
            [&](const auto& kernel) {
              gram_tile(b, layer.layer, kernel, i, j, layer.side(i.first), layer.side(j.first),
                        w.i, w.j, w.tile.get(), slot.row_sums.data(), slot.col_sums.data());
            },
            layer.kernel);
        for (Index r = 0; r < i.count; ++r)
          for (Index c = 0; c < j.count; ++c) {
            const Index row = i.first + r, col = j.first + c;
            const double k = row == col ? layer.diagonal[static_cast<std::size_t>(row)]
                                        : static_cast<double>(w.tile[r * j.count + c]);
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
  struct Nothing {};
  b.template run_ordered<Nothing, Nothing>(
      tiling.blocks(), [] { return Nothing{}; }, [] { return Nothing{}; },
      [&](Nothing&, Index block, Nothing&) {
        const Rows rows = tiling.rows(block);
        for (Index i = rows.first; i < rows.first + rows.count; ++i) {
          const double shift = means[static_cast<std::size_t>(i)] - grand;
          for (Index j = 0; j < n; ++j) {
            T& k = out[i * n + j];
            k = static_cast<T>(static_cast<double>(k) - shift - means[static_cast<std::size_t>(j)]);
          }
        }
      },
      [](Index, const Nothing&) {});
}

}  // namespace gramian

// The fused driver for kernel measures: inner products of the Gram matrices of many layers, tile by
// tile, without ever holding an n x n matrix. For a pair of row blocks, the tile of every layer's
// kernel is formed by one GEMM and transformed in place; all inner products of those tiles follow.
//
// Near-centring. HSIC does not change when K(i, j) becomes K(i, j) - aᵢ - aⱼ, but in float it keeps
// its digits only if the rows of K are nearly centred already: the naive way loses 400 to 18,000 eps
// of CKA at bandwidths of 1 to 10 medians, this one 0 to 5. aᵢ is the mean of row i over landmark
// columns, less half the landmarks' own mean.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "backend.hpp"
#include "linalg.hpp"

namespace gramian {

/// The pairs of row blocks (I >= J) of an n x n matrix, in the order in which they are committed.
struct Tiling {
  Index n, tile;

  /// Blocks of nearly equal size, at most `largest` rows, a multiple of 16 where there are several.
  static Tiling of(Index n, Index largest) {
    const Index blocks = (n + largest - 1) / largest;
    const Index even = (n + blocks - 1) / blocks;
    return {n, blocks == 1 ? n : (even + 15) / 16 * 16};
  }
  Index blocks() const { return (n + tile - 1) / tile; }
  Index count() const { return blocks() * (blocks() + 1) / 2; }
  Rows rows(Index block) const { return {block * tile, std::min(tile, n - block * tile)}; }
  std::pair<Index, Index> operator[](Index task) const {
    auto i = static_cast<Index>((std::sqrt(8.0 * static_cast<double>(task) + 1) - 1) / 2);
    while (i * (i + 1) / 2 > task) --i;  // the square root may round either way
    while ((i + 1) * (i + 2) / 2 <= task) ++i;
    return {i, task - i * (i + 1) / 2};
  }
};

/// A layer with its kernel, ready for tiles.
template <class B>
struct GramLayer {
  Layer<B> layer;
  Kernel kernel;
  std::vector<double> diagonal;  // K(i, i) - 2 aᵢ
  typename B::Buffer squared_norms, shift;

  Side<B> side(Index first_row) const {
    return {squared_norms.get() + first_row, shift.get() + first_row};
  }
};

/// Forms tile (I, J) of a layer's near-centred kernel, adding its row and column sums. On the
/// diagonal, the diagonal itself is left out: it is 0 in the tile and not in the sums.
template <Backend B, class K>
void gram_tile(B& b, const Layer<B>& layer, const K& kernel, Rows i, Rows j, Side<B> side_i,
               Side<B> side_j, Panel<B>& panel_i, Panel<B>& panel_j, typename B::scalar* tile,
               double* row_sums, double* col_sums) {
  b.pack(layer, i, panel_i);
  const bool diagonal = i.first == j.first;
  if (!diagonal) b.pack(layer, j, panel_j);
  b.multiply(panel_i, diagonal ? panel_i : panel_j, tile);
  if (diagonal) b.fill_diagonal(tile, i.count, side_i.squared_norms);
  b.apply(kernel, tile, i.count, j.count, side_i, side_j, row_sums, col_sums);
  if (diagonal) b.drop_diagonal(tile, i.count, row_sums);
}

/// aᵢ for near-centring, from 64 landmark rows. The linear kernel of centred features is centred as
/// it is.
template <Backend B>
std::vector<double> near_centring_shift(B& b, const Layer<B>& layer, const Kernel& kernel,
                                        std::span<const double> norms) {
  const Index n = layer.source.rows;
  std::vector<double> shift(static_cast<std::size_t>(n), 0.0);
  if (std::holds_alternative<Linear>(kernel)) return shift;
  const Index count = std::min<Index>(64, n);
  const Rows landmarks{0, count, n, count};
  std::vector<double> landmark_norms(static_cast<std::size_t>(count));
  for (Index k = 0; k < count; ++k)
    landmark_norms[static_cast<std::size_t>(k)] = norms[static_cast<std::size_t>(landmarks[k])];
  const auto norms_i = b.upload(norms), norms_j = b.upload(landmark_norms), zero = b.upload(shift);
  Panel<B> landmark_panel;
  b.pack(layer, landmarks, landmark_panel);

  const Index block = std::min<Index>(256, n);
  struct Workspace {
    Panel<B> panel;
    typename B::Buffer tile;
    std::vector<double> col_sums;
  };
  struct Nothing {};
  b.template run_ordered<Workspace, Nothing>(
      (n + block - 1) / block,
      [&] {
        return Workspace{{}, b.allocate(block * count), std::vector<double>(std::size_t(count))};
      },
      [] { return Nothing{}; },
      [&](Workspace& w, Index task, Nothing&) {
        const Rows rows{task * block, std::min(block, n - task * block)};
        b.pack(layer, rows, w.panel);
        b.multiply(w.panel, landmark_panel, w.tile.get());
        const Side<B> side_i{norms_i.get() + rows.first, zero.get()};
        const Side<B> side_j{norms_j.get(), zero.get()};
        std::visit(
            [&](const auto& k) {
              b.apply(k, w.tile.get(), rows.count, count, side_i, side_j,
                      shift.data() + rows.first, w.col_sums.data());
            },
            kernel);
      },
      [](Index, const Nothing&) {});

  for (double& a : shift) a /= static_cast<double>(count);
  double landmark_mean = 0;
  for (Index k = 0; k < count; ++k)
    landmark_mean += shift[static_cast<std::size_t>(landmarks[k])] / static_cast<double>(count);
  for (double& a : shift) {
    a -= landmark_mean / 2;
    a = static_cast<double>(static_cast<typename B::scalar>(a));  // what the tiles will subtract
  }
  return shift;
}

/// Norms, shift and diagonal of a layer under its kernel, near-centred or as it is.
template <Backend B>
GramLayer<B> make_gram_layer(B& b, Layer<B> layer, Kernel kernel, const std::vector<double>& norms,
                             bool near_centred = true) {
  if (auto* rbf = std::get_if<Rbf>(&kernel); rbf != nullptr && near_centred) {
    const double mean_squared_distance = 2 * sum(norms) / static_cast<double>(norms.size());
    rbf->minus_one = rbf->gamma * mean_squared_distance < std::numbers::ln2;
  }
  const auto shift = near_centred ? near_centring_shift(b, layer, kernel, norms)
                                  : std::vector<double>(norms.size());
  std::vector<double> diagonal(norms.size());
  for (std::size_t i = 0; i < norms.size(); ++i)
    diagonal[i] = std::visit([&](const auto& k) { return k.self_value(norms[i]); }, kernel) -
                  2 * shift[i];
  return {std::move(layer), kernel, std::move(diagonal), b.upload(norms), b.upload(shift)};
}

/// What HSIC needs of layers x_0 ... and y_0 ...: sums over pairs i != j of products of their Gram
/// matrices, and row sums without the diagonal; near-centred throughout.
struct GramProducts {
  Index x, y;                  // numbers of layers; y == 0 means the x among themselves
  std::vector<double> cross;   // x rows; y columns, or x when y == 0
  std::vector<double> self;    // x + y
  std::vector<std::vector<double>> row_sums;  // a vector of n for each layer
};

/// Rows of a tile at most: large enough for GEMM to run at its best, small enough for the tiles of
/// all layers to stay near twice a 2 MiB cache. A pure function of its arguments: the bits of a
/// result may not depend on the number of threads.
inline Index tile_rows(Index n, Index layers, Index scalar_size) {
  const double fits = std::sqrt(4.0 * 1024 * 1024 / static_cast<double>(layers * scalar_size));
  const auto cached = std::clamp<Index>(static_cast<Index>(fits) / 16 * 16, 96, 256);
  const Index balanced = std::max<Index>(64, (n / 6 + 15) / 16 * 16);  // enough tasks for threads
  return std::min(cached, balanced);
}

/// All inner products in one pass over the tiles. Cost: n² p flops a layer and 2 n² a pair of
/// layers; memory: threads x layers x tile² and layers x n.
template <Backend B>
GramProducts gram_products(B& b, std::span<const GramLayer<B>> layers, Index x) {
  using T = typename B::scalar;
  const auto count = static_cast<Index>(layers.size());
  const Index y = count - x, n = layers[0].layer.source.rows;
  const Tiling tiling = Tiling::of(n, tile_rows(n, count, sizeof(T)));
  const Index area = tiling.tile * tiling.tile;
  const Index others = y == 0 ? x : y;

  GramProducts result{x, y, std::vector<double>(std::size_t(x * others)),
                      std::vector<double>(std::size_t(count)), {}};
  result.row_sums.assign(std::size_t(count), std::vector<double>(std::size_t(n)));

  struct Workspace {
    Panel<B> i, j;
    typename B::Buffer tiles;
  };
  struct Slot {
    std::vector<double> row_sums, col_sums;  // a stretch of tile rows for each layer
    std::vector<double> products;            // cross, then self
  };
  b.template run_ordered<Workspace, Slot>(
      tiling.count(), [&] { return Workspace{{}, {}, b.allocate(count * area)}; },
      [&] {
        return Slot{std::vector<double>(std::size_t(count * tiling.tile)),
                    std::vector<double>(std::size_t(count * tiling.tile)),
                    std::vector<double>(std::size_t(x * others + count))};
      },
      [&](Workspace& w, Index task, Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const Rows i = tiling.rows(block_i), j = tiling.rows(block_j);
        const Index used = i.count * j.count;
        std::ranges::fill(slot.row_sums, 0.0);
        std::ranges::fill(slot.col_sums, 0.0);
        for (Index l = 0; l < count; ++l) {
          const GramLayer<B>& layer = layers[std::size_t(l)];
          std::visit(
              [&](const auto& kernel) {
                gram_tile(b, layer.layer, kernel, i, j, layer.side(i.first), layer.side(j.first),
                          w.i, w.j, w.tiles.get() + l * used,
                          slot.row_sums.data() + l * tiling.tile,
                          slot.col_sums.data() + l * tiling.tile);
              },
              layer.kernel);
        }
        b.tile_products(w.tiles.get(), x, y, used, slot.products.data());
      },
      [&](Index task, const Slot& slot) {
        const auto [block_i, block_j] = tiling[task];
        const Rows i = tiling.rows(block_i), j = tiling.rows(block_j);
        const double weight = block_i == block_j ? 1 : 2;  // tile (J, I) is the transpose
        for (std::size_t k = 0; k < result.cross.size(); ++k)
          result.cross[k] += weight * slot.products[k];
        for (std::size_t l = 0; l < result.self.size(); ++l) {
          result.self[l] += weight * slot.products[result.cross.size() + l];
          double* const sums = result.row_sums[l].data();
          const auto stretch = l * std::size_t(tiling.tile);
          for (Index k = 0; k < i.count; ++k)
            sums[i.first + k] += slot.row_sums[stretch + std::size_t(k)];
          if (block_i == block_j) continue;
          for (Index k = 0; k < j.count; ++k)
            sums[j.first + k] += slot.col_sums[stretch + std::size_t(k)];
        }
      });
  return result;
}

}  // namespace gramian

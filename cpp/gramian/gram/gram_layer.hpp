// A layer with its kernel, and the tiles of its Gram matrix.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "../backend.hpp"
#include "../linalg.hpp"
#include "tiling.hpp"

namespace gramian {

/// |o|² = squared 2^(2 exponent) of an origin in the units of the layer as packed; 0: there is
/// none.
struct Origin {
  double squared = 0;
  int exponent = 0;
};

/// Norms are those of the layer as packed (for a precomputed Gram matrix, its diagonal). `kept` may
/// hold the inner products of all tiles of one tiling, once a pass has formed them. By differences,
/// see precision.hpp, -|xᵢ - xⱼ|²/2 take the place of inner products and 0 that of the norms: what
/// follows from both is the same.
template <class B>
struct GramLayer {
  Layer<B> layer;
  std::vector<double> norms{};
  double mean_norm = 0, typical_norm = 0;  // mean and median of the norms, by differences too
  Origin origin{};
  std::vector<double> along{};         // v of a polynomial kernel about an origin, see kernels.hpp
  typename B::Buffer squared_norms{};  // or those
  typename B::Buffer kept{};
  Tiling kept_tiling{};
  bool kept_is_filled = false;
  bool by_differences = false;
  std::vector<double> factors{};  // of the rows before differences are taken; none: 1
  typename B::Buffer row_factors{};
  Kernel kernel{};
  std::vector<double> diagonal{};  // K(i, i) - 2 aᵢ
  typename B::Buffer shift{};
  typename B::Buffer far{};  // for the diagonals of tiles, where k = 0 then: see set_kernel
  double mean_shift = 0, mean_squared_shift = 0;

  Side<B> side(Index first_row) const {
    return {squared_norms.get() + first_row, shift.get() + first_row};
  }
  const typename B::scalar* factors_from(Index row) const {
    return row_factors ? row_factors.get() + row : nullptr;
  }
};

/// Gives a layer the squared norms of its rows.
template <Backend B>
void set_norms(B& b, GramLayer<B>& g, std::vector<double> norms) {
  g.norms = std::move(norms);
  g.squared_norms = b.upload(g.norms);
  g.mean_norm = sum(g.norms) / static_cast<double>(g.norms.size());
  std::vector<double> sorted = g.norms;
  const auto middle = sorted.begin() + std::ssize(sorted) / 2;
  std::ranges::nth_element(sorted, middle);
  g.typical_norm = *middle;
}

/// Bytes that it holds.
template <class B>
Index bytes_of(const GramLayer<B>& g) {
  const Index kept = g.kept ? g.kept_tiling.count() * g.kept_tiling.area() : 0;
  const Index n = g.layer.source.rows;
  Index rows = 0;
  for (const auto* part : {&g.squared_norms, &g.row_factors, &g.shift, &g.far})
    if (*part) rows += n;
  return bytes_of(g.layer) + (kept + rows) * Index{sizeof(typename B::scalar)} +
      (std::ssize(g.norms) + std::ssize(g.along) + std::ssize(g.factors) + std::ssize(g.diagonal)) *
      8;
}

/// What one thread works on.
template <class B>
struct TileWorkspace {
  Panel<B> i{}, j{};
  typename B::Buffer tiles;
};

/// tile = inner products of packed rows of the layer, or what takes their place; the factors are
/// for that.
template <Backend B>
void multiply_rows(B& b, const GramLayer<B>& g, const Panel<B>& i, const Panel<B>& j,
                   const typename B::scalar* factors_i, const typename B::scalar* factors_j,
                   typename B::scalar* tile) {
  if (g.by_differences)
    b.differences(i, j, factors_i, factors_j, tile);
  else
    b.multiply(i, j, tile);
}

/// out = inner products of rows I and J of the layer, on the diagonal exactly its squared norms, or
/// what set_shift has put in their place.
template <Backend B>
void inner_products(B& b, const GramLayer<B>& layer, const Tiling& tiling, const Tile& tile,
                    TileWorkspace<B>& w, typename B::scalar* out) {
  const auto kept = layer.kept.get() + (layer.kept ? tile.number * tiling.area() : 0);
  if (layer.kept_is_filled && layer.kept_tiling == tiling) return b.copy(kept, tile.area(), out);
  if (std::holds_alternative<Precomputed>(layer.kernel)) {
    b.block(layer.layer, tile.i, tile.j, out);
  } else {
    b.pack(layer.layer, tile.i, w.i);
    if (!tile.diagonal) b.pack(layer.layer, tile.j, w.j);
    multiply_rows(b, layer, w.i, tile.diagonal ? w.i : w.j, layer.factors_from(tile.i.first),
                  layer.factors_from(tile.j.first), out);
  }
  if (tile.diagonal) b.fill_diagonal(out, tile.i, tile.j, layer.squared_norms.get());
  if (layer.kept && !layer.kept_is_filled) b.copy(out, tile.area(), kept);
}

/// Tile of the near-centred kernel, with its row and column sums added. On the diagonal, the
/// diagonal itself is left out: it is 0 in the tile and not in the sums.
template <Backend B>
void gram_tile(B& b, const GramLayer<B>& layer, const Tiling& tiling, const Tile& tile,
               TileWorkspace<B>& w, typename B::scalar* out, double* row_sums, double* col_sums) {
  inner_products(b, layer, tiling, tile, w, out);
  if (tile.diagonal && layer.far) b.fill_diagonal(out, tile.i, tile.j, layer.far.get());
  b.apply(layer.kernel, out, tile.i.count, tile.j.count, layer.side(tile.i.first),
          layer.side(tile.j.first), row_sums, col_sums);
  if (tile.diagonal) b.drop_diagonal(out, tile.i.count, row_sums);
}

/// Adds the row sums of a tile's own rows to those of the matrix and, off the diagonal, its column
/// sums, which are row sums of the tile across.
inline void add_row_sums(const Tile& tile, const double* row_sums, const double* col_sums,
                         std::span<double> total) {
  const auto add = [&](Rows rows, const double* sums) {
    for (Index k = 0; k < rows.count; ++k)
      total[static_cast<std::size_t>(rows.first + k)] += sums[k];
  };
  add(tile.i, row_sums);
  if (!tile.diagonal) add(tile.j, col_sums);
}

/// The values of some rows; none where there are none.
inline std::vector<double> at(std::span<const double> values, Rows rows) {
  std::vector<double> some;
  for (Index k = 0; k < rows.count && !values.empty(); ++k)
    some.push_back(values[static_cast<std::size_t>(rows[k])]);
  return some;
}

}  // namespace gramian

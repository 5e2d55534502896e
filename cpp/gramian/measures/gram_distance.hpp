// How far apart two centred Gram matrices are once they are scaled to norm 1: 2 sin(θ/2) of the
// angle whose cosine is CKA, with all its digits where the angle is small. (A cosine has half of
// them.)
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "hsic_map.hpp"

namespace gramian {

using LayerPairs = std::span<const std::pair<Index, Index>>;

/// What one thread works on: the tiles of all layers, and one for a difference of two.
template <class B>
struct DifferenceWorkspace {
  TileWorkspace<B> tiles;
  Matrix<B> difference;
  std::vector<double> ignored;
};

/// Σ (aₖ K - aₗ L)² over i != j for the pairs (k, l), entry by entry, a being a factor of each
/// layer.
template <LinearAlgebra B>
std::vector<double> squared_differences(B& b, PreparedGrams<B> layers,
                                        std::span<const double> factors, LayerPairs pairs,
                                        const Tiling& tiling) {
  const Index count = std::ssize(layers);
  std::vector<double> totals(pairs.size());
  using Slot = std::vector<double>;
  for_each_tile<DifferenceWorkspace<B>, Slot>(
      b, tiling,
      [&] {
        return DifferenceWorkspace<B>{
            {.tiles = b.allocate(count * tiling.area())},
            Matrix<B>(b, tiling.tile, tiling.tile),
            std::vector<double>(2 * static_cast<std::size_t>(tiling.tile))};
      },
      [&] { return Slot(pairs.size()); },
      [&](DifferenceWorkspace<B>& w, const Tile& tile, Slot& slot) {
        const auto at = [&](Index l) { return w.tiles.tiles.get() + l * tile.area(); };
        for (Index l = 0; l < count; ++l)
          gram_tile(b, layers[static_cast<std::size_t>(l)]->gram, tiling, tile, w.tiles, at(l),
                    w.ignored.data(), w.ignored.data() + tiling.tile);
        for (std::size_t p = 0; p < pairs.size(); ++p) {
          const auto [k, l] = pairs[p];
          w.difference.rows = tile.i.count;
          w.difference.cols = tile.j.count;
          b.copy(at(k), tile.area(), w.difference.mutable_data());
          b.add(factors[static_cast<std::size_t>(k)], w.difference,
                -factors[static_cast<std::size_t>(l)], {at(l), tile.i.count, tile.j.count});
          b.dot(w.difference, w.difference, &slot[p]);
        }
      },
      [&](const Tile& tile, const Slot& slot) {
        for (std::size_t p = 0; p < pairs.size(); ++p) totals[p] += tile.weight() * slot[p];
      });
  return totals;
}

/// |K/|K| - L/|L|| of pairs of layers, by the estimator: since HSIC is bilinear, the root of the
/// HSIC of the difference with itself. Sums over rows are as linear, and small enough to be
/// combined.
template <LinearAlgebra B>
std::vector<double> gram_distances(B& b, const Hsic& hsic, PreparedGrams<B> layers,
                                   LayerPairs pairs, const Plan& plan) {
  b.threads = plan.threads;
  const Control whole = b.control;
  b.control = whole.part(0, 2);
  std::vector<const GramLayer<B>*> grams;
  for (const PreparedGram<B>* layer : layers) grams.push_back(&layer->gram);
  GramProducts sums = gram_products<B>(b, grams, Pairs{std::ssize(layers)}, plan.tiling);
  std::vector<Margins> margins;
  std::vector<double> factors;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    margins.push_back(hsic.margins(*layers[l], std::move(sums.row_sums[l])));
    const auto& m = margins.back();
    factors.push_back(1 /
                      std::sqrt(hsic.compare(*layers[l], m, *layers[l], m, sums.self[l]).value));
  }
  // The same way round whoever comes first.
  std::vector<std::pair<Index, Index>> turned(pairs.begin(), pairs.end());
  for (auto& [k, l] : turned) {
    const auto layer = [&](Index i) -> const auto& {
      return layers[static_cast<std::size_t>(i)]->gram.layer;
    };
    if (order(b, layer(k), layer(l)) > 0) std::swap(k, l);
  }
  b.control = whole.part(1, 2);
  const auto squares = squared_differences(b, layers, factors, turned, plan.tiling);
  b.control = whole;

  std::vector<double> distances;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    const auto k = static_cast<std::size_t>(pairs[p].first);
    const auto l = static_cast<std::size_t>(pairs[p].second);
    const auto difference = [&](const std::vector<double>& of_k, const std::vector<double>& of_l) {
      std::vector<double> found;
      for (std::size_t i = 0; i < of_k.size(); ++i)
        found.push_back(factors[k] * of_k[i] - factors[l] * of_l[i]);
      return found;
    };
    PreparedGram<B> between{};
    between.gram.diagonal = difference(layers[k]->gram.diagonal, layers[l]->gram.diagonal);
    auto rows = difference(margins[k].rows, margins[l].rows);
    const double total = sum(rows);
    const Margins of{std::move(rows), total};
    const double squared = hsic.compare(between, of, between, of, squares[p]).value;
    distances.push_back(std::sqrt(std::max(squared, 0.0)));
  }
  return distances;
}

}  // namespace gramian

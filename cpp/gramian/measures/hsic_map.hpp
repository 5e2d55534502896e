// HSIC, CKA and distance correlation of many pairs of layers: from sums over Gram tiles (any
// kernel), or from X'Y (the linear kernel, where there are more samples than features).
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "../gram/gram_products.hpp"
#include "../orientation.hpp"
#include "hsic.hpp"

namespace gramian {

/// HSIC for every pair of layers, and for every layer with itself: as it comes, and 0 where only
/// rounding is left of it; in units of the scaled layers.
struct HsicMap {
  Pairs pairs;
  std::vector<double> cross, own, self;
  std::vector<Status> status;

  explicit HsicMap(const Pairs& of)
      : pairs{of},
        cross(of.size()),
        own(static_cast<std::size_t>(of.layers())),
        self(own.size()),
        status(own.size()) {}
  double& at(Index i, Index j) { return cross[pairs.at(i, j)]; }

  /// Says that more precision is to be asked for, or another way; constant stays constant.
  void doubt(std::size_t layer) {
    if (status[layer] == Status::sound) status[layer] = Status::imprecise;
  }

  /// Constant layers, whose HSIC with anything is 0, are made exactly so: rounding leaves some.
  void settle() {
    for (std::size_t l = 0; l < self.size(); ++l) {
      if (status[l] == Status::constant) self[l] = 0;
      if (status[l] == Status::sound && self[l] == 0) status[l] = Status::degenerate;
    }
    for_each_place(pairs, [&](Index i, Index j) {
      if (status[pairs.row(i)] == Status::constant || status[pairs.column(j)] == Status::constant)
        at(i, j) = 0;
    });
  }
};

template <class B>
using PreparedGrams = std::span<const PreparedGram<B>* const>;

/// Eps of the precision in which a layer came, in units of that in which it is computed.
template <Backend B>
double allowed_rounding(PreparedGrams<B> layers) {
  const bool wider = sizeof(typename B::scalar) == sizeof(double) &&
      std::ranges::none_of(layers, [](auto* l) { return is_double(l->gram.layer.source.dtype); });
  return wider ? std::numeric_limits<float>::epsilon() / std::numeric_limits<double>::epsilon() : 1;
}

/// Whether near-centring takes away so much more than it leaves that float shows it. What is off in
/// an inner product of p terms, of which one or all are large and alike, is about √min(p, 384) eps,
/// BLAS summing so many at a time, and √(p/384) for the sums of these; in a power of it, so many
/// times that; of distances a quarter. What that does to a comparison is a mean over n rows.
/// Measured: CKA off by .1 to 1.5 times what is said here (10 to 2,000 rows, 10 to 20,000 columns;
/// massive units, offsets, softmax), where 100 is promised. Random layers, rectified or not, stay
/// below a half at 512 rows and 100,000 columns under every kernel.
template <class B>
bool is_shifted_too_far(const GramLayer<B>& g, double own) {
  const auto n = static_cast<double>(g.layer.source.rows);
  const auto p = static_cast<double>(g.layer.source.cols);
  double rounding = std::sqrt(std::min(p, 384.0) + p / 384);
  if (is_of_distance(g.kernel)) rounding /= 4;
  if (const auto* k = std::get_if<Polynomial>(&g.kernel)) rounding *= k->degree;
  if (std::holds_alternative<Precomputed>(g.kernel)) return false;  // nothing is summed
  return !(g.mean_squared_shift < std::pow(100 * n / rounding, 2) * own);
}

/// Whether the second side of a map comes first, by what its layers hold.
template <Backend B>
bool is_turned(B& b, PreparedGrams<B> layers, const Pairs& pairs) {
  if (pairs.among()) return false;
  if (pairs.x != pairs.y) return pairs.y < pairs.x;
  for (Index k = 0; k < pairs.x; ++k) {
    const auto found =
        order(b, layers[pairs.row(k)]->gram.layer, layers[pairs.column(k)]->gram.layer);
    if (found != 0) return found > 0;
  }
  return false;
}

/// Sums over all tiles, `cross` as the map of the pairs. Which side comes first in the products of
/// tiles depends on what the layers hold, not on how they are given.
template <Backend B>
GramProducts oriented_products(B& b, PreparedGrams<B> layers, const Pairs& pairs,
                               const Tiling& tiling) {
  const bool turned = is_turned(b, layers, pairs);
  const Pairs as = turned ? Pairs{pairs.y, pairs.x} : pairs;
  std::vector<const GramLayer<B>*> grams;
  for (const PreparedGram<B>* layer : layers) grams.push_back(&layer->gram);
  if (turned) std::ranges::rotate(grams, grams.begin() + pairs.x);
  GramProducts sums = gram_products<B>(b, grams, as, tiling);
  if (!turned) return sums;
  GramProducts found{std::vector<double>(pairs.size()), std::move(sums.self),
                     std::move(sums.row_sums)};
  for_each_place(pairs,
                 [&](Index i, Index j) { found.cross[pairs.at(i, j)] = sums.cross[as.at(j, i)]; });
  std::ranges::rotate(found.self, found.self.begin() + pairs.y);
  std::ranges::rotate(found.row_sums, found.row_sums.begin() + pairs.y);
  return found;
}

/// From one pass over the tiles of all layers.
template <Backend B>
HsicMap hsic_by_samples(B& b, const Hsic& hsic, PreparedGrams<B> layers, const Pairs& pairs,
                        const Tiling& tiling) {
  using T = typename B::scalar;
  GramProducts sums = oriented_products(b, layers, pairs, tiling);
  std::vector<Margins> margins;
  for (std::size_t l = 0; l < layers.size(); ++l)
    margins.push_back(hsic.margins(*layers[l], std::move(sums.row_sums[l])));
  const auto compared = [&](std::size_t k, std::size_t l, double products) {
    return hsic.compare(*layers[k], margins[k], *layers[l], margins[l], products);
  };
  HsicMap map{pairs};
  for_each_place(pairs, [&](Index i, Index j) {
    map.at(i, j) = compared(pairs.row(i), pairs.column(j), sums.cross[pairs.at(i, j)]).value;
  });
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Cancelling own = compared(l, l, sums.self[l]);
    const double shift = layers[l]->gram.mean_squared_shift;
    map.own[l] = own.value;
    map.self[l] = own.template or_zero<T>();
    map.status[l] = layers[l]->status;
    // Entries that near-centring takes to 0 keep the rounding of what it subtracted; 32 eps of it
    // as above.
    constexpr auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    if (map.self[l] <= std::pow(32 * eps, 2) * shift) map.self[l] = 0;
    if (std::is_same_v<T, float> &&
        (own.cancels(1) || is_shifted_too_far(layers[l]->gram, own.value)))
      map.doubt(l);
  }
  return map;
}

/// From products of the layers, all one piece of work: those of the pairs first, since threads end
/// together best when the last tasks are short.
template <Backend B>
HsicMap hsic_by_features(B& b, const Hsic& hsic, PreparedGrams<B> layers, const Pairs& pairs) {
  using T = typename B::scalar;
  std::vector<std::pair<Index, Index>> places;  // of the products, while they are of two layers
  std::vector<LayerPair<B>> products;
  const auto layer = [&](std::size_t l) { return &layers[l]->gram.layer; };
  for_each_pair(pairs, [&](Index i, Index j) {
    const Layer<B>*x = layer(pairs.row(i)), *y = layer(pairs.column(j));
    if (is_same(*x, *y)) return;
    places.emplace_back(i, j);
    if (order(b, *x, *y) > 0) std::swap(x, y);
    products.push_back({x, y});
  });
  for (std::size_t l = 0; l < layers.size(); ++l) products.push_back({layer(l), layer(l)});

  const double allowed = allowed_rounding(layers);
  HsicMap map{pairs};
  std::vector<double> squares(products.size());
  b.together([&] {
    b.cross_products(products, [&](Index number, const Matrix<B>& c) {
      b.dot(c, c, &squares[static_cast<std::size_t>(number)]);
    });
  });
  for (std::size_t k = 0; k < places.size(); ++k) {
    const auto [i, j] = places[k];
    map.at(i, j) = hsic.compare(*layers[pairs.row(i)], *layers[pairs.column(j)], squares[k]).value;
    if (pairs.among()) map.at(j, i) = map.at(i, j);
  }
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Cancelling own = hsic.compare(*layers[l], *layers[l], squares[places.size() + l]);
    map.own[l] = own.value;
    map.self[l] = own.template or_zero<T>();
    map.status[l] = layers[l]->gram.layer.constant ? Status::constant : Status::sound;
    if (own.cancels(allowed)) map.doubt(l);
  }
  return map;
}

/// HSIC of prepared layers.
template <Backend B>
HsicMap hsic_map(B& b, const Hsic& hsic, PreparedGrams<B> layers, const Pairs& pairs,
                 const Plan& plan) {
  b.threads = plan.threads;
  HsicMap map = plan.feature_space ? hsic_by_features(b, hsic, layers, pairs)
                                   : hsic_by_samples(b, hsic, layers, pairs, plan.tiling);
  for_each_place(pairs, [&](Index i, Index j) {
    const std::size_t k = pairs.row(i);
    if (is_same(layers[k]->gram.layer, layers[pairs.column(j)]->gram.layer))
      map.at(i, j) = map.own[k];
  });
  map.settle();
  return map;
}

/// The values of a map, in the units of the layers.
template <class B>
std::vector<double> hsic_values(HsicMap map, const Hsic& hsic, PreparedGrams<B> layers) {
  for_each_place(map.pairs, [&](Index i, Index j) {
    map.at(i, j) =
        hsic.value(map.at(i, j), *layers[map.pairs.row(i)], *layers[map.pairs.column(j)]);
  });
  return std::move(map.cross);
}

inline std::vector<double> cka_values(HsicMap map) {
  for_each_place(map.pairs, [&](Index i, Index j) {
    map.at(i, j) =
        Cka::value(map.at(i, j), map.self[map.pairs.row(i)], map.self[map.pairs.column(j)]);
  });
  return std::move(map.cross);
}

inline std::vector<double> distance_correlations(HsicMap map, Estimator estimator) {
  std::vector<double> values = cka_values(std::move(map));
  for (double& value : values) value = DistanceCorrelation::value(estimator, value);
  return values;
}

}  // namespace gramian

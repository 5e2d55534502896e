// HSIC and CKA: from sums over Gram tiles (any kernel), or from X'Y (the linear kernel, where there
// are more samples than features).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "../gram/gram_products.hpp"
#include "../gram/plan.hpp"
#include "../gram/prepared_gram.hpp"

namespace gramian {

enum class Estimator : std::uint8_t { biased, unbiased };

/// A value, and the size of the terms it is the sum of.
struct Cancelling {
  double value, size;

  /// 0 where rounding in precision T is all that the terms have left. Equidistant rows, 6 to 1,500
  /// of them, whose unbiased HSIC is 0, leave at most 17 eps in float under every kernel. (In
  /// double up to 14, but 30 under the linear kernel and 159 under the Laplacian: a root of a
  /// distance near 0 loses more.)
  template <class T>
  double or_zero() const {
    return value > 32 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size ? value : 0;
  }
};

/// What tiles say of one layer: the row sums of its Gram matrix and their sum.
struct Margins {
  std::vector<double> rows;
  double total;
};

/// The Hilbert-Schmidt independence criterion of two kernels, K and L, near-centred, from
/// S = Σ K L and row sums r over i != j, and the diagonals d; t = Σ r:
///   biased   [S' - 2/n r'ₖ·r'ₗ + tₖtₗ/n²] / (n-1)²,  S' = S + dₖ·dₗ, r' = r + d
///            (Gretton et al. 2005)
///   unbiased [S - 2/(n-2) rₖ·rₗ + tₖtₗ/((n-1)(n-2))] / (n(n-3))                (Song et al. 2012)
/// Keeping d apart spares float the one large term of the unbiased sum.
struct Hsic {
  KernelSpec kernel{};
  Estimator estimator = Estimator::biased;

  /// What is kept of a layer; `keep` is for prepare_gram.
  template <Backend B>
  PreparedGram<B> prepare(B& b, Layer<B> layer, const Plan& plan, bool keep) const {
    if (!plan.feature_space) return prepare_gram(b, kernel, std::move(layer), plan.tiling, keep);
    PreparedGram<B> prepared{.gram = {std::move(layer)}};
    if (estimator == Estimator::unbiased)
      prepared.gram.norms = squared_norms(b, prepared.gram.layer);
    prepared.unit = kernel.unit(Linear{}, prepared.gram.layer.scale);
    return prepared;
  }

  /// Of several layers, up to the first that has no kernel (see Status).
  template <Backend B>
  std::vector<PreparedGram<B>> prepare(B& b, std::vector<Layer<B>> layers, const Plan& plan) const {
    b.threads = plan.threads;
    const Control whole = b.control;
    std::vector<PreparedGram<B>> prepared;
    for (Layer<B>& layer : layers) {
      const Index done = std::ssize(prepared);
      b.control = whole.part(done, std::ssize(layers));
      prepared.push_back(prepare(b, std::move(layer), plan, done < plan.kept));
      if (!prepared.back().complete()) break;
    }
    b.control = whole;
    return prepared;
  }

  template <class B>
  Margins margins(const PreparedGram<B>& x, std::vector<double> rows) const {
    if (estimator == Estimator::biased)
      std::ranges::transform(rows, x.gram.diagonal, rows.begin(), std::plus{});
    const double total = sum(rows);
    return {std::move(rows), total};
  }

  /// In sample space, `products` being S.
  template <class B>
  Cancelling compare(const PreparedGram<B>& x, const Margins& of_x, const PreparedGram<B>& y,
                     const Margins& of_y, double products) const {
    const auto n = static_cast<double>(of_x.rows.size());
    const double r = dot(of_x.rows, of_y.rows), t = of_x.total * of_y.total;
    if (estimator == Estimator::unbiased) {
      const double rows = 2 / (n - 2) * r, total = t / ((n - 1) * (n - 2)), unit = n * (n - 3);
      return {(products - rows + total) / unit, (std::abs(products) + std::abs(rows)) / unit};
    }
    products += dot(x.gram.diagonal, y.gram.diagonal);
    const double rows = 2 / n * r, total = t / (n * n), unit = (n - 1) * (n - 1);
    return {(products - rows + total) / unit, (std::abs(products) + std::abs(rows)) / unit};
  }

  /// Of linear kernels in feature space, from products = |XᵀY|²_F and the squared norms of the
  /// centred rows:
  ///   biased   products / (n-1)²
  ///   unbiased [products - n/(n-2) Σ |xᵢ|²|yᵢ|² + |X|²_F |Y|²_F / ((n-1)(n-2))] / (n(n-3))
  template <class B>
  Cancelling compare(const PreparedGram<B>& x, const PreparedGram<B>& y, double products) const {
    const auto n = static_cast<double>(x.gram.layer.source.rows);
    if (estimator == Estimator::biased) return {products / ((n - 1) * (n - 1)), 0};
    const auto &of_x = x.gram.norms, &of_y = y.gram.norms;
    const double norms = n / (n - 2) * dot(of_x, of_y), unit = n * (n - 3);
    return {(products - norms + sum(of_x) * sum(of_y) / ((n - 1) * (n - 2))) / unit,
            (products + norms) / unit};
  }

  /// In the units of the layers themselves.
  template <class B>
  double value(double hsic, const PreparedGram<B>& x, const PreparedGram<B>& y) const {
    return hsic / x.unit / y.unit;
  }
};

/// CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) (Kornblith et al. 2019, eq. 4), in [0, 1] when
/// biased; NaN where a layer's own HSIC is 0.
struct Cka : Hsic {
  static double value(double hsic, double own, double other) {
    return own > 0 && other > 0 ? hsic / (std::sqrt(own) * std::sqrt(other))
                                : std::numeric_limits<double>::quiet_NaN();
  }
};

/// Distance correlation: the CKA of the kernel -|x - y|, since HSIC with that kernel is the
/// distance covariance, but for a factor. Biased (Székely et al. 2007) dCor = √CKA, in [0, 1];
/// unbiased (Székely and Rizzo 2014, by U-centring) the debiased CKA itself, which may be negative.
struct DistanceCorrelation : Cka {
  static double value(Estimator estimator, double cka) {
    // Rounding may leave less than 0 of a biased value; NaN stays.
    return estimator == Estimator::biased ? std::sqrt(cka < 0 ? 0 : cka) : cka;
  }
};

/// HSIC for every pair of layers, and for every layer with itself (0 where only rounding is left of
/// it), in units of the scaled layers.
struct HsicMap {
  Pairs pairs;
  std::vector<double> cross, self;
  std::vector<Status> status;

  explicit HsicMap(const Pairs& of)
      : pairs{of},
        cross(of.size()),
        self(static_cast<std::size_t>(of.layers())),
        status(self.size()) {}
  double& at(Index i, Index j) { return cross[pairs.at(i, j)]; }

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

/// From one pass over the tiles of all layers.
template <Backend B>
HsicMap hsic_by_samples(B& b, const Hsic& hsic, PreparedGrams<B> layers, const Pairs& pairs,
                        const Tiling& tiling) {
  using T = typename B::scalar;
  std::vector<const GramLayer<B>*> grams;
  for (const PreparedGram<B>* layer : layers) grams.push_back(&layer->gram);
  GramProducts sums = gram_products<B>(b, grams, pairs, tiling);
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
  constexpr auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    map.status[l] = layers[l]->status;
    map.self[l] = compared(l, l, sums.self[l]).template or_zero<T>();
    // Entries that near-centring takes to 0 keep the rounding of what it subtracted; 32 eps of it
    // as above.
    if (map.self[l] <= std::pow(32 * eps, 2) * grams[l]->mean_squared_shift) map.self[l] = 0;
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
  const auto add = [&](std::size_t k, std::size_t l) {
    products.push_back({&layers[k]->gram.layer, &layers[l]->gram.layer});
  };
  for_each_pair(pairs, [&](Index i, Index j) {
    if (pairs.row(i) == pairs.column(j)) return;
    places.emplace_back(i, j);
    add(pairs.row(i), pairs.column(j));
  });
  for (std::size_t l = 0; l < layers.size(); ++l) add(l, l);

  HsicMap map{pairs};
  b.cross_products(products, [&](Index number, const Matrix<B>& c) {
    const double squares = b.dot(c, c);
    if (number < std::ssize(places)) {
      const auto [i, j] = places[static_cast<std::size_t>(number)];
      map.at(i, j) = hsic.compare(*layers[pairs.row(i)], *layers[pairs.column(j)], squares).value;
      if (pairs.among()) map.at(j, i) = map.at(i, j);
      return;
    }
    const auto l = static_cast<std::size_t>(number - std::ssize(places));
    const Cancelling own = hsic.compare(*layers[l], *layers[l], squares);
    map.self[l] = own.template or_zero<T>();
    const auto i = static_cast<Index>(l);
    if (pairs.among()) map.at(i, i) = own.value;
    // The root of `squares` is the sum of squares of the layer, but for a factor √p.
    const bool constant = is_constant(layers[l]->gram.layer, std::sqrt(squares));
    map.status[l] = constant ? Status::constant : Status::sound;
  });
  return map;
}

/// HSIC of prepared layers.
template <Backend B>
HsicMap hsic_map(B& b, const Hsic& hsic, PreparedGrams<B> layers, const Pairs& pairs,
                 const Plan& plan) {
  b.threads = plan.threads;
  HsicMap map = plan.feature_space ? hsic_by_features(b, hsic, layers, pairs)
                                   : hsic_by_samples(b, hsic, layers, pairs, plan.tiling);
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

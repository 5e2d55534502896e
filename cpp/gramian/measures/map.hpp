// A measure of two layers that starts from a product of theirs, and the map of all pairs.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../linalg.hpp"
#include "../orientation.hpp"
#include "../pairs.hpp"

namespace gramian {

/// A value of x with y and, where it is wanted, of y with x. Marked is what hangs on a choice that
/// nothing decides.
struct Compared {
  double value;
  double mirrored = value;
  bool marked = false, mirrored_marked = false;
  std::vector<double> correlations{};
  std::vector<double> x_vectors{}, y_vectors{};  // for a measure to settle by
};

/// The sum of a matrix's singular values, or of their squares.
enum class Norm : std::uint8_t { nuclear, squared_frobenius };

/// A measure whose value follows from a norm of a matrix, the `core` of a pair, of singular values
/// that are at most `bound`. The norms of many pairs are found together.
template <class M, class B, class L, class R>
concept ByNorm =
    requires(const M& measure, B& b, const L& x, const R& y, Matrix<B> product, double norm) {
      { measure.norm() } -> std::same_as<Norm>;
      { measure.core(b, x, y, std::move(product)) } -> std::same_as<Matrix<B>>;
      { measure.bound(x, y) } -> std::same_as<double>;
      { measure.of_norm(x, y, norm) } -> std::same_as<Compared>;
    };

/// A measure that takes more than that, and more of it where y with x is wanted too.
template <class M, class B, class L, class R>
concept ByProduct =
    requires(const M& measure, B& b, const L& x, const R& y, Matrix<B> product, bool mirrored) {
      { measure.compare(b, x, y, std::move(product), mirrored) } -> std::same_as<Compared>;
    };

/// Two layers as a measure keeps them, L and R, and how it compares them: from a product of theirs,
/// formed by all threads, while pairs are compared side by side. `mirrors` says that one product
/// serves both directions, `is_symmetric` that both have one value. A layer with itself has its
/// `own` value, if the measure knows one. A measure may also `settle` a value by products of its
/// own, afterwards, and compare one pair `in_full`, with its correlations.
template <class M, class B, class L, class R>
concept PairMeasure = LinearAlgebra<B> && (ByNorm<M, B, L, R> || ByProduct<M, B, L, R>) &&
    requires(const M& measure, const L& x, const R& y) {
      { M::mirrors } -> std::convertible_to<bool>;
      { measure.is_symmetric() } -> std::same_as<bool>;
      { measure.is_defined(x, y) } -> std::same_as<bool>;
      { measure.own(y) } -> std::same_as<std::optional<Compared>>;
      { measure.product(x, y) } -> std::same_as<LayerPair<B>>;
    };

/// Values of pairs, row by row; NaN where a measure is not defined.
struct Map {
  Pairs pairs;
  std::vector<double> values;
  std::vector<bool> marks;
};

/// XᵀY of several pairs as one piece of work.
template <Backend B>
std::vector<std::optional<Matrix<B>>> products_of(B& b, std::span<const LayerPair<B>> pairs) {
  std::vector<std::optional<Matrix<B>>> products(pairs.size());
  b.cross_products(pairs, [&](Index pair, Matrix<B> product) {
    products[static_cast<std::size_t>(pair)] = std::move(product);
  });
  return products;
}

/// A value after the measure's last word on it, if it has one.
template <class B, class M, class L, class R>
Compared settled(B& b, const M& measure, const L& x, const R& y, Compared compared) {
  if constexpr (requires { measure.settle(b, x, y, std::move(compared)); })
    return measure.settle(b, x, y, std::move(compared));
  else
    return compared;
}

/// The value of a layer with itself, where two are one and the measure knows it.
template <class M, class L, class R>
std::optional<Compared> own_value(const M& measure, const L& x, const R& y) {
  return is_same(x.layer, y.layer) ? measure.own(y) : std::nullopt;
}

/// Whether y comes first in the product with x: what the layers hold decides it where a measure is
/// symmetric, so that it is so to the bit.
template <class B, class M, class L, class R>
bool is_reversed(B& b, const M& measure, const L& x, const R& y) {
  if constexpr (std::same_as<L, R>)
    return measure.is_symmetric() && order(b, x.layer, y.layer) > 0;
  else
    return false;
}

template <class L, class R, class Use>
auto in_order(bool reversed, const L& x, const R& y, const Use& use) {
  if constexpr (std::same_as<L, R>)
    if (reversed) return use(y, x);
  return use(x, y);
}

/// A pair in the order of its product, and what becomes of it.
template <class B, class L, class R>
struct Comparing {
  const L* x;
  const R* y;
  Matrix<B> matrix;  // their product, then the core
  bool mirrored = false;
  Compared compared{0};
};

/// The norms of matrices, right to the precision of what they are of.
template <LinearAlgebra B>
std::vector<double> norms_of(B& b, Norm norm, std::vector<Matrix<B>> cores,
                             std::span<const double> bounds, double precision) {
  if (norm == Norm::nuclear) return b.nuclear_norms(std::move(cores), bounds, precision);
  std::vector<double> found(cores.size());
  b.together([&] {
    b.for_each(std::ssize(cores), [&](Index k) {
      const auto at = static_cast<std::size_t>(k);
      b.dot(cores[at], cores[at], &found[at]);
    });
  });
  return found;
}

/// Compares pairs, side by side.
template <class B, class M, class L, class R>
void compare_pairs(B& b, const M& measure, std::vector<Comparing<B, L, R>>& pairs) {
  const auto for_each_pair = [&](const auto& work) {
    b.for_each(std::ssize(pairs), [&](Index k) { work(pairs[static_cast<std::size_t>(k)]); });
  };
  if constexpr (ByProduct<M, B, L, R>) {
    for_each_pair([&](auto& pair) {
      pair.compared = measure.compare(b, *pair.x, *pair.y, std::move(pair.matrix), pair.mirrored);
    });
  } else {
    for_each_pair([&](auto& pair) {
      pair.matrix = measure.core(b, *pair.x, *pair.y, std::move(pair.matrix));
    });
    std::vector<Matrix<B>> cores;
    std::vector<double> bounds;
    double precision = 1;
    for (auto& pair : pairs) {
      cores.push_back(std::move(pair.matrix));
      bounds.push_back(measure.bound(*pair.x, *pair.y));
      precision = std::min({precision, precision_of(pair.x->layer), precision_of(pair.y->layer)});
    }
    const auto norms = norms_of<B>(b, measure.norm(), std::move(cores), bounds, precision);
    for (std::size_t k = 0; k < pairs.size(); ++k)
      pairs[k].compared = measure.of_norm(*pairs[k].x, *pairs[k].y, norms[k]);
  }
}

/// A pair of a row that is compared by a product.
struct Place {
  Index column;
  bool reversed;
};

/// One row of a map.
template <class B, class M, class L, class R>
std::vector<std::pair<Index, Compared>> compare_row(B& b, const M& measure, const L& x,
                                                    std::span<const R* const> columns,
                                                    const Pairs& pairs, Index i) {
  std::vector<std::pair<Index, Compared>> row;
  std::vector<Place> places;
  std::vector<LayerPair<B>> factors;
  const auto y = [&](Index j) -> const R& { return *columns[static_cast<std::size_t>(j)]; };
  const auto add = [&](Index j) {
    if (!measure.is_defined(x, y(j))) return;
    if (auto own = own_value(measure, x, y(j))) return row.emplace_back(j, std::move(*own)), void();
    places.push_back({j, is_reversed(b, measure, x, y(j))});
    factors.push_back(in_order(
        places.back().reversed, x, y(j),
        [&](const auto& first, const auto& second) { return measure.product(first, second); }));
  };
  if (M::mirrors)
    for_each_in_row(pairs, i, add);
  else
    for (Index j = 0; j < pairs.columns(); ++j) add(j);

  auto products = products_of<B>(b, factors);
  std::vector<Comparing<B, L, R>> compared;
  for (std::size_t k = 0; k < places.size(); ++k) {
    const bool mirrored = pairs.among() && i != places[k].column;
    in_order(places[k].reversed, x, y(places[k].column), [&](const L& first, const R& second) {
      compared.push_back({&first, &second, std::move(*products[k]), mirrored});
    });
  }
  compare_pairs(b, measure, compared);
  for (std::size_t k = 0; k < places.size(); ++k) {
    auto& pair = compared[k];
    row.emplace_back(places[k].column,
                     settled(b, measure, *pair.x, *pair.y, std::move(pair.compared)));
  }
  return row;
}

/// Every x with every y or, when ys is empty, among themselves.
template <class B, class M, class L, class R>
  requires PairMeasure<M, B, L, R>
Map compare_all(B& b, const M& measure, std::span<const L* const> xs,
                std::span<const R* const> ys) {
  const Pairs pairs{std::ssize(xs), std::ssize(ys)};
  std::span<const R* const> columns = ys;
  if constexpr (std::same_as<L, R>)
    if (ys.empty()) columns = xs;
  Map map{pairs, std::vector<double>(pairs.size(), std::numeric_limits<double>::quiet_NaN()),
          std::vector<bool>(pairs.size())};
  const auto put = [&](Index i, Index j, double value, bool mark) {
    map.values[pairs.at(i, j)] = value;
    map.marks[pairs.at(i, j)] = mark;
  };
  const Control whole = b.control;
  for (Index i = 0; i < pairs.x; ++i) {
    b.control = whole.part(i, pairs.x);
    for (const auto& [j, found] :
         compare_row(b, measure, *xs[static_cast<std::size_t>(i)], columns, pairs, i)) {
      put(i, j, found.value, found.marked);
      if (M::mirrors && pairs.among()) put(j, i, found.mirrored, found.mirrored_marked);
    }
  }
  return map;
}

/// One pair, with its canonical correlations.
template <class B, class M, class L, class R>
  requires PairMeasure<M, B, L, R>
std::optional<Compared> compare_in_full(B& b, const M& measure, const L& x, const R& y) {
  if (!measure.is_defined(x, y)) return {};
  if (auto own = own_value(measure, x, y)) return own;
  return in_order(is_reversed(b, measure, x, y), x, y, [&](const auto& first, const auto& second) {
    const LayerPair<B> factors = measure.product(first, second);
    Matrix<B> product = b.cross(*factors.x, *factors.y);
    if constexpr (requires { measure.in_full(b, first, second, std::move(product)); })
      return measure.in_full(b, first, second, std::move(product));
    std::vector<Comparing<B, L, R>> pair;
    pair.push_back({&first, &second, std::move(product)});
    compare_pairs(b, measure, pair);
    return settled(b, measure, first, second, std::move(pair[0].compared));
  });
}

}  // namespace gramian

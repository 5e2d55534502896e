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
};

/// A pair in the order of its product, and what becomes of it.
template <class B, class L, class R>
struct Comparing {
  const L* x;
  const R* y;
  Matrix<B> matrix;  // their product, then the core
  Compared compared{0};
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

/// A measure that takes more than that, of pairs that are given together, and more of it where y
/// with x is wanted too.
template <class M, class B, class L, class R>
concept ByProducts =
    requires(const M& measure, B& b, std::vector<Comparing<B, L, R>>& pairs, bool mirrored) {
      { measure.compare(b, pairs, mirrored) };
    };

/// Two layers as a measure keeps them, L and R, and how it compares them: from a product of theirs,
/// formed by all threads, while pairs are compared side by side. `mirrors` says that one product
/// serves both directions, `is_symmetric` that both have one value. A layer with itself has its
/// `own` value, if the measure knows one. A measure may also `settle` a value by products of its
/// own, afterwards, and compare one pair `in_full`, with its correlations.
template <class M, class B, class L, class R>
concept PairMeasure = LinearAlgebra<B> && (ByNorm<M, B, L, R> || ByProducts<M, B, L, R>) &&
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

/// The norms of matrices, right to the precision of what each is of.
template <LinearAlgebra B>
std::vector<double> norms_of(B& b, Norm norm, std::vector<Matrix<B>> cores,
                             std::span<const double> bounds, std::span<const double> precisions) {
  if (norm == Norm::nuclear) return b.nuclear_norms(std::move(cores), bounds, precisions);
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
void compare_pairs(B& b, const M& measure, std::vector<Comparing<B, L, R>>& pairs, bool mirrored) {
  if constexpr (ByProducts<M, B, L, R>) {
    measure.compare(b, pairs, mirrored);
  } else {
    b.for_each(std::ssize(pairs), [&](Index k) {
      auto& pair = pairs[static_cast<std::size_t>(k)];
      pair.matrix = measure.core(b, *pair.x, *pair.y, std::move(pair.matrix));
    });
    std::vector<Matrix<B>> cores;
    std::vector<double> bounds, precisions;
    for (auto& pair : pairs) {
      cores.push_back(std::move(pair.matrix));
      bounds.push_back(measure.bound(*pair.x, *pair.y));
      precisions.push_back(std::min(precision_of(pair.x->layer), precision_of(pair.y->layer)));
    }
    const auto norms = norms_of<B>(b, measure.norm(), std::move(cores), bounds, precisions);
    for (std::size_t k = 0; k < pairs.size(); ++k)
      pairs[k].compared = measure.of_norm(*pairs[k].x, *pairs[k].y, norms[k]);
  }
}

/// A value of a map that is found by a product.
struct Cell {
  Index row, column;
  bool reversed;
};

/// Rows of a map from `first` on, as many as the backend wants together, to put(row, column,
/// value); returns the first of the rest.
template <class B, class M, class L, class R, class Put>
Index compare_rows(B& b, const M& measure, std::span<const L* const> xs,
                   std::span<const R* const> ys, const Pairs& pairs, Index first, const Put& put) {
  std::vector<Cell> cells;
  std::vector<LayerPair<B>> factors;
  const auto x = [&](Index i) -> const L& { return *xs[static_cast<std::size_t>(i)]; };
  const auto y = [&](Index j) -> const R& { return *ys[static_cast<std::size_t>(j)]; };
  Index end = first, elements = 0;  // of products
  const auto add = [&](Index j) {
    if (!measure.is_defined(x(end), y(j))) return;
    if (const auto own = own_value(measure, x(end), y(j))) return put(end, j, *own);
    cells.push_back({end, j, is_reversed(b, measure, x(end), y(j))});
    factors.push_back(
        in_order(cells.back().reversed, x(end), y(j),
                 [&](const auto& one, const auto& other) { return measure.product(one, other); }));
    elements += factors.back().x->source.cols * factors.back().y->source.cols;
  };
  for (; end == first || (end < pairs.x && elements < B::side_by_side); ++end)
    if (M::mirrors)
      for_each_in_row(pairs, end, add);
    else
      for (Index j = 0; j < pairs.columns(); ++j) add(j);

  const Control whole = b.control;
  b.control = whole.part(first, pairs.x);
  b.control.end = whole.part(end - 1, pairs.x).end;
  auto products = products_of<B>(b, factors);
  std::vector<Comparing<B, L, R>> compared;
  for (std::size_t k = 0; k < cells.size(); ++k)
    in_order(cells[k].reversed, x(cells[k].row), y(cells[k].column),
             [&](const auto& one, const auto& other) {
               compared.push_back({&one, &other, std::move(*products[k])});
             });
  compare_pairs(b, measure, compared, M::mirrors && pairs.among());
  for (std::size_t k = 0; k < cells.size(); ++k) {
    auto& pair = compared[k];
    put(cells[k].row, cells[k].column,
        settled(b, measure, *pair.x, *pair.y, std::move(pair.compared)));
  }
  b.control = whole;
  return end;
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
  for (Index i = 0; i < pairs.x;)
    i = compare_rows(b, measure, xs, columns, pairs, i,
                     [&](Index row, Index column, const Compared& found) {
                       put(row, column, found.value, found.marked);
                       if (M::mirrors && pairs.among())
                         put(column, row, found.mirrored, found.mirrored_marked);
                     });
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
    compare_pairs(b, measure, pair, false);
    return settled(b, measure, first, second, std::move(pair[0].compared));
  });
}

}  // namespace gramian

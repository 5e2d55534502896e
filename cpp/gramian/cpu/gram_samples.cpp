#include "gram_samples.hpp"

#include <algorithm>
#include <functional>

#include "lapack.hpp"
#include "ordered.hpp"
#include "simd.hpp"

namespace gramian {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Some values of every layer, row by row.
template <class T>
struct Block {
  const T* values;
  Index layers, stride;
  const T* row(Index l) const { return values + l * stride; }
  Block from(Index column) const { return {values + column, layers, stride}; }
};

/// out(i, j) += factor Σ_k x(i, k) y(j, k) over the first `count`.
template <class T>
void add_products(const Block<T>& x, const Block<T>& y, Index count, double factor, double* out,
                  std::vector<T>& scratch) {
  if (count == 0) return;
  // A call of gemm costs as much as some hundred products.
  if (x.layers * y.layers <= 4) {
    const auto& dot = simd::kernels<T>().dot;
    for (Index i = 0; i < x.layers; ++i)
      for (Index j = 0; j < y.layers; ++j)
        out[i * y.layers + j] += factor * dot(x.row(i), y.row(j), count);
    return;
  }
  scratch.resize(std::max(scratch.size(), at(x.layers * y.layers)));
  blas::gemm(blas::no, blas::yes, x.layers, y.layers, count, x.values, x.stride, y.values, y.stride,
             scratch.data(), y.layers);
  for (Index k = 0; k < x.layers * y.layers; ++k)
    out[k] += factor * static_cast<double>(scratch[at(k)]);
}

/// out(i) += factor Σ_k x(i, k)² over the first `count`.
template <class T>
void add_squares(const Block<T>& x, Index count, double factor, double* out) {
  const auto& dot = simd::kernels<T>().dot;
  for (Index i = 0; i < x.layers; ++i) out[i] += factor * dot(x.row(i), x.row(i), count);
}

/// Asks for values that are going to be read.
template <class T>
void fetch(const T* values, Index count) {
  constexpr Index line = 64 / sizeof(T);
  for (Index i = 0; i < count; i += line) __builtin_prefetch(values + i);
}

/// Row a of every layer at the first `count` of some columns.
template <class T>
Block<T> gathered(const GramStack<T>& from, Index a, const Index* columns, Index count, T* to) {
  const T* const row = from.row(a);
  for (Index l = 0; l < from.layers; ++l) {
    const T* const values = row + l * from.samples;
    T* const out = to + l * from.samples;
    // Rows come in any order, and columns too: without this the processor waits for every line.
    if (l == 0) fetch(values, from.samples);
    if (l + 1 < from.layers) fetch(values + from.samples, from.samples);
    for (Index b = 0; b < count; ++b) out[b] = values[columns[b]];
  }
  return {to, from.layers, from.samples};
}

/// What one thread works in: rows of several draws of y, and what they add up to.
template <class T>
struct Workspace {
  std::vector<T> x, y, scratch;
  std::vector<double> x_sums, y_sums, products;
  Workspace(const GramStack<T>& of_x, const GramStack<T>& of_y, Index draws = 1)
      : x(at(of_x.layers * of_x.samples)),
        y(at(draws * of_y.layers * of_y.samples)),
        x_sums(at(of_x.layers * of_x.samples)),
        y_sums(at(of_y.layers * of_y.samples)) {}
};

/// Tasks that write to places of their own: any number of threads makes the same bits.
template <class T>
void share(Index count, const Control& control, const std::function<Workspace<T>()>& make,
           const std::function<void(Workspace<T>&, Index)>& task) {
  struct Nothing {};
  run_ordered<Workspace<T>, Nothing>(
      count, num_threads(), control, make, [] { return Nothing{}; },
      [&](Workspace<T>& w, Index i, Nothing&) { task(w, i); }, [](Index, const Nothing&) {});
}

/// sums(l, b) += Σ_a K_ab over the rows that have come: row a, known up to its diagonal, is a
/// column as well.
template <class T>
void add_margins(const Block<T>& row, Index a, std::vector<double>& sums) {
  for (Index l = 0; l < row.layers; ++l) {
    const T* const values = row.row(l);
    double* const out = sums.data() + l * row.stride;
    double total = static_cast<double>(values[a]);
    for (Index b = 0; b < a; ++b) {
      total += static_cast<double>(values[b]);
      out[b] += static_cast<double>(values[b]);
    }
    out[a] += total;
  }
}

void add_totals(const Block<double>& margins, Index count, double* out) {
  for (Index l = 0; l < margins.layers; ++l)
    for (Index b = 0; b < count; ++b) out[l] += margins.row(l)[b];
}

DrawnSums zeros(Index draws, Index x, Index y) {
  const std::vector<double> pairs(at(draws * x * y)), of_x(at(draws * x)), of_y(at(draws * y));
  return {pairs, pairs, of_x, of_x, of_x, of_y, of_y, of_y};
}

/// The places of one draw.
struct Place {
  double *products, *margins, *x_products, *x_margins, *x_totals, *y_products, *y_margins,
      *y_totals;
  Place(DrawnSums& of, Index d, Index x, Index y)
      : products{&of.products[at(d * x * y)]},
        margins{&of.margins[at(d * x * y)]},
        x_products{&of.x_products[at(d * x)]},
        x_margins{&of.x_margins[at(d * x)]},
        x_totals{&of.x_totals[at(d * x)]},
        y_products{&of.y_products[at(d * y)]},
        y_margins{&of.y_margins[at(d * y)]},
        y_totals{&of.y_totals[at(d * y)]} {}

  /// Adds blocks of rows: half of what is symmetric counts twice, a diagonal once.
  template <class T>
  void add(const Block<T>& x, const Block<T>& y, Index count, double factor,
           std::vector<T>& scratch) const {
    add_products(x, y, count, factor, products, scratch);
    add_squares(x, count, factor, x_products);
    add_squares(y, count, factor, y_products);
  }
  void add_sums(const Block<double>& x, const Block<double>& y, Index count) const {
    std::vector<double> scratch;
    add_products(x, y, count, 1, margins, scratch);
    add_squares(x, count, 1, x_margins);
    add_squares(y, count, 1, y_margins);
  }
};

/// Orders that one task takes, so that a row of the first stack, and a call of gemm, serve several:
/// as many as fill some tens of columns of a product.
Index orders_a_task(Index layers) { return std::clamp<Index>(32 / layers, 1, 8); }

}  // namespace

template <class T>
std::vector<double> reordered_products(const GramStack<T>& x, const GramStack<T>& y,
                                       const Draws& orders, const Control& control) {
  const Index n = x.samples, pairs = x.layers * y.layers, step = orders_a_task(y.layers);
  std::vector<double> found(at(orders.draws * pairs));
  share<T>((orders.draws + step - 1) / step, control, [&] { return Workspace<T>{x, y, step}; },
           [&](Workspace<T>& w, Index task) {
             const Index first = task * step, count = std::min(step, orders.draws - first);
             const Index columns = count * y.layers;
             w.products.assign(at(x.layers * columns), 0);
             for (Index a = 0; a < n; ++a) {
               for (Index d = 0; d < count; ++d) {
                 const Index* const order = orders.samples + (first + d) * n;
                 gathered(y, order[a], order, a + 1, w.y.data() + d * y.layers * n);
               }
               const Block<T> left{x.row(a), x.layers, n}, right{w.y.data(), columns, n};
               add_products(left, right, a, 2, w.products.data(), w.scratch);
               add_products(left.from(a), right.from(a), 1, 1, w.products.data(), w.scratch);
             }
             for (Index i = 0; i < x.layers; ++i)
               for (Index d = 0; d < count; ++d)
                 std::copy_n(&w.products[at(i * columns + d * y.layers)], y.layers,
                             &found[at((first + d) * pairs + i * y.layers)]);
           });
  return found;
}

template <class T>
DrawnSums drawn_sums(const GramStack<T>& x, const GramStack<T>* other, const Draws& draws,
                     const Control& control) {
  const GramStack<T>& y = other ? *other : x;
  DrawnSums found = zeros(draws.draws, x.layers, y.layers);
  share<T>(
      draws.draws, control, [&] { return Workspace<T>{x, y}; },
      [&](Workspace<T>& w, Index d) {
        const Index* const chosen = draws.samples + d * draws.count;
        const Place place{found, d, x.layers, y.layers};
        for (auto* sums : {&w.x_sums, &w.y_sums}) std::ranges::fill(*sums, 0.0);
        const Index m = draws.count;
        for (Index a = 0; a < m; ++a) {
          const auto left = gathered(x, chosen[a], chosen, a + 1, w.x.data());
          const auto right = other ? gathered(y, chosen[a], chosen, a + 1, w.y.data()) : left;
          place.add(left, right, a, 2, w.scratch);
          place.add(left.from(a), right.from(a), 1, 1, w.scratch);
          add_margins(left, a, w.x_sums);
          if (other) add_margins(right, a, w.y_sums);
        }
        const Block<double> left{w.x_sums.data(), x.layers, x.samples};
        const Block<double> right{(other ? w.y_sums : w.x_sums).data(), y.layers, y.samples};
        place.add_sums(left, right, m);
        add_totals(left, m, place.x_totals);
        add_totals(right, m, place.y_totals);
      });
  return found;
}

template <class T>
DrawnSums sums_without(const GramStack<T>& x, const GramStack<T>* other, const Groups& groups,
                       const Control& control) {
  const GramStack<T>& y = other ? *other : x;
  DrawnSums found = zeros(groups.count(), x.layers, y.layers);
  const auto task = [&](Workspace<T>& w, Index g) {
    const Index* const members = groups.samples + groups.starts[at(g)];
    const Index m = groups.starts[at(g + 1)] - groups.starts[at(g)];
    const Place place{found, g, x.layers, y.layers};
    const auto side = [&](const GramStack<T>& stack, std::vector<double>& sums, double* totals) {
      std::ranges::fill(sums, 0.0);
      for (Index k = 0; k < m; ++k)
        simd::kernels<T>().accumulate(stack.row(members[k]), stack.layers * stack.samples,
                                      sums.data());
      // The sums of the group itself are no longer there.
      for (Index l = 0; l < stack.layers; ++l)
        for (Index k = 0; k < m; ++k) {
          double& sum = sums[at(l * stack.samples + members[k])];
          totals[l] += sum;
          sum = 0;
        }
      return Block<double>{sums.data(), stack.layers, stack.samples};
    };
    const auto left = side(x, w.x_sums, place.x_totals);
    const auto right = side(y, w.y_sums, place.y_totals);
    place.add_sums(left, right, x.samples);
    for (Index k = 0; k < m; ++k) {
      const Block<T> of_x{x.row(members[k]), x.layers, x.samples};
      const Block<T> of_y{y.row(members[k]), y.layers, y.samples};
      place.add(of_x, of_y, x.samples, 2, w.scratch);
      // What the group has in common with itself goes once.
      place.add(gathered(x, members[k], members, m, w.x.data()),
                gathered(y, members[k], members, m, w.y.data()), m, -1, w.scratch);
    }
  };
  share<T>(groups.count(), control, [&] { return Workspace<T>{x, y}; }, task);
  return found;
}

#define GRAMIAN_OF(T)                                                                       \
  template std::vector<double> reordered_products(const GramStack<T>&, const GramStack<T>&, \
                                                  const Draws&, const Control&);            \
  template DrawnSums drawn_sums(const GramStack<T>&, const GramStack<T>*, const Draws&,     \
                                const Control&);                                            \
  template DrawnSums sums_without(const GramStack<T>&, const GramStack<T>*, const Groups&,  \
                                  const Control&)
GRAMIAN_OF(float);
GRAMIAN_OF(double);
#undef GRAMIAN_OF

}  // namespace gramian

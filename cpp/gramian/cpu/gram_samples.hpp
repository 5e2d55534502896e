// Sums over centred Gram matrices of which samples are reordered, drawn or left out: what
// permutations, the bootstrap and the jackknife of HSIC are made of. On the host whatever the
// backend: a Gram matrix is computed once, where its layer is, and only indices change from then
// on.
#pragma once

#include <vector>

#include "../backend.hpp"

namespace gramian {

/// Symmetric matrices of several layers whose rows sum to 0, row by row: n x layers x n.
template <class T>
struct GramStack {
  const T* values;
  Index samples, layers;
  const T* row(Index i) const { return values + i * layers * samples; }
};

/// Lists of samples, one a draw: `count` of them each.
struct Draws {
  const Index* samples;
  Index draws, count;
};

/// For every draw and pair of layers, over the drawn samples a and b:
///   products  Σ_ab K_ab L_ab
///   margins   Σ_a (Σ_b K_ab) (Σ_b L_ab)
/// and of each layer the same with itself and its total, Σ_ab K_ab. (See Hsic for what they make.)
struct DrawnSums {
  std::vector<double> products, margins;                // draws x layers x layers
  std::vector<double> x_products, x_margins, x_totals;  // draws x layers
  std::vector<double> y_products, y_margins, y_totals;
};

/// Σ_ab K_ab L_π(a)π(b) for every order π of the samples of the second stack, draws x layers x
/// layers.
template <class T>
std::vector<double> reordered_products(const GramStack<T>& x, const GramStack<T>& y,
                                       const Draws& orders, const Control& control);

/// Of draws, the same for both stacks; without a y, of x with itself.
template <class T>
DrawnSums drawn_sums(const GramStack<T>& x, const GramStack<T>* y, const Draws& draws,
                     const Control& control);

/// Groups of samples, that begin at `starts`, which has the end too.
struct Groups {
  const Index* samples;
  const std::vector<Index>& starts;
  Index count() const { return std::ssize(starts) - 1; }
};

/// Of all samples but those of a group: what goes of `products`, and the others as they are then.
/// Since rows sum to 0, the new sum of row b is minus what the group had of it.
template <class T>
DrawnSums sums_without(const GramStack<T>& x, const GramStack<T>* y, const Groups& groups,
                       const Control& control);

}  // namespace gramian

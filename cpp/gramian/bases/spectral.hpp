// Bases from a singular value decomposition, in double: the last rung of the ladder in bases.hpp,
// and those of leading singular directions.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "basis.hpp"
#include "wide.hpp"

namespace gramian {

/// Weights of V, the basis of a wide layer: X Wᵀ = V. W = (V S⁻²)ᵀ X D² is corrected by what X Wᵀ
/// still lacks, which squares its error every time.
template <LinearAlgebra B>
Matrix<B> wide_weights(B& b, const Basis<B>& basis, std::span<const double> scales,
                       std::span<const double> s) {
  std::vector<double> squares, inverses;
  for (const double d : scales) squares.push_back(d * d);
  for (Index i = 0; i < basis.rank; ++i)
    inverses.push_back(1 / (s[static_cast<std::size_t>(i)] * s[static_cast<std::size_t>(i)]));
  Matrix<B> w = b.cross(basis.factor(), basis.layer);
  b.scale(w, inverses, squares);
  for (int step = 0; step < 3; ++step) {
    const Matrix<B> fit = b.project(basis.layer, w);
    const Matrix<B> found = b.cross(b.as_layer(fit), basis.factor());  // the identity, or nearly so
    b.add(2, w, -1, b.multiply(found, w));
  }
  return w;
}

/// Which singular directions to keep, from singular values in units of the source, and by what to
/// multiply the basis vectors.
struct Choice {
  Index kept;
  std::vector<double> gains{};  // none: 1
};
using Choose = std::function<Choice(std::span<const double> singular_values)>;

/// The basis X Vᵀ of a tall layer: not formed where one pass does. False if it is not orthonormal.
template <LinearAlgebra B>
bool form_tall(B& b, Basis<B>& basis, const Matrix<B>& v, double epsilon, Extras wanted) {
  const double smallest = basis.singular_values[static_cast<std::size_t>(basis.rank - 1)];
  if (basis.singular_values[0] > direct_limit<typename B::scalar>(epsilon) * smallest)
    return refine(b, basis, v, wanted);
  basis.coefficients = b.copy(v);
  complete<B>(b, basis, nullptr, wanted);
  if (wanted.weights) basis.weights = b.copy(v);
  return true;
}

/// The last rung, for a backend in double: a basis from the SVD of R, the triangle of X D.
template <LinearAlgebra B>
Basis<B> basis_from_svd(B& b, Layer<B> layer, SVD<B> svd, std::span<const double> scales,
                        const Choose& choose, double epsilon, Extras wanted) {
  Choice choice = choose(svd.s);
  Basis<B> basis{std::move(layer)};
  basis.singular_values = svd.s;
  basis.rank = choice.kept;
  if (basis.rank == 0) return basis;
  Matrix<B> v = b.copy(View<B>{svd.vt->data, basis.rank, svd.vt->cols});
  if (is_wide(basis.layer)) {
    Matrix<B> q = b.transposed(v);
    Layer<B> own = b.as_layer(q);
    basis.columns = typename Basis<B>::Columns{std::move(q), std::move(own)};
    if (wanted.weights) basis.weights = wide_weights(b, basis, scales, svd.s);
  } else {
    std::vector<double> inverses;
    for (Index i = 0; i < basis.rank; ++i)
      inverses.push_back(1 / svd.s[static_cast<std::size_t>(i)]);
    b.scale(v, inverses, scales);
    // A direction that cannot be made orthonormal to the others is none.
    while (basis.rank > 0 && !form_tall(b, basis, v, epsilon, wanted)) {
      --basis.rank;
      v = b.copy(View<B>{v.data, basis.rank, v.cols});
    }
    if (basis.rank == 0) return basis;
  }
  if (choice.gains.empty()) return basis;
  choice.gains.resize(static_cast<std::size_t>(basis.rank));
  if (!basis.coefficients) {
    const auto r = static_cast<std::size_t>(basis.rank);
    std::vector<double> identity(r * r);
    for (std::size_t i = 0; i < r; ++i) identity[i * r + i] = 1;
    basis.coefficients = b.matrix(identity, basis.rank, basis.rank);
  }
  const std::vector<double> columns(static_cast<std::size_t>(basis.coefficients->cols), 1.0);
  b.scale(*basis.coefficients, choice.gains, columns);
  if (basis.weights) {
    const std::vector<double> ones(static_cast<std::size_t>(basis.weights->cols), 1.0);
    b.scale(*basis.weights, choice.gains, ones);
  }
  basis.gains = std::move(choice.gains);
  return basis;
}

/// Keeps what is larger than a fraction of the largest.
inline Choose above(double tolerance) {
  return [tolerance](std::span<const double> s) {
    return Choice{std::ranges::count_if(s, [&](double v) { return v > tolerance * s[0]; })};
  };
}

/// The triangle of a layer or, where the data are so coarse that the squares of singular values
/// hold all their digits and the rank, its Gram matrix.
template <LinearAlgebra B>
Matrix<B> triangle_or_gram(B& b, const BasisInput<B>& x, bool gram) {
  const std::vector<double> ones(x.means.high.size(), 1.0);
  return gram ? b.self_cross(x.layer) : b.triangle(x.layer, ones);
}

/// Bases of the singular directions of the centred, unscaled layers, for a backend in double; what
/// is kept of a layer is choose(singular values, layer).
template <LinearAlgebra B, class ChooseOf>
std::vector<Basis<B>> spectral_bases(B& b, std::vector<BasisInput<B>> inputs,
                                     const ChooseOf& choose, Extras wanted) {
  // Squares of singular values down to epsilon times the largest are digits of double if epsilon²
  // is more than its rounding unit.
  constexpr double unit = std::numeric_limits<double>::epsilon();
  const auto by_gram = [&](const BasisInput<B>& x) {
    const bool tall = x.layer.source.cols < x.layer.source.rows;
    return tall && x.epsilon * x.epsilon > unit && x.tolerance >= x.epsilon;
  };
  const auto count = inputs.size();
  std::vector<Matrix<B>> factors;
  std::vector<std::size_t> factored;  // whose they are
  std::vector<std::optional<SVD<B>>> svds(count);
  std::vector<Basis<B>> bases;
  b.together([&] {
    for (std::size_t l = 0; l < count; ++l) {
      const BasisInput<B>& input = inputs[l];
      if (input.layer.constant) continue;
      if (is_wide(input.layer)) {
        svds[l] = wide_svd(b, input, std::vector<double>(input.means.high.size(), 1.0));
      } else {
        factors.push_back(triangle_or_gram(b, input, by_gram(input)));
        factored.push_back(l);
      }
    }
  });
  auto found = b.svd(std::move(factors), Vectors::right);
  for (std::size_t k = 0; k < factored.size(); ++k) {
    const std::size_t l = factored[k];
    svds[l] = std::move(found[k]);
    if (by_gram(inputs[l]))
      for (double& s : svds[l]->s) s = std::sqrt(s);
  }
  for (std::size_t l = 0; l < count; ++l) {
    if (!svds[l]) {
      bases.push_back({std::move(inputs[l].layer)});
      continue;
    }
    BasisInput<B>& input = inputs[l];
    const std::vector<double> ones(input.means.high.size(), 1.0);
    // Of the layer no more than its shape is read once its memory has moved into the basis.
    const Choose choose_own = [&](std::span<const double> s) { return choose(s, input); };
    bases.push_back(basis_from_svd(b, std::move(input.layer), std::move(*svds[l]), ones, choose_own,
                                   input.epsilon, wanted));
    bases.back().directions = above(input.tolerance)(bases.back().singular_values).kept;
  }
  return bases;
}

/// A basis that was found in double, for products in B: as it is where that does no harm, and
/// formed otherwise.
template <LinearAlgebra B>
Basis<B> narrowed(B& b, typename B::Wide& w, const Basis<typename B::Wide>& found, Layer<B> layer) {
  Basis<B> basis{std::move(layer), found.rank, found.squared_norm};
  basis.singular_values = found.singular_values;
  basis.directions = found.directions;
  basis.gains = found.gains;
  if (found.rank == 0) return basis;
  const auto& s = found.singular_values;
  const bool direct = !found.columns && !s.empty() &&
      s[0] <= direct_condition<typename B::scalar> * s[static_cast<std::size_t>(found.rank - 1)];
  if (direct) {
    basis.coefficients = b.narrow(*found.coefficients);
  } else {
    Matrix<B> q = found.coefficients ? b.narrow(w.project(found.factor(), *found.coefficients))
                                     : b.narrow(found.columns->matrix);
    Layer<B> own = b.as_layer(q);
    basis.columns = typename Basis<B>::Columns{std::move(q), std::move(own)};
  }
  if (found.coordinates) basis.coordinates = b.narrow(*found.coordinates);
  if (found.weights) basis.weights = b.narrow(*found.weights);
  return basis;
}

}  // namespace gramian

// Orthonormal bases of the column spaces of layers, rank-revealing, at the speed of matrix products
// where the layer allows it.
//
// The ladder, for columns scaled to norm 1 and R their Cholesky factor of condition k:
//   k <= 50     Q = X D R⁻¹ is never formed: what is wanted of it follows from products of X.
//   k <= 2e3 in float, 1e7 in double: Q₁ = X D R⁻¹ is formed, which is orthonormal but for k² eps,
//               and made so by a second Cholesky factor (CholeskyQR2).
//   otherwise   in double, R by Householder QR of blocks of rows, and its SVD, which decides the
//               rank; Q₁ = X D V S⁻¹ and the second Cholesky factor as above. With more features than
//               samples, Xᵀ takes the place of X, and the basis is V.
// Measured for the mean canonical correlation in float, n = 500, p = 50: one pass is off by 1 eps at
// k = 1, 18 at 100, 728 at 1,000; two passes, and QR, by 0.1 at 1,000.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "linalg.hpp"

namespace gramian {

/// A layer whose basis is wanted, and what decides on its rank.
template <class B>
struct BasisInput {
  Layer<B> layer;
  std::vector<double> means;  // of the columns, as they are in the source
  double epsilon;             // of the precision that the data came in
  double tolerance;           // singular values of X D count above this times the largest
};

/// What a basis should bring along: coordinates QᵀX of the layer, weights W with Q = X Wᵀ.
struct Extras {
  bool coordinates = false, weights = false;
};

/// Q = factor · coefficientsᵀ, n x rank, orthonormal; coefficients are the identity if absent.
template <class B>
struct Basis {
  struct Columns {
    Matrix<B> matrix;
    Layer<B> layer;  // reads `matrix`, whose memory does not move
  };
  Layer<B> layer;  // the centred activations themselves
  Index rank = 0;
  double squared_norm = 0;          // |X|²
  std::optional<Columns> columns{};  // a factor of its own
  std::optional<Matrix<B>> coefficients{};
  std::optional<Matrix<B>> coordinates{}, weights{};
  std::vector<double> singular_values{};  // of X, where they were found

  const Layer<B>& factor() const { return columns ? columns->layer : layer; }
};

template <class B>
using Coefficients = std::optional<Matrix<B>>;

/// A C Bᵀ, where absent factors are identities.
template <LinearAlgebra B>
Matrix<B> between(B& b, const Coefficients<B>& left, Matrix<B> c, const Coefficients<B>& right) {
  if (left) c = b.multiply(*left, c);
  if (right) c = b.multiply_transposed(c, *right);
  return c;
}

/// Makes the means of the centred columns 0 to the last digit of the deviations, not of the means:
/// a constant column is then constant. In float the means, known in double, need no such care.
template <LinearAlgebra B>
void recenter(B& b, Layer<B>& layer, std::span<const double> means) {
  using T = typename B::scalar;
  if constexpr (!std::same_as<T, double>) return;
  std::vector<double> low = b.column_sums(layer);
  const double factor = 1 / (static_cast<double>(layer.source.rows) * layer.scale);
  for (std::size_t j = 0; j < low.size(); ++j)
    low[j] = low[j] * factor + (means[j] - static_cast<double>(static_cast<T>(means[j])));
  layer.mean_low = b.upload(low);
}

/// 1 / norm of every column, 0 for those that are constant but for rounding.
template <class B>
std::vector<double> column_scales(const BasisInput<B>& x, std::span<const double> squared_norms) {
  std::vector<double> scales;
  const auto n = static_cast<double>(x.layer.source.rows);
  for (std::size_t j = 0; j < x.means.size(); ++j) {
    const double mean = x.means[j] * x.layer.scale, own = squared_norms[j];
    const bool constant = own <= 100 * x.epsilon * x.epsilon * (own + n * mean * mean);
    scales.push_back(constant ? 0 : 1 / std::sqrt(own));
  }
  return scales;
}

/// The rows of a matrix that are marked, by a product with rows of the identity.
template <LinearAlgebra B>
Matrix<B> marked_rows(B& b, View<B> m, std::span<const double> marks) {
  const auto rows = static_cast<Index>(std::ranges::count_if(marks, [](double v) { return v != 0; }));
  std::vector<double> selection(static_cast<std::size_t>(rows * m.rows));
  std::size_t row = 0;
  for (std::size_t j = 0; j < marks.size(); ++j)
    if (marks[j] != 0) selection[row++ * marks.size() + j] = 1;
  return b.multiply(b.matrix(selection, rows, m.rows), m);
}

/// One Cholesky factor of a Gram matrix: coefficients W with X Wᵀ orthonormal but for condition² eps.
template <class B>
struct Whitening {
  Matrix<B> coefficients;
  std::optional<Matrix<B>> coordinates;
  double condition;
};

template <LinearAlgebra B>
std::optional<Whitening<B>> whiten(B& b, Matrix<B> gram, std::span<const double> scales,
                                   bool coordinates) {
  const std::vector<double> ones(scales.size(), 1.0);
  std::vector<double> norms;
  for (const double s : scales) norms.push_back(s > 0 ? 1 / s : 0);
  b.scale(gram, scales, scales);
  b.fill_diagonal(gram.mutable_data(), gram.rows, b.upload(ones).get());
  const double norm = std::sqrt(b.spectral_norm(gram));
  if (!b.cholesky(gram)) return {};
  std::optional<Matrix<B>> own;
  if (coordinates) {
    own = b.transposed(gram);
    b.scale(*own, ones, norms);
  }
  if (!b.invert_lower(gram)) return {};
  const double condition = norm * b.spectral_norm(gram);
  if (!std::isfinite(condition)) return {};
  b.scale(gram, ones, scales);
  if (std::ranges::count(scales, 0.0) > 0) {  // constant columns span nothing
    gram = marked_rows<B>(b, gram, scales);
    if (own) own = marked_rows<B>(b, *own, scales);
  }
  return Whitening<B>{std::move(gram), std::move(own), condition};
}

/// In double precision is worth more than speed: at 50, single correlations were off by 90 eps.
template <class T>
constexpr double direct_condition = std::same_as<T, float> ? 50 : 10;
template <class T>
constexpr double two_pass_condition = std::same_as<T, float> ? 2e3 : 1e7;

/// Adds what is wanted besides, once factor and coefficients stand. `first` are the coefficients
/// that led from the layer to the factor.
template <LinearAlgebra B>
void complete(B& b, Basis<B>& basis, const Matrix<B>* first, Extras wanted) {
  if (wanted.coordinates && !basis.coordinates)
    basis.coordinates =
        between<B>(b, basis.coefficients, b.cross(basis.factor(), basis.layer), {});
  if (wanted.weights && first != nullptr) basis.weights = b.multiply(*basis.coefficients, *first);
}

/// The second pass: Q₁ = X Wᵀ is formed, and a Cholesky factor makes it orthonormal. False if Q₁ is
/// not nearly so.
template <LinearAlgebra B>
bool refine(B& b, Basis<B>& basis, const Matrix<B>& coefficients, Extras wanted) {
  Matrix<B> q = b.project(basis.layer, coefficients);
  Layer<B> layer = b.as_layer(q);
  basis.columns = typename Basis<B>::Columns{std::move(q), std::move(layer)};
  Matrix<B> gram = b.self_cross(basis.columns->layer);
  std::vector<double> scales;
  for (const double square : b.diagonal(gram)) scales.push_back(1 / std::sqrt(square));
  auto second = whiten(b, std::move(gram), scales, false);
  if (!second || second->condition > direct_condition<typename B::scalar>) {
    basis.columns.reset();
    return false;
  }
  basis.coefficients = std::move(second->coefficients);
  complete(b, basis, &coefficients, wanted);
  return true;
}

/// Weights of V, the basis of a wide layer: X Wᵀ = V. W = (V S⁻²)ᵀ X D² is corrected by what X Wᵀ
/// still lacks, which squares its error every time.
template <LinearAlgebra B>
Matrix<B> wide_weights(B& b, const Basis<B>& basis, std::span<const double> scales,
                       std::span<const double> s) {
  std::vector<double> squares, inverses;
  for (const double d : scales) squares.push_back(d * d);
  for (Index i = 0; i < basis.rank; ++i) inverses.push_back(1 / (s[static_cast<std::size_t>(i)] *
                                                                 s[static_cast<std::size_t>(i)]));
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

/// The last rung, for a backend in double: a basis from the SVD of R, the triangle of X D.
template <LinearAlgebra B>
Basis<B> basis_from_svd(B& b, Layer<B> layer, SVD<B> svd, std::span<const double> scales,
                        const Choose& choose, Extras wanted) {
  for (double& s : svd.s) s /= layer.scale;
  Choice choice = choose(svd.s);
  Basis<B> basis{std::move(layer)};
  basis.singular_values = svd.s;
  basis.rank = choice.kept;
  if (basis.rank == 0) return basis;
  for (double& s : svd.s) s *= basis.layer.scale;
  Matrix<B> v = b.copy(View<B>{svd.vt.data, basis.rank, svd.vt.cols});
  const auto r = static_cast<std::size_t>(basis.rank);
  if (basis.layer.source.cols >= basis.layer.source.rows) {
    Matrix<B> q = b.transposed(v);
    Layer<B> own = b.as_layer(q);
    basis.columns = typename Basis<B>::Columns{std::move(q), std::move(own)};
    complete<B>(b, basis, nullptr, wanted);
    if (wanted.weights) basis.weights = wide_weights(b, basis, scales, svd.s);
  } else {
    std::vector<double> inverses;
    for (std::size_t i = 0; i < r; ++i) inverses.push_back(1 / svd.s[i]);
    b.scale(v, inverses, scales);
    if (svd.s[0] <= direct_condition<typename B::scalar> * svd.s[r - 1]) {
      basis.coefficients = std::move(v);
      complete<B>(b, basis, nullptr, wanted);
      if (wanted.weights) basis.weights = b.copy(*basis.coefficients);
    } else if (!refine(b, basis, v, wanted)) {
      throw std::runtime_error("the basis of a layer could not be made orthonormal");
    }
  }
  if (choice.gains.empty()) return basis;
  if (!basis.coefficients) {
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
  return basis;
}

/// Keeps what is larger than a fraction of the largest.
inline Choose above(double tolerance) {
  return [tolerance](std::span<const double> s) {
    return Choice{std::ranges::count_if(s, [&](double v) { return v > tolerance * s[0]; })};
  };
}

template <LinearAlgebra B>
std::vector<Basis<B>> orthonormal_bases(B& b, std::vector<BasisInput<B>> inputs, Extras wanted);

/// The rungs in double, for one layer.
template <LinearAlgebra B>
Basis<B> basis_in_double(B& b, BasisInput<B> x, std::vector<double> scales, Extras wanted) {
  if constexpr (std::same_as<B, typename B::Wide>) {
    SVD<B> svd = b.svd(b.triangle(x.layer, scales));
    return basis_from_svd(b, std::move(x.layer), std::move(svd), scales, above(x.tolerance),
                          wanted);
  } else {
    using W = typename B::Wide;
    W w = b.wide();
    Layer<W> layer = make_layer(w, x.layer.source, x.means, x.layer.scale);
    recenter(w, layer, x.means);
    std::vector<BasisInput<W>> inputs;
    inputs.push_back({std::move(layer), x.means, x.epsilon, x.tolerance});
    Basis<W> found = std::move(orthonormal_bases(w, std::move(inputs), wanted)[0]);
    Basis<B> basis{std::move(x.layer), found.rank, found.squared_norm};
    if (found.rank == 0) return basis;
    Matrix<B> q = found.coefficients ? b.narrow(w.project(found.factor(), *found.coefficients))
                                     : b.narrow(found.columns->matrix);
    Layer<B> own = b.as_layer(q);
    basis.columns = typename Basis<B>::Columns{std::move(q), std::move(own)};
    if (found.coordinates) basis.coordinates = b.narrow(*found.coordinates);
    if (found.weights) basis.weights = b.narrow(*found.weights);
    return basis;
  }
}

/// Bases of all layers: products of one layer at a time, shared by the threads; factorisations of
/// different layers side by side.
template <LinearAlgebra B>
std::vector<Basis<B>> orthonormal_bases(B& b, std::vector<BasisInput<B>> inputs, Extras wanted) {
  using T = typename B::scalar;
  // Below this a squared norm in T has no digits left: a column that small beside the others.
  constexpr double smallest = static_cast<double>(std::numeric_limits<T>::min()) * 1e10;
  const auto count = inputs.size();
  std::vector<Coefficients<B>> grams(count);
  std::vector<std::optional<Whitening<B>>> first(count);
  std::vector<std::vector<double>> scales(count);
  std::vector<Basis<B>> bases;
  for (std::size_t l = 0; l < count; ++l) {
    const BasisInput<B>& x = inputs[l];
    const bool wide = x.layer.source.cols >= x.layer.source.rows;
    if (!wide) grams[l] = b.self_cross(x.layer);
    const auto norms = wide ? b.column_norms(x.layer) : b.diagonal(*grams[l]);
    scales[l] = column_scales(x, norms);
    bases.push_back({Layer<B>{}, 0, sum(norms)});
    const bool tiny = std::ranges::any_of(norms, [](double v) { return v > 0 && v < smallest; });
    if (tiny) grams[l].reset();
  }
  b.for_each(static_cast<Index>(count), [&](Index task) {
    const auto l = static_cast<std::size_t>(task);
    if (grams[l] && std::ranges::any_of(scales[l], [](double s) { return s > 0; }))
      first[l] = whiten(b, std::move(*grams[l]), scales[l], wanted.coordinates);
  });
  for (std::size_t l = 0; l < count; ++l) {
    BasisInput<B>& x = inputs[l];
    Basis<B>& basis = bases[l];
    if (std::ranges::all_of(scales[l], [](double s) { return s == 0; })) {
      basis.layer = std::move(x.layer);
      basis.squared_norm = 0;  // but for rounding
      continue;
    }
    // The condition is an estimate from below: full rank is certain at a distance from the tolerance.
    const double limit = std::min(two_pass_condition<T>, 0.1 / x.tolerance);
    if (first[l] && first[l]->condition <= limit) {
      basis.layer = std::move(x.layer);
      basis.rank = first[l]->coefficients.rows;
      if (first[l]->condition <= direct_condition<T>) {
        basis.coefficients = std::move(first[l]->coefficients);
        basis.coordinates = std::move(first[l]->coordinates);
        if (wanted.weights) basis.weights = b.copy(*basis.coefficients);
        continue;
      }
      if (refine(b, basis, first[l]->coefficients, wanted)) continue;
      x.layer = std::move(basis.layer);
    }
    const double squared_norm = basis.squared_norm;
    basis = basis_in_double(b, std::move(x), std::move(scales[l]), wanted);
    basis.squared_norm = squared_norm;
  }
  return bases;
}

/// Bases of the singular directions of the centred, unscaled layers, for a backend in double.
template <LinearAlgebra B>
std::vector<Basis<B>> spectral_bases(B& b, std::vector<BasisInput<B>> inputs,
                                     std::span<const Choose> choose, Extras wanted) {
  const auto count = inputs.size();
  std::vector<std::optional<Matrix<B>>> triangles(count);
  std::vector<std::optional<SVD<B>>> svds(count);
  std::vector<std::vector<double>> ones(count);
  std::vector<Basis<B>> bases;
  for (std::size_t l = 0; l < count; ++l) {
    ones[l].assign(inputs[l].means.size(), 1.0);
    const auto scales = column_scales(inputs[l], b.column_norms(inputs[l].layer));
    if (std::ranges::any_of(scales, [](double s) { return s > 0; }))
      triangles[l] = b.triangle(inputs[l].layer, ones[l]);
  }
  b.for_each(static_cast<Index>(count), [&](Index task) {
    const auto l = static_cast<std::size_t>(task);
    if (triangles[l]) svds[l] = b.svd(std::move(*triangles[l]));
  });
  for (std::size_t l = 0; l < count; ++l)
    bases.push_back(svds[l] ? basis_from_svd(b, std::move(inputs[l].layer), std::move(*svds[l]),
                                             ones[l], choose[l], wanted)
                            : Basis<B>{std::move(inputs[l].layer)});
  return bases;
}

/// Whether no column varies.
template <LinearAlgebra B>
bool is_constant(const BasisInput<B>& x, std::span<const double> squared_norms) {
  return std::ranges::all_of(column_scales(x, squared_norms), [](double s) { return s == 0; });
}

}  // namespace gramian

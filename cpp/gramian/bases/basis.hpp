// What an orthonormal basis of a layer is, and how a Cholesky factor gives one.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "../linalg.hpp"

namespace gramian {

/// A layer whose basis is wanted, and what decides on its rank.
template <class B>
struct BasisInput {
  Layer<B> layer;
  Means means;       // of the columns, times the layer's scale
  double epsilon;    // of the precision that the data came in
  double tolerance;  // singular values of X D count above this times the largest
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
  double squared_norm = 0;           // |X|²
  std::optional<Columns> columns{};  // a factor of its own
  std::optional<Matrix<B>> coefficients{};
  std::optional<Matrix<B>> coordinates{}, weights{};
  std::vector<double> singular_values{};  // of X times its scale, where they were found
  Index directions = 0;                   // that there are with these, of which `rank` are kept
  std::vector<double> gains{};            // that these are multiplied by; none: 1

  const Layer<B>& factor() const { return columns ? columns->layer : layer; }
  double gain_norm() const { return std::sqrt(dot(gains, gains)); }
};

/// Bytes that it holds.
template <class B>
Index bytes_of(const Basis<B>& basis) {
  Index total =
      bytes_of(basis.layer) + (std::ssize(basis.singular_values) + std::ssize(basis.gains)) * 8;
  if (basis.columns) total += bytes_of(basis.columns->matrix) + bytes_of(basis.columns->layer);
  for (const auto* part : {&basis.coefficients, &basis.coordinates, &basis.weights})
    if (*part) total += bytes_of(**part);
  return total;
}

/// The rows of a matrix in another order, by way of the host.
template <LinearAlgebra B>
Matrix<B> reordered(B& b, const Matrix<B>& m, std::span<const Index> order) {
  const std::vector<double> rows = b.download(m);
  std::vector<double> turned(rows.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    std::copy_n(rows.begin() + order[i] * m.cols, m.cols,
                turned.begin() + static_cast<Index>(i) * m.cols);
  return b.matrix(turned, m.rows, m.cols);
}

/// A basis of the same samples in another order, in which `layer` has them: only a factor of its
/// own has rows, and all else stays.
template <LinearAlgebra B>
Basis<B> reordered(B& b, const Basis<B>& x, Layer<B> layer, std::span<const Index> order) {
  const auto copied = [&](const std::optional<Matrix<B>>& m) {
    std::optional<Matrix<B>> copy;
    if (m) copy = b.copy(*m);
    return copy;
  };
  Basis<B> y{.layer = std::move(layer), .rank = x.rank, .squared_norm = x.squared_norm};
  if (x.columns) {
    Matrix<B> matrix = reordered(b, x.columns->matrix, order);
    Layer<B> as_layer = b.as_layer(matrix);
    y.columns = typename Basis<B>::Columns{std::move(matrix), std::move(as_layer)};
  }
  y.coefficients = copied(x.coefficients);
  y.coordinates = copied(x.coordinates);
  y.weights = copied(x.weights);
  y.singular_values = x.singular_values;
  y.directions = x.directions;
  y.gains = x.gains;
  return y;
}

template <class B>
using Coefficients = std::optional<Matrix<B>>;

/// A C Bᵀ, where absent factors are identities.
template <LinearAlgebra B>
Matrix<B> between(B& b, const Coefficients<B>& left, Matrix<B> c, const Coefficients<B>& right) {
  if (left) c = b.multiply(*left, c);
  if (right) c = b.multiply_transposed(c, *right);
  return c;
}

/// A layer for the backend in double.
template <LinearAlgebra B, LinearAlgebra W>
BasisInput<W> widened(W& w, const BasisInput<B>& x) {
  Layer<W> layer = make_layer(w, x.layer.source, x.means, x.layer.scale, x.layer.constant);
  return {std::move(layer), x.means, x.epsilon, x.tolerance};
}

/// 1 / norm of every column, 0 for those that are constant but for rounding: whose norm centring
/// took to 10 eps of what it was.
template <class B>
std::vector<double> column_scales(const BasisInput<B>& x, std::span<const double> squared_norms) {
  std::vector<double> scales;
  const auto n = static_cast<double>(x.layer.source.rows);
  for (std::size_t j = 0; j < squared_norms.size(); ++j) {
    const double mean = x.means.high[j], own = squared_norms[j];
    const bool constant = own <= 100 * x.epsilon * x.epsilon * (own + n * mean * mean);
    scales.push_back(constant ? 0 : 1 / std::sqrt(own));
  }
  return scales;
}

/// The rows of a matrix that are marked, by a product with rows of the identity.
template <LinearAlgebra B>
Matrix<B> marked_rows(B& b, View<B> m, std::span<const double> marks) {
  const auto rows =
      static_cast<Index>(std::ranges::count_if(marks, [](double v) { return v != 0; }));
  std::vector<double> selection(static_cast<std::size_t>(rows * m.rows));
  std::size_t row = 0;
  for (std::size_t j = 0; j < marks.size(); ++j)
    if (marks[j] != 0) selection[row++ * marks.size() + j] = 1;
  return b.multiply(b.matrix(selection, rows, m.rows), m);
}

/// One Cholesky factor of a Gram matrix: coefficients W with X Wᵀ orthonormal but for condition²
/// eps. The condition is that of columns scaled to norm 1; `spread` is the largest of their norms
/// by the smallest, where they were not scaled before.
template <class B>
struct Whitening {
  Matrix<B> coefficients;
  std::optional<Matrix<B>> coordinates;
  double condition;
  double spread = 1;
};

/// Finds it: `start` queues the work, `take` has the answer once the backend has told its numbers.
template <LinearAlgebra B>
class Whitener {
 public:
  /// Of columns that are to be scaled so, those that are to be left out by 0.
  void start(B& b, Matrix<B> gram, std::vector<double> scales, bool coordinates) {
    const std::vector<double> ones(scales.size(), 1.0);
    b.scale(gram, scales, scales);
    const Rows all{0, gram.rows};
    b.fill_diagonal(gram.mutable_data(), all, all, b.upload(ones).get());
    gram_.emplace(std::move(gram));
    scales_ = std::move(scales);
    b.inverse_factor(*gram_, coordinates ? &own_ : nullptr, &found_);
  }
  /// Likewise of columns whose squared norms are these.
  void start_unscaled(B& b, Matrix<B> gram, std::span<const double> squares, bool coordinates) {
    std::vector<double> scales;
    for (const double square : squares) scales.push_back(1 / std::sqrt(square));
    const auto [least, most] = std::ranges::minmax(scales);
    spread_ = most / least;
    if (std::isfinite(most)) start(b, std::move(gram), std::move(scales), coordinates);
  }
  /// Nothing if there is no such factor, or nothing was started.
  std::optional<Whitening<B>> take(B& b) {
    const double condition = std::sqrt(found_.norm) * found_.inverse_norm;
    if (!gram_ || !found_.done || !std::isfinite(condition)) return {};
    const std::vector<double> ones(scales_.size(), 1.0);
    b.scale(*gram_, ones, scales_);
    if (own_) {
      std::vector<double> norms;
      for (const double s : scales_) norms.push_back(s > 0 ? 1 / s : 0);
      b.scale(*own_, ones, norms);
    }
    if (std::ranges::count(scales_, 0.0) > 0) {  // constant columns span nothing
      gram_ = marked_rows<B>(b, *gram_, scales_);
      if (own_) own_ = marked_rows<B>(b, *own_, scales_);
    }
    return Whitening<B>{std::move(*gram_), std::move(own_), condition, spread_};
  }

 private:
  std::optional<Matrix<B>> gram_{}, own_{};
  std::vector<double> scales_{};
  Factoring found_{};
  double spread_ = 1;
};

/// One pass costs .6 condition² eps of a single correlation: 40 eps at 8, 120 at 16, 180 at 18, and
/// a tenth of that of their mean (measured in float, n = 3,000 to 8,000, an eighth of the
/// directions large and the others small). In double precision is worth more than speed.
template <class T>
constexpr double direct_condition = std::same_as<T, float> ? 8 : 10;
/// One pass does for data that came in float once condition² eps of double is less than eps of
/// float.
template <class T>
double direct_limit(double epsilon) {
  const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
  return std::max(direct_condition<T>, 0.5 * std::sqrt(epsilon / unit));
}
template <class T>
constexpr double two_pass_condition = std::same_as<T, float> ? 2e3 : 1e7;

/// Adds what is wanted besides, once factor and coefficients stand. `first` are the coefficients
/// that led from the layer to the factor.
template <LinearAlgebra B>
void complete(B& b, Basis<B>& basis, const Matrix<B>* first, Extras wanted) {
  if (wanted.coordinates && !basis.coordinates)
    basis.coordinates = between<B>(b, basis.coefficients, b.cross(basis.factor(), basis.layer), {});
  if (wanted.weights && first != nullptr) basis.weights = b.multiply(*basis.coefficients, *first);
}

/// Q₁, nearly orthonormal, becomes the factor of a basis. Returns its Gram matrix.
template <LinearAlgebra B>
Matrix<B> set_factor(B& b, Basis<B>& basis, Matrix<B> q) {
  Layer<B> layer = b.as_layer(q);
  basis.columns = typename Basis<B>::Columns{std::move(q), std::move(layer)};
  return b.self_cross(basis.columns->layer);
}

/// The Cholesky factor that makes columns of this Gram matrix orthonormal.
template <LinearAlgebra B>
std::optional<Whitening<B>> whiten_unscaled(B& b, Matrix<B> gram, bool coordinates = false) {
  const std::vector<double> squares = diagonal<B>(b, gram);
  Whitener<B> whitener;
  b.together([&] { whitener.start_unscaled(b, std::move(gram), squares, coordinates); });
  return whitener.take(b);
}

/// The second pass: Q₁ = X Wᵀ is formed, and a Cholesky factor makes it orthonormal. False if Q₁ is
/// not nearly so.
template <LinearAlgebra B>
bool refine(B& b, Basis<B>& basis, const Matrix<B>& coefficients, Extras wanted) {
  auto second = whiten_unscaled(b, set_factor(b, basis, b.project(basis.layer, coefficients)));
  if (!second || second->condition > direct_condition<typename B::scalar>) {
    basis.columns.reset();
    return false;
  }
  basis.coefficients = std::move(second->coefficients);
  complete(b, basis, &coefficients, wanted);
  return true;
}

}  // namespace gramian

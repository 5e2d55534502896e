// The rungs of the ladder in bases.hpp that need Gram matrices and Cholesky factors only.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "basis.hpp"

namespace gramian {

/// Rows first, first + step, ... of a layer, as a layer.
template <LinearAlgebra B>
Layer<B> every(B& b, const Layer<B>& layer, Index first, Index step) {
  Source part = layer.source;
  part.data = static_cast<const char*>(part.data) + first * part.row_stride * size_of(part.dtype);
  part.rows = (part.rows - first + step - 1) / step;
  part.row_stride *= step;
  return {part, layer.scale, layer.constant, copy(b, layer.mean_high.get(), part.cols),
          copy(b, layer.mean_low.get(), part.cols)};
}

/// A layer on its way to a basis. Its methods are called in their order; those that factor from
/// `for_each`, and what one of `measure_columns`, `factor`, `form`, `factor_again` finds is told
/// before the next.
template <LinearAlgebra B>
class CholeskyQR {
 public:
  BasisInput<B> input;
  std::vector<double> scales;  // of the columns; all 0: the layer is constant
  Basis<B> basis{};

  CholeskyQR(B& b, BasisInput<B> x, Extras wanted)
      : input{std::move(x)}, b_{b}, wanted_{wanted}, step_{sample_step(input.layer.source)} {
    const Source& source = input.layer.source;
    if (source.cols >= source.rows) return;
    gram_ = step_ == 1 ? b.self_cross(input.layer) : b.self_cross(every(b, input.layer, 0, step_));
  }

  /// Finds out from the sampled rows whether they precondition.
  void factor_sample() {
    if (!gram_ || step_ == 1) return;
    auto squares = diagonal<B>(b_, *gram_);
    if (has_tiny(squares)) return;
    const auto step = static_cast<double>(step_);
    for (double& square : squares) square *= step;
    sample_scales_ = column_scales(input, squares);
    if (is_zero(sample_scales_)) return;
    for (double& s : sample_scales_) s *= std::sqrt(step);
    b_.together([&] { whitener_.start(b_, b_.copy(*gram_), sample_scales_, wanted_.coordinates); });
    first_ = taken();
    if (first_ && (first_->condition <= direct() || first_->condition > limit())) first_.reset();
  }

  /// The squared norms of the columns; and if the sampled rows do not precondition, the Gram matrix
  /// of all rows, which is needed for the first factor or the only one.
  void measure_columns() {
    if (first_) {
      squares_ = column_norms(b_, input.layer);
      const auto same = [](double s, double t) { return (s == 0) == (t == 0); };
      if (std::ranges::equal(column_scales(input, squares_), sample_scales_, same))
        return gram_.reset();
      first_.reset();
    }
    if (!gram_) {
      squares_.resize(static_cast<std::size_t>(input.layer.source.cols));
      b_.column_norms(input.layer, squares_.data());
      return;
    }
    for (Index step = step_ / 2; step > 0; step /= 2)
      b_.add(1, *gram_, 1, b_.self_cross(every(b_, input.layer, step, 2 * step)));
    measure(*gram_);
  }

  void set_scales() {
    // A square that float lost looks as that of a dead unit does.
    if (gram_ && std::ranges::find(squares_, 0.0) != squares_.end())
      squares_ = column_norms(b_, input.layer);
    scales = column_scales(input, squares_);
    const bool constant = is_zero(scales);
    basis.squared_norm = constant ? 0 : sum(squares_);  // 0 but for rounding
    if (constant || has_tiny(squares_)) gram_.reset();
  }

  void factor() {
    if (gram_) whitener_.start(b_, *std::exchange(gram_, {}), scales, wanted_.coordinates);
  }
  void factored() {
    if (!first_) first_ = taken();
    if (first_ && first_->condition > limit()) first_.reset();
  }

  /// Q₁ = X D R⁻¹, unless it need not be formed.
  void form() {
    if (!first_ || first_->condition <= direct()) return;
    gram_ = set_factor(b_, basis, projected(input.layer, first_->coefficients));
    measure(*gram_);
  }

  void factor_again() {
    if (gram_)
      whitener_.start_unscaled(b_, *std::exchange(gram_, {}), squares_, wanted_.coordinates);
  }
  void factored_again() { second_ = taken(); }

  /// False if this was not enough, or not possible; what is public then serves to go on.
  bool finish() {
    if (is_zero(scales)) {
      basis.layer = std::move(input.layer);
      return true;
    }
    if (!first_) return false;
    if (!basis.columns) {
      take(std::move(first_->coefficients), nullptr);
      return true;
    }
    // Where columns depend on each other, R has the rounding of the Gram matrix in place of a 0: a
    // condition near 1/sqrt(eps). Q₁, formed from the columns themselves, then shows it.
    if (second_ && first_->condition * second_->condition * second_->spread > full_rank())
      second_.reset();
    // The sampled rows may not be like the others: another pass then.
    if (second_ && step_ > 1 && too_far(*second_)) {
      auto gram = set_factor(b_, basis, projected(basis.factor(), second_->coefficients));
      first_->coefficients = b_.multiply(second_->coefficients, first_->coefficients);
      first_->coordinates = coordinates();
      second_ = whiten_unscaled(b_, std::move(gram), wanted_.coordinates);
    }
    if (!second_ || too_far(*second_)) {
      basis.columns.reset();
      return false;
    }
    basis.coordinates = coordinates();
    take(std::move(second_->coefficients), &first_->coefficients);
    return true;
  }

 private:
  using T = typename B::scalar;

  /// Every how many rows to take so that 2 to 4 times the columns are left; 1 if that is most.
  static Index sample_step(const Source& source) {
    if (!B::tries_some_rows) return 1;
    Index step = 1;
    while (source.rows / (4 * step) >= source.cols) step *= 2;
    return step >= 4 && source.row_major() ? step : 1;
  }

  /// A column so small beside the others that it has no digits left in T: of a squared norm below
  /// this, the squares of elements 1e5 times smaller than the norm are below the range of T.
  static bool has_tiny(std::span<const double> squares) {
    constexpr double smallest = static_cast<double>(std::numeric_limits<T>::min()) * 1e10;
    return std::ranges::any_of(squares, [](double v) { return v > 0 && v < smallest; });
  }
  static bool is_zero(std::span<const double> all) {
    return std::ranges::all_of(all, [](double v) { return v == 0; });
  }
  static bool too_far(const Whitening<B>& w) { return w.condition > direct_condition<T>; }

  double direct() const { return direct_limit<T>(input.epsilon); }
  /// The condition is an estimate from below, by a few percent: full rank is certain at a distance.
  double full_rank() const { return 0.5 / input.tolerance; }
  double limit() const { return std::min(two_pass_condition<T>, full_rank()); }

  std::optional<Whitening<B>> taken() {
    auto found = whitener_.take(b_);
    whitener_ = {};
    return found;
  }
  void measure(const Matrix<B>& gram) {
    squares_.resize(static_cast<std::size_t>(gram.rows));
    b_.diagonal(gram, squares_.data());
  }

  /// R₂ R₁, which saves a product over all samples: PWCCA by it is within .1 eps of PWCCA by QᵀX at
  /// conditions up to 1,900 (measured in float, n = 400 to 5,000, p = 50 to 200).
  std::optional<Matrix<B>> coordinates() {
    if (!first_->coordinates || !second_->coordinates) return {};
    return b_.multiply(*second_->coordinates, *first_->coordinates);
  }

  /// X Wᵀ; W is triangular unless it leaves out columns.
  Matrix<B> projected(const Layer<B>& x, const Matrix<B>& w) {
    return w.rows == w.cols ? b_.project_lower(x, w) : b_.project(x, w);
  }

  void take(Matrix<B> coefficients, const Matrix<B>* first) {
    basis.layer = std::move(input.layer);
    basis.rank = coefficients.rows;
    basis.coefficients = std::move(coefficients);
    if (first != nullptr) {
      complete(b_, basis, first, wanted_);
      return;
    }
    basis.coordinates = std::move(first_->coordinates);
    if (wanted_.weights) basis.weights = b_.copy(*basis.coefficients);
  }

  B& b_;
  Extras wanted_;
  Index step_;  // between the rows of the first Gram matrix
  std::vector<double> sample_scales_{}, squares_{};
  Coefficients<B> gram_{};
  Whitener<B> whitener_{};
  std::optional<Whitening<B>> first_{}, second_{};
};

}  // namespace gramian

// Whether a precision holds enough digits of a layer under its kernel, and what is done where even
// double does not: distances come from the differences of rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "gram_layer.hpp"

namespace gramian {

/// How many eps of the precision that the data came in rounding may take, out of the 100 that are
/// promised.
constexpr double permitted_loss = 64;

/// The same in eps of T, which may be the wider one.
template <std::floating_point T>
double permitted_loss_in(DType source) {
  const double wanted = is_double(source)
      ? std::numeric_limits<double>::epsilon()
      : static_cast<double>(std::numeric_limits<float>::epsilon());
  const auto eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  return permitted_loss * std::max(1.0, wanted / eps);
}

/// The layer as differences of its rows want it: as it is, since a centred element has lost the
/// digits below its own size. Only where a mean is so large that subtracting it is exact
/// (deviations are below 1, once scaled) is it subtracted, for the range's sake.
template <Backend B>
Layer<B> for_differences(B& b, const Layer<B>& layer) {
  const std::vector<double> none(static_cast<std::size_t>(layer.source.cols));
  Means means = Means::none(layer.source.cols);
  means.high = b.download(layer.mean_high.get(), layer.source.cols);
  for (double& mean : means.high)
    if (std::abs(mean) * layer.scale < 4) mean = 0;
  return make_layer(b, layer.source, means, layer.scale, layer.constant);
}

/// Makes the tiles of a layer those of differences, of rows times factors if there are any.
template <Backend B>
void take_differences(B& b, GramLayer<B>& g, std::vector<double> factors = {}) {
  g.layer = for_differences(b, g.layer);
  g.by_differences = true;
  g.factors = std::move(factors);
  if (!g.factors.empty()) g.row_factors = b.upload(g.factors);
  g.norms.assign(g.norms.size(), 0.0);
  g.squared_norms = b.upload(g.norms);
  g.kept_is_filled = false;
}

/// Squared distances of some rows, exact but for rounding of their own size, and the squared
/// distance that an eps is where they come from inner products: half the squared norms.
struct SampledDistances {
  std::vector<double> squared, rounding;
};

template <Backend B>
SampledDistances sampled_distances(B& b, const GramLayer<B>& g) {
  const Index n = g.layer.source.rows, count = std::min<Index>(64, n);
  const Rows rows{0, count, n, count};
  Panel<B> panel;
  b.pack(for_differences(b, g.layer), rows, panel);
  const auto tile = b.allocate(count * count);
  b.differences(panel, panel, nullptr, nullptr, tile.get());
  const std::vector<double> found = b.download(tile.get(), count * count);
  SampledDistances sample;
  for (Index i = 1; i < count; ++i)
    for (Index j = 0; j < i; ++j) {
      const double norms =
          g.norms[static_cast<std::size_t>(rows[i])] + g.norms[static_cast<std::size_t>(rows[j])];
      sample.squared.push_back(-2 * found[static_cast<std::size_t>(i * count + j)]);
      sample.rounding.push_back(norms / 2);
    }
  return sample;
}

/// What a kernel of distances is at one of them: its value, that less 1, and its change with the
/// squared distance.
struct Slope {
  double value, less_one, change;
};
inline Slope slope_at(const Rbf& k, double squared) {
  const double value = std::exp(-k.gamma * squared);
  return {value, std::expm1(-k.gamma * squared), k.gamma * value};
}
inline Slope slope_at(const Laplacian& k, double squared) {
  const double d = std::sqrt(squared), value = std::exp(-k.gamma * d);
  return {value, std::expm1(-k.gamma * d), k.gamma * value / (2 * d)};
}
inline Slope slope_at(const Distance&, double squared) {
  const double d = std::sqrt(squared);
  return {d, d, 1 / (2 * d)};
}

/// The loss of a narrow kernel at near pairs that a sample may not hold.
inline double loss_of_near_pairs(const Rbf& k, double norm) { return k.gamma * norm; }
inline double loss_of_near_pairs(const Laplacian& k, double norm) {
  return k.gamma * k.gamma * norm / 2;
}
inline double loss_of_near_pairs(const Distance&, double) { return 0; }

/// The root mean square of what rounding of inner products does to the values of a kernel, in eps
/// of them: of their distance from 0 or from 1, whichever is less.
template <Backend B, class K>
double loss(B& b, const GramLayer<B>& g, const K& kernel) {
  constexpr auto eps = static_cast<double>(std::numeric_limits<typename B::scalar>::epsilon());
  constexpr double unseen = 1e-3;  // near pairs among all, of which 64 rows may have none
  const SampledDistances sample = sampled_distances(b, g);
  double lost = 0, values = 0, less_one = 0;
  for (std::size_t k = 0; k < sample.squared.size(); ++k) {
    const double squared = sample.squared[k], rounding = sample.rounding[k];
    const Slope slope = slope_at(kernel, squared);
    values += slope.value * slope.value;
    less_one += slope.less_one * slope.less_one;
    if (squared == 0) continue;  // equal rows are so in inner products too, see squared_distance
    const double error = rounding * slope_at(kernel, std::max(squared, eps * rounding)).change;
    lost += error * error;
  }
  const auto pairs = static_cast<double>(sample.squared.size());
  if (values < less_one && g.layer.source.rows > 64) {
    lost += unseen * pairs * std::pow(loss_of_near_pairs(kernel, g.typical_norm), 2);
    values += unseen * pairs;
  }
  const double size = std::min(values, less_one);
  return size > 0 ? std::sqrt(lost / size) : 0;
}

/// Whether a few rows are so large that the values of the others leave the digits of float.
inline bool leaves_range(const Polynomial& k, double typical_norm) {
  constexpr int limit = 12;  // bits
  const double typical = k.factor * typical_norm + k.constant;
  return -std::log2(typical) * k.degree > limit;
}
/// Whether norms may have been lost: they are at least 1/4 for the row of the largest element.
inline bool leaves_range(const Cosine&, double least_norm) { return least_norm < 0x1p-80; }

/// Whether T leaves a kernel too few digits, by inner products.
template <Backend B>
bool is_imprecise(B& b, const GramLayer<B>& g, const Kernel& kernel) {
  using T = typename B::scalar;
  if (g.by_differences) return false;
  if constexpr (std::same_as<T, float>) {
    if (const auto* k = std::get_if<Polynomial>(&kernel)) return leaves_range(*k, g.typical_norm);
    if (const auto* k = std::get_if<Cosine>(&kernel))
      return leaves_range(*k, std::ranges::min(g.norms));
  }
  const auto lost = [&]<class K>(const K& k) -> double {
    if constexpr (requires { slope_at(k, 1.0); }) return loss(b, g, k);
    return 0;
  };
  return std::visit(lost, kernel) > permitted_loss_in<T>(g.layer.source.dtype);
}

/// Whether the directions of the rows are so near one another that a cosine, which is then near 1,
/// has too few digits in T.
template <Backend B>
bool is_near_one(const GramLayer<B>& g) {
  const double mean = 2 * g.mean_shift;  // of the matrix
  return std::holds_alternative<Cosine>(g.kernel) &&
      1 > (1 - mean) * permitted_loss_in<typename B::scalar>(g.layer.source.dtype);
}

/// Turns a cosine into what is left of it next to 1: with x f = x/|x|, but for the rounding of f,
///   cos(x, y) - 1 = -|x/|x| - y/|y||²/2,
/// and what that rounding adds to it is of the form aᵢ + aⱼ, of which HSIC sees nothing.
template <Backend B>
void take_near_cosines(B& b, GramLayer<B>& g) {
  std::vector<double> factors;
  for (const double norm : g.norms) factors.push_back(1 / std::sqrt(norm));
  take_differences(b, g, std::move(factors));
  set_kernel(b, g, NearCosine{});
}

/// Whether they leave a median of squared distances too few.
template <Backend B>
bool is_imprecise(const GramLayer<B>& g, double median) {
  return !g.by_differences &&
      g.typical_norm > median * permitted_loss_in<typename B::scalar>(g.layer.source.dtype);
}

}  // namespace gramian

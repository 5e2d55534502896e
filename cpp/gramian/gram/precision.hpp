// Whether a precision holds enough digits of a layer under its kernel, and what is done where even
// double does not: distances come from the differences of rows.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "near_centring.hpp"

namespace gramian {

/// How many eps of the precision that the data came in the values of a kernel may be off by. A
/// similarity, of which 100 are promised, is then off by 27 at most (clusters, near copies, one row
/// far out; 10 to 150 rows, 2 to 300 columns). The RBF kernel at a tenth of the median has 25.
constexpr double permitted_loss = 32;

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
  constexpr double exact = 4;
  Means means = Means::none(layer.source.cols);
  if (layer.largest_mean >= exact)
    means.high = b.download(layer.mean_high.get(), layer.source.cols);
  for (double& mean : means.high)
    if (std::abs(mean) < exact) mean = 0;
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

/// A pair of rows: their squared distance, exact but for rounding of its own size; half their
/// squared norms, an eps of which is what the distance is off by if it comes from inner products;
/// and how many pairs it stands for.
struct SampledPair {
  double squared, rounding, weight;
};

/// Rows by their place in the order of norms, those of one norm as they come. Bit patterns, which
/// are in the order of numbers above 0, put them into about as many cells as there are rows, and a
/// cell is sorted when it is asked for: a quarter of the time of selecting 64 of 20,000 rows.
class OrderOfNorms {
 public:
  explicit OrderOfNorms(std::span<const double> norms)
      : patterns_(norms.size()), rows_(norms.size()) {
    std::ranges::transform(norms, patterns_.begin(),
                           [](double norm) { return std::bit_cast<std::uint64_t>(norm); });
    const auto [least, most] = std::ranges::minmax(patterns_);
    const auto bits = static_cast<int>(std::bit_width(most - least));
    const int shift = std::max(0, bits - static_cast<int>(std::bit_width(norms.size())));
    const auto cell_of = [&](std::size_t row) -> std::size_t {
      return (patterns_[row] - least) >> shift;
    };
    ends_.resize(((most - least) >> shift) + 1);
    for (std::size_t row = 0; row < norms.size(); ++row) ++ends_[cell_of(row)];
    std::exclusive_scan(ends_.begin(), ends_.end(), ends_.begin(), Index{0});
    for (std::size_t row = 0; row < norms.size(); ++row)
      rows_[static_cast<std::size_t>(ends_[cell_of(row)]++)] = static_cast<Index>(row);
  }

  Index operator[](Index rank) {
    const auto cell = std::ranges::upper_bound(ends_, rank);
    const Index begin = cell == ends_.begin() ? 0 : *std::prev(cell), end = *cell;
    if (end != sorted_)
      std::sort(rows_.begin() + begin, rows_.begin() + end, [&](Index i, Index j) {
        const auto of_i = patterns_[static_cast<std::size_t>(i)];
        const auto of_j = patterns_[static_cast<std::size_t>(j)];
        return of_i != of_j ? of_i < of_j : i < j;
      });
    sorted_ = end;
    return rows_[static_cast<std::size_t>(rank)];
  }

 private:
  std::vector<std::uint64_t> patterns_;
  std::vector<Index> rows_;
  std::vector<Index> ends_;  // of the cells
  Index sorted_ = 0;         // end of the cell that was asked for last
};

/// All pairs of 64 rows. Where there are more rows, also some of those whose norms are next to one
/// another: rows that are nearly the same are among them, though only one pair in n may be so.
struct DistanceSample {
  Rows rows{0, 0};
  std::vector<Index> near{}, next{};  // as many of both
  std::vector<double> found{};        // -|xᵢ - xⱼ|²/2, as soon as a device has told them
};

template <Backend B>
void sample_distances(B& b, const GramLayer<B>& g, DistanceSample& sample) {
  constexpr Index most = 64, neighbours = 32;
  const Index n = g.layer.source.rows, count = std::min(most, n);
  const Layer<B> layer = for_differences(b, g.layer);
  sample.rows = {0, count, n, count};
  Panel<B> panel, other;
  b.pack(layer, sample.rows, panel);
  const auto tile = b.allocate(count * count + neighbours * neighbours);
  b.differences(panel, panel, nullptr, nullptr, tile.get());
  if (n > most) {
    OrderOfNorms order{g.norms};
    for (Index k = 0; k < neighbours; ++k) {
      const Index rank = k * (n - 1) / neighbours;
      sample.near.push_back(order[rank]);
      sample.next.push_back(order[rank + 1]);
    }
    b.gather(layer, sample.near, panel);
    b.gather(layer, sample.next, other);
    b.differences(panel, other, nullptr, nullptr, tile.get() + count * count);
  }
  const Index size = count * count + std::ssize(sample.near) * std::ssize(sample.near);
  sample.found.resize(static_cast<std::size_t>(size));
  b.download(tile.get(), size, sample.found.data());
}

template <class B>
std::vector<SampledPair> pairs_of(const GramLayer<B>& g, const DistanceSample& sample) {
  const auto n = static_cast<double>(g.norms.size());
  const auto norm = [&](Index i) { return g.norms[static_cast<std::size_t>(i)]; };
  const Index count = sample.rows.count, also = std::ssize(sample.near);
  std::vector<SampledPair> pairs;
  const auto add = [&](Index i, Index j, Index at, double weight) {
    const double negative_half = sample.found[static_cast<std::size_t>(at)];
    pairs.push_back({-2 * negative_half, (norm(i) + norm(j)) / 2, weight});
  };
  for (Index i = 1; i < count; ++i)
    for (Index j = 0; j < i; ++j) add(sample.rows[i], sample.rows[j], i * count + j, 1);
  // Each for (n - 1) / 32 of n (n - 1) / 2 pairs, where the others stand for one in 64 * 63 / 2.
  for (Index k = 0; k < also; ++k)
    add(sample.near[static_cast<std::size_t>(k)], sample.next[static_cast<std::size_t>(k)],
        count * count + k * (also + 1),
        static_cast<double>(count * (count - 1)) / (n * static_cast<double>(also)));
  return pairs;
}

/// What a kernel of distances is at one of them: its value, that less 1, and its change with the
/// squared distance.
struct Slope {
  double value, less_one, change;
};
/// exp(x) - 1, given exp(x), which costs less and has the digits unless it is near 1.
inline double less_one(double x, double value) { return x < -0.1 ? value - 1 : std::expm1(x); }
inline Slope slope_at(const Rbf& k, double squared) {
  const double value = std::exp(-k.gamma * squared);
  return {value, less_one(-k.gamma * squared, value), k.gamma * value};
}
inline Slope slope_at(const Laplacian& k, double squared) {
  const double d = std::sqrt(squared), value = std::exp(-k.gamma * d);
  return {value, less_one(-k.gamma * d, value), k.gamma * value / (2 * d)};
}
inline Slope slope_at(const Distance&, double squared) {
  const double d = std::sqrt(squared);
  return {d, d, 1 / (2 * d)};
}

/// The root mean square of what rounding of inner products does to the values of a kernel, in eps
/// of their distance from 0 or from 1, whichever is less. That from 1 is the upper quartile: a few
/// rows far out, which centring takes away, would say that all is wide.
template <class B, class K>
double loss(const GramLayer<B>& g, const K& kernel, const DistanceSample& sample) {
  constexpr auto eps = static_cast<double>(std::numeric_limits<typename B::scalar>::epsilon());
  double lost = 0, values = 0, weights = 0;
  std::vector<double> less_one;
  for (const SampledPair& pair : pairs_of(g, sample)) {
    const Slope slope = slope_at(kernel, pair.squared);
    weights += pair.weight;
    values += pair.weight * slope.value * slope.value;
    less_one.push_back(std::abs(slope.less_one));
    if (pair.squared == 0) continue;  // equal rows are so in inner products, see squared_distance
    const double least = eps * pair.rounding;
    double error = pair.rounding * slope.change;
    if (pair.squared < 1000 * least) {
      if (pair.squared < least) error = pair.rounding * slope_at(kernel, least).change;
      // Where rounding is more than the distance, the value is another one altogether.
      const double gone = std::abs(slope_at(kernel, pair.squared + least).value - slope.value);
      if (gone > 0.01 * slope.value) error = std::max(error, gone / eps);
    }
    lost += pair.weight * error * error;
  }
  if (less_one.empty()) return 0;
  const auto quartile = less_one.begin() + std::ssize(less_one) * 3 / 4;
  std::ranges::nth_element(less_one, quartile);
  const double size = std::min(std::sqrt(values / weights), *quartile);
  return size > 0 ? std::sqrt(lost / weights) / size : 0;
}

/// Whether a few rows are so large that the values of the others leave the digits of float.
inline bool leaves_range(const Polynomial& k, double typical_norm) {
  constexpr int limit = 12;  // bits
  const double typical = k.factor * typical_norm + k.constant;
  return -std::log2(typical) * k.degree > limit;
}
/// Whether norms may have been lost: they are at least 1/4 for the row of the largest element.
inline bool leaves_range(const Cosine&, double least_norm) { return least_norm < 0x1p-80; }

/// Whether only distances say how many digits a kernel keeps.
template <class B>
bool needs_distances(const GramLayer<B>& g) {
  return !g.by_differences && is_of_distance(g.kernel);
}

/// Whether T leaves a layer's kernel too few digits, by inner products.
template <class B>
bool is_imprecise(const GramLayer<B>& g, const DistanceSample& sample) {
  using T = typename B::scalar;
  const Kernel& kernel = g.kernel;
  if (g.by_differences) return false;
  if constexpr (std::same_as<T, float>) {
    if (const auto* k = std::get_if<Polynomial>(&kernel)) return leaves_range(*k, g.typical_norm);
    if (const auto* k = std::get_if<Cosine>(&kernel))
      return leaves_range(*k, std::ranges::min(g.norms));
  }
  const auto lost = [&]<class K>(const K& k) -> double {
    if constexpr (requires { slope_at(k, 1.0); }) return loss(g, k, sample);
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
  set_kernel(b, g, NearCosine{}, true);
  near_centre(b, g);
}

/// Whether they leave a median of squared distances too few.
template <Backend B>
bool is_imprecise(const GramLayer<B>& g, double median) {
  return !g.by_differences &&
      g.typical_norm > median * permitted_loss_in<typename B::scalar>(g.layer.source.dtype);
}

}  // namespace gramian

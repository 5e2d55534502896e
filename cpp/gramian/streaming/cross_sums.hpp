// Centred cross products of layers, gathered batch by batch and merged: what linear CKA and HSIC,
// Procrustes and the correlation of units need of any number of samples.
//
// Sums are about each batch's own means. Two sets of n and m samples whose means differ by d (of x)
// and e (of y) have, together, XᵀY = X₁ᵀY₁ + X₂ᵀY₂ + nm/(n+m) d eᵀ (Chan et al. 1982): nothing is
// ever subtracted, and so no digit is lost to an offset or to the number of batches.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "../linalg.hpp"
#include "norm_sums.hpp"

namespace gramian {

/// What is gathered of one layer, in units of its scale, which is that of the largest deviations.
struct LayerSums {
  double scale = 0;             // 0: no batch yet
  Means means;                  // of the columns
  std::vector<double> squares;  // Σ (x - mean)² of every column

  explicit LayerSums(Index width = 0)
      : means{Means::none(width)}, squares(static_cast<std::size_t>(width)) {}
  double squared_norm() const { return sum(squares); }
};

/// A layer of a batch, and its column statistics in units of its scale.
template <class B>
struct BatchLayer {
  Layer<B> layer;
  const Means& means;
  std::span<const double> squares;
};

template <class W>
class CrossSums {
 public:
  struct Pair {
    Index x, y;
  };
  struct PairSums {
    Matrix<W> product;  // XᵀY
    NormSums norms;     // left at 0 where they are not wanted
  };

  CrossSums(W& w, std::span<const Index> widths, std::vector<Pair> pairs, bool with_norms)
      : with_norms_{with_norms}, pairs_{std::move(pairs)} {
    for (const Index width : widths) layers_.emplace_back(width);
    for (const auto [x, y] : pairs_) {
      const Index p = width_of(x), q = width_of(y);
      sums_.push_back({zeros(w, p, q), NormSums{with_norms ? p : 0, with_norms ? q : 0}});
    }
  }

  Index samples() const { return samples_; }
  bool with_norms() const { return with_norms_; }
  const std::vector<Pair>& pairs() const { return pairs_; }
  std::vector<LayerSums>& layers() { return layers_; }
  std::vector<PairSums>& sums() { return sums_; }
  void set_samples(Index n) { samples_ = n; }

  /// Adds a batch. What is thrown on the way, by a poll or for want of memory, leaves sums that are
  /// of no use.
  template <LinearAlgebra B>
  void update(B& b, const std::vector<BatchLayer<B>>& batch) {
    const Index m = batch[0].layer.source.rows;
    W w = b.wide();
    const std::vector<Step> steps = steps_to(w, [&](std::size_t l) {
      return std::tuple{batch[l].layer.scale, std::cref(batch[l].means)};
    });
    std::vector<NormSums> norms = with_norms_ ? norms_of(b, batch) : std::vector<NormSums>{};
    std::vector<LayerPair<B>> factors;
    for (const auto [x, y] : pairs_) factors.push_back({&batch[at(x)].layer, &batch[at(y)].layer});
    b.cross_products(factors, [&](Index number, const Matrix<B>& product) {
      const std::size_t k = at(number);
      const auto [x, y] = pairs_[k];
      add(b, k, product, norms.empty() ? nullptr : &norms[k], m, sum(batch[at(x)].squares),
          sum(batch[at(y)].squares), steps);
    });
    finish(m, steps,
           [&](std::size_t l) { return std::pair{std::cref(batch[l].means), batch[l].squares}; });
  }

  /// Adds what another has gathered of the same layers.
  void merge(W& w, CrossSums& other) {
    if (other.samples_ == 0) return;
    const Index m = other.samples_;
    const std::vector<Step> steps = steps_to(w, [&](std::size_t l) {
      return std::tuple{other.layers_[l].scale, std::cref(other.layers_[l].means)};
    });
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      const auto [x, y] = pairs_[k];
      add(w, k, other.sums_[k].product, with_norms_ ? &other.sums_[k].norms : nullptr, m,
          other.layers_[at(x)].squared_norm(), other.layers_[at(y)].squared_norm(), steps);
    }
    finish(m, steps, [&](std::size_t l) {
      const LayerSums& theirs = other.layers_[l];
      return std::pair{std::cref(theirs.means), std::span<const double>{theirs.squares}};
    });
  }

 private:
  /// From what there is of a layer to what comes: the difference of means, and what a value in the
  /// scale of the second is in that of the first.
  struct Step {
    std::vector<double> difference;
    double unit;
  };

  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  Index width_of(Index l) const { return std::ssize(layers_[at(l)].squares); }
  static Matrix<W> zeros(W& w, Index rows, Index cols) {
    return w.matrix(std::vector<double>(static_cast<std::size_t>(rows * cols)), rows, cols);
  }
  double weight(Index m) const {
    const auto n = static_cast<double>(samples_), more = static_cast<double>(m);
    return n * more / (n + more);
  }

  template <class Find>
  std::vector<Step> steps_to(W& w, const Find& find) {
    std::vector<Step> steps;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      LayerSums& own = layers_[l];
      const auto [scale, means] = find(l);
      // A layer that has not varied yet has no scale of its own.
      if (samples_ == 0)
        own.scale = scale;
      else if (scale < own.scale || !(own.squared_norm() > 0))
        rescale(w, l, scale);
      const Means& theirs = means;
      Step step{std::vector<double>(own.squares.size()), own.scale / scale};
      for (std::size_t j = 0; j < step.difference.size(); ++j)
        step.difference[j] = (theirs.high[j] * step.unit - own.means.high[j]) +
            (theirs.low[j] * step.unit - own.means.low[j]);
      steps.push_back(std::move(step));
    }
    return steps;
  }

  /// Powers of two, which round nothing as long as what is left is in range. One factor after the
  /// other: the square of one may not be.
  void rescale(W& w, std::size_t l, double scale) {
    LayerSums& own = layers_[l];
    const double unit = scale / own.scale;
    own.scale = scale;
    for (auto* values : {&own.means.high, &own.means.low})
      for (double& value : *values) value *= unit;
    for (double& value : own.squares) value = value * unit * unit;
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      const double of_x = at(pairs_[k].x) == l ? unit : 1, of_y = at(pairs_[k].y) == l ? unit : 1;
      if (of_x == 1 && of_y == 1) continue;
      Matrix<W>& product = sums_[k].product;
      const std::vector<double> rows(at(product.rows), of_x), columns(at(product.cols), of_y);
      w.scale(product, rows, columns);
      sums_[k].norms.rescale(of_x, of_y);
    }
  }

  /// Of the batch's own rows, in its own scales: Σ |x|² y as a product with the norms.
  template <LinearAlgebra B>
  std::vector<NormSums> norms_of(B& b, const std::vector<BatchLayer<B>>& batch) const {
    const auto count = std::ssize(batch), n = batch[0].layer.source.rows;
    std::vector<std::vector<double>> rows;
    std::vector<double> table(static_cast<std::size_t>(n * count));
    for (Index l = 0; l < count; ++l) {
      rows.push_back(squared_norms(b, batch[at(l)].layer));
      // Columns of Y have a mean of 0: what is taken from all norms changes nothing but rounding.
      const double mean = sum(rows.back()) / static_cast<double>(n);
      for (Index i = 0; i < n; ++i) table[at(i * count + l)] = rows.back()[at(i)] - mean;
    }
    const Matrix<B> norms = b.matrix(table, n, count);
    const Layer<B> as_layer = b.as_layer(norms);
    std::vector<std::vector<double>> weighted;  // of every layer: norms of all, times its columns
    for (const BatchLayer<B>& layer : batch)
      weighted.push_back(b.download(b.cross(as_layer, layer.layer)));
    std::vector<NormSums> found;
    for (const auto [x, y] : pairs_) {
      const Index p = width_of(x), q = width_of(y);
      NormSums sums{p, q};
      sums.fourth = dot(rows[at(x)], rows[at(y)]);
      std::copy_n(weighted[at(y)].begin() + x * q, q, sums.of_y.begin());
      std::copy_n(weighted[at(x)].begin() + y * p, p, sums.of_x.begin());
      found.push_back(std::move(sums));
    }
    return found;
  }

  /// Adds the product of a pair, of m samples whose squared norms are x2 and y2 in their own scale.
  template <LinearAlgebra B>
  void add(B& b, std::size_t k, const Matrix<B>& part, const NormSums* norms, Index m, double x2,
           double y2, const std::vector<Step>& steps) {
    const auto [x, y] = pairs_[k];
    const Step &of_x = steps[at(x)], &of_y = steps[at(y)];
    const double unit = of_x.unit * of_y.unit;
    std::vector<double> u = of_x.difference;
    for (double& value : u) value *= weight(m);
    PairSums& own = sums_[k];
    if (norms != nullptr) {
      const auto n = static_cast<double>(samples_), more = static_cast<double>(m);
      const auto scaled = [](std::span<const double> v, double by) {
        std::vector<double> out(v.begin(), v.end());
        for (double& value : out) value *= by;
        return out;
      };
      NormSums theirs{std::ssize(own.norms.of_x), std::ssize(own.norms.of_y)};
      theirs.add(*norms, of_x.unit, of_y.unit);
      const auto shift = [&](auto& backend, NormSums& of, double samples, const auto& product,
                             double factor, double xx, double yy, double step) {
        const auto d = scaled(of_x.difference, step), e = scaled(of_y.difference, step);
        const auto cd = scaled(turned(backend, product, d), factor);
        const auto ce = scaled(applied(backend, product, e), factor);
        of.shift(samples, xx, yy, d, e, cd, ce);
      };
      if (samples_ > 0) {
        auto w = b.wide();
        shift(w, own.norms, n, own.product, 1.0, layers_[at(x)].squared_norm(),
              layers_[at(y)].squared_norm(), -more / (n + more));
        shift(b, theirs, more, part, unit, x2 * of_x.unit * of_x.unit, y2 * of_y.unit * of_y.unit,
              n / (n + more));
      }
      own.norms.add(theirs, 1, 1);
    }
    b.accumulate(own.product, unit, part, u, of_y.difference);
  }

  /// Cᵀ d and C e.
  template <LinearAlgebra B>
  static std::vector<double> turned(B& b, const Matrix<B>& c, std::span<const double> d) {
    return b.download(b.multiply(b.matrix(d, 1, c.rows), c));
  }
  template <LinearAlgebra B>
  static std::vector<double> applied(B& b, const Matrix<B>& c, std::span<const double> e) {
    return b.download(b.multiply_transposed(b.matrix(e, 1, c.cols), c));
  }

  /// Moves the means and adds the squares of m samples.
  template <class Find>
  void finish(Index m, const std::vector<Step>& steps, const Find& find) {
    const double w = weight(m), share = static_cast<double>(m) / static_cast<double>(samples_ + m);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      LayerSums& own = layers_[l];
      const auto& [difference, unit] = steps[l];
      const auto [means, squares] = find(l);
      for (std::size_t j = 0; j < difference.size(); ++j) {
        own.squares[j] += unit * unit * squares[j] + w * difference[j] * difference[j];
        if (samples_ > 0) move(own.means.high[j], own.means.low[j], difference[j] * share);
      }
      if (samples_ == 0) own.means = means;
    }
    samples_ += m;
  }

  /// high + low + step, as a sum of two again.
  static void move(double& high, double& low, double step) {
    const double more = low + step, whole = high + more, part = whole - high;
    low = (high - (whole - part)) + (more - part);
    high = whole;
  }

  bool with_norms_;
  Index samples_ = 0;
  std::vector<Pair> pairs_;
  std::vector<LayerSums> layers_;
  std::vector<PairSums> sums_;
};

}  // namespace gramian

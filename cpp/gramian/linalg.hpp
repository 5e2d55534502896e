// Linear algebra that the concept's operations compose; written once for every backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "backend.hpp"

namespace gramian {

inline double sum(std::span<const double> x) {
  double total = 0;
  for (const double value : x) total += value;
  return total;
}

/// Eight sums side by side: one alone waits for every addition.
inline double dot(std::span<const double> x, std::span<const double> y) {
  constexpr std::size_t width = 8;
  double sums[width] = {};
  std::size_t i = 0;
  for (; i + width <= x.size(); i += width)
    for (std::size_t k = 0; k < width; ++k) sums[k] += x[i + k] * y[i + k];
  for (std::size_t k = 0; i < x.size(); ++k, ++i) sums[k] += x[i] * y[i];
  return sum(sums);
}

/// A layer as backend B reads it, from column means, times scale, that one pass over the source has
/// found.
template <Backend B>
Layer<B> make_layer(B& b, const Source& source, const Means& means, double scale,
                    bool constant = false) {
  using T = typename B::scalar;
  std::vector<double> high(means.high.size()), low(means.high.size());
  double largest = 0;
  for (std::size_t j = 0; j < high.size(); ++j) {
    high[j] = static_cast<double>(static_cast<T>(means.high[j]));
    low[j] = means.high[j] - high[j] + means.low[j];
    largest = std::max(largest, std::abs(high[j]));
  }
  return {source, scale, constant, b.upload(high), b.upload(low), sum(means.high), largest};
}

/// Bytes that a layer holds besides the activations, which are another's, and a matrix.
template <class B>
Index bytes_of(const Layer<B>& layer) {
  return 2 * layer.source.cols * Index{sizeof(typename B::scalar)};
}
template <class B>
Index bytes_of(const Matrix<B>& m) {
  return m.rows * m.cols * Index{sizeof(typename B::scalar)};
}

/// How many rows are packed at once where each is worked on by itself: of wide layers fewer, so
/// that a panel stays small, but enough for a product.
template <Backend B>
Index rows_at_once(const Layer<B>& layer) {
  constexpr Index least = 16;
  const Index few = std::max(least, B::panel_elements / layer.source.cols);
  return std::max<Index>(1, std::min({Index{B::panel_rows}, few, layer.source.rows}));
}

/// The epsilon of what the activations came in.
template <class B>
double precision_of(const Layer<B>& layer) {
  return is_double(layer.source.dtype) ? std::numeric_limits<double>::epsilon()
                                       : static_cast<double>(std::numeric_limits<float>::epsilon());
}

/// The diagonal of a matrix, as soon as it is there.
template <LinearAlgebra B>
std::vector<double> diagonal(B& b, View<B> x) {
  std::vector<double> found(static_cast<std::size_t>(std::min(x.rows, x.cols)));
  b.together([&] { b.diagonal(x, found.data()); });
  return found;
}

/// |xᵢ|² of every centred row.
template <Backend B>
std::vector<double> squared_norms(B& b, const Layer<B>& layer) {
  const Index n = layer.source.rows;
  const Index block = rows_at_once(layer);
  std::vector<double> norms(static_cast<std::size_t>(n));
  struct Nothing {};
  b.template run_ordered<Panel<B>, Nothing>(
      (n + block - 1) / block, [] { return Panel<B>{}; }, [] { return Nothing{}; },
      [&](Panel<B>& panel, Index task, Nothing&) {
        const Rows rows{task * block, std::min(block, n - task * block)};
        b.pack(layer, rows, panel);
        b.squared_norms(panel, norms.data() + rows.first);  // rows of no other task
      },
      [](Index, const Nothing&) {});
  return norms;
}

}  // namespace gramian

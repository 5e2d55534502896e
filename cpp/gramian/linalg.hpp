// Linear algebra that the concept's operations compose; written once for every backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
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

/// n of a backend's own numbers once more.
template <Backend B>
typename B::Buffer copy(B& b, const typename B::scalar* values, Index n) {
  auto buffer = b.allocate(n);
  b.copy(values, n, buffer.get());
  return buffer;
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

/// How many rows are packed at once where each is worked on by itself.
template <Backend B>
Index rows_at_once(const Layer<B>& layer) {
  return rows_of_panel<B>(layer.source.rows, layer.source.cols);
}

/// The epsilon of what the activations came in, or of what they are computed in.
template <class B>
double precision_of(const Layer<B>& layer) {
  constexpr double of_float = std::numeric_limits<float>::epsilon();
  constexpr double computed = std::numeric_limits<typename B::scalar>::epsilon();
  return is_double(layer.source.dtype) ? computed : of_float;
}

/// The diagonal of a matrix, as soon as it is there.
template <LinearAlgebra B>
std::vector<double> diagonal(B& b, View<B> x) {
  std::vector<double> found(static_cast<std::size_t>(std::min(x.rows, x.cols)));
  b.together([&] { b.diagonal(x, found.data()); });
  return found;
}

/// |xⱼ|² of every centred column of some layers, as soon as all are there.
template <LinearAlgebra B>
std::vector<std::vector<double>> column_norms(B& b, std::span<const Layer<B>* const> layers) {
  std::vector<std::vector<double>> found;
  for (const Layer<B>* layer : layers)
    found.emplace_back(static_cast<std::size_t>(layer->source.cols));
  b.together([&] {
    for (std::size_t l = 0; l < layers.size(); ++l) b.column_norms(*layers[l], found[l].data());
  });
  return found;
}
template <LinearAlgebra B>
std::vector<double> column_norms(B& b, const Layer<B>& layer) {
  const Layer<B>* const one = &layer;
  return std::move(column_norms<B>(b, std::span{&one, 1})[0]);
}

/// Of one matrix.
template <LinearAlgebra B>
SVD<B> svd(B& b, Matrix<B> m, Vectors wanted) {
  std::vector<Matrix<B>> one;
  one.push_back(std::move(m));
  return std::move(b.svd(std::move(one), wanted)[0]);
}

/// U Vᵀ of M = U S Vᵀ.
template <LinearAlgebra B>
Matrix<B> polar_factor(B& b, Matrix<B> m) {
  const SVD<B> found = svd(b, std::move(m), Vectors::both);
  return b.multiply(b.transposed(*found.ut), *found.vt);
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

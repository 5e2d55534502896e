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

inline double dot(std::span<const double> x, std::span<const double> y) {
  double total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) total += x[i] * y[i];
  return total;
}

/// A layer as backend B reads it, from column means that one pass over the source has found.
template <Backend B>
Layer<B> make_layer(B& b, const Source& source, std::span<const double> means, double scale) {
  using T = typename B::scalar;
  std::vector<double> high(means.size()), low(means.size());
  for (std::size_t j = 0; j < means.size(); ++j) {
    high[j] = static_cast<double>(static_cast<T>(means[j]));
    low[j] = means[j] - high[j];
  }
  const double offset = static_cast<double>(source.rows) * dot(means, means) * scale * scale;
  return {source, scale, offset, b.upload(high), b.upload(low)};
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

/// Whether the rows of a layer differ by no more than rounding, given the squares that centring
/// left: their norm is at most 10 eps of what it was. Rows that are equal but for the order in
/// which a float product of 100, 1,000 and 10,000 terms was summed leave 0.8, 1.9 and 5.8 eps.
template <Backend B>
bool is_constant(const Layer<B>& layer, double squares) {
  const double limit = 10 * static_cast<double>(std::numeric_limits<typename B::scalar>::epsilon());
  return squares <= limit * limit * layer.offset;
}

/// |xᵢ|² of every centred row.
template <Backend B>
std::vector<double> squared_norms(B& b, const Layer<B>& layer) {
  const Index n = layer.source.rows;
  const Index block = std::max<Index>(1, std::min<Index>(B::panel_rows, n));
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

// Which of two layers comes first, by what they hold: a product that is always formed the same way
// round makes a measure symmetric to the bit, whoever comes first in a call.
#pragma once

#include <algorithm>
#include <compare>
#include <vector>

#include "linalg.hpp"

namespace gramian {

/// Whether two layers are one and the same, so that what one gives with itself is their value.
template <class B>
bool is_same(const Layer<B>& x, const Layer<B>& y) {
  const Source &s = x.source, &t = y.source;
  return s.data == t.data && s.dtype == t.dtype && s.rows == t.rows && s.cols == t.cols &&
      s.row_stride == t.row_stride && s.col_stride == t.col_stride && x.scale == y.scale;
}

/// Some rows as packed, evenly spread.
template <Backend B>
std::vector<double> rows_of(B& b, const Layer<B>& layer) {
  const Index n = layer.source.rows, count = std::min<Index>(16, n);
  Panel<B> panel;
  b.pack(layer, {0, count, n, count}, panel);
  return b.download(panel.memory.get(), count * layer.source.cols);
}

/// By width, size, column means and, where all that is the same, by some rows. Layers that have
/// these in common too are most likely copies, for which nothing depends on the order.
template <Backend B>
std::weak_ordering order(B& b, const Layer<B>& x, const Layer<B>& y) {
  const auto by = [](const auto& of_x, const auto& of_y) {
    return of_x < of_y ? std::weak_ordering::less
        : of_y < of_x  ? std::weak_ordering::greater
                       : std::weak_ordering::equivalent;
  };
  for (const auto found :
       {by(x.source.cols, y.source.cols), by(x.scale, y.scale), by(x.sum_of_means, y.sum_of_means)})
    if (found != 0) return found;
  return is_same(x, y) ? std::weak_ordering::equivalent : by(rows_of(b, x), rows_of(b, y));
}

}  // namespace gramian

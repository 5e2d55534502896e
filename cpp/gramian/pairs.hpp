// Which pairs of layers a map holds, and the loops over them.
#pragma once

#include <cstddef>

#include "backend.hpp"

namespace gramian {

/// The first x layers are the rows of a map, the y others its columns; when y is 0, the x are
/// compared among themselves. Layers are numbered through, rows first.
struct Pairs {
  Index x, y = 0;

  bool among() const { return y == 0; }
  Index layers() const { return x + y; }
  Index columns() const { return among() ? x : y; }
  std::size_t size() const { return static_cast<std::size_t>(x * columns()); }
  /// The layers of a row and of a column.
  std::size_t row(Index i) const { return static_cast<std::size_t>(i); }
  std::size_t column(Index j) const { return static_cast<std::size_t>(among() ? j : x + j); }
  /// Where the value of row i and column j stands.
  std::size_t at(Index i, Index j) const { return static_cast<std::size_t>(i * columns() + j); }
};

/// visit(j) for the columns of row i; among themselves up to the diagonal, the rest being mirrored.
template <class Visit>
void for_each_in_row(const Pairs& pairs, Index i, const Visit& visit) {
  const Index count = pairs.among() ? i + 1 : pairs.y;
  for (Index j = 0; j < count; ++j) visit(j);
}

/// visit(i, j) for every row and column; among themselves for every two layers once, i >= j.
template <class Visit>
void for_each_pair(const Pairs& pairs, const Visit& visit) {
  for (Index i = 0; i < pairs.x; ++i) for_each_in_row(pairs, i, [&](Index j) { visit(i, j); });
}

/// visit(i, j) for every place in the map, mirrored ones too.
template <class Visit>
void for_each_place(const Pairs& pairs, const Visit& visit) {
  for (Index i = 0; i < pairs.x; ++i)
    for (Index j = 0; j < pairs.columns(); ++j) visit(i, j);
}

}  // namespace gramian

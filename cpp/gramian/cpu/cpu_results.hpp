// The operations of Cpu<T> on matrices that a call returns: a part of cpu.hpp.
#pragma once

namespace gramian {

/// By blocks whose lines a cache holds.
template <class T>
void Cpu<T>::place(const T* tile, Rows i, Rows j, double unit, T* out, Index n) {
  constexpr Index block = 16;
  const bool diagonal = i.first == j.first;
  T* const below = out + i.first * n + j.first;
  T* const above = out + j.first * n + i.first;
  for (Index row = 0; row < i.count; ++row)
    for (Index col = 0; col < (diagonal ? row + 1 : j.count); ++col)
      below[row * n + col] = static_cast<T>(static_cast<double>(tile[row * j.count + col]) / unit);
  for (Index first_row = 0; first_row < i.count; first_row += block)
    for (Index first_col = 0; first_col < j.count; first_col += block)
      for (Index col = first_col; col < std::min(first_col + block, j.count); ++col)
        for (Index row = std::max(first_row, diagonal ? col : first_row);
             row < std::min(first_row + block, i.count); ++row)
          above[col * n + row] = below[row * n + col];
}

template <class T>
void Cpu<T>::subtract_means(T* x, Index n, std::span<const double> means) {
  constexpr Index block = 256;
  struct Nothing {};
  run_ordered<Nothing, Nothing>(
      (n + block - 1) / block, [] { return Nothing{}; }, [] { return Nothing{}; },
      [&](Nothing&, Index task, Nothing&) {
        for (Index i = task * block; i < std::min(n, (task + 1) * block); ++i) {
          const double shift = means[static_cast<std::size_t>(i)];
          for (Index j = 0; j < n; ++j) {
            T& value = x[i * n + j];
            value = static_cast<T>(static_cast<double>(value) -
                                   (shift + means[static_cast<std::size_t>(j)]));
          }
        }
      },
      [](Index, const Nothing&) {});
}

template <class T>
Matrix<Cpu<double>> Cpu<T>::widen(View<Cpu> x, double factor) {
  Wide w = wide();
  Matrix<Wide> out(w, x.rows, x.cols);
  std::transform(x.data, x.data + x.rows * x.cols, out.mutable_data(),
                 [=](T value) { return static_cast<double>(value) * factor; });
  return out;
}

/// Four of each sum side by side: one alone waits for every addition.
template <class T>
void Cpu<T>::absolute_sums(View<Cpu> x, double* sums, double* larger) {
  constexpr Index width = 4;
  const Span span{Step::elementwise};
  for (Index i = 0; i < x.rows; ++i) {
    const T* const row = x.data + i * x.cols;
    const T* const next = i + 1 < x.rows ? row + x.cols : row;
    double own[width] = {}, both[width] = {};
    const auto add = [&](Index j, Index k) {
      const double value = std::abs(static_cast<double>(row[j]));
      const double other = std::abs(static_cast<double>(next[j]));
      own[k] += value;
      both[k] += other > value ? other : value;
    };
    Index j = 0;
    for (; j + width <= x.cols; j += width)
      for (Index k = 0; k < width; ++k) add(j + k, k);
    for (Index k = 0; j < x.cols; ++k, ++j) add(j, k);
    for (Index k = 0; k < width; ++k) sums[i] += own[k];
    for (Index k = 0; k < width && i + 1 < x.rows; ++k) larger[i] += both[k];
  }
}

template <class T>
void Cpu<T>::correlate(Matrix<Cpu>& x, std::span<const double> u, std::span<const double> v,
                       bool own) {
  T* value = x.mutable_data();
  for (std::size_t i = 0; i < u.size(); ++i)
    for (std::size_t j = 0; j < v.size(); ++j, ++value) {
      const double norm = u[i] * v[j], r = static_cast<double>(*value) / norm;
      *value = norm > 0 ? static_cast<T>(own && i == j ? 1.0 : std::clamp(r, -1.0, 1.0))
                        : std::numeric_limits<T>::quiet_NaN();
    }
}

}  // namespace gramian

// Matrices on the host to check a backend's against.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "check.hpp"
#include "inputs.hpp"

namespace gramian::test {

/// A small matrix on the host, in double.
struct Host {
  Index rows, cols;
  std::vector<double> values;

  Host(Index r, Index c) : rows{r}, cols{c}, values(filled(r * c, 0)) {}
  double& operator()(Index i, Index j) { return values[static_cast<std::size_t>(i * cols + j)]; }
  double operator()(Index i, Index j) const {
    return values[static_cast<std::size_t>(i * cols + j)];
  }
};

inline Host random_host(Index rows, Index cols, unsigned seed = 0) {
  Host m(rows, cols);
  m.values = normal_data(rows, cols, Layout::rows, 0, seed).values;
  return m;
}

inline Host transposed(const Host& a) {
  Host t(a.cols, a.rows);
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}

inline Host multiply(const Host& a, const Host& b) {
  Host c(a.rows, b.cols);
  for (Index i = 0; i < a.rows; ++i)
    for (Index k = 0; k < a.cols; ++k)
      for (Index j = 0; j < b.cols; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}

inline double norm(const Host& a) {
  double sum = 0;
  for (const double v : a.values) sum += v * v;
  return std::sqrt(sum);
}

inline Host identity(Index n) {
  Host m(n, n);
  for (Index i = 0; i < n; ++i) m(i, i) = 1;
  return m;
}

inline Host centered(const Data& data, double scale) {
  Host m(data.source.rows, data.source.cols);
  for (Index j = 0; j < m.cols; ++j) {
    const double mean = data.mean(j);
    for (Index i = 0; i < m.rows; ++i) m(i, j) = (data(i, j) - mean) * scale;
  }
  return m;
}

template <class B>
Matrix<B> upload(B& b, const Host& m) {
  return b.matrix(m.values, m.rows, m.cols);
}

template <class B>
inline Host download(B& b, View<B> view) {
  Host m(view.rows, view.cols);
  m.values = b.download(view);
  return m;
}

/// |got - expected|_F <= bound eps.
template <class B>
void check_close(const Host& got, const Host& expected, double bound, const std::string& what) {
  check(got.rows == expected.rows && got.cols == expected.cols, what + ": shape");
  Host difference = expected;
  for (std::size_t k = 0; k < difference.values.size(); ++k) difference.values[k] -= got.values[k];
  check_near(norm(difference), 0, bound * epsilon<B>(), what);
}

}  // namespace gramian::test

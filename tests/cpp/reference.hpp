// Measures the slow way, in double on the host, to check those of the core against.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "host_matrix.hpp"

namespace gramian::test {

/// Orthonormal basis of the columns by Gram-Schmidt, each step twice; for independent columns.
inline Host orthonormal(Host x) {
  for (Index j = 0; j < x.cols; ++j) {
    for (int pass = 0; pass < 2; ++pass)
      for (Index k = 0; k < j; ++k) {
        double along = 0;
        for (Index i = 0; i < x.rows; ++i) along += x(i, k) * x(i, j);
        for (Index i = 0; i < x.rows; ++i) x(i, j) -= along * x(i, k);
      }
    double square = 0;
    for (Index i = 0; i < x.rows; ++i) square += x(i, j) * x(i, j);
    for (Index i = 0; i < x.rows; ++i) x(i, j) /= std::sqrt(square);
  }
  return x;
}

/// A = U S Vᵀ of few columns, by Jacobi rotations of pairs of columns.
struct HostSvd {
  Host u, v;
  std::vector<double> s;
};
inline HostSvd svd(const Host& a) {
  Host u = a, v = identity(a.cols);
  const auto rotate = [](Host& m, Index p, Index q, double c, double s) {
    for (Index i = 0; i < m.rows; ++i) {
      const double left = m(i, p), right = m(i, q);
      m(i, p) = c * left - s * right;
      m(i, q) = s * left + c * right;
    }
  };
  for (int sweep = 0; sweep < 40; ++sweep)
    for (Index p = 0; p < a.cols; ++p)
      for (Index q = p + 1; q < a.cols; ++q) {
        double alpha = 0, beta = 0, gamma = 0;
        for (Index i = 0; i < a.rows; ++i) {
          alpha += u(i, p) * u(i, p);
          beta += u(i, q) * u(i, q);
          gamma += u(i, p) * u(i, q);
        }
        if (gamma == 0) continue;
        const double zeta = (beta - alpha) / (2 * gamma);
        const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::sqrt(1 + zeta * zeta));
        const double c = 1 / std::sqrt(1 + t * t);
        rotate(u, p, q, c, c * t);
        rotate(v, p, q, c, c * t);
      }
  HostSvd found{u, v, filled(a.cols, 0)};
  for (Index j = 0; j < a.cols; ++j) {
    double square = 0;
    for (Index i = 0; i < a.rows; ++i) square += u(i, j) * u(i, j);
    found.s[static_cast<std::size_t>(j)] = std::sqrt(square);
    for (Index i = 0; i < a.rows; ++i) found.u(i, j) /= std::sqrt(square);
  }
  return found;
}

inline double nuclear_norm(const Host& a) {
  const auto s = svd(a).s;
  return sum(s);
}

/// Singular values in descending order, as places of `s`.
inline std::vector<Index> descending(const std::vector<double>& s) {
  std::vector<Index> order;
  for (Index j = 0; j < std::ssize(s); ++j) order.push_back(j);
  const auto value = [&](Index j) { return s[static_cast<std::size_t>(j)]; };
  std::ranges::sort(order, [&](Index a, Index b) { return value(a) > value(b); });
  return order;
}

/// The mean of the correlations, weighted by how much of X's columns their variates hold.
inline double weighted_mean(const Host& x, const Host& qx, const Host& qy) {
  const HostSvd of = svd(multiply(transposed(qy), qx));  // v belongs to X
  const Host projections = multiply(transposed(multiply(qx, of.v)), x);
  auto order = descending(of.s);
  order.resize(static_cast<std::size_t>(std::min(qx.cols, qy.cols)));
  double top = 0, bottom = 0;
  for (const Index i : order)
    for (Index j = 0; j < projections.cols; ++j) {
      top += std::abs(projections(i, j)) * of.s[static_cast<std::size_t>(i)];
      bottom += std::abs(projections(i, j));
    }
  return top / bottom;
}

/// The columns of X in the directions of its `kept` largest singular values, times gain(s).
template <class Gain>
Host singular_columns(const Host& x, Index kept, const Gain& gain) {
  const HostSvd all = svd(x);
  const auto order = descending(all.s);
  Host columns(x.rows, kept);
  for (Index k = 0; k < kept; ++k) {
    const Index j = order[static_cast<std::size_t>(k)];
    for (Index i = 0; i < x.rows; ++i)
      columns(i, k) = all.u(i, j) * gain(all.s[static_cast<std::size_t>(j)]);
  }
  return columns;
}

/// Tr(K H L H) / (n - 1)², or the unbiased estimator, from full matrices.
inline double hsic(Host k, Host l, bool unbiased) {
  const Index n = k.rows;
  const auto m = static_cast<long double>(n);
  for (Host* one : {&k, &l}) {  // a constant changes nothing but the size of the terms
    const double mean =
        std::accumulate(one->values.begin(), one->values.end(), 0.0) / static_cast<double>(n * n);
    for (double& value : one->values) value -= mean;
  }
  if (unbiased)
    for (Index i = 0; i < n; ++i) k(i, i) = l(i, i) = 0;
  long double products = 0, of_k = 0, of_l = 0, rows = 0;  // whose difference is far smaller
  for (Index i = 0; i < n; ++i) {
    long double row_k = 0, row_l = 0;
    for (Index j = 0; j < n; ++j) {
      products += static_cast<long double>(k(i, j)) * static_cast<long double>(l(i, j));
      row_k += static_cast<long double>(k(i, j));
      row_l += static_cast<long double>(l(i, j));
    }
    of_k += row_k;
    of_l += row_l;
    rows += row_k * row_l;
  }
  const long double value = unbiased
      ? (products + of_k * of_l / ((m - 1) * (m - 2)) - 2 / (m - 2) * rows) / (m * (m - 3))
      : (products - 2 / m * rows + of_k * of_l / (m * m)) / ((m - 1) * (m - 1));
  return static_cast<double>(value);
}

}  // namespace gramian::test

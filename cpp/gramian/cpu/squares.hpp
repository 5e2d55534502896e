// Singular values and left vectors of a float matrix A from the eigenvalues of A Aᵀ in double: in
// half the time of gesdd in float, and more exact, except for values below 1e-7 of the largest.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "../roots.hpp"
#include "dense.hpp"

namespace gramian::dense {

/// Eigenvalues, ascending, of the symmetric matrix whose lower triangle is in `a`; eigenvectors
/// take its place, one a row.
inline std::vector<double> eigenvalues(std::vector<double>& a, Index n, bool vectors) {
  std::vector<double> values(static_cast<std::size_t>(n));
  const char job = vectors ? 'V' : 'N';
  double size = 0;
  blas::Int integers = 0;
  const auto order = blas::narrow(n);
  blas::syevd(job, 'U', order, a.data(), values.data(), &size, -1, &integers, -1);
  std::vector<double> work(static_cast<std::size_t>(size));
  std::vector<blas::Int> more(static_cast<std::size_t>(integers));
  const auto info = blas::syevd(job, 'U', order, a.data(), values.data(), work.data(),
                                static_cast<blas::Int>(size), more.data(), integers);
  if (info != 0)
    throw std::runtime_error("syevd did not converge (info=" + std::to_string(info) + ")");
  return values;
}

/// Singular values of A, m x n with m <= n, descending into s, and left vectors as rows of `ut`
/// unless it is null. False, and nothing is written, if the squares are not exact enough.
inline bool svd_by_squares(const float* a, Index m, Index n, std::vector<double>& s, float* ut) {
  const std::vector<double> wide(a, a + m * n);
  std::vector<double> c(static_cast<std::size_t>(m * m));
  add_row_products(wide.data(), m, n, c.data());
  const std::vector<double> squares = eigenvalues(c, m, ut != nullptr);
  if (!roots_are_exact(squares)) return false;
  s = roots(squares);
  for (Index i = 0; ut != nullptr && i < m; ++i)
    std::transform(c.data() + i * m, c.data() + (i + 1) * m, ut + (m - 1 - i) * m,
                   [](double v) { return static_cast<float>(v); });
  return true;
}

}  // namespace gramian::dense

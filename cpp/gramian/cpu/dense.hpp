// Dense matrices in host memory, row-major: products shared by the threads, and factorisations by
// LAPACK, to which a row-major matrix is its transpose.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "lapack.hpp"
#include "ordered.hpp"

namespace gramian::dense {

/// task(i) for i = 0, ..., count - 1 on any threads. Not polled without a control: for short work.
inline void share(Index count, const std::function<void(Index)>& task,
                  const Control& control = {}) {
  struct Nothing {};
  run_ordered<Nothing, Nothing>(
      count, num_threads(), control, [] { return Nothing{}; }, [] { return Nothing{}; },
      [&](Nothing&, Index i, Nothing&) { task(i); }, [](Index, const Nothing&) {});
}

/// C += A Aᵀ, A m x n, the lower triangle alone, by tiles of C.
template <class T>
void add_row_products(const T* a, Index m, Index n, T* c) {
  constexpr Index tile = 128;
  const Index blocks = (m + tile - 1) / tile;
  share(blocks * (blocks + 1) / 2, [&](Index task) {
    Index i = 0;
    while (task > i) task -= ++i;
    const Index row = i * tile, col = task * tile, rows = std::min(tile, m - row);
    const T *const left = a + row * n, *const right = a + col * n;
    T* const out = c + row * m + col;
    if (row == col)
      blas::syrk(blas::no, rows, n, left, n, out, m, T(1));
    else
      blas::gemm(blas::no, blas::yes, rows, tile, n, left, n, right, n, out, m, T(1));
  });
}

/// C = op(A) op(B), C m x n, by tiles of C.
template <class T>
void multiply(blas::Transpose ta, blas::Transpose tb, Index m, Index n, Index k, const T* a,
              Index lda, const T* b, Index ldb, T* c) {
  constexpr Index tile = 256;
  const Index across = (n + tile - 1) / tile;
  share((m + tile - 1) / tile * across, [&](Index t) {
    const Index i = t / across * tile, j = t % across * tile;
    blas::gemm(ta, tb, std::min(tile, m - i), std::min(tile, n - j), k,
               a + (ta == blas::no ? i * lda : i), lda, b + (tb == blas::no ? j : j * ldb), ldb,
               c + i * n + j, n);
  });
}

/// A lower estimate of the largest singular value, by the power method; it starts from the largest
/// row and is within a few percent where that is all that decides between two algorithms.
template <class T>
double spectral_norm(const T* a, Index m, Index n) {
  constexpr int iterations = 6;
  const auto norm = [](const std::vector<T>& x) {
    double sum = 0;
    for (const T v : x) sum += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(sum);
  };
  std::vector<T> x(static_cast<std::size_t>(n)), y(static_cast<std::size_t>(m));
  double largest = 0;
  for (Index i = 0; i < m; ++i) {
    double sum = 0;
    for (Index j = 0; j < n; ++j)
      sum += static_cast<double>(a[i * n + j]) * static_cast<double>(a[i * n + j]);
    if (sum <= largest) continue;
    largest = sum;
    std::copy_n(a + i * n, n, x.begin());
  }
  double found = 0;
  for (int k = 0; k < iterations; ++k) {
    const double length = norm(x);
    if (!(length > 0)) return found;
    for (T& v : x) v = static_cast<T>(static_cast<double>(v) / length);
    blas::gemv(blas::no, m, n, a, x.data(), y.data());
    found = norm(y);
    blas::gemv(blas::yes, m, n, a, y.data(), x.data());
  }
  return found;
}

/// The lower triangle L of A = L Lᵀ, in place, with zeros above; false if A is not positive.
template <class T>
bool cholesky(T* a, Index n) {
  if (blas::potrf('U', blas::narrow(n), a) != 0) return false;
  for (Index i = 0; i < n; ++i) std::fill_n(a + i * n + i + 1, n - i - 1, T(0));
  return true;
}

/// L⁻¹ in place of L; false if L is singular.
template <class T>
bool invert_lower(T* a, Index n) {
  return blas::trtri('U', blas::narrow(n), a) == 0;
}

/// A = U S Vᵀ, thin, A m x n overwritten. Without vectors (null pointers) only s is found.
template <class T>
void svd(T* a, Index m, Index n, T* s, T* u, T* vt) {
  const auto rows = blas::narrow(m), cols = blas::narrow(n);
  const char job = u == nullptr ? 'N' : 'S';
  std::vector<blas::Int> integers(static_cast<std::size_t>(8 * std::min(m, n)));
  T query = 0, unused = 0;
  T* const left = vt == nullptr ? &unused : vt;  // Aᵀ = V S Uᵀ
  T* const right = u == nullptr ? &unused : u;
  blas::gesdd(job, cols, rows, a, s, left, right, &query, -1, integers.data());
  const auto size = static_cast<blas::Int>(query) + 64;  // a float may be rounded down
  std::vector<T> work(static_cast<std::size_t>(size));
  const auto info =
      blas::gesdd(job, cols, rows, a, s, left, right, work.data(), size, integers.data());
  if (info != 0)
    throw std::runtime_error("gesdd did not converge (info=" + std::to_string(info) + ")");
}

/// R of A = QR, A m x n column-major and overwritten, m >= n or not; R is written n x n, row-major,
/// with zeros where A has fewer rows.
template <class T>
void triangle_of_qr(std::vector<T>& a, Index m, Index n, T* r) {
  std::vector<T> tau(static_cast<std::size_t>(std::min(m, n)));
  T query = 0;
  blas::geqrf(blas::narrow(m), blas::narrow(n), a.data(), tau.data(), &query, -1);
  const auto size = static_cast<blas::Int>(query) + 64;
  std::vector<T> work(static_cast<std::size_t>(size));
  blas::geqrf(blas::narrow(m), blas::narrow(n), a.data(), tau.data(), work.data(), size);
  std::fill_n(r, n * n, T(0));
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i <= std::min(j, m - 1); ++i)
      r[i * n + j] = a[static_cast<std::size_t>(j * m + i)];
}

/// R of a tall matrix from the R of its blocks of rows, joined in pairs: every level in parallel,
/// the order fixed. leaf(i, r) writes the n x n triangle of block i.
template <class T>
void tall_triangle(Index blocks, Index n, const std::function<void(Index, T*)>& leaf, T* r) {
  std::vector<std::vector<T>> found(static_cast<std::size_t>(blocks));
  share(blocks, [&](Index i) {
    auto& triangle = found[static_cast<std::size_t>(i)];
    triangle.resize(static_cast<std::size_t>(n * n));
    leaf(i, triangle.data());
  });
  while (found.size() > 1) {
    const Index pairs = std::ssize(found) / 2;
    share(pairs, [&](Index i) {
      auto& top = found[static_cast<std::size_t>(2 * i)];
      const auto& bottom = found[static_cast<std::size_t>(2 * i + 1)];
      std::vector<T> stacked(static_cast<std::size_t>(2 * n * n));
      for (Index row = 0; row < n; ++row)
        for (Index col = 0; col < n; ++col) {
          const auto at = static_cast<std::size_t>(row * n + col);
          stacked[static_cast<std::size_t>(col * 2 * n + row)] = top[at];
          stacked[static_cast<std::size_t>(col * 2 * n + n + row)] = bottom[at];
        }
      triangle_of_qr(stacked, 2 * n, n, top.data());
    });
    std::vector<std::vector<T>> joined;
    for (std::size_t i = 0; i < found.size(); i += 2) joined.push_back(std::move(found[i]));
    found = std::move(joined);
  }
  std::ranges::copy(found[0], r);
}

}  // namespace gramian::dense

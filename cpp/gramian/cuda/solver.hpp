// cuSOLVER as the backend calls it: the 64-bit interface, which alone has sound workspace sizes for
// large matrices. A row-major matrix is its transpose there, and the lower triangle of one is the
// upper of the other. What does not take `debts` is complete on return.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "context.hpp"
#include "debts.hpp"

namespace gramian::cuda {

/// Hears, once debts are paid, whether a matrix was such that there is an answer.
using Hear = std::function<void(bool done)>;

/// L of A = L Lᵀ in the lower triangle of A, n x n row-major; not done if A is not positive.
template <class T>
void cholesky(Context& context, Debts& debts, T* a, Index n, const Hear& hear);

/// L⁻¹ in place of L; not done if L is singular.
template <class T>
void invert_lower(Context& context, Debts& debts, T* a, Index n, const Hear& hear);

/// R of A = QR in the upper triangle of A, m x n, column-major with columns `stride` apart.
template <class T>
void triangle_of_qr(Context& context, T* a, Index m, Index n, Index stride);

/// Eigenvalues, ascending, of the symmetric A, n x n, which is lost; its eigenvectors, one a row,
/// take its place if they are wanted. Nothing if they did not converge.
std::optional<std::vector<double>> eigenvalues(Context& context, double* a, Index n, bool vectors);

/// A = U S Vᵀ, A m x n column-major, m >= n, overwritten; U m x n and V n x n column-major, or null
/// when only S is wanted. Returns S, descending, off by no more than `precision` times the largest.
std::vector<double> tall_svd(Context& context, double* a, Index m, Index n, double* u, double* v,
                             double precision);

}  // namespace gramian::cuda

// cuSOLVER as the backend calls it: the 64-bit interface, which alone has sound workspace sizes for
// large matrices. A row-major matrix is its transpose there, and the lower triangle of one is the
// upper of the other. Answers come once debts are paid.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "context.hpp"
#include "debts.hpp"

namespace gramian::cuda {

/// Hears whether a matrix was such that there is an answer.
using Hear = std::function<void(bool done)>;

/// L of A = L Lᵀ in the lower triangle of A, n x n row-major; not done if A is not positive.
template <class T>
void cholesky(Context& context, Debts& debts, T* a, Index n, const Hear& hear);

/// L⁻¹ in place of L; not done if L is singular.
template <class T>
void invert_lower(Context& context, Debts& debts, T* a, Index n, const Hear& hear);

/// R of A = QR in the upper triangle of A, m x n, column-major with columns `stride` apart.
template <class T>
void triangle_of_qr(Context& context, Debts& debts, T* a, Index m, Index n, Index stride);

/// Eigenvalues, ascending, of the symmetric A, n x n, which is lost; its eigenvectors, one a row,
/// take its place if they are wanted. Nothing is found if they do not converge.
void eigenvalues(Context& context, Debts& debts, double* a, Index n, bool vectors,
                 std::optional<std::vector<double>>* found);

/// A = U S Vᵀ, A m x n column-major, m >= n, lost; U m x n and V n x n column-major. S is
/// descending. Divide-and-conquer by the polar decomposition, twice as fast as `qr_svd`. It shifts
/// singular values near 0 and says by how much at most: nothing is found if that is more than
/// `precision` times the largest. On an H200, up to 1e6 eps of double where half of them are 0, and
/// 1e8 eps of float, which is why it is only ever called in double.
void polar_svd(Context& context, Debts& debts, double* a, Index m, Index n, double* u, double* v,
               double precision, std::optional<std::vector<double>>* found);

/// The same by QR iterations, with Vᵀ; U and Vᵀ are null when only S is wanted.
void qr_svd(Context& context, Debts& debts, double* a, Index m, Index n, double* u, double* vt,
            std::vector<double>* found);

}  // namespace gramian::cuda

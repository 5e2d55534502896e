// cuSOLVER as the backend calls it: the 64-bit interface, which alone has sound workspace sizes for
// large matrices. A row-major matrix is its transpose there, and the lower triangle of one is the
// upper of the other. Everything is complete on return.
#pragma once

#include <vector>

#include "context.hpp"

namespace gramian::cuda {

/// L of A = L Lᵀ in the lower triangle of A, n x n row-major; false if A is not positive.
template <class T>
bool cholesky(Context& context, T* a, Index n);

/// L⁻¹ in place of L; false if L is singular.
template <class T>
bool invert_lower(Context& context, T* a, Index n);

/// R of A = QR in the upper triangle of A, m x n, column-major with columns `stride` apart.
template <class T>
void triangle_of_qr(Context& context, T* a, Index m, Index n, Index stride);

/// A = U S Vᵀ, A m x n column-major, m >= n, overwritten; U m x n and V n x n column-major, or null
/// when only S is wanted. Returns S, descending.
template <class T>
std::vector<T> svd(Context& context, T* a, Index m, Index n, T* u, T* v);

}  // namespace gramian::cuda

// The singular value decomposition as the backend calls it. Always in double, which the devices
// that it is made for do as fast as float.
#pragma once

#include <span>
#include <vector>

#include "context.hpp"
#include "debts.hpp"

namespace gramian::cuda {

/// A = U S Vᵀ, A rows x cols; Uᵀ and Vᵀ, k x rows and k x cols, or null where they are not wanted;
/// all row-major. The k values of S are descending.
template <class T>
struct Factors {
  const T* a;
  Index rows, cols;
  T *ut, *vt;
  std::vector<double> s{};
};

/// Finds them for several matrices, as exactly as data of T need. The values are there on return.
template <class T>
void svd(Context& context, Debts& debts, std::span<Factors<T>> all);

}  // namespace gramian::cuda

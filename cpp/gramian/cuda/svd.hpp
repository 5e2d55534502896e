// The singular value decomposition as the backend calls it. Always in double, which the devices
// that it is made for do as fast as float.
#pragma once

#include <vector>

#include "context.hpp"

namespace gramian::cuda {

/// A = U S Vᵀ, A rows x cols, lost; Uᵀ and Vᵀ, k x rows and k x cols, or null where they are not
/// wanted; all row-major. Returns the k values of S, descending, as exact as data of that
/// `precision` (an eps) need. Everything is complete on return.
std::vector<double> svd(Context& context, double* a, Index rows, Index cols, double precision,
                        double* ut, double* vt);

}  // namespace gramian::cuda

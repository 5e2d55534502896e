// __shared__ variables, which the host compiler made static.
#pragma once

namespace hostcuda {

/// Fills those that a kernel and what it calls may use with NaN, as each block finds them.
/// `kernel` is its mangled name.
void poison_shared(const char* kernel, const void* function);

}  // namespace hostcuda

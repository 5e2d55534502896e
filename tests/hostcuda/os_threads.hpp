// The other way to run a block, with HOSTCUDA_THREADS set: a thread of the system for each CUDA
// thread, so that ThreadSanitizer sees the races of a kernel.
#pragma once

#include "hostcuda.hpp"

namespace hostcuda::os_threads {

void run_block(dim3 block, const Body& body);

// As in hostcuda.hpp.
void sync_block();
void sync_warp(unsigned mask);
unsigned lane();
Slot& slot(unsigned lane);

}  // namespace hostcuda::os_threads

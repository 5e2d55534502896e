// The runtime's state that its calls share: the lock, the current device, failures to inject.
#pragma once

#include <cudaTypedefs.h>
#include <cuda_runtime_api.h>

#include <mutex>
#include <string>

namespace hostcuda {

constexpr int max_devices = 4;

/// Calls of all threads run one after the other.
std::unique_lock<std::recursive_mutex> lock();

int device_count();
int current_device();  // of the calling thread
bool has_pools();
bool has_context(int device);
int double_ratio(int device);  // of float's speed to that of double

/// Every call that can fail starts with this: counts it, and says whether it was chosen to fail,
/// or whether the device is broken for good by an earlier failure.
cudaError_t arrive(const char* call);
/// What a call returns: an error stays to be asked for by cudaGetLastError.
cudaError_t returned(cudaError_t error);

/// How a solver ends: the `info` it was told to report, once; else its own.
int solver_info(int own);
/// The bound that gesvdp was told to report, once; else its own.
double gesvdp_error(double own);

}  // namespace hostcuda

// Streams of the stand-in: work is queued, and runs only when something waits for it. Code that
// forgets to wait reads what was there before.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>

namespace hostcuda {

/// The device of a stream; the current one for the default streams.
int device_of(cudaStream_t stream);
void enqueue(cudaStream_t stream, std::function<void()> work);
/// Runs what is queued on a stream, and whatever that waits for.
void drain(cudaStream_t stream);
void drain_all();
std::size_t pending();

}  // namespace hostcuda

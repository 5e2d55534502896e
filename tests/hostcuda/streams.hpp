// Streams of the stand-in: work is queued, and runs only when something waits for it. Code that
// forgets to wait reads what was there before.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>

namespace hostcuda {

/// The device of a stream; the current one for the default streams.
int device_of(cudaStream_t stream);
/// Work that frees memory is done even when the device is lost.
void enqueue(cudaStream_t stream, std::function<void()> work, bool frees = false);
/// A lost device does nothing that is queued: memory of the host that it would have used may go.
void abandon();
/// Runs what is queued on a stream, and whatever that waits for.
void drain(cudaStream_t stream);
/// Whether nothing is queued but what takes no time: memory to be freed, which is.
bool is_idle(cudaStream_t stream);
void drain_all();
std::size_t pending();

}  // namespace hostcuda

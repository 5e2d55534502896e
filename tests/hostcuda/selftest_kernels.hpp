#pragma once

#include <cuda_runtime_api.h>

namespace selftest {

/// out[i] = in[63 - i], by way of shared memory, with or without waiting for the others.
cudaError_t reverse(cudaStream_t stream, const double* in, double* out, bool wait);
/// Sums of 64 elements each, and the number of these sums.
template <class T>
cudaError_t sum(cudaStream_t stream, const T* in, T* out, unsigned long long* blocks, unsigned n);
/// Four shuffles of the lanes of a warp.
cudaError_t shuffles(cudaStream_t stream, int* out);
/// What blocks find in shared memory.
cudaError_t uninitialised(cudaStream_t stream, double* out, unsigned blocks);
cudaError_t write(cudaStream_t stream, double* out, long index, unsigned threads = 1);
/// Waits at barriers that other threads never reach.
cudaError_t diverge(cudaStream_t stream, bool in_warps);
/// Adds 1 for every thread of the grid.
cudaError_t indices(cudaStream_t stream, int* out, dim3 grid, dim3 block);

}  // namespace selftest

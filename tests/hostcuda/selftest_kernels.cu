// Kernels that use, and misuse, what the stand-in has to run or to refuse.
#include <cuda_runtime.h>

#include "selftest_kernels.hpp"

namespace selftest {
namespace kernels {

constexpr int size = 64;  // of a block

__global__ void reverse(const double* in, double* out, bool wait) {
  __shared__ double shared[size];
  const int i = static_cast<int>(threadIdx.x);
  shared[i] = in[i];
  if (wait) __syncthreads();
  out[i] = shared[size - 1 - i];
}

template <class T>
__global__ void sum(const T* in, T* out, unsigned long long* blocks) {
  T value = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (unsigned step = 16; step > 0; step /= 2) value += __shfl_down_sync(~0U, value, step);
  __shared__ T of_warps[size / 32];
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x > 0) return;
  out[blockIdx.x] = of_warps[0] + of_warps[1];
  atomicAdd(blocks, 1);
}

__global__ void shuffles(int* out) {
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = __shfl_sync(~0U, lane, 5);
  out[32 + lane] = __shfl_up_sync(~0U, lane, 3);
  out[64 + lane] = __shfl_xor_sync(~0U, lane, 1);
  out[96 + lane] = __shfl_down_sync(~0U, lane, 2, 4);
}

__global__ void uninitialised(double* out) {
  __shared__ double shared;
  out[blockIdx.x] = shared;
  shared = 1;
}

__global__ void write(double* out, long index) { out[index] = 1; }

__global__ void diverge(bool in_warps) {
  if (!in_warps && threadIdx.x % 2 == 0) __syncthreads();
  if (in_warps && threadIdx.x % 2 == 0) __syncwarp(0x55555555);
  if (threadIdx.x % 2 == 1) __syncwarp();
}

__global__ void indices(int* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  atomicAdd(&out[block * blockDim.x * blockDim.y * blockDim.z + thread], 1);
}

}  // namespace kernels

namespace {

template <class... P, class... A>
cudaError_t start(cudaStream_t stream, dim3 grid, dim3 block, void (*kernel)(P...),
                  A... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace

cudaError_t reverse(cudaStream_t stream, const double* in, double* out, bool wait) {
  return start(stream, 1, kernels::size, kernels::reverse, in, out, wait);
}
template <class T>
cudaError_t sum(cudaStream_t stream, const T* in, T* out, unsigned long long* blocks, unsigned n) {
  return start(stream, n / kernels::size, kernels::size, kernels::sum<T>, in, out, blocks);
}
template cudaError_t sum(cudaStream_t, const float*, float*, unsigned long long*, unsigned);
template cudaError_t sum(cudaStream_t, const double*, double*, unsigned long long*, unsigned);
cudaError_t shuffles(cudaStream_t stream, int* out) {
  return start(stream, 1, 32, kernels::shuffles, out);
}
cudaError_t uninitialised(cudaStream_t stream, double* out, unsigned blocks) {
  return start(stream, blocks, 1, kernels::uninitialised, out);
}
cudaError_t write(cudaStream_t stream, double* out, long index, unsigned threads) {
  return start(stream, 1, threads, kernels::write, out, index);
}
cudaError_t diverge(cudaStream_t stream, bool in_warps) {
  return start(stream, 1, 32, kernels::diverge, in_warps);
}
cudaError_t indices(cudaStream_t stream, int* out, dim3 grid, dim3 block) {
  return start(stream, grid, block, kernels::indices, out);
}

}  // namespace selftest

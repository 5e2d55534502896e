// How kernels are started: by an ordinary function, which any C++ compiler checks.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <utility>

#include "error.hpp"

namespace gramian::cuda {

// Blocks are 32 x 8 threads throughout: warps read adjacent elements of up to eight lines.
constexpr int lanes = 32, warps = 8;

/// Reads that a thread has under way at a time where it has several to do: one alone leaves most of
/// the memory's speed unused.
constexpr int in_flight = 4;

/// Blocks enough for n lines of work, each line taken by one of `threads`; a grid has at most 65535
/// of them in y, and kernels step on by the whole grid.
inline unsigned blocks(Index n, Index threads) {
  return static_cast<unsigned>(std::clamp<Index>((n + threads - 1) / threads, 1, 65535));
}

template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, unsigned x, unsigned y, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3{x, y};
  config.blockDim = dim3{lanes, warps};
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...),
        "starting a kernel");
}

}  // namespace gramian::cuda

// What the stand-in libraries and the kernels compiled for the host share.
#pragma once

#define __DEVICE_LAUNCH_PARAMETERS_H__  // NVIDIA's header would declare threadIdx extern const
#include <cuda_runtime.h>

#include <cstddef>
#include <functional>
#include <tuple>
#include <typeinfo>
#include <utility>

namespace hostcuda {

/// Ends the process: for what CUDA leaves undefined, and no status reports.
[[noreturn]] void die(const char* format, ...) __attribute__((format(printf, 1, 2)));

/// One CUDA thread of a launch, its arguments captured by value.
using Body = std::function<void()>;
using Binder = Body (*)(const void* kernel, void** arguments);

/// Kernels are found by name, and their arguments by the text of their signature, so that nothing
/// lists kernels: `launch` below, which host code is compiled against, leaves every signature here.
bool remember_signature(const std::type_info& signature, Binder binder);

template <class... P>
struct Signature {
  static Body bind(const void* kernel, void** arguments) {
    return bind(kernel, arguments, std::index_sequence_for<P...>{});
  }
  template <std::size_t... I>
  static Body bind(const void* kernel, [[maybe_unused]] void** arguments,
                   std::index_sequence<I...> /*unused*/) {
    return [function = reinterpret_cast<void (*)(P...)>(const_cast<void*>(kernel)),
            values = std::tuple<P...>(*static_cast<P*>(arguments[I])...)] {
      std::apply(function, values);
    };
  }
  static inline const bool known = remember_signature(typeid(void(P...)), &bind);
};

template <class... P, class... A>
cudaError_t launch(const cudaLaunchConfig_t* config, void (*kernel)(P...), A&&... arguments) {
  static_cast<void>(Signature<P...>::known);
  return cudaLaunchKernelEx(config, kernel, std::forward<A>(arguments)...);
}

/// A grid of blocks, one after the other. `kernel` is the mangled name of `function`.
void run_grid(const char* kernel, const void* function, dim3 grid, dim3 block, const Body& body);

/// Names the library that holds the kernels: by any address inside it.
bool use_kernels_of(const void* inside);

// What a running CUDA thread calls.
void sync_block();
void sync_warp(unsigned mask);
unsigned lane();
/// Where a lane of the caller's warp leaves what others read.
struct Slot {
  alignas(16) std::byte bytes[16];
};
Slot& slot(unsigned lane);

}  // namespace hostcuda

// Of the running CUDA thread; set at every switch between them.
#define HOSTCUDA_TLS extern thread_local __attribute__((tls_model("initial-exec")))
HOSTCUDA_TLS uint3 threadIdx;
HOSTCUDA_TLS uint3 blockIdx;
HOSTCUDA_TLS dim3 blockDim;
HOSTCUDA_TLS dim3 gridDim;
#undef HOSTCUDA_TLS

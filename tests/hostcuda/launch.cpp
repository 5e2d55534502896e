// Launches: from what nvcc's host code registers, or from the address of a kernel that the host
// compiler made, to the kernel's name; from the name to the function of the host compiler and to
// the type of its arguments.
#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "hostcuda.hpp"
#include "memory.hpp"
#include "state.hpp"
#include "streams.hpp"

namespace hostcuda {
namespace {

struct Kernel {
  const void* function;
  Binder bind;
};

struct Kernels {
  std::map<std::string, Binder> signatures;     // by "(float const*, int)"
  std::map<const void*, std::string> stubs;     // of nvcc's host code, to mangled names
  std::map<const void*, std::string> launched;  // any address ever launched, likewise
  std::map<std::string, Kernel> by_name;
  void* library = nullptr;
};

Kernels& kernels() {
  static auto* const only = new Kernels;
  return *only;
}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text{
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free};
  return status == 0 ? text.get() : name;
}

/// The list of parameters at the end of a demangled function or function type.
std::string parameters(const std::string& text) {
  int depth = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == ')') ++depth;
    if (text[i] == '(' && --depth == 0) return text.substr(i);
  }
  return text;
}

const std::string& name_of(const void* launched) {
  auto& all = kernels();
  if (const auto stub = all.stubs.find(launched); stub != all.stubs.end()) return stub->second;
  auto& name = all.launched[launched];
  if (!name.empty()) return name;
  Dl_info found{};
  if (dladdr(launched, &found) == 0 || found.dli_saddr != launched)
    die("launch of %p, which is no kernel", launched);
  return name = found.dli_sname;
}

const Kernel& kernel_of(const std::string& name) {
  auto& all = kernels();
  if (const auto known = all.by_name.find(name); known != all.by_name.end()) return known->second;
  const std::string text = demangled(name.c_str());
  const void* const function = dlsym(all.library, name.c_str());
  if (all.library == nullptr || function == nullptr)
    die("%s is not in the library of kernels made by the host compiler", text.c_str());
  const auto signature = all.signatures.find(parameters(text));
  if (signature == all.signatures.end())
    die("%s: no launch in kernels.cu passes these arguments", text.c_str());
  return all.by_name[name] = {function, signature->second};
}

bool is_allowed(dim3 grid, dim3 block) {
  const auto threads = 1ULL * block.x * block.y * block.z;
  return threads > 0 && threads <= 1024 && block.z <= 64 && grid.x > 0 && grid.y > 0 &&
      grid.z > 0 && grid.x < 1U << 31 && grid.y < 1U << 16 && grid.z < 1U << 16;
}

[[noreturn]] void refuse_stub() { die("a kernel was started by <<<>>>"); }

}  // namespace

bool remember_signature(const std::type_info& signature, Binder binder) {
  kernels().signatures.emplace(parameters(demangled(signature.name())), binder);
  return true;
}

bool use_kernels_of(const void* inside) {
  Dl_info found{};
  if (dladdr(inside, &found) == 0) die("%p is in no library", inside);
  kernels().library = dlopen(found.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  return true;
}

}  // namespace hostcuda

using namespace hostcuda;

extern "C" {

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function,
                                void** arguments) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  const std::string& name = name_of(function);
  const Kernel& kernel = kernel_of(name);
  if (!is_allowed(config->gridDim, config->blockDim) || config->numAttrs > 0)
    return returned(cudaErrorInvalidConfiguration);
  if (config->dynamicSmemBytes > 0) die("%s: no kernel here has dynamic memory", name.c_str());
  if (device_of(config->stream) != current_device())
    return returned(cudaErrorInvalidResourceHandle);
  enqueue(config->stream,
          [&name, function = kernel.function, grid = config->gridDim, block = config->blockDim,
           body = kernel.bind(kernel.function, arguments)] {
            run_grid(name.c_str(), function, grid, block, body);
          });
  return cudaSuccess;
}

// What the code that nvcc generates calls when the module is loaded. Its stubs launch by way of the
// last three, which cudaLaunchKernelEx never does.

void** __cudaRegisterFatBinary(void* /*binary*/) {
  static void* handle = nullptr;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void** /*handle*/) {}
void __cudaUnregisterFatBinary(void** /*handle*/) {}
char __cudaInitModule(void** /*handle*/) { return 0; }

void __cudaRegisterFunction(void** /*handle*/, const char* stub, char* /*function*/,
                            const char* name, int /*threads*/, uint3* /*thread*/, uint3* /*block*/,
                            dim3* /*block_size*/, dim3* /*grid_size*/, int* /*warp*/) {
  kernels().stubs[stub] = name;
}

cudaError_t __cudaGetKernel(cudaKernel_t* /*kernel*/, const void* /*stub*/) { refuse_stub(); }
cudaError_t __cudaPopCallConfiguration(dim3* /*grid*/, dim3* /*block*/, std::size_t* /*shared*/,
                                       void* /*stream*/) {
  refuse_stub();
}
cudaError_t __cudaLaunchKernel(cudaKernel_t /*kernel*/, dim3 /*grid*/, dim3 /*block*/,
                               void** /*arguments*/, std::size_t /*shared*/,
                               cudaStream_t /*stream*/) {
  refuse_stub();
}

}  // extern "C"

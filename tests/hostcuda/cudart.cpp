// A stand-in for libcudart.so.13: memory, copies and what there is to ask. Streams and events are
// in streams.cpp, devices and errors in state.cpp, launches in launch.cpp.
#include <cstdlib>
#include <cstring>
#include <utility>

#include "hostcuda.hpp"
#include "memory.hpp"
#include "state.hpp"
#include "streams.hpp"

namespace hostcuda {
namespace {

struct Pool {
  int device;
};

/// The allocation is there at once; what is freed earlier on the stream counts as free.
cudaError_t allocate_on(void** out, std::size_t bytes, cudaStream_t stream, int device) {
  if (allocate(out, bytes, device) == cudaSuccess) return cudaSuccess;
  drain(stream);
  return returned(allocate(out, bytes, device));
}

/// Rows of `width` bytes, `pitch` apart.
struct Block {
  const void* data;
  std::size_t pitch;
  bool on_device;

  void check(std::size_t width, std::size_t height, const char* side) const {
    const std::size_t bytes = height > 0 && width > 0 ? pitch * (height - 1) + width : 0;
    if (on_device) require_device(data, bytes, side);
    if (!on_device && device_of(data) >= 0) die("%s: %p is a device pointer", side, data);
  }
};

std::size_t copied = 0, copied_out = 0;  // bytes, since the tests last asked; to the host

cudaError_t copy(const Block& to, const Block& from, std::size_t width, std::size_t height,
                 cudaStream_t stream) {
  if (width > to.pitch || width > from.pitch) return returned(cudaErrorInvalidPitchValue);
  const auto check = [=] {
    to.check(width, height, "destination of a copy");
    from.check(width, height, "source of a copy");
  };
  check();  // now, and once more when it happens
  copied += width * height;
  if (!to.on_device) copied_out += width * height;
  enqueue(stream, [=] {
    check();
    // A copy may go from one device to another.
    const Access source{from.on_device ? device_of(from.data) : 0};
    const Access destination{to.on_device ? device_of(to.data) : 0};
    auto* const target = static_cast<std::byte*>(const_cast<void*>(to.data));
    for (std::size_t row = 0; row < height; ++row)
      std::memcpy(target + row * to.pitch,
                  static_cast<const std::byte*>(from.data) + row * from.pitch, width);
  });
  return cudaSuccess;
}

bool reads_device(cudaMemcpyKind kind) {
  return kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
}
bool writes_device(cudaMemcpyKind kind) {
  return kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
}

struct Description {
  cudaError_t error;
  const char *name, *text;
};
constexpr Description descriptions[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};
const Description* describe(cudaError_t error) {
  for (const auto& each : descriptions)
    if (each.error == error) return &each;
  return nullptr;
}

}  // namespace
}  // namespace hostcuda

using namespace hostcuda;

extern "C" {

const char* cudaGetErrorName(cudaError_t error) {
  const auto* const known = describe(error);
  return known != nullptr ? known->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const auto* const known = describe(error);
  return known != nullptr ? known->text : "unrecognized error code";
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (const auto error = arrive(__func__)) return returned(error);
  if (device < 0 || device >= device_count()) return returned(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMemoryPoolsSupported: *value = has_pools() ? 1 : 0; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: *value = 9; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; return cudaSuccess;
    case cudaDevAttrSingleToDoublePrecisionPerfRatio:
      *value = double_ratio(device);
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = 3;  // few, so that every grid is larger
      return cudaSuccess;
    default: die("the stand-in has no device attribute %d", static_cast<int>(attribute));
  }
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (const auto error = arrive(__func__)) return returned(error);
  if (device < 0 || device >= device_count()) return returned(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "stand-in on the CPU");
  properties->totalGlobalMem = memory_limit();
  properties->major = 8;
  properties->multiProcessorCount = 3;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  if (const auto error = arrive(__func__)) return returned(error);
  const int device = device_of(pointer);
  *attributes = {};
  attributes->type = device < 0 ? cudaMemoryTypeUnregistered : cudaMemoryTypeDevice;
  attributes->device = device < 0 ? 0 : device;
  attributes->devicePointer = device < 0 ? nullptr : const_cast<void*>(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  if (const auto error = arrive(__func__)) return returned(error);
  *total = memory_limit();
  *free = *total - live_bytes();
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  if (const auto error = arrive(__func__)) return returned(error);
  return returned(allocate(pointer, bytes, current_device()));
}

cudaError_t cudaFree(void* pointer) {
  drain_all();
  if (pointer != nullptr) release(pointer);
  return returned(arrive(__func__));
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  if (const auto error = arrive(__func__)) return returned(error);
  *pointer = std::malloc(bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* pointer) {
  std::free(pointer);
  return returned(arrive(__func__));
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  if (const auto error = arrive(__func__)) return returned(error);
  if (!has_pools()) return returned(cudaErrorNotSupported);
  if (properties->allocType != cudaMemAllocationTypePinned ||
      properties->location.type != cudaMemLocationTypeDevice)
    return returned(cudaErrorInvalidValue);
  *pool = reinterpret_cast<cudaMemPool_t>(new Pool{properties->location.id});
  return cudaSuccess;
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  delete reinterpret_cast<Pool*>(pool);
  return returned(arrive(__func__));
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t /*pool*/, cudaMemPoolAttr /*attribute*/,
                                    void* /*value*/) {
  return returned(arrive(__func__));
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t /*pool*/, std::size_t /*keep*/) {
  return returned(arrive(__func__));
}

cudaError_t cudaMallocFromPoolAsync(void** pointer, std::size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t stream) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  const int device = reinterpret_cast<Pool*>(pool)->device;
  if (device != device_of(stream)) return returned(cudaErrorInvalidValue);
  return allocate_on(pointer, bytes, stream, device);
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
  if (!has_pools()) return returned(cudaErrorNotSupported);
  enqueue(stream, [pointer] { release(pointer); }, true);
  return returned(arrive(__func__));
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  if (const auto error = arrive(__func__)) return returned(error);
  require_device(pointer, bytes, __func__);
  enqueue(stream, [=] {
    require_device(pointer, bytes, "cudaMemsetAsync");
    std::memset(pointer, value, bytes);
  });
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  if (const auto error = arrive(__func__)) return returned(error);
  return copy({to, to_pitch, writes_device(kind)}, {from, from_pitch, reads_device(kind)}, width,
              height, stream);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (const auto error = arrive(__func__)) return returned(error);
  return copy({to, bytes, writes_device(kind)}, {from, bytes, reads_device(kind)}, bytes, 1,
              stream);
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const auto guard = lock();
  if (const auto error = cudaMemcpyAsync(to, from, bytes, kind, nullptr)) return error;
  drain(nullptr);
  return cudaSuccess;
}

std::size_t hostcuda_copied_bytes() { return std::exchange(copied, 0); }
std::size_t hostcuda_copied_out() { return std::exchange(copied_out, 0); }

}  // extern "C"

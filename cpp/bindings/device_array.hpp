// Arrays in device memory: uploaded from numpy, or of whoever speaks DLPack or CUDA's array
// interface.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../gramian/cuda/context.hpp"
#include "arrays.hpp"

namespace gramian {

/// Memory that a process forked from its owner's does not let go.
struct DeviceMemory {
  cuda::Memory<std::byte> memory;

  explicit DeviceMemory(cuda::Memory<std::byte> own) : memory{std::move(own)} {}
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory() {
    if (cuda::is_forked()) memory.release();
  }
};

struct DeviceArray {
  void* data;
  int device;
  std::string dtype;
  std::vector<Index> shape, strides;       // strides count elements
  py::object owner{};                      // of memory that is another's
  std::shared_ptr<DeviceMemory> memory{};  // that is ours

  Source source() const;
};

/// Copies a numpy array whose rows or columns are contiguous.
DeviceArray upload(const py::array& array, const std::string& dtype, int device);

/// Shares the memory of a DLPack capsule, whose producer was told of `stream_of`'s stream.
DeviceArray device_array_of_dlpack(const py::object& capsule);

/// Shares memory at an address; strides count bytes. What `stream`, if any, does to it now is
/// waited for.
DeviceArray device_array_at(std::uintptr_t address, const std::vector<Index>& shape,
                            const std::optional<std::vector<Index>>& strides,
                            const std::string& dtype, std::optional<std::uintptr_t> stream,
                            const py::object& owner);

/// The calling thread's stream on a device, as a number.
std::uintptr_t stream_of(int device);

/// A copy on the host; bfloat16 as uint16.
py::array to_numpy(const DeviceArray& array);

}  // namespace gramian

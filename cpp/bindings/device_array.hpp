// Arrays in device memory: uploaded from numpy, or of whoever speaks DLPack or CUDA's array
// interface.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../gramian/cuda/context.hpp"
#include "arrays.hpp"

namespace gramian {

/// Memory that is ours, on whose stream what fills it may be queued. Whoever it was lent to may
/// still read it when the last owner goes: what read on the default stream is waited for by the
/// stream alone, and for what read on others, which may be no more, the host waits. A process
/// forked from its owner's does not let it go.
struct DeviceMemory {
  cuda::Memory<std::byte> memory;
  int device;
  std::atomic<bool> read_by_default = false, read_by_others = false;

  DeviceMemory(cuda::Memory<std::byte> own, int number) : memory{std::move(own)}, device{number} {}
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory();
  cudaStream_t stream() const { return memory.get_deleter().stream; }
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

/// A result that a backend leaves on its device, row by row; it may be queued.
template <class T>
DeviceArray device_array_of(cuda::Memory<T> memory, int device, Index rows, Index cols) {
  const cuda::Free free = memory.get_deleter();
  T* const data = memory.release();
  return {.data = data,
          .device = device,
          .dtype = std::is_same_v<T, float> ? "float32" : "float64",
          .shape = {rows, cols},
          .strides = {cols, 1},
          .memory = std::make_shared<DeviceMemory>(
              cuda::Memory<std::byte>{reinterpret_cast<std::byte*>(data), free}, device)};
}

/// A part of an array, or another look at it: `offset` and strides count elements.
DeviceArray look_at(const DeviceArray& array, Index offset, const std::vector<Index>& shape,
                    const std::vector<Index>& strides);

/// What DLPack's consumers ask a producer for: on `stream` (1 the default one, none if it is not
/// said), what fills the array comes first; -1: the consumer sees to that.
struct Wish {
  std::optional<Index> stream{};
  std::optional<std::pair<Index, Index>> max_version{}, device{};
  std::optional<bool> copy{};
};

/// A capsule that shares an array of ours, which stays until the consumer lets go of it.
py::capsule to_dlpack(const DeviceArray& array, const Wish& wish);

/// The same by CUDA's array interface, whose consumers make the stream that they read on wait.
py::dict cuda_array_interface(const DeviceArray& array);

/// Of a matrix: the first row in which each column is not finite, or the number of rows.
py::array_t<Index> first_not_finite(const DeviceArray& array);

/// (3, n) of a square matrix: of every row the largest |x(i, j) - x(j, i)|, |x(i, j)| and -x(i, j).
py::array_t<double> row_facts(const DeviceArray& array);

/// (2, rows) of a matrix whose rows are adjacent: columns, or -1, and values; see kernels.hpp.
py::array_t<double> largest_in_rows(const DeviceArray& array, bool absolute);

/// The calling thread's stream on a device, as a number.
std::uintptr_t stream_of(int device);

/// A copy on the host; bfloat16 as uint16.
py::array to_numpy(const DeviceArray& array);

}  // namespace gramian

// Device memory of the stand-in: the host cannot touch it, it starts as NaN, ends at a guard page,
// and its addresses are never used again.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>

#include "state.hpp"

namespace hostcuda {

cudaError_t allocate(void** out, std::size_t bytes, int device);
/// Ends the process if that is no live allocation, or if something was written beside it.
void release(void* pointer);

/// Whether the whole range lies in one live allocation.
bool is_device(const void* pointer, std::size_t bytes);
/// The device of a live allocation, -1 for any other address.
int device_of(const void* pointer);
/// Ends the process unless the whole range lies in one live allocation.
void require_device(const void* pointer, std::size_t bytes, const char* what);

/// Lets this process touch a device's memory for as long as it lives; they may nest.
class Access {
 public:
  explicit Access(int device);
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

 private:
  int device_;
};

/// What the calling thread may touch at the moment, for another thread to take over.
using Rights = std::array<int, max_devices>;
Rights rights();
void take_over(const Rights& rights);

/// NaN as float or double.
void poison(void* pointer, std::size_t bytes);

std::size_t live_bytes();
std::size_t peak_bytes();
/// Counts from now, and refuses the n-th allocation and all that follow; 0: none.
void fail_allocations(std::size_t from);
std::size_t allocations();
void set_memory_limit(std::size_t bytes);
std::size_t memory_limit();

}  // namespace hostcuda

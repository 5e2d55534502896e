// __shared__ variables, which the host compiler made static.
#pragma once

#include <cstddef>
#include <vector>

namespace hostcuda {

struct Area {
  void* data;
  std::size_t bytes;
};

/// Those that a kernel and what it calls may use; `kernel` is its mangled name.
std::vector<Area> shared_areas(const char* kernel, const void* function);

}  // namespace hostcuda

// Large pages for large matrices: the first touch of a page takes longer than its arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gramian {

/// Asks for them where a buffer is large enough for some; whether it gets them makes no difference
/// to anything but speed.
inline void use_large_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) {
#ifdef __linux__
  constexpr std::size_t page = 4096, least = std::size_t{1} << 22;
  if (bytes < least) return;
  const auto address = reinterpret_cast<std::uintptr_t>(data),
             first = (address + page - 1) & ~(page - 1);
  madvise(reinterpret_cast<void*>(first), address + bytes - first, MADV_HUGEPAGE);
#endif
}

}  // namespace gramian

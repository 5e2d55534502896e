// Memory for buffers. Large ones are mapped by themselves: what the heaps of malloc (one a thread)
// keep of memory that was freed would be several times what a comparison holds at once, and a first
// touch by small pages takes longer than the arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gramian {

/// Gives back what `take_memory` gave.
struct GiveBack {
  std::size_t mapped = 0;  // bytes; 0: it came from the heap
  void operator()(void* data) const noexcept {
#ifdef __linux__
    if (mapped > 0) {
      munmap(data, mapped);
      return;
    }
#endif
    ::operator delete[](data, std::align_val_t{64});
  }
};

struct Memory {
  void* data;
  GiveBack give_back;
};

/// Memory that is aligned to cache lines, or to the large pages that fit into it. Whether the
/// system has these makes no difference to anything but speed. Throws std::bad_alloc.
inline Memory take_memory(std::size_t bytes) {
#ifdef __linux__
  constexpr std::size_t page = 4096, large_page = std::size_t{1} << 21, least = large_page;
  if (bytes >= least) {
    const std::size_t used = (bytes + page - 1) / page * page, all = used + large_page;
    void* const mapped =
        mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc{};
    const auto start = reinterpret_cast<std::uintptr_t>(mapped);
    const std::size_t before = (large_page - start % large_page) % large_page;
    char* const data = static_cast<char*>(mapped) + before;
    if (before > 0) munmap(mapped, before);
    munmap(data + used, all - used - before);
    madvise(data, used / large_page * large_page, MADV_HUGEPAGE);
    return {data, {used}};
  }
#endif
  return {::operator new[](bytes, std::align_val_t{64}), {}};
}

}  // namespace gramian

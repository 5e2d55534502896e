#include "memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>

#include "hostcuda.hpp"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) static_cast<void>(0)
#endif

namespace hostcuda {
namespace {

constexpr std::size_t alignment = 256;        // what cudaMalloc promises
constexpr std::size_t reserved = 1ULL << 40;  // of addresses: as many as ThreadSanitizer allows
constexpr unsigned char unwritten = 0xFF;     // every byte of NaN

struct Allocation {
  std::size_t bytes;
  char* pages;
  std::size_t span;  // bytes of pages
  int device;
};

struct Memory {
  std::map<char*, Allocation> live;
  std::array<int, max_devices> open{};  // how many Access there are
  std::array<int, max_devices> keys{};  // key + 1; 0: not asked for yet, -1: there is none
  char* next = nullptr;                 // where the next allocation's pages start
  std::size_t bytes = 0, peak = 0, limit = reserved;
  std::size_t allocations = 0, fail_from = 0;
};

Memory& memory() {
  static auto* const only = new Memory;  // outlives whoever frees at exit
  return *only;
}

/// The protection key of a device's memory, -1 where the processor has none: with it, access takes
/// one instruction, not a system call for each allocation that goes through all of its pages.
int key_of(int device) {
  int& key = memory().keys[static_cast<std::size_t>(device)];
  if (key == 0) {
    const int found = pkey_alloc(0, PKEY_DISABLE_ACCESS);
    key = found >= 0 ? found + 1 : -1;
  }
  return std::max(key - 1, -1);
}

/// For the calling thread alone, where there are keys. Who touches device memory holds the lock.
void set_access(int device, bool allowed) {
  if (const int key = key_of(device); key >= 0) {
    pkey_set(key, allowed ? 0 : PKEY_DISABLE_ACCESS);
    return;
  }
  for (const auto& [pointer, allocation] : memory().live)
    if (allocation.device == device)
      mprotect(allocation.pages, allocation.span, allowed ? PROT_READ | PROT_WRITE : PROT_NONE);
}

/// Works on one allocation; without keys that opens no other.
template <class Work>
void with_access(const Allocation& a, const Work& work) {
  if (key_of(a.device) >= 0) {
    const Access access{a.device};
    return work();
  }
  mprotect(a.pages, a.span, PROT_READ | PROT_WRITE);
  work();
  if (memory().open[static_cast<std::size_t>(a.device)] == 0) mprotect(a.pages, a.span, PROT_NONE);
}

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

/// Addresses that nobody can use; in place of what was there, if any. (Had freed pages but lost
/// their access, each would count against the number of mappings that a process may have.)
char* reserve(char* address, std::size_t bytes) {
  const int at = address != nullptr ? MAP_FIXED : 0;
  void* const start =
      mmap(address, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | at, -1, 0);
  if (start == MAP_FAILED) die("no address space for device memory");
  return static_cast<char*>(start);
}

/// Addresses that were never used, followed by a page that never will be. Of much memory, as large
/// pages, of which access changes in a tenth of the time.
char* new_pages(std::size_t span) {
  auto& m = memory();
  constexpr std::size_t large_page = std::size_t{1} << 21;
  if (m.next == nullptr) m.next = reserve(nullptr, reserved);
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (span >= large_page) {
    const auto at = reinterpret_cast<std::uintptr_t>(m.next);
    m.next += rounded_up(at, large_page) - at;
    madvise(m.next, span / large_page * large_page, MADV_HUGEPAGE);
  }
  char* const pages = m.next;
  m.next += rounded_up(span, page) + page;
  return pages;
}

auto find(const void* pointer) {
  auto& live = memory().live;
  auto next = live.upper_bound(static_cast<char*>(const_cast<void*>(pointer)));
  if (next == live.begin()) return live.end();
  --next;
  return static_cast<const char*>(pointer) <= next->first + next->second.bytes ? next : live.end();
}

bool is_unwritten(const char* first, const char* last) {
  return std::all_of(first, last, [](char c) { return c == static_cast<char>(unwritten); });
}

}  // namespace

cudaError_t allocate(void** out, std::size_t bytes, int device) {
  const auto guard = lock();
  auto& m = memory();
  ++m.allocations;
  if (m.bytes + bytes > m.limit || (m.fail_from > 0 && m.allocations >= m.fail_from))
    return cudaErrorMemoryAllocation;
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t body = rounded_up(std::max<std::size_t>(bytes, 1), alignment);
  const Allocation a{bytes, new_pages(body), rounded_up(body, page), device};
  char* const pointer = a.pages + a.span - body;  // its end is next to the guard page
  m.live.emplace(pointer, a);
  if (pkey_mprotect(a.pages, a.span, PROT_READ | PROT_WRITE, key_of(device)) != 0)
    die("too many allocations");
  with_access(a, [&] { std::memset(a.pages, unwritten, a.span); });
  ASAN_POISON_MEMORY_REGION(a.pages, pointer - a.pages);
  ASAN_POISON_MEMORY_REGION(pointer + bytes, body - bytes);
  m.bytes += bytes;
  m.peak = std::max(m.peak, m.bytes);
  *out = pointer;
  return cudaSuccess;
}

void release(void* pointer) {
  const auto guard = lock();
  auto& m = memory();
  const auto found = m.live.find(static_cast<char*>(pointer));
  if (found == m.live.end()) die("free of %p, which is no live device allocation", pointer);
  const Allocation a = found->second;
  char* const first = found->first;
  ASAN_UNPOISON_MEMORY_REGION(a.pages, a.span);
  with_access(a, [&] {
    if (!is_unwritten(a.pages, first) || !is_unwritten(first + a.bytes, a.pages + a.span))
      die("something was written just outside a device allocation of %zu bytes", a.bytes);
  });
  reserve(a.pages, a.span);
  m.bytes -= a.bytes;
  m.live.erase(found);
}

bool is_device(const void* pointer, std::size_t bytes) {
  const auto guard = lock();
  const auto found = find(pointer);
  if (found == memory().live.end()) return false;
  const char* const end = found->first + found->second.bytes;
  return static_cast<std::size_t>(end - static_cast<const char*>(pointer)) >= bytes;
}

int device_of(const void* pointer) {
  const auto guard = lock();
  const auto found = find(pointer);
  return found == memory().live.end() ? -1 : found->second.device;
}

void require_device(const void* pointer, std::size_t bytes, const char* what) {
  if (bytes > 0 && !is_device(pointer, bytes))
    die("%s: the %zu bytes at %p are not all inside one live device allocation", what, bytes,
        pointer);
}

Access::Access(int device) : device_{device} {
  const auto guard = lock();
  if (memory().open[static_cast<std::size_t>(device)]++ == 0) set_access(device, true);
}

Access::~Access() {
  const auto guard = lock();
  if (--memory().open[static_cast<std::size_t>(device_)] == 0) set_access(device_, false);
}

Rights rights() {
  Rights found{};
  for (int device = 0; device < max_devices; ++device)
    if (const int key = key_of(device); key >= 0)
      found[static_cast<std::size_t>(device)] = pkey_get(key);
  return found;
}

void take_over(const Rights& rights) {
  for (int device = 0; device < max_devices; ++device)
    if (const int key = key_of(device); key >= 0)
      pkey_set(key, static_cast<unsigned>(rights[static_cast<std::size_t>(device)]));
}

void poison(void* pointer, std::size_t bytes) { std::memset(pointer, unwritten, bytes); }

std::size_t live_bytes() {
  const auto guard = lock();
  return memory().bytes;
}

std::size_t peak_bytes() {
  const auto guard = lock();
  return std::exchange(memory().peak, memory().bytes);
}

void fail_allocations(std::size_t from) {
  const auto guard = lock();
  memory().allocations = 0;
  memory().fail_from = from;
}

std::size_t allocations() {
  const auto guard = lock();
  return memory().allocations;
}

void set_memory_limit(std::size_t bytes) {
  const auto guard = lock();
  memory().limit = bytes;
}

std::size_t memory_limit() {
  const auto guard = lock();
  return memory().limit;
}

}  // namespace hostcuda

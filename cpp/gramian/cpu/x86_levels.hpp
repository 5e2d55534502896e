// Which levels of x86-64 a processor runs: every feature that a level's -march flag lets the
// compiler use, not only those that the loops are known to need, and the registers that the
// operating system keeps for a process.
#pragma once

#include <cpuid.h>

#include <cstdint>

namespace gramian::simd::x86 {

/// What CPUID says in three of its registers, and XCR0: the registers that the system saves.
struct Processor {
  std::uint32_t leaf_1_ecx = 0, leaf_7_ebx = 0, extended_ecx = 0;
  std::uint64_t saved = 0;
};

/// The name is that of the compiler's macro, which a test compares, without its underscores.
struct Feature {
  const char* name;
  std::uint32_t Processor::* word;
  unsigned bit;
};

// The psABI's table of levels; OSXSAVE, without which there is no XCR0, implies XSAVE.
inline constexpr Feature v3_features[] = {
    {"SSE3", &Processor::leaf_1_ecx, 0},
    {"SSSE3", &Processor::leaf_1_ecx, 9},
    {"FMA", &Processor::leaf_1_ecx, 12},
    {"GCC_HAVE_SYNC_COMPARE_AND_SWAP_16", &Processor::leaf_1_ecx, 13},  // CMPXCHG16B
    {"SSE4_1", &Processor::leaf_1_ecx, 19},
    {"SSE4_2", &Processor::leaf_1_ecx, 20},
    {"CRC32", &Processor::leaf_1_ecx, 20},
    {"MOVBE", &Processor::leaf_1_ecx, 22},
    {"POPCNT", &Processor::leaf_1_ecx, 23},
    {"XSAVE", &Processor::leaf_1_ecx, 27},
    {"AVX", &Processor::leaf_1_ecx, 28},
    {"F16C", &Processor::leaf_1_ecx, 29},
    {"BMI", &Processor::leaf_7_ebx, 3},
    {"AVX2", &Processor::leaf_7_ebx, 5},
    {"BMI2", &Processor::leaf_7_ebx, 8},
    {"LAHF_SAHF", &Processor::extended_ecx, 0},
    {"LZCNT", &Processor::extended_ecx, 5},
};
inline constexpr Feature v4_features[] = {
    {"AVX512F", &Processor::leaf_7_ebx, 16},  {"AVX512DQ", &Processor::leaf_7_ebx, 17},
    {"AVX512CD", &Processor::leaf_7_ebx, 28}, {"AVX512BW", &Processor::leaf_7_ebx, 30},
    {"AVX512VL", &Processor::leaf_7_ebx, 31},
};

// Bits of XCR0: XMM and YMM; and the mask registers and both halves of ZMM.
inline constexpr std::uint64_t avx_saved = 0x06, avx512_saved = 0xe6;

template <std::size_t n>
constexpr bool has(const Processor& processor, const Feature (&features)[n]) {
  for (const auto& feature : features)
    if ((processor.*feature.word >> feature.bit & 1U) == 0) return false;
  return true;
}

constexpr bool runs_v3(const Processor& processor) {
  return has(processor, v3_features) && (processor.saved & avx_saved) == avx_saved;
}

constexpr bool runs_v4(const Processor& processor) {
  return runs_v3(processor) && has(processor, v4_features) &&
      (processor.saved & avx512_saved) == avx512_saved;
}

/// This one. What it does not know of is 0.
inline Processor processor() {
  Processor found;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) found.leaf_1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) found.leaf_7_ebx = ebx;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) != 0) found.extended_ecx = ecx;
  constexpr std::uint32_t osxsave = 1U << 27;
  if ((found.leaf_1_ecx & osxsave) != 0) {
    std::uint32_t low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    found.saved = std::uint64_t{high} << 32 | low;
  }
  return found;
}

}  // namespace gramian::simd::x86

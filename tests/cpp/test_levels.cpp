// Which level of x86-64 is chosen: a processor that lacks one feature of a level, or whose system
// does not save a level's registers, runs the level below.
#include <string>

#include "check.hpp"
#include "gramian/cpu/x86_levels.hpp"

namespace gramian {
namespace {

using namespace test;
using simd::x86::Processor;

// Bits of CPUID as the manuals of both makers number them, for the three levels.
constexpr unsigned leaf_1_ecx[] = {0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29};
constexpr unsigned leaf_7_ebx[] = {3, 5, 8}, leaf_7_ebx_v4[] = {16, 17, 28, 30, 31};
constexpr unsigned extended_ecx[] = {0, 5};
constexpr unsigned saved[] = {1, 2}, saved_v4[] = {5, 6, 7};

template <class Word, class Bits>
void set(Word& word, const Bits& bits) {
  for (const unsigned bit : bits) word |= Word{1} << bit;
}

Processor x86_64_v4() {
  Processor processor;
  set(processor.leaf_1_ecx, leaf_1_ecx);
  set(processor.leaf_7_ebx, leaf_7_ebx);
  set(processor.leaf_7_ebx, leaf_7_ebx_v4);
  set(processor.extended_ecx, extended_ecx);
  set(processor.saved, saved);
  set(processor.saved, saved_v4);
  return processor;
}

template <class Word, class Bits>
void test_without(Word Processor::* word, const Bits& bits, bool v3) {
  for (const unsigned bit : bits) {
    Processor processor = x86_64_v4();
    processor.*word &= ~(Word{1} << bit);
    const std::string without = "without bit " + std::to_string(bit);
    check(simd::x86::runs_v3(processor) == v3, without + ": x86-64-v3");
    check(!simd::x86::runs_v4(processor), without + ": x86-64-v4");
  }
}

}  // namespace
}  // namespace gramian

int main() {
  using namespace gramian;
  check(!simd::x86::runs_v3({}), "nothing but the baseline");
  check(simd::x86::runs_v4(x86_64_v4()), "nothing but x86-64-v4");
  test_without(&Processor::leaf_1_ecx, leaf_1_ecx, false);
  test_without(&Processor::leaf_7_ebx, leaf_7_ebx, false);
  test_without(&Processor::leaf_7_ebx, leaf_7_ebx_v4, true);
  test_without(&Processor::extended_ecx, extended_ecx, false);
  test_without(&Processor::saved, saved, false);
  test_without(&Processor::saved, saved_v4, true);
  // The compiler's run-time library knows some of them; it may know of no more than is there.
  const bool v4 = simd::x86::runs_v4(simd::x86::processor());
  __builtin_cpu_init();
  check(!v4 || __builtin_cpu_supports("avx512vl"), "this processor, by the compiler: x86-64-v4");
  check(!simd::x86::runs_v3(simd::x86::processor()) || __builtin_cpu_supports("avx2"),
        "this processor, by the compiler: x86-64-v3");
  return result();
}

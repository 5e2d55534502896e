#include <cstdlib>
#include <cstring>

#include "simd.hpp"

namespace gramian::simd {

extern const Table baseline;
#ifdef GRAMIAN_X86_LEVELS
extern const Table v3, v4;
#endif

namespace {

const Table& choose() {
#ifdef GRAMIAN_X86_LEVELS
  const char* limit = std::getenv("GRAMIAN_SIMD");
  const auto allowed = [limit](const char* level) {
    return limit == nullptr || std::strcmp(level, limit) <= 0;  // "baseline" < "x86-64-v3" < ...
  };
  __builtin_cpu_init();
  if (allowed(v4.level) && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
    return v4;
  if (allowed(v3.level) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
    return v3;
#endif
  return baseline;
}

}  // namespace

const Table& table() {
  static const Table& chosen = choose();
  return chosen;
}

}  // namespace gramian::simd

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "simd.hpp"
#ifdef GRAMIAN_X86_LEVELS
#include "x86_levels.hpp"
#endif

namespace gramian::simd {

extern const Table baseline;
#ifdef GRAMIAN_X86_LEVELS
extern const Table v3, v4;
#endif

namespace {

/// The highest level that GRAMIAN_SIMD allows: 0, 3 or 4; all of them where it is not set.
int highest_allowed() {
  const char* set = std::getenv("GRAMIAN_SIMD");
  const std::string_view level = set != nullptr ? set : "";
  if (level.empty() || level == "x86-64-v4") return 4;
  if (level == "x86-64-v3") return 3;
  if (level == "baseline") return 0;
  throw std::invalid_argument("GRAMIAN_SIMD must be baseline, x86-64-v3 or x86-64-v4, got " +
                              std::string(level) + ".");
}

const Table& choose() {
  [[maybe_unused]] const int allowed = highest_allowed();
#ifdef GRAMIAN_X86_LEVELS
  const x86::Processor processor = x86::processor();
  if (allowed >= 4 && x86::runs_v4(processor)) return v4;
  if (allowed >= 3 && x86::runs_v3(processor)) return v3;
#endif
  return baseline;
}

}  // namespace

const Table& table() {
  static const Table& chosen = choose();
  return chosen;
}

}  // namespace gramian::simd

// Checks that go on after a failure, say where it was, and set the program's exit code.
#pragma once

#include <cmath>
#include <cstdio>
#include <map>
#include <source_location>
#include <string>

namespace gramian::test {

inline int failures = 0;

using Where = std::source_location;

inline void check(bool right, const std::string& what, Where where = Where::current()) {
  if (right) return;
  ++failures;
  constexpr int shown = 3;  // of each check
  static std::map<unsigned, int> seen;
  if (++seen[where.line()] <= shown)
    std::printf("%s:%u: %s\n", where.file_name(), static_cast<unsigned>(where.line()),
                what.c_str());
}

/// |got - expected| <= tolerance; NaN equals NaN, and infinities of one sign are equal.
inline void check_near(double got, double expected, double tolerance, const std::string& what,
                       Where where = Where::current()) {
  const bool right = std::isnan(expected)
      ? std::isnan(got)
      : got == expected || std::abs(got - expected) <= tolerance;
  if (right) return;  // spares making the message
  check(false,
        what + ": got " + std::to_string(got) + ", expected " + std::to_string(expected) +
            ", off by " + std::to_string(std::abs(got - expected) / tolerance) + " tolerances",
        where);
}

/// The call throws an E.
template <class E, class Call>
void check_throws(const Call& call, const std::string& what, Where where = Where::current()) {
  try {
    call();
  } catch (const E&) {
    return;
  }
  check(false, what + ": nothing was thrown", where);
}

/// What main returns.
inline int result() {
  if (failures > 0) std::printf("%d checks failed\n", failures);
  return failures > 0 ? 1 : 0;
}

}  // namespace gramian::test

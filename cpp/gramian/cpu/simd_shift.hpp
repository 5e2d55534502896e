// What near-centring takes from the values of a tile: a part of simd.cpp, compiled with it for
// every instruction set.
#pragma once

#include "simd.hpp"

namespace gramian::simd {
namespace {

/// k(i, j) - aᵢ - aⱼ.
template <class T, class K>
T shifted(const K& k, T g, T si, T sj, T ai, T aj) {
  return k(g, si, sj) - ai - aj;
}

/// The same of a Gram matrix that is given, where nothing but this subtraction is rounded, and may
/// leave little of large values: in float it is done in double, in double to twice the precision.
template <class T>
struct GivenTile {};
float shifted(const GivenTile<float>&, float g, float, float, float ai, float aj) {
  return static_cast<float>(double{g} - double{ai} - double{aj});
}
double shifted(const GivenTile<double>&, double g, double, double, double ai, double aj) {
  const double once = g - ai, part = once - g, lost = (g - (once - part)) - (ai + part);
  const double twice = once - aj, rest = twice - once;
  return twice + (lost + ((once - (twice - rest)) - (aj + rest)));
}

}  // namespace
}  // namespace gramian::simd

// The polynomial kernel of a tile: a part of simd.cpp, compiled with it for every instruction set.
#pragma once

#include "simd.hpp"

namespace gramian::simd {
namespace {

template <class T, bool MinusConstant>
struct PolynomialTile {
  T factor, constant, outer;
  int degree;
  T operator()(T g, T, T) const {
    const T base = factor * g + constant;
    T sum = T(1), power = T(1);
    for (int k = 1; k < degree; ++k) {
      power *= constant;
      sum = sum * base + (MinusConstant ? power : T(0));
    }
    return (MinusConstant ? outer * g : base) * sum;
  }
};

/// About an origin: see kernels.hpp.
template <class T>
struct OriginTile {
  T factor, constant, outer, along, origin;
  int degree;
  T operator()(T g, T vi, T vj) const {
    const T r = constant + along * vi, s = constant + along * vj;
    const T q = constant + along * (vi + vj), base = q + factor * g;
    T sum = T(1), bend = T(0), hr = T(1), hs = T(1), of_q = T(1), power = T(1);
    for (int m = 1; m < degree; ++m) {
      bend = q * bend + (hr + hs);
      of_q *= q;
      power *= constant;
      sum = sum * base + of_q;
      hr = hr * r + power;
      hs = hs * s + power;
    }
    const T value = outer * (g * sum + origin * (vi * vj) * bend);
    return g > T(far_away / 2) ? value : T(0);
  }
};

}  // namespace
}  // namespace gramian::simd

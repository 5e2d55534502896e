// The loops of the LASSO: a part of simd.cpp, compiled with it for every instruction set. An
// element i of target t is at [i * lanes + t]; every target's arithmetic is independent of the
// others'.
#pragma once

#include <cmath>

#include "simd.hpp"

namespace gramian::simd {
namespace {

constexpr Index lanes = lasso_lanes;

void lasso_sweep(Index p, const double* gram, const double* alpha, double* w, double* q) {
  for (Index i = 0; i < p; ++i, w += lanes) {
    double step[lanes];
    double moved = 0;
#pragma omp simd reduction(+ : moved)
    for (Index t = 0; t < lanes; ++t) {
      const double rho = q[i * lanes + t] + w[t];  // G has a unit diagonal
      const double excess = std::fabs(rho) - alpha[t];
      const double value = excess > 0 ? std::copysign(excess, rho) : 0;
      step[t] = value - w[t];
      w[t] = value;
      moved += std::fabs(step[t]);
    }
    if (moved == 0) continue;
    const double* const row = gram + i * p;
    for (Index j = 0; j < p; ++j) {
      const double g = row[j];
#pragma omp simd
      for (Index t = 0; t < lanes; ++t) q[j * lanes + t] -= step[t] * g;
    }
  }
}

LassoMeasure lasso_measure(Index p, const double* c, const double* w, const double* q) {
  LassoMeasure m = {};
  for (Index i = 0; i < p * lanes; i += lanes) {
#pragma omp simd
    for (Index t = 0; t < lanes; ++t) {
      const double size = std::fabs(q[i + t]);
      m.largest[t] = size > m.largest[t] ? size : m.largest[t];
      m.l1[t] += std::fabs(w[i + t]);
      m.qw[t] += q[i + t] * w[i + t];
      m.cw[t] += c[i + t] * w[i + t];
    }
  }
  return m;
}

void lasso_step_products(Index p, const double* const* w, double* products) {
  constexpr Index steps = lasso_memory;
  for (Index i = 0; i < p * lanes; i += lanes) {
    double step[steps][lanes];
    for (Index k = 0; k < steps; ++k)
#pragma omp simd
      for (Index t = 0; t < lanes; ++t) step[k][t] = w[k + 1][i + t] - w[k][i + t];
    for (Index k = 0; k < steps; ++k)
      for (Index l = 0; l <= k; ++l)
#pragma omp simd
        for (Index t = 0; t < lanes; ++t)
          products[(k * steps + l) * lanes + t] += step[k][t] * step[l][t];
  }
}

void lasso_combine(Index p, Index count, const LassoState* states, const double* weights,
                   const double* alpha, const double* c, const LassoState& out, double* gain) {
  double here[lanes] = {}, there[lanes] = {};
  for (Index i = 0; i < p * lanes; i += lanes) {
    const LassoState& now = states[count - 1];
    double w[lanes], q[lanes];
#pragma omp simd
    for (Index t = 0; t < lanes; ++t) {
      w[t] = now.w[i + t];
      q[t] = now.q[i + t];
    }
    for (Index k = 0; k < count - 1; ++k)
#pragma omp simd
      for (Index t = 0; t < lanes; ++t) {
        w[t] += weights[k * lanes + t] * (states[k].w[i + t] - now.w[i + t]);
        q[t] += weights[k * lanes + t] * (states[k].q[i + t] - now.q[i + t]);
      }
#pragma omp simd
    for (Index t = 0; t < lanes; ++t) {
      const double w_now = now.w[i + t], q_now = now.q[i + t], c_now = c[i + t];
      here[t] += alpha[t] * std::fabs(w_now) - (c_now + q_now) * w_now / 2;
      there[t] += alpha[t] * std::fabs(w[t]) - (c_now + q[t]) * w[t] / 2;
      out.w[i + t] = w[t];
      out.q[i + t] = q[t];
    }
  }
  for (Index t = 0; t < lanes; ++t) gain[t] = here[t] - there[t];
}

constexpr LassoKernels lasso_kernels = {lasso_sweep, lasso_measure, lasso_step_products,
                                        lasso_combine};

}  // namespace
}  // namespace gramian::simd

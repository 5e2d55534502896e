#include "lasso.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ordered.hpp"
#include "simd.hpp"

namespace gramian {
namespace {

struct Nothing {};

/// The state of one target: coefficients w and the gradient q = c - Gw, that is Xᵀ(y - Xw) / n.
struct Descent {
  std::vector<double> w, q;
};

struct Progress {
  double gap, r2;
};

/// Primal less dual objective, the dual one at s q with s = min(1, α / |q|_∞):
/// α |w|₁ - s qᵀw + (1 - s)² |y - Xw|² / (2n), in a form whose terms do not cancel.
Progress measure(const double* c, const Descent& d, double alpha) {
  double largest = 0, l1 = 0, qw = 0, cw = 0;
  for (std::size_t i = 0; i < d.w.size(); ++i) {
    largest = std::max(largest, std::fabs(d.q[i]));
    l1 += std::fabs(d.w[i]);
    qw += d.q[i] * d.w[i];
    cw += c[i] * d.w[i];
  }
  const double s = std::min(1.0, alpha / largest), r2 = cw + qw;
  return {alpha * l1 - s * qw + (1 - s) * (1 - s) * (1 - r2) / 2, r2};
}

}  // namespace

void lasso_path(const LassoProblem& problem, const LassoSolution& solution,
                const Control& control) {
  const Index p = problem.predictors, count = std::ssize(problem.alphas);
  const auto sweep = simd::table().lasso_sweep;
  run_ordered<Descent, Nothing>(
      problem.targets, control,
      [&] {
        const auto size = static_cast<std::size_t>(p);
        return Descent{std::vector<double>(size), std::vector<double>(size)};
      },
      [] { return Nothing{}; },
      [&](Descent& d, Index target, Nothing&) {
        const double* const c = problem.cross + target * p;
        std::ranges::fill(d.w, 0.0);
        std::copy_n(c, p, d.q.begin());
        for (Index k = 0; k < count; ++k) {
          const double alpha = problem.alphas[static_cast<std::size_t>(k)];
          Progress now = measure(c, d, alpha);
          for (Index round = 0; round < problem.max_sweeps && !(now.gap <= problem.tolerance);
               ++round) {
            sweep(problem.gram, p, alpha, d.w.data(), d.q.data());
            now = measure(c, d, alpha);
          }
          const Index at = k * problem.targets + target;
          solution.r2[at] = now.r2;
          solution.gaps[at] = now.gap;
          solution.partners[at] = p - std::ranges::count(d.w, 0.0);
          if (solution.coefficients != nullptr)
            std::ranges::copy(d.w, solution.coefficients + at * p);
        }
      },
      [](Index, const Nothing&) {});
}

}  // namespace gramian

// LASSO of many targets on one shared covariance, by coordinate descent. On the host whatever
// the backend: the data are p x p by now.
#pragma once

#include <span>

#include "../backend.hpp"

namespace gramian {

/// For each target y with correlations c to the p predictors: minimize over w
///   (1 - 2 cᵀw + wᵀGw) / 2 + α |w|₁,
/// which is |y - Xw|² / (2n) + α |w|₁ on standardized columns, G = XᵀX / n, c = Xᵀy / n.
struct LassoProblem {
  Index predictors, targets;
  const double* gram;              // p x p, unit diagonal
  const double* cross;             // targets x p
  std::span<const double> alphas;  // falling: each solution starts from the last
  double tolerance;                // on the duality gap
  Index max_sweeps;                // for each alpha
};

/// Where the solutions go. All arrays are alphas x targets; `coefficients` has p of them each, must
/// be zero before and may be null.
struct LassoSolution {
  double* coefficients;
  double* r2;
  double* gaps;
  Index* partners;  // coefficients that are not 0
};

void lasso_path(const LassoProblem& problem, const LassoSolution& solution, const Control& control);

}  // namespace gramian

// The LASSO solver against its optimality conditions, at every level of its vector loops.
#include "check.hpp"
#include "gramian/cpu/lasso.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

/// Correlations XᵀX / n and Xᵀy / n of standardized columns.
struct Correlations {
  std::vector<double> gram, cross;

  Correlations(Index n, Index p, Index targets)
      : gram(filled(p * p, 0)), cross(filled(p * targets, 0)) {
    Data data = normal_data(n, p + targets);
    const auto at = [&](Index i, Index j) -> double& {
      return data.values[static_cast<std::size_t>(i * (p + targets) + j)];
    };
    for (Index i = 0; i < n; ++i)
      for (Index j = 1; j < p + targets; ++j) at(i, j) += 0.8 * at(i, (j - 1) / 2);  // correlated
    for (Index j = 0; j < p + targets; ++j) {
      double mean = 0, square = 0;
      for (Index i = 0; i < n; ++i) mean += at(i, j) / static_cast<double>(n);
      for (Index i = 0; i < n; ++i) square += (at(i, j) - mean) * (at(i, j) - mean);
      const double unit = std::sqrt(square / static_cast<double>(n));
      for (Index i = 0; i < n; ++i) at(i, j) = (at(i, j) - mean) / unit;
    }
    const auto product = [&](Index j, Index k) {
      double sum = 0;
      for (Index i = 0; i < n; ++i) sum += at(i, j) * at(i, k);
      return sum / static_cast<double>(n);
    };
    for (Index j = 0; j < p; ++j) {
      for (Index k = 0; k < p; ++k) gram[static_cast<std::size_t>(j * p + k)] = product(j, k);
      gram[static_cast<std::size_t>(j * p + j)] = 1;
      for (Index t = 0; t < targets; ++t)
        cross[static_cast<std::size_t>(t * p + j)] = product(j, p + t);
    }
  }
};

/// With q = c - Gw: |q| <= alpha, and q = alpha sign(w) where w is not 0.
void check_optimal(Index p, Index targets, bool deep) {
  const Correlations of(200, p, targets);
  const std::vector<double> alphas =
      deep ? std::vector<double>{0.5, 0.1, 0.01, 0.001} : std::vector<double>{2.0, 0.3};
  const Index steps = std::ssize(alphas);
  auto w = filled(steps * targets * p, 0), r2 = filled(steps * targets, 0), gaps = r2;
  std::vector<Index> partners(r2.size());
  lasso_path({p, targets, of.gram.data(), of.cross.data(), alphas, 1e-14, 100'000},
             {w.data(), r2.data(), gaps.data(), partners.data()}, {});
  for (Index a = 0; a < steps; ++a)
    for (Index t = 0; t < targets; ++t) {
      const double alpha = alphas[static_cast<std::size_t>(a)];
      const double* const own = w.data() + (a * targets + t) * p;
      Index active = 0;
      double explained = 0;
      for (Index j = 0; j < p; ++j) {
        const double c = of.cross[static_cast<std::size_t>(t * p + j)];
        double q = c;
        for (Index k = 0; k < p; ++k) q -= of.gram[static_cast<std::size_t>(j * p + k)] * own[k];
        check(std::abs(q) <= alpha + 1e-5, "no gradient above alpha");
        if (own[j] != 0) check_near(q, std::copysign(alpha, own[j]), 1e-5, "gradients of partners");
        active += own[j] != 0;
        explained += own[j] * (c + q);  // 1 - |y - Xw|² / n = 2 cᵀw - wᵀGw
      }
      const auto at = static_cast<std::size_t>(a * targets + t);
      check(partners[at] == active, "partners");
      check_near(r2[at], explained, 1e-9, "R²");
      check(gaps[at] <= 1e-14, "duality gap");
      if (alpha > 1) check(active == 0, "a large alpha leaves no partner");
    }
}

}  // namespace

int main() {
  for (const Index p : {1, 3, 17, 64})
    for (const Index targets : {1, 7, 8, 9, 20})
      for (const bool deep : {false, true}) check_optimal(p, targets, deep);
  return result();
}

#include "lasso.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "ordered.hpp"
#include "simd.hpp"

namespace gramian {
namespace {

constexpr Index lanes = simd::lasso_lanes, memory = simd::lasso_memory;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// A number of each of the targets that are worked on side by side.
struct alignas(sizeof(double) * lanes) Lanes {
  double of[lanes] = {};
};
using Columns = std::vector<Lanes>;
using Mask = std::array<bool, lanes>;

/// Coefficients w and the gradient q = c - Gw, that is Xᵀ(y - Xw) / n.
struct State {
  Columns w, q;
  simd::LassoState view() { return {w.data()->of, q.data()->of}; }
};

void copy(const Mask& which, const State& from, State& to) {
  for (std::size_t i = 0; i < from.w.size(); ++i)
    for (std::size_t t = 0; t < lanes; ++t) {
      to.w[i].of[t] = which[t] ? from.w[i].of[t] : to.w[i].of[t];
      to.q[i].of[t] = which[t] ? from.q[i].of[t] : to.q[i].of[t];
    }
}

/// Weights that add up to 1 and make the combination of the steps smallest, from the lower triangle
/// of their inner products: M z = 1 by elimination, with a ridge since M is often singular.
std::array<double, memory> smallest_combination(const Lanes* products, Index t) {
  double m[memory][memory], trace = 0, total = 0;
  std::array<double, memory> z;
  z.fill(1);
  for (Index i = 0; i < memory; ++i) trace += products[i * memory + i].of[t];
  for (Index i = 0; i < memory; ++i) {
    for (Index j = 0; j <= i; ++j) m[i][j] = m[j][i] = products[i * memory + j].of[t];
    m[i][i] += 1e-14 * trace;
  }
  for (Index i = 0; i < memory; ++i)
    for (Index k = i + 1; k < memory; ++k) {
      const double factor = m[k][i] / m[i][i];
      for (Index j = i; j < memory; ++j) m[k][j] -= factor * m[i][j];
      z[at(k)] -= factor * z[at(i)];
    }
  for (Index i = memory - 1; i >= 0; --i) {
    for (Index j = i + 1; j < memory; ++j) z[at(i)] -= m[i][j] * z[at(j)];
    total += z[at(i)] /= m[i][i];
  }
  for (double& value : z) value /= total;
  return z;
}

/// Several targets side by side: a row of G, which comes from a far cache, then serves all of them.
/// What happens to one is independent of the others, to the last bit.
class Descent {
 public:
  Descent(const LassoProblem& problem, const LassoSolution& solution)
      : problem_{problem}, solution_{solution}, c_(at(problem.predictors)) {
    for (State* state : {&now_, &candidate_, &last_alpha_}) *state = {c_, c_};
    for (State& state : before_) state = now_;
  }

  /// Solves for targets first, first + 1, ..., each at its own pace along the path.
  void run(Index first, Index count) {
    for (Index t = 0; t < lanes; ++t) load(t, t < count ? first + t : -1);
    const Index p = problem_.predictors;
    for (Index sweep = 0; count > 0; ++sweep) {
      before_[at(sweep % memory)] = now_;
      simd_.sweep(p, problem_.gram, alpha_.of, now_.w.data()->of, now_.q.data()->of);
      const auto found = simd_.measure(p, c_.data()->of, now_.w.data()->of, now_.q.data()->of);
      Mask solved{};
      for (Index t = 0; t < lanes; ++t) {
        Task& task = tasks_[at(t)];
        if (task.target < 0) continue;
        ++task.sweeps;
        // Only what comes straight from a sweep is recorded: there, what should be 0 is 0.
        solved[at(t)] = gap(t, found) <= problem_.tolerance || task.sweeps == problem_.max_sweeps;
        if (!solved[at(t)]) continue;
        record(t, found);
        if (task.step + 1 < std::ssize(problem_.alphas)) continue;
        load(t, -1);
        solved[at(t)] = false;
        --count;
      }
      if (std::ranges::count(solved, true) > 0) next_alpha(solved);
      accelerate(sweep);
    }
  }

 private:
  struct Task {
    Index target, step, sweeps;  // step: index of the alpha; sweeps: at that alpha
  };

  /// Puts a target into lane t, or nothing, which stays 0.
  void load(Index t, Index target) {
    const double* const c = target < 0 ? nullptr : problem_.cross + target * problem_.predictors;
    for (std::size_t i = 0; i < c_.size(); ++i) {
      c_[i].of[t] = now_.q[i].of[t] = c == nullptr ? 0 : c[i];
      now_.w[i].of[t] = 0;
    }
    tasks_[at(t)] = {target, 0, 0};
    alpha_.of[t] = target < 0 ? 1 : problem_.alphas[0];
  }

  /// Primal less dual objective, the dual one at s q with s = min(1, α / |q|_∞):
  /// α |w|₁ - s qᵀw + (1 - s)² |y - Xw|² / (2n), a form whose terms do not cancel.
  double gap(Index t, const simd::LassoMeasure& m) const {
    const double s = std::min(1.0, alpha_.of[t] / m.largest[t]);
    return alpha_.of[t] * m.l1[t] - s * m.qw[t] + (1 - s) * (1 - s) * (1 - m.cw[t] - m.qw[t]) / 2;
  }

  void record(Index t, const simd::LassoMeasure& m) {
    const Task& task = tasks_[at(t)];
    const Index place = task.step * problem_.targets + task.target;
    solution_.r2[place] = m.cw[t] + m.qw[t];
    solution_.gaps[place] = gap(t, m);
    Index partners = 0;
    for (Index i = 0; i < problem_.predictors; ++i) {
      const double w = now_.w[at(i)].of[t];
      if (w == 0) continue;
      ++partners;
      if (solution_.coefficients != nullptr)
        solution_.coefficients[place * problem_.predictors + i] = w;
    }
    solution_.partners[place] = partners;
  }

  /// As long as the same coefficients are not 0 the path is linear in alpha, so it is followed
  /// beyond the last two solutions.
  void next_alpha(const Mask& solved) {
    const auto& alphas = problem_.alphas;
    std::array<Lanes, 1> weights;
    for (Index t = 0; t < lanes; ++t) {
      Task& task = tasks_[at(t)];
      if (!solved[at(t)]) continue;
      task.sweeps = 0;
      const auto k = at(++task.step);
      alpha_.of[t] = alphas[k];
      if (k < 2 || alphas[k - 1] == alphas[k - 2]) continue;
      weights[0].of[t] = (alphas[k] - alphas[k - 1]) / (alphas[k - 2] - alphas[k - 1]);
    }
    const Mask follow = propose<2>({last_alpha_.view(), now_.view()}, weights, solved);
    copy(solved, now_, last_alpha_);
    copy(follow, candidate_, now_);
  }

  /// Anderson's acceleration: the combination of the last states whose combined step is smallest
  /// (Bertrand and Massias 2021).
  void accelerate(Index sweep) {
    Mask due{};
    for (std::size_t t = 0; t < lanes; ++t)
      due[t] = tasks_[t].sweeps > 0 && tasks_[t].sweeps % memory == 0;
    if (std::ranges::count(due, true) == 0) return;
    std::array<State*, memory + 1> past;
    for (Index k = 0; k < memory; ++k) past[at(k)] = &before_[at((sweep + 1 + k) % memory)];
    past[memory] = &now_;
    std::array<const double*, memory + 1> w;
    std::ranges::transform(past, w.begin(), [](State* state) { return state->view().w; });
    std::array<Lanes, memory * memory> products;
    simd_.step_products(problem_.predictors, w.data(), products.data()->of);
    std::array<Lanes, memory - 1> weights;
    for (Index t = 0; t < lanes; ++t) {
      due[at(t)] = due[at(t)] && products[0].of[t] > 0;
      if (!due[at(t)]) continue;
      const auto z = smallest_combination(products.data(), t);
      for (Index k = 0; k < memory - 1; ++k) weights[at(k)].of[t] = z[at(k)];
    }
    std::array<simd::LassoState, memory> states;
    for (std::size_t k = 0; k < memory; ++k) states[k] = past[k + 1]->view();
    copy(propose<memory>(states, weights, due), candidate_, now_);
  }

  /// Makes the candidate a combination of states, of which the last is the present one; q, linear
  /// in w, goes along. Says where, among the wanted, that lowers the objective.
  template <std::size_t N>
  Mask propose(const std::array<simd::LassoState, N>& states,
               const std::array<Lanes, N - 1>& weights, Mask wanted) {
    Lanes gain;
    simd_.combine(problem_.predictors, N, states.data(), weights.data()->of, alpha_.of,
                  c_.data()->of, candidate_.view(), gain.of);
    for (std::size_t t = 0; t < lanes; ++t) wanted[t] = wanted[t] && gain.of[t] > 0;
    return wanted;
  }

  const LassoProblem& problem_;
  const LassoSolution& solution_;
  const simd::LassoKernels& simd_ = simd::table().lasso;
  Columns c_;
  State now_, candidate_, last_alpha_;
  std::array<State, memory> before_;  // the states before the last sweeps
  Lanes alpha_;
  std::array<Task, lanes> tasks_{};
};

}  // namespace

void lasso_path(const LassoProblem& problem, const LassoSolution& solution,
                const Control& control) {
  struct Nothing {};
  run_ordered<Descent, Nothing>((problem.targets + lanes - 1) / lanes, num_threads(), control,
                                [&] { return Descent{problem, solution}; },
                                [] { return Nothing{}; },
                                [&](Descent& descent, Index task, Nothing&) {
                                  const Index first = task * lanes;
                                  descent.run(first, std::min(lanes, problem.targets - first));
                                },
                                [](Index, const Nothing&) {});
}

}  // namespace gramian

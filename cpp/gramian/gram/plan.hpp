// What a comparison of kernels will do, decided by cost before it is done.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "../pairs.hpp"
#include "kernel_spec.hpp"

namespace gramian {

/// A comparison as the planner sees it.
struct Workload {
  Index n;
  Pairs pairs;
  std::vector<Index> widths;  // of the layers
  bool linear;                // every kernel is the linear one
  Index medians;              // layers whose width needs their median distance
  bool in_memory;             // Gram matrices are given: nothing to multiply
  Index scalar_size;
  double max_memory;  // bytes above the inputs
  TilePolicy tiles{};
  CostModel cost{};

  Index layers() const { return pairs.layers(); }
  /// Products of one layer with another.
  Index products() const { return pairs.among() ? pairs.x * (pairs.x - 1) / 2 : pairs.x * pairs.y; }
};

/// A comparison by a kernel on backend B.
template <Backend B>
Workload workload_of(Index n, const Pairs& pairs, std::vector<Index> widths, const KernelSpec& spec,
                     double max_memory) {
  const bool own_median = spec.by_median() && (spec.sample == 0 || spec.sample >= n);
  return {n,
          pairs,
          std::move(widths),
          spec.kind == KernelSpec::linear,
          own_median ? pairs.layers() : 0,
          spec.kind == KernelSpec::precomputed,
          sizeof(typename B::scalar),
          max_memory,
          B::tile_policy,
          B::costs()};
}

/// The decision, with its cost.
struct Plan {
  bool feature_space = false;
  Tiling tiling{};
  Index kept = 0;   // layers whose inner products stay in memory between passes
  int threads = 1;  // at most so many fit the memory
  Work work{};
  double bytes = 0;    // working memory above the inputs
  double seconds = 0;  // on one core at the fitted rates

  double flops() const { return work.flops + 2 * work.paired; }
  /// How often the layers are read: a median that is not kept costs a pass of its own.
  int passes(const Workload& w) const { return kept < w.medians ? 2 : 1; }
};

/// How many threads are worth waking for so many seconds of one core: one takes 50 us to come.
inline int threads_for(double seconds, int threads) {
  constexpr double to_wake = 5e-5;
  return static_cast<int>(std::clamp(seconds / to_wake, 1.0, static_cast<double>(threads)));
}

/// X'Y of every pair, and X'X of every layer: 2 n p q and n p² flops.
inline Plan plan_feature_space(const Workload& w, int threads) {
  constexpr auto edge = static_cast<double>(product_tile_columns);
  Plan plan{.feature_space = true};
  const auto n = static_cast<double>(w.n), scalar = static_cast<double>(w.scalar_size);
  double widest = 0;
  const auto product = [&](Index p, Index q, double share) {
    const auto a = static_cast<double>(p), c = static_cast<double>(q);
    const double across = std::ceil(a / edge), along = std::ceil(c / edge);
    plan.work.flops += 2 * n * a * c * share;
    plan.work.packed += n * (a * along + c * across) * share;
    plan.work.tasks += across * along * share;
    widest = std::max(widest, a * c);
  };
  for (const Index p : w.widths) product(p, p, 0.5);
  for_each_pair(w.pairs, [&](Index i, Index j) {
    if (w.pairs.row(i) != w.pairs.column(j))
      product(w.widths[w.pairs.row(i)], w.widths[w.pairs.column(j)], 1);
  });
  plan.seconds = w.cost.seconds(plan.work);
  plan.threads = threads = threads_for(plan.seconds, threads);
  // A product; for a thread two panels and four slots, of the size of a tile (one alone has one),
  // and its sums in double, which the caller has once more.
  const double area = std::min(widest, edge * edge), slots = threads == 1 ? 1 : 4 * threads;
  plan.bytes = scalar * (widest + (2 * threads + slots) * area) + 8 * (threads + 1) * area;
  return plan;
}

/// Tiles of all layers' Gram matrices: n² p flops a layer and n² a pair, twice where a median needs
/// a pass of its own.
inline Plan plan_sample_space(const Workload& w, int threads) {
  Plan plan;
  const auto n = static_cast<double>(w.n), layers = static_cast<double>(w.layers());
  const auto scalar = static_cast<double>(w.scalar_size);
  const auto widest = static_cast<double>(*std::ranges::max_element(w.widths));

  // A thread's tiles, two panels, cells of 8 bytes and four slots of the ring, each with two sums a
  // row of a tile and a product a pair, in double.
  constexpr double cells = 8.0 * (1 << most_cell_bits);
  const auto of_thread = [&](const Tiling& tiling) {
    const auto rows = static_cast<double>(tiling.tile);
    return layers * rows * rows * scalar + 2 * rows * widest * scalar + 4 * 16 * layers * rows +
        4 * 8 * layers * layers + (w.medians > 0 ? cells : 0);
  };
  // Of a layer: norms, diagonal, row sums and shift on the host, norms and shift in T. Cells of the
  // passes for a median that are open at once: in float as a rule one, in double three.
  const double passes = w.scalar_size == 4 ? 1 : 3;
  const double whole =
      layers * n * (4 * 8 + 2 * scalar) + (w.medians > 0 && w.n >= 4096 ? passes * cells : 0);

  Index rows = tile_rows(w.tiles, w.n, w.layers(), w.scalar_size, w.max_memory * w.tiles.share);
  plan.tiling = Tiling::of(w.n, rows);
  while (rows > 64 && whole + of_thread(plan.tiling) > w.max_memory)
    plan.tiling = Tiling::of(w.n, rows -= 16);
  const auto area = static_cast<double>(plan.tiling.area());
  const auto tile = static_cast<double>(plan.tiling.tile);
  const auto tasks = static_cast<double>(plan.tiling.count());
  const double a_thread = of_thread(plan.tiling);
  plan.threads = static_cast<int>(
      std::clamp((w.max_memory - whole) / a_thread, 1.0, static_cast<double>(threads)));
  plan.bytes = whole + a_thread * plan.threads;
  const double a_layer = tasks * area * scalar;
  plan.kept =
      std::min(w.medians, static_cast<Index>(std::max(0.0, (w.max_memory - plan.bytes) / a_layer)));
  plan.bytes += static_cast<double>(plan.kept) * a_layer;

  const double elements = tasks * area;  // of the lower triangle, whole tiles on the diagonal
  double multiplied = 0;
  for (const Index p : w.widths) multiplied += w.in_memory ? 0 : static_cast<double>(p);
  const double again = 1 + static_cast<double>(w.medians - plan.kept) / layers;
  plan.work = {.flops = 2 * elements * multiplied * again,
               .paired = elements * (static_cast<double>(w.products()) + layers),
               .packed = 2 * tasks * tile * multiplied * again,
               .transformed = elements * layers,
               .counted = elements * static_cast<double>(w.medians),
               .tasks = tasks};
  plan.seconds = w.cost.seconds(plan.work);
  const int worth = threads_for(plan.seconds, plan.threads);
  plan.bytes -= a_thread * (plan.threads - worth);
  plan.threads = worth;
  return plan;
}

/// The plan in one of the spaces, where layers that are prepared have decided.
inline Plan plan_in(bool feature_space, const Workload& w, int threads) {
  return feature_space ? plan_feature_space(w, threads) : plan_sample_space(w, threads);
}

inline Plan make_plan(const Workload& w, int threads) {
  Plan sample = plan_sample_space(w, threads);
  if (!w.linear) return sample;
  Plan feature = plan_feature_space(w, threads);
  return feature.seconds < sample.seconds ? feature : sample;
}

}  // namespace gramian

// Bindings of HSIC, CKA, Gram matrices and median distances.
#pragma once

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "../gramian/gram_matrix.hpp"
#include "../gramian/measures/hsic.hpp"
#include "../gramian/median.hpp"
#include "convert.hpp"

namespace gramian {

/// (kind, sigma, bandwidth, sample, constant, degree), see KernelSpec.
using SpecTuple = std::tuple<int, double, double, Index, double, int>;
inline KernelSpec spec_of(const SpecTuple& t) {
  const auto& [kind, sigma, bandwidth, sample, constant, degree] = t;
  return {static_cast<KernelSpec::Kind>(kind), sigma, bandwidth, sample, constant, degree};
}

template <Backend B>
Workload workload_of(Index n, Index x, std::vector<Index> widths, const KernelSpec& spec,
                     double max_memory) {
  const bool own_median = spec.by_median() && (spec.sample == 0 || spec.sample >= n);
  const Index layers = std::ssize(widths);
  return {n,
          x,
          std::move(widths),
          spec.kind == KernelSpec::linear,
          own_median ? layers : 0,
          spec.kind == KernelSpec::precomputed,
          sizeof(typename B::scalar),
          max_memory,
          B::tile_policy,
          B::costs()};
}

/// HSIC, or CKA, of every x with every y (with one another when ys is empty); the status of every
/// layer as an integer; the squared medians of the layers that take their width from one. Without
/// values, when a median is 0 or, otherwise, a kernel too narrow for single precision.
template <Backend B>
py::tuple bind_hsic(const std::vector<Representation>& xs, const std::vector<Representation>& ys,
                    const SpecTuple& spec_tuple, bool unbiased, bool normalized, double max_memory,
                    const Progress& progress) {
  B b = backend_for<B>(xs[0], progress);
  const KernelSpec spec = spec_of(spec_tuple);
  std::vector<Representation> all = xs;
  all.insert(all.end(), ys.begin(), ys.end());
  std::vector<Layer<B>> layers;
  std::vector<Index> widths;
  for (const auto& r : all) {
    layers.push_back(layer_of(b, r));
    widths.push_back(layers.back().source.cols);
  }
  const auto x = std::ssize(xs), others = ys.empty() ? x : std::ssize(ys);
  const Plan plan =
      make_plan(workload_of<B>(layers[0].source.rows, x, std::move(widths), spec, max_memory),
                B::available_threads());
  std::vector<int> status;
  std::optional<std::vector<double>> values;
  std::vector<double> medians;
  {
    const py::gil_scoped_release release;
    Outcome outcome = hsic(b, std::move(layers), x, spec,
                           unbiased ? Estimator::unbiased : Estimator::biased, plan);
    medians = std::move(outcome.medians);
    if (outcome.complete) {
      for (const Status st : outcome.hsic.status) status.push_back(static_cast<int>(st));
      values =
          normalized ? cka_values(std::move(outcome.hsic)) : hsic_values(std::move(outcome.hsic));
    }
  }
  if (!values) return py::make_tuple(py::none(), status, medians);
  py::array_t<double> result({x, others});
  std::ranges::copy(*values, result.mutable_data());
  return py::make_tuple(result, status, medians);
}

/// The Gram matrix and the squared median, if the kernel takes its width from it; without a matrix
/// as `bind_hsic` is without values.
template <Backend B>
py::tuple bind_gram(const Representation& x, const SpecTuple& spec_tuple, bool centered) {
  using T = typename B::scalar;
  const Progress none;
  B b = backend_for<B>(x, none);
  const KernelSpec spec = spec_of(spec_tuple);
  GramLayer<B> g{as_read_by(b, spec, layer_of(b, x)).first};
  const Index n = g.layer.source.rows;
  py::array_t<T> out({n, n});
  auto* const data = out.mutable_data();
  Middle median{1, 1};
  bool complete = true;
  {
    const py::gil_scoped_release release;
    g.norms = norms_of(b, g.layer, spec);
    g.squared_norms = b.upload(g.norms);
    const Tiling tiling = Tiling::of(n, tile_rows(B::tile_policy, n, 1, sizeof(T), 1e9));
    if (spec.by_median()) median = median_of(b, g, tiling, spec.sample);
    const Kernel kernel = kernel_of(spec, g, median);
    complete = median.low + median.high > 0 && !is_too_narrow_for<T>(kernel, g.norms);
    if (complete) {
      set_kernel(b, g, kernel, centered);
      gram_matrix(b, g, centered, spec.unit(kernel, g.layer.scale), data);
    }
  }
  if (!complete) return py::make_tuple(py::none(), median.low + median.high);
  return py::make_tuple(out, median.low + median.high);
}

/// The decision of the planner, as a dict.
template <Backend B>
py::dict bind_plan(Index n, Index x, const std::vector<Index>& widths, const SpecTuple& spec,
                   double max_memory) {
  const Workload w = workload_of<B>(n, x, widths, spec_of(spec), max_memory);
  const Plan plan = make_plan(w, B::available_threads());
  py::dict d;
  d["feature_space"] = plan.feature_space;
  d["tile"] = plan.tiling.tile;
  d["passes"] = plan.kept < w.medians ? 2 : 1;
  d["threads"] = plan.threads;
  d["flops"] = plan.flops();
  d["bytes"] = plan.bytes;
  d["seconds"] = plan.seconds / plan.threads;
  const Work& work = plan.work;
  d["work"] =
      std::vector{work.flops, work.paired, work.packed, work.transformed, work.counted, work.tasks};
  return d;
}

template <Backend Single, Backend Double>
void bind_hsic_family(py::module_& m) {
  m.def("hsic",
        [](bool double_precision, const std::vector<Representation>& xs,
           const std::vector<Representation>& ys, const SpecTuple& spec, bool unbiased,
           bool normalized, double max_memory, const Progress& progress) {
          return (double_precision ? bind_hsic<Double> : bind_hsic<Single>)(xs, ys, spec, unbiased,
                                                                            normalized, max_memory,
                                                                            progress);
        });
  m.def("gram",
        [](bool double_precision, const Representation& x, const SpecTuple& spec, bool centered) {
          return (double_precision ? bind_gram<Double> : bind_gram<Single>)(x, spec, centered);
        });
  m.def("plan",
        [](bool double_precision, Index n, Index x, const std::vector<Index>& widths,
           const SpecTuple& spec, double max_memory) {
          return (double_precision ? bind_plan<Double> : bind_plan<Single>)(n, x, widths, spec,
                                                                            max_memory);
        });
}

}  // namespace gramian

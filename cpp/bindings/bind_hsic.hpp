// Bindings of HSIC, CKA, Gram matrices and median distances.
#pragma once

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "../gramian/gram/gram_matrix.hpp"
#include "../gramian/measures/hsic.hpp"
#include "convert.hpp"

namespace gramian {

/// (kind, sigma, bandwidth, sample, constant, degree), see KernelSpec.
using SpecTuple = std::tuple<int, double, double, Index, double, int>;
inline KernelSpec spec_of(const SpecTuple& t) {
  const auto& [kind, sigma, bandwidth, sample, constant, degree] = t;
  return {static_cast<KernelSpec::Kind>(kind), sigma, bandwidth, sample, constant, degree};
}

/// HSIC, or CKA, of every x with every y (with one another when ys is empty); the status of every
/// layer as an integer; the squared medians of the layers that take their width from one. Without
/// values, when a median is 0 or, otherwise, a kernel too narrow for single precision.
template <Backend B>
py::tuple bind_hsic(const std::vector<Representation>& xs, const std::vector<Representation>& ys,
                    const SpecTuple& spec_tuple, bool unbiased, bool normalized, double max_memory,
                    const Progress& progress) {
  B b = backend_for<B>(xs[0], progress);
  const Hsic measure{spec_of(spec_tuple), unbiased ? Estimator::unbiased : Estimator::biased};
  std::vector<Layer<B>> layers;
  std::vector<Index> widths;
  for (const auto* side : {&xs, &ys})
    for (const Representation& r : *side) {
      layers.push_back(layer_of(b, r));
      widths.push_back(layers.back().source.cols);
    }
  const Pairs pairs{std::ssize(xs), std::ssize(ys)};
  const Plan plan = make_plan(
      workload_of<B>(layers[0].source.rows, pairs, std::move(widths), measure.kernel, max_memory),
      B::available_threads());
  std::vector<int> status;
  std::vector<double> values, medians;
  bool complete = true;
  {
    const py::gil_scoped_release release;
    std::vector<PreparedGram<B>> prepared;
    const double share = plan.feature_space ? 0 : measure.kernel.by_median() ? 0.5 : 0.1;
    b.threads = plan.threads;
    for (auto& layer : layers) {
      b.control.begin = 0;
      b.control.end = share;
      b.control = b.control.part(std::ssize(prepared), pairs.layers());
      prepared.push_back(
          measure.prepare(b, std::move(layer), plan, std::ssize(prepared) < plan.kept));
      if (measure.kernel.by_median()) medians.push_back(prepared.back().median);
      if (!(complete = prepared.back().complete())) break;
    }
    if (complete) {
      b.control.begin = share;
      b.control.end = 1;
      std::vector<const PreparedGram<B>*> all;
      for (const auto& p : prepared) all.push_back(&p);
      HsicMap map = hsic_map<B>(b, measure, all, pairs, plan);
      for (const Status st : map.status) status.push_back(static_cast<int>(st));
      values =
          normalized ? cka_values(std::move(map)) : hsic_values<B>(std::move(map), measure, all);
    }
  }
  if (!complete) return py::make_tuple(py::none(), status, medians);
  py::array_t<double> result({pairs.x, pairs.columns()});
  std::ranges::copy(values, result.mutable_data());
  return py::make_tuple(result, status, medians);
}

/// The Gram matrix and the squared median, if the kernel takes its width from it; without a matrix
/// as `bind_hsic` is without values.
template <Backend B>
py::tuple bind_gram(const Representation& x, const SpecTuple& spec_tuple, bool centered) {
  const Progress none;
  B b = backend_for<B>(x, none);
  const KernelSpec spec = spec_of(spec_tuple);
  Layer<B> layer = layer_of(b, x);
  const Index n = layer.source.rows;
  py::array_t<typename B::scalar> out({n, n});
  auto* const data = out.mutable_data();
  bool complete;
  double median;
  {
    const py::gil_scoped_release release;
    const auto prepared = prepare_matrix(b, spec, std::move(layer), centered);
    complete = prepared.complete();
    median = spec.by_median() ? prepared.median : 1;
    if (complete) gram_matrix(b, prepared, centered, data);
  }
  if (!complete) return py::make_tuple(py::none(), median);
  return py::make_tuple(out, median);
}

/// The decision of the planner, as a dict.
template <Backend B>
py::dict bind_plan(Index n, Index x, const std::vector<Index>& widths, const SpecTuple& spec,
                   double max_memory) {
  const Pairs pairs{x, std::ssize(widths) - x};
  const Workload w = workload_of<B>(n, pairs, widths, spec_of(spec), max_memory);
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

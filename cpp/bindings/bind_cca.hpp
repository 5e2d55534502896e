// Bindings of the measures on orthonormal bases, and of Procrustes.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../gramian/measures/procrustes.hpp"
#include "bind_spectral.hpp"

namespace gramian {

/// (values, marks, ranks) of Σ rho, Σ rho², PWCCA or regression, for every pair.
template <LinearAlgebra B>
py::tuple bind_bases(const std::string& measure, const std::vector<Ranked>& xs,
                     const std::vector<Ranked>& ys, double tie_tolerance,
                     const Progress& progress) {
  B b = backend_for<B>(std::get<0>(xs[0]), progress);
  auto inputs = inputs_of(b, xs, ys);
  const auto x = std::ssize(xs), others = ys.empty() ? x : std::ssize(ys);
  PairValues found(0, 0);
  std::vector<Index> ranks;
  {
    const py::gil_scoped_release release;
    b.control.end = 0;
    recenter_all(b, inputs);
    std::vector<Basis<B>> bases;
    if (measure == "linear_regression" && !ys.empty()) {  // the x need no basis
      for (auto input = inputs.begin(); input != inputs.begin() + x; ++input) {
        const auto norms = b.column_norms(input->layer);
        const double norm = is_constant(*input, norms) ? 0 : sum(norms);
        bases.push_back({std::move(input->layer), norm > 0 ? 1 : 0, norm});
      }
      inputs.erase(inputs.begin(), inputs.begin() + x);
    }
    const bool weighted = measure.starts_with("pwcca");
    for (auto& basis : orthonormal_bases(b, std::move(inputs), {weighted, false}))
      bases.push_back(std::move(basis));
    ranks = ranks_of(bases);
    b.control.begin = 0.3;
    b.control.end = 1;
    const std::span<const Basis<B>> all{bases};
    if (measure == "linear_regression")
      found = regression(b, all, x);
    else if (weighted)
      found = pwcca(b, all, x,
                    measure.ends_with("_x")       ? WeightSide::x
                        : measure.ends_with("_y") ? WeightSide::y
                                                  : WeightSide::mean,
                    tie_tolerance);
    else if (measure == "squares")
      found = summarize(b, all, x, SquareSum{});
    else
      found = summarize(b, all, x, CorrelationSum{});
  }
  return py::make_tuple(array_of(found.values, x, others), found.marks, ranks);
}

/// (correlations, x_weights, y_weights, x_rank, y_rank) of one pair, weights in rows.
template <LinearAlgebra B>
py::tuple bind_canonical_pair(const Ranked& x, const Ranked& y) {
  const Progress none;
  B b = backend_for<B>(std::get<0>(x), none);
  auto inputs = inputs_of(b, {x}, {y});
  std::vector<Basis<B>> bases;
  {
    const py::gil_scoped_release release;
    recenter_all(b, inputs);
    bases = orthonormal_bases(b, std::move(inputs), {false, true});
  }
  return pair_of(b, bases[0], bases[1]);
}

/// XᵀY of the centred layers.
template <LinearAlgebra B>
py::array_t<double> bind_cross(const Ranked& x, const Ranked& y) {
  const Progress none;
  B b = backend_for<B>(std::get<0>(x), none);
  auto inputs = inputs_of(b, {x}, {y});
  const Layer<B>&left = inputs[0].layer, &right = inputs[1].layer;
  std::vector<double> values;
  {
    const py::gil_scoped_release release;
    recenter_all(b, inputs);
    values = b.download(b.cross(left, right));
  }
  for (double& value : values) value /= left.scale * right.scale;
  return array_of(values, left.source.cols, right.source.cols);
}

/// Procrustes similarity, or distance, of every pair, and which layers are constant.
template <LinearAlgebra B>
py::tuple bind_procrustes(const std::vector<Ranked>& xs, const std::vector<Ranked>& ys,
                          bool distance, const Progress& progress) {
  B b = backend_for<B>(std::get<0>(xs[0]), progress);
  auto inputs = inputs_of(b, xs, ys);
  const auto x = std::ssize(xs), others = ys.empty() ? x : std::ssize(ys);
  std::vector<double> values;
  std::vector<bool> constant;
  {
    const py::gil_scoped_release release;
    recenter_all(b, inputs);
    std::vector<CentredLayer<B>> layers;
    for (BasisInput<B>& input : inputs) {
      const auto norms = b.column_norms(input.layer);
      constant.push_back(is_constant(input, norms));
      layers.push_back({std::move(input.layer), constant.back() ? 0 : sum(norms)});
    }
    values = procrustes<B>(b, layers, x, distance);
  }
  return py::make_tuple(array_of(values, x, others), constant);
}

template <LinearAlgebra Single, LinearAlgebra Double>
void bind_cca_family(py::module_& m) {
  m.def("bases",
        [](bool double_precision, const std::string& measure, const std::vector<Ranked>& xs,
           const std::vector<Ranked>& ys, double tie_tolerance, const Progress& progress) {
          return (double_precision ? bind_bases<Double>
                                   : bind_bases<Single>)(measure, xs, ys, tie_tolerance, progress);
        });
  m.def("canonical_pair", [](bool double_precision, const Ranked& x, const Ranked& y) {
    return (double_precision ? bind_canonical_pair<Double> : bind_canonical_pair<Single>)(x, y);
  });
  m.def("spectral",
        [](bool double_precision, const std::vector<Ranked>& xs, const std::vector<Ranked>& ys,
           const std::string& kind, double parameter, Index components, bool squares,
           const Progress& progress) {
          return (double_precision ? bind_spectral<Double>
                                   : bind_spectral<Single>)(xs, ys, kind, parameter, components,
                                                            squares, progress);
        });
  m.def("spectral_pair", &bind_spectral_pair<Double>);
  m.def("cross", &bind_cross<Double>);
  m.def("procrustes",
        [](bool double_precision, const std::vector<Ranked>& xs, const std::vector<Ranked>& ys,
           bool distance, const Progress& progress) {
          return (double_precision ? bind_procrustes<Double>
                                   : bind_procrustes<Single>)(xs, ys, distance, progress);
        });
}

}  // namespace gramian

// Bindings of the measures on orthonormal bases, and of Procrustes.
#pragma once

#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../gramian/measures/procrustes.hpp"
#include "../gramian/measures/pwcca.hpp"
#include "../gramian/measures/regression.hpp"
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
  Map found;
  std::vector<Index> ranks;
  {
    const py::gil_scoped_release release;
    b.control.end = 0;
    const bool regression = measure == "linear_regression";
    std::vector<CentredLayer<B>> targets;
    if (regression && !ys.empty()) {
      auto rest = inputs.begin() + x;
      targets = centred_layers(b,
                               std::vector<BasisInput<B>>(std::make_move_iterator(inputs.begin()),
                                                          std::make_move_iterator(rest)));
      inputs.erase(inputs.begin(), rest);
      for (const auto& target : targets) ranks.push_back(target.squared_norm > 0 ? 1 : 0);
    }
    const bool weighted = measure.starts_with("pwcca");
    const auto bases = OnBases::prepare(b, std::move(inputs), {.coordinates = weighted});
    for (const Basis<B>& basis : bases) ranks.push_back(basis.rank);
    b.control.begin = 0.3;
    b.control.end = 1;
    if (!targets.empty()) {
      const auto left = pointers<CentredLayer<B>>(targets);
      const auto right = pointers<Basis<B>>(bases);
      found = compare_all<B, LinearRegression, CentredLayer<B>, Basis<B>>(b, {}, left, right);
    } else if (regression) {
      found = map_of(b, LinearRegression{}, bases, xs.size());
    } else if (weighted) {
      const WeightSide side = measure.ends_with("_x") ? WeightSide::x
          : measure.ends_with("_y")                   ? WeightSide::y
                                                      : WeightSide::mean;
      found = map_of(b, Pwcca{{}, side, tie_tolerance}, bases, xs.size());
    } else {
      found = map_of(b, Cca{{}, Denominator::one, measure == "squares"}, bases, xs.size());
    }
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
    bases = OnBases::prepare(b, std::move(inputs), {.weights = true});
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
    const Procrustes measure{distance};
    const auto layers = measure.prepare(b, std::move(inputs));
    for (const auto& layer : layers) constant.push_back(!(layer.squared_norm > 0));
    values = map_of(b, measure, layers, xs.size()).values;
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

// Bindings of the measures on orthonormal bases, and of Procrustes.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../gramian/measures/cca.hpp"
#include "../gramian/measures/procrustes.hpp"
#include "convert.hpp"

namespace gramian {

/// A representation, the rounding unit of its data, and its rank tolerance.
using Ranked = std::tuple<Representation, double, double>;

template <LinearAlgebra B>
std::vector<BasisInput<B>> inputs_of(B& b, const std::vector<Ranked>& xs,
                                     const std::vector<Ranked>& ys) {
  std::vector<BasisInput<B>> inputs;
  for (const auto* side : {&xs, &ys})
    for (const auto& [representation, epsilon, tolerance] : *side) {
      const auto& means = std::get<2>(representation);
      inputs.push_back({layer_of(b, representation),
                        std::vector<double>(means.data(), means.data() + means.size()), epsilon,
                        tolerance});
    }
  return inputs;
}

template <LinearAlgebra B>
void recenter_all(B& b, std::vector<BasisInput<B>>& inputs) {
  for (BasisInput<B>& x : inputs) recenter(b, x.layer, x.means);
}

template <LinearAlgebra B>
std::vector<Index> ranks_of(const std::vector<Basis<B>>& bases) {
  std::vector<Index> ranks;
  for (const Basis<B>& basis : bases) ranks.push_back(basis.rank);
  return ranks;
}

inline py::array_t<double> array_of(const std::vector<double>& values, Index rows, Index cols) {
  py::array_t<double> array({rows, cols});
  std::ranges::copy(values, array.mutable_data());
  return array;
}

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

template <LinearAlgebra B>
py::tuple pair_of(B& b, const Basis<B>& x, const Basis<B>& y) {
  CanonicalPair<B> found;
  {
    const py::gil_scoped_release release;
    b.control.begin = b.control.end = 1;
    found = canonical_pair(b, x, y);
  }
  const auto r = std::ssize(found.correlations);
  const auto weights = [&](std::vector<double>& values, const Layer<B>& layer) {
    for (double& value : values) value *= layer.scale;
    return array_of(values, r, layer.source.cols);
  };
  return py::make_tuple(found.correlations, weights(found.x_weights, x.layer),
                        weights(found.y_weights, y.layer), x.rank, y.rank);
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

/// What to keep of the singular values: the share `parameter` of their squares, or so many
/// components ("variance"); or all, with gains s / sqrt(s² + ridge) for a ridge of `parameter`
/// times the mean squared column norm ("ridge"), or alpha s + 1 - alpha ("shape").
inline Choose choice_of(const std::string& kind, double parameter, Index components, double epsilon,
                        double tolerance, Index width) {
  return [=](std::span<const double> s) {
    Choice all = above(tolerance)(s);
    const auto rank = static_cast<std::size_t>(all.kept);
    double total = 0, partial = 0;
    for (const double v : s) total += v * v;
    if (kind == "variance") {
      if (components > 0) return Choice{std::min(components, all.kept)};
      if (parameter == 1) return all;
      std::size_t k = 0;
      while (k < rank && partial < (parameter - 10 * epsilon) * total) {
        partial += s[k] * s[k];
        ++k;
      }
      return Choice{static_cast<Index>(k)};
    }
    for (std::size_t i = 0; i < rank; ++i)
      all.gains.push_back(
          kind == "ridge"
              ? s[i] / std::sqrt(s[i] * s[i] + parameter * total / static_cast<double>(width))
              : parameter * s[i] + (1 - parameter));
    return all;
  };
}

template <LinearAlgebra B>
std::vector<Choose> choices_of(const std::vector<BasisInput<B>>& inputs, const std::string& kind,
                               double parameter, Index components) {
  std::vector<Choose> choices;
  for (const BasisInput<B>& x : inputs)
    choices.push_back(
        choice_of(kind, parameter, components, x.epsilon, x.tolerance, x.layer.source.cols));
  return choices;
}

/// The sums of every pair of spectral bases.
template <LinearAlgebra B>
PairValues sums_of(B& b, std::span<const Basis<B>> bases, Index x, const std::string& kind,
                   bool squares) {
  b.control.begin = 0.3;
  b.control.end = 1;
  if (squares) return summarize(b, bases, x, SquareSum{});
  if (kind == "shape") return summarize(b, bases, x, NuclearNorm{});
  return summarize(b, bases, x, CorrelationSum{});
}

/// (Σ rho or Σ rho², ranks, kept, norms) of bases of singular directions, for every pair. The
/// norms are those of the gains. Bases are found in double; pairs without gains are multiplied in
/// single precision if their data came in it.
template <LinearAlgebra B>
py::tuple bind_spectral(const std::vector<Ranked>& xs, const std::vector<Ranked>& ys,
                        const std::string& kind, double parameter, Index components, bool squares,
                        const Progress& progress) {
  using W = typename B::Wide;
  B b = backend_for<B>(std::get<0>(xs[0]), progress);
  W w = b.wide();
  auto inputs = inputs_of(w, xs, ys);
  auto own = inputs_of(b, xs, ys);
  const auto x = std::ssize(xs), others = ys.empty() ? x : std::ssize(ys);
  PairValues found(0, 0);
  std::vector<Index> ranks, kept;
  std::vector<double> norms;
  {
    const py::gil_scoped_release release;
    w.control.end = 0;
    recenter_all(w, inputs);
    const auto choices = choices_of(inputs, kind, parameter, components);
    std::vector<double> tolerances;
    for (const auto& input : inputs) tolerances.push_back(input.tolerance);
    const auto bases = spectral_bases<W>(w, std::move(inputs), choices, {});
    kept = ranks_of(bases);
    for (std::size_t l = 0; l < bases.size(); ++l) {
      const auto& s = bases[l].singular_values;
      ranks.push_back(s.empty() ? 0 : above(tolerances[l])(s).kept);
      const auto gains = s.empty() ? std::vector<double>{} : choices[l](s).gains;
      norms.push_back(std::sqrt(dot(gains, gains)));
    }
    if constexpr (std::same_as<B, W>) {
      found = sums_of<W>(w, bases, x, kind, squares);
    } else if (kind != "variance") {
      found = sums_of<W>(w, bases, x, kind, squares);
    } else {
      std::vector<Basis<B>> narrow;
      for (std::size_t l = 0; l < bases.size(); ++l)
        narrow.push_back(narrowed(b, bases[l], std::move(own[l].layer)));
      found = sums_of<B>(b, narrow, x, kind, squares);
    }
  }
  return py::make_tuple(array_of(found.values, x, others), ranks, kept, norms);
}

/// One pair of the same bases, as bind_canonical_pair returns it.
template <LinearAlgebra B>
py::tuple bind_spectral_pair(const Ranked& x, const Ranked& y, const std::string& kind,
                             double parameter, Index components) {
  const Progress none;
  B b = backend_for<B>(std::get<0>(x), none);
  auto inputs = inputs_of(b, {x}, {y});
  std::vector<Basis<B>> bases;
  {
    const py::gil_scoped_release release;
    recenter_all(b, inputs);
    const auto choices = choices_of(inputs, kind, parameter, components);
    bases = spectral_bases<B>(b, std::move(inputs), choices, {false, true});
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

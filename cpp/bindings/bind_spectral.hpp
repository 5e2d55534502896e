// Bindings of the measures on singular directions: SVCCA, ridge CCA, shape distance. With what they
// share with those of bind_cca.hpp.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../gramian/measures/cca.hpp"
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

}  // namespace gramian

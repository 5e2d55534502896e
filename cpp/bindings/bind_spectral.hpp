// Bindings of the measures on singular directions: SVCCA, ridge CCA, shape distance. With what they
// share with those of bind_cca.hpp.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../gramian/measures/singular.hpp"
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

inline py::array_t<double> array_of(const std::vector<double>& values, Index rows, Index cols) {
  py::array_t<double> array({rows, cols});
  std::ranges::copy(values, array.mutable_data());
  return array;
}

template <class P>
std::vector<const P*> pointers(std::span<const P> all) {
  std::vector<const P*> found;
  for (const P& p : all) found.push_back(&p);
  return found;
}

/// The first x of some prepared layers with the rest, or among themselves.
template <LinearAlgebra B, class M, class P>
Map map_of(B& b, const M& measure, const std::vector<P>& layers, std::size_t x) {
  const auto all = pointers<P>(layers);
  const std::span<const P* const> pointed{all};
  return compare_all<B, M, P, P>(b, measure, pointed.first(x), pointed.subspan(x));
}

template <LinearAlgebra B>
py::tuple pair_of(B& b, const Basis<B>& x, const Basis<B>& y) {
  CanonicalPair found;
  {
    const py::gil_scoped_release release;
    found = canonical_pair(b, x, y);
  }
  const auto r = std::ssize(found.correlations);
  return py::make_tuple(found.correlations, array_of(found.x_weights, r, x.layer.source.cols),
                        array_of(found.y_weights, r, y.layer.source.cols), x.rank, y.rank);
}

/// Calls `use` with the measure of a name.
template <class Use>
auto with_singular(const std::string& kind, double parameter, Index components, const Use& use) {
  if (kind == "variance") return use(Svcca{parameter, components});
  if (kind == "ridge") return use(RidgeCca{parameter});
  return use(Shape{{}, parameter});
}

/// (Σ rho or Σ rho², ranks, kept, norms) of bases of singular directions, for every pair. The
/// norms are those of the gains. Bases are found in double; pairs without gains are multiplied in
/// single precision if their data came in it.
template <LinearAlgebra B>
py::tuple bind_spectral(const std::vector<Ranked>& xs, const std::vector<Ranked>& ys,
                        const std::string& kind, double parameter, Index components, bool squares,
                        const Progress& progress) {
  using W = typename B::Wide;
  if constexpr (!std::same_as<B, W>)
    if (kind != "variance")
      return bind_spectral<W>(xs, ys, kind, parameter, components, squares, progress);
  B b = backend_for<B>(std::get<0>(xs[0]), progress);
  auto inputs = inputs_of(b, xs, ys);
  const auto x = std::ssize(xs), others = ys.empty() ? x : std::ssize(ys);
  std::vector<double> values, norms;
  std::vector<Index> ranks, kept;
  {
    const py::gil_scoped_release release;
    b.control.end = 0;
    const auto bases = with_singular(kind, parameter, components, [&](const auto& measure) {
      return singular_bases<B>(b, measure, std::move(inputs), {});
    });
    b.control.begin = 0.3;
    b.control.end = 1;
    for (const Basis<B>& basis : bases) {
      kept.push_back(basis.rank);
      ranks.push_back(basis.directions);
      norms.push_back(basis.gain_norm);
    }
    values = kind == "shape"
        ? map_of(b, Shape{}, bases, xs.size()).values
        : map_of(b, Cca{{}, Denominator::one, squares}, bases, xs.size()).values;
  }
  return py::make_tuple(array_of(values, x, others), ranks, kept, norms);
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
    bases = with_singular(kind, parameter, components, [&](const auto& measure) {
      return singular_bases<B>(b, measure, std::move(inputs), {.weights = true});
    });
  }
  return pair_of(b, bases[0], bases[1]);
}

}  // namespace gramian

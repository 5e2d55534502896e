// Bindings of the comparison of prepared layers.
#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../gramian/measures/gram_distance.hpp"
#include "../gramian/measures/regression.hpp"
#include "bind_prepare.hpp"

namespace gramian {

enum class Measure : std::uint8_t {
  hsic,
  cka,
  distance_correlation,
  cca,
  cca_squared,
  svcca,
  svcca_squared,
  pwcca,
  linear_regression,
  procrustes,
  procrustes_distance,
  shape
};

/// What some measures want to know.
struct Options {
  Denominator denominator = Denominator::features;
  WeightSide side = WeightSide::x;
  double tie_tolerance = 0;
};

inline const char* name_of(Kind kind) {
  constexpr std::array names = {"gram",  "matrix", "basis",   "directions",
                                "ridge", "shape",  "centred", "units"};
  return names[static_cast<std::size_t>(kind)];
}

/// The layers of a comparison, checked: those of the columns prepared as `kinds` say, and all
/// others like them or, where a measure is content with that, centred.
template <class S, class D>
void check_comparable(const PreparedLayers<S, D>& xs, const PreparedLayers<S, D>& ys,
                      std::initializer_list<Kind> kinds, bool centred_rows = false) {
  PreparedLayers<S, D> all = xs;
  all.insert(all.end(), ys.begin(), ys.end());
  check_alike(all, [](const auto& layer) { return layer.samples; });
  const auto& first = ys.empty() ? *xs[0] : *ys[0];
  Home<S>::check_process(first.device);
  for (std::size_t l = 0; l < all.size(); ++l) {
    const PreparedLayer<S, D>& layer = *all[l];
    const bool row = l < xs.size() && !ys.empty();
    const bool fits = std::ranges::find(kinds, layer.kind) != kinds.end();
    if (!(fits && layer.kind == first.kind) &&
        !(row && centred_rows && layer.kind == Kind::centred))
      throw std::invalid_argument(std::string{"the measure cannot compare a layer prepared as "} +
                                  name_of(layer.kind) + " with one prepared as " +
                                  name_of(first.kind));
    if (layer.is_double != first.is_double)
      throw std::invalid_argument("layers must be prepared in one precision");
    if (layer.settings != first.settings)
      throw std::invalid_argument("layers must be prepared with one kernel and estimator");
  }
}

template <class T, class S, class D>
std::vector<const T*> states_of(const PreparedLayers<S, D>& layers) {
  std::vector<const T*> states;
  for (const auto& layer : layers) states.push_back(&layer->template as<T>());
  return states;
}

/// A map of the values, those that are marked, and the status of every layer.
struct Values {
  Pairs pairs;
  std::vector<double> values;
  std::vector<bool> marks;
  std::vector<Status> status;
};

/// Calls use(measure), where it is one of canonical correlations.
template <class Use>
auto with_correlations(Measure measure, const Options& options, const Use& use) {
  switch (measure) {
    case Measure::cca: return use(Cca{{}, options.denominator, false});
    case Measure::cca_squared: return use(Cca{{}, options.denominator, true});
    case Measure::svcca: return use(Cca{{}, Denominator::rank, false});
    case Measure::svcca_squared: return use(Cca{{}, Denominator::rank, true});
    default: throw std::invalid_argument("not a measure of canonical correlations");
  }
}

/// The map of a measure whose layers are of two types.
template <class B, class L, class R, class M, class S, class D>
Values map_of(B& b, const M& measure, const PreparedLayers<S, D>& xs,
              const PreparedLayers<S, D>& ys) {
  const auto left = states_of<L>(xs);
  const auto right = states_of<R>(ys);
  Map map = compare_all<B, M, L, R>(b, measure, left, right);
  return {map.pairs, std::move(map.values), std::move(map.marks), {}};
}

/// The plan that layers with kernels were prepared for.
template <class B, class S, class D>
Plan plan_for(const PreparedLayers<S, D>& layers, const Pairs& pairs) {
  const GramSettings& settings = *layers[0]->settings;
  std::vector<Index> widths;
  for (const auto& layer : layers) {
    widths.push_back(layer->width);
    if (!layer->template as<PreparedGram<B>>().complete())
      throw std::invalid_argument("a layer has no kernel: its status says why");
  }
  return plan_in(settings.feature_space,
                 workload_of<B>(layers[0]->samples, pairs, std::move(widths),
                                settings.measure.kernel, settings.max_memory),
                 B::available_threads());
}

template <class B, class S, class D>
Values hsic_of(B& b, Measure measure, const PreparedLayers<S, D>& xs,
               const PreparedLayers<S, D>& ys) {
  PreparedLayers<S, D> all = xs;
  all.insert(all.end(), ys.begin(), ys.end());
  const auto layers = states_of<PreparedGram<B>>(all);
  const Hsic& hsic = all[0]->settings->measure;
  const Pairs pairs{std::ssize(xs), std::ssize(ys)};
  const Plan plan = plan_for<B>(all, pairs);
  if constexpr (requires { b.panel_memory; }) b.panel_memory = all[0]->settings->max_memory / 2;
  HsicMap map = hsic_map<B>(b, hsic, layers, pairs, plan);
  auto status = map.status;
  const auto values = [&] {
    switch (measure) {
      case Measure::cka: return cka_values(std::move(map));
      case Measure::distance_correlation:
        return distance_correlations(std::move(map), hsic.estimator);
      default: return hsic_values<B>(std::move(map), hsic, layers);
    }
  };
  return {pairs, values(), std::vector<bool>(pairs.size()), std::move(status)};
}

/// Runs use(backend) off the GIL, on the device and in the precision of prepared layers; it owns
/// what it needs.
template <class S, class D, class Use>
auto off_the_gil(const PreparedLayers<S, D>& layers, const Progress& progress, Use use) {
  return with_precision<S, D>(layers[0]->is_double, [&]<class B>(std::type_identity<B>) {
    return without_the_gil<B>(are_long(layers), progress,
                              [device = layers[0]->device, use](const Control& control) {
                                B b = Home<B>::backend(device, control);
                                return use(b);
                              });
  });
}

/// Distances of scaled Gram matrices, of pairs of layers that were prepared in sample space.
template <class S, class D>
std::vector<double> bind_gram_distances(const PreparedLayers<S, D>& layers,
                                        const std::vector<std::pair<Index, Index>>& pairs,
                                        const Progress& progress) {
  check_comparable<S, D>(layers, {}, {Kind::gram});
  const GramSettings& settings = *layers[0]->settings;
  const Index count = std::ssize(layers);
  for (const auto& [k, l] : pairs)
    if (settings.feature_space || std::min(k, l) < 0 || std::max(k, l) >= count)
      throw std::invalid_argument("pairs must be of layers that were prepared by samples");
  return off_the_gil(layers, progress, [=]<class B>(B& b) {
    const auto grams = states_of<PreparedGram<B>>(layers);
    const Plan plan = plan_for<B>(layers, Pairs{count});
    return gram_distances<B>(b, layers[0]->settings->measure, grams, pairs, plan);
  });
}

template <class B, class S, class D>
Values values_of(B& b, Measure measure, const PreparedLayers<S, D>& xs,
                 const PreparedLayers<S, D>& ys, const Options& options) {
  const auto bases = [&](const auto& of) { return map_of<B, Basis<B>, Basis<B>>(b, of, xs, ys); };
  const auto centred = [&](const auto& of) {
    return map_of<B, CentredLayer<B>, CentredLayer<B>>(b, of, xs, ys);
  };
  switch (measure) {
    case Measure::hsic:
    case Measure::cka:
    case Measure::distance_correlation: return hsic_of(b, measure, xs, ys);
    case Measure::pwcca: return bases(Pwcca{{}, options.side, options.tie_tolerance});
    case Measure::linear_regression:
      if (xs[0]->kind == Kind::basis) return bases(LinearRegression{});
      return map_of<B, CentredLayer<B>, Basis<B>>(b, LinearRegression{}, xs, ys);
    case Measure::procrustes: return centred(Procrustes{});
    case Measure::procrustes_distance: return centred(Procrustes{.distance = true});
    case Measure::shape: return bases(Shape{});
    default: return with_correlations(measure, options, bases);
  }
}

/// Refuses bases that lack what is wanted of them.
template <class S, class D>
void check_extras(const PreparedLayers<S, D>& layers, bool coordinates, bool weights) {
  for (const auto& layer : layers) {
    const Extras has = layer->extras();
    if ((coordinates && !has.coordinates) || (weights && !has.weights))
      throw std::invalid_argument(coordinates ? "bases must be prepared with coordinates=True"
                                              : "bases must be prepared with weights=True");
  }
}

/// Refuses layers that were not prepared as a measure needs them.
template <class S, class D>
void check_for(Measure measure, const PreparedLayers<S, D>& xs, const PreparedLayers<S, D>& ys) {
  switch (measure) {
    case Measure::hsic:
    case Measure::cka:
    case Measure::distance_correlation: return check_comparable(xs, ys, {Kind::gram});
    case Measure::cca:
    case Measure::cca_squared: return check_comparable(xs, ys, {Kind::basis, Kind::ridge});
    case Measure::svcca:
    case Measure::svcca_squared: return check_comparable(xs, ys, {Kind::directions});
    case Measure::pwcca:
      check_comparable(xs, ys, {Kind::basis});
      check_extras(xs, true, false);
      return check_extras(ys, true, false);
    case Measure::linear_regression: return check_comparable(xs, ys, {Kind::basis}, true);
    case Measure::procrustes:
    case Measure::procrustes_distance: return check_comparable(xs, ys, {Kind::centred});
    case Measure::shape: return check_comparable(xs, ys, {Kind::shape});
  }
}

template <class S, class D>
py::tuple bind_compare(const PreparedLayers<S, D>& xs,
                       const std::optional<PreparedLayers<S, D>>& others, Measure measure,
                       Denominator denominator, WeightSide side, double tie_tolerance,
                       const Progress& progress) {
  if (others && others->empty()) throw std::invalid_argument("there must be a layer at least");
  const PreparedLayers<S, D> ys = others.value_or(PreparedLayers<S, D>{});
  check_for(measure, xs, ys);
  const Options options{denominator, side, tie_tolerance};
  PreparedLayers<S, D> all = xs;
  all.insert(all.end(), ys.begin(), ys.end());
  const Values found =
      off_the_gil(all, progress, [=](auto& b) { return values_of(b, measure, xs, ys, options); });
  const Index rows = found.pairs.x, columns = found.pairs.columns();
  py::array_t<bool> marks({rows, columns});
  std::ranges::copy(found.marks, marks.mutable_data());
  return py::make_tuple(array_of(found.values, rows, columns), marks, found.status);
}

}  // namespace gramian

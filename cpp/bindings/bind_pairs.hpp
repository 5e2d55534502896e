// Bindings of what is found of one layer, or of one pair in full.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bind_compare.hpp"

namespace gramian {

template <class S, class D>
using OneLayer = std::shared_ptr<PreparedLayer<S, D>>;

/// (value, whether it is marked, canonical correlations) of a pair; NaN and nothing where the
/// measure is not defined.
template <class S, class D>
py::tuple bind_pair(const OneLayer<S, D>& x, const OneLayer<S, D>& y, Measure measure,
                    Denominator denominator, WeightSide side, double tie_tolerance) {
  check_for<S, D>(measure, {x}, {y});
  const Options options{denominator, side, tie_tolerance};
  const auto found = off_the_gil(PreparedLayers<S, D>{x, y}, {}, [=]<class B>(B& b) {
    const auto& left = x->template as<Basis<B>>();
    const auto& right = y->template as<Basis<B>>();
    const auto compare = [&](const auto& of) { return compare_in_full(b, of, left, right); };
    return measure == Measure::pwcca ? compare(Pwcca{{}, side, tie_tolerance})
                                     : with_correlations(measure, options, compare);
  });
  if (!found)
    return py::make_tuple(std::numeric_limits<double>::quiet_NaN(), false, py::array_t<double>(0));
  return py::make_tuple(
      found->value, found->marked,
      py::array_t<double>(std::ssize(found->correlations), found->correlations.data()));
}

/// (correlations (r,), weights (r, p), weights (r, q)) of bases that have weights.
template <class S, class D>
py::tuple bind_canonical_pair(const OneLayer<S, D>& x, const OneLayer<S, D>& y) {
  const auto kinds = {Kind::basis, Kind::ridge};
  check_comparable<S, D>({x}, {x}, kinds);
  check_comparable<S, D>({y}, {y}, kinds);
  check_alike(PreparedLayers<S, D>{x, y}, [](const auto& layer) { return layer.samples; });
  if (x->is_double != y->is_double)
    throw std::invalid_argument("layers must be prepared in one precision");
  check_extras<S, D>({x, y}, false, true);
  const CanonicalPair found = off_the_gil(PreparedLayers<S, D>{x, y}, {}, [=]<class B>(B& b) {
    return canonical_pair(b, x->template as<Basis<B>>(), y->template as<Basis<B>>());
  });
  const auto r = std::ssize(found.correlations);
  return py::make_tuple(py::array_t<double>(r, found.correlations.data()),
                        array_of(found.x_weights, r, x->width),
                        array_of(found.y_weights, r, y->width));
}

/// XᵀY of centred layers.
template <class S, class D>
py::array_t<double> bind_cross(const OneLayer<S, D>& x, const OneLayer<S, D>& y) {
  check_comparable<S, D>({x}, {y}, {Kind::centred});
  const auto values = off_the_gil(PreparedLayers<S, D>{x, y}, {}, [=]<class B>(B& b) {
    return cross_product(b, x->template as<CentredLayer<B>>(), y->template as<CentredLayer<B>>());
  });
  return array_of(values, x->width, y->width);
}

/// The correlation of units, (p, q), in the precision of the layers.
template <class S, class D>
py::array bind_correlation(const OneLayer<S, D>& x, const OneLayer<S, D>& y) {
  check_comparable<S, D>({x}, {y}, {Kind::units});
  return with_precision<S, D>(x->is_double, [&]<class B>(std::type_identity<B>) -> py::array {
    py::array_t<typename B::scalar> out({x->width, y->width});
    auto* const data = out.mutable_data();
    // `out` is kept with the work, which may go on after this call.
    const auto kept = std::make_shared<py::array>(out);
    off_the_gil(PreparedLayers<S, D>{x, y}, {}, [=]<class Own>(Own& b) {
      if constexpr (std::same_as<Own, B>)
        UnitCorrelation::compare(b, x->template as<Units<B>>(), y->template as<Units<B>>(), data);
      return kept == nullptr;
    });
    return out;
  });
}

template <class S, class D>
double bind_smallest_product(const OneLayer<S, D>& x, const OneLayer<S, D>& y) {
  check_comparable<S, D>({x}, {y}, {Kind::units});
  return x->visit([&]<class T>(const T& units) -> double {
    if constexpr (requires { smallest_product(units, units); })
      return smallest_product(units, y->template as<T>());
    else
      return 0;
  });
}

/// The Gram matrix of a layer that was prepared for it, (n, n), in its precision.
template <class S, class D>
py::array bind_gram_matrix(const OneLayer<S, D>& layer) {
  if (layer->kind != Kind::matrix)
    throw std::invalid_argument("the layer was not prepared for its Gram matrix");
  Home<S>::check_process(layer->device);
  return with_precision<S, D>(layer->is_double, [&]<class B>(std::type_identity<B>) -> py::array {
    const auto& prepared = layer->template as<PreparedGram<B>>();
    if (!prepared.complete())
      throw std::invalid_argument("a layer has no kernel: its status says why");
    py::array_t<typename B::scalar> out({layer->samples, layer->samples});
    auto* const data = out.mutable_data();
    {
      const OffTheGil off;
      B b = Home<B>::backend(layer->device, control_of({}));
      gram_matrix(b, prepared, layer->settings->centered, data);
    }
    return out;
  });
}

/// A prepared layer whose samples come in another order, in which `given` has them already.
template <class S, class D>
OneLayer<S, D> bind_reordered(const OneLayer<S, D>& x, const std::shared_ptr<GivenLayer<S>>& given,
                              const std::vector<Index>& order) {
  std::vector<bool> seen(static_cast<std::size_t>(x->samples));
  for (const Index i : order)
    if (i >= 0 && i < x->samples) seen[static_cast<std::size_t>(i)] = true;
  if (std::ssize(order) != x->samples || std::ranges::count(seen, false) > 0 ||
      given->source.rows != x->samples || given->source.cols != x->width ||
      given->device != x->device)
    throw std::invalid_argument("an order is of all samples, and of the same layer");
  Home<S>::check_process(x->device);
  return with_precision<S, D>(x->is_double, [&]<class B>(std::type_identity<B>) -> OneLayer<S, D> {
    return x->visit([&]<class T>(const T& state) -> OneLayer<S, D> {
      if constexpr (std::same_as<T, Basis<B>> || std::same_as<T, CentredLayer<B>>) {
        std::optional<T> turned;
        {
          const OffTheGil off;
          B b = Home<B>::backend(x->device, control_of({}));
          turned.emplace(reordered(b, state, read(b, *given), order));
        }
        return std::make_shared<PreparedLayer<S, D>>(x->kind, *given, std::move(*turned),
                                                     x->settings);
      } else {
        throw std::invalid_argument("only bases and centred layers are reordered");
      }
    });
  });
}

template <class S, class D>
void bind_comparisons(py::module_& m) {
  const auto denominator = py::arg("denominator") = Denominator::features;
  const auto side = py::arg("side") = WeightSide::x;
  const auto tie_tolerance = py::arg("tie_tolerance") = 0.0;
  const auto x = py::arg("x"), y = py::arg("y");
  const auto measure = py::arg("measure");
  m.def("compare", &bind_compare<S, D>, py::arg("xs"), py::arg("ys") = py::none(), py::kw_only(),
        measure, denominator, side, tie_tolerance, py::arg("progress") = py::none());
  m.def("pair", &bind_pair<S, D>, x, y, py::kw_only(), measure, denominator, side, tie_tolerance);
  m.def("reordered", &bind_reordered<S, D>, py::arg("layer"), py::arg("given"), py::arg("order"));
  m.def("canonical_pair", &bind_canonical_pair<S, D>, x, y);
  m.def("cross", &bind_cross<S, D>, x, y);
  m.def("correlation", &bind_correlation<S, D>, x, y);
  m.def("smallest_product", &bind_smallest_product<S, D>, x, y);
  m.def("gram_distances", &bind_gram_distances<S, D>, py::arg("layers"), py::kw_only(),
        py::arg("pairs"), py::arg("progress") = py::none());
  m.def("gram_matrix", &bind_gram_matrix<S, D>, py::arg("layer"));
}

}  // namespace gramian

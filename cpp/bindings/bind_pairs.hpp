// Bindings of what is found of one layer, or of one pair in full.
#pragma once

#include <string>
#include <utility>
#include <variant>
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

/// (correlations (r,), weights (p, r), weights (q, r)) of bases that have weights, which stay where
/// the layers are.
template <class S, class D>
py::tuple bind_canonical_pair(const OneLayer<S, D>& x, const OneLayer<S, D>& y) {
  const auto kinds = {Kind::basis, Kind::ridge};
  check_comparable<S, D>({x}, {x}, kinds);
  check_comparable<S, D>({y}, {y}, kinds);
  check_alike(PreparedLayers<S, D>{x, y}, [](const auto& layer) { return layer.samples; });
  if (x->is_double != y->is_double)
    throw std::invalid_argument("layers must be prepared in one precision");
  check_extras<S, D>({x, y}, false, true);
  struct Found {
    std::vector<double> correlations;
    Matrix<D> x_weights, y_weights;
  };
  auto found = off_the_gil(PreparedLayers<S, D>{x, y}, {}, [=]<class B>(B& b) {
    if (x->template as<Basis<B>>().rank == 0 || y->template as<Basis<B>>().rank == 0) {
      auto w = b.wide();
      return Found{{}, {w, x->width, 0}, {w, y->width, 0}};
    }
    auto pair = canonical_pair(b, x->template as<Basis<B>>(), y->template as<Basis<B>>());
    return Found{std::move(pair.correlations), std::move(pair.x_weights),
                 std::move(pair.y_weights)};
  });
  return py::make_tuple(
      py::array_t<double>(std::ssize(found.correlations), found.correlations.data()),
      Home<D>::array_of(std::move(found.x_weights), x->device),
      Home<D>::array_of(std::move(found.y_weights), x->device));
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

/// In either precision.
template <class S, class D>
using EitherMatrix = std::variant<Matrix<S>, Matrix<D>>;

template <class S, class D>
py::object array_of(EitherMatrix<S, D> either, int device) {
  return std::visit(
      [device]<class B>(Matrix<B>& m) { return Home<B>::array_of(std::move(m), device); }, either);
}

/// The correlation of units, (p, q), in the precision of the layers, where they are.
template <class S, class D>
py::object bind_correlation(const OneLayer<S, D>& x, const OneLayer<S, D>& y) {
  check_comparable<S, D>({x}, {y}, {Kind::units});
  auto found =
      off_the_gil(PreparedLayers<S, D>{x, y}, {}, [=]<class B>(B& b) -> EitherMatrix<S, D> {
        return UnitCorrelation::compare(b, x->template as<Units<B>>(), y->template as<Units<B>>());
      });
  return array_of<S, D>(std::move(found), x->device);
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

/// The Gram matrix of a layer that was prepared for it, (n, n), where the layer is: in its
/// precision or, if `single`, rounded to float.
template <class S, class D>
py::object bind_gram_matrix(const OneLayer<S, D>& layer, bool single) {
  if (layer->kind != Kind::matrix)
    throw std::invalid_argument("the layer was not prepared for its Gram matrix");
  Home<S>::check_process(layer->device);
  const auto find = [&]<class B>(std::type_identity<B>) -> EitherMatrix<S, D> {
    const auto& prepared = layer->template as<PreparedGram<B>>();
    if (!prepared.complete())
      throw std::invalid_argument("a layer has no kernel: its status says why");
    const OffTheGil off;
    B b = Home<B>::backend(layer->device, control_of({}));
    Matrix<B> found = gram_matrix(b, prepared, layer->settings->centered);
    if constexpr (std::same_as<B, D>)
      if (single) return Home<S>::backend(layer->device, {}).narrow(found);
    return found;
  };
  return array_of<S, D>(with_precision<S, D>(layer->is_double, find), layer->device);
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
          b.release_inputs();  // `state`, which may go
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
  m.def("gram_matrix", &bind_gram_matrix<S, D>, py::arg("layer"), py::kw_only(),
        py::arg("single") = false);
}

}  // namespace gramian

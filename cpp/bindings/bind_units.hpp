// Bindings of the correlation of units.
#pragma once

#include <optional>

#include "../gramian/measures/units.hpp"
#include "convert.hpp"

namespace gramian {

/// (correlations, which units of x vary, which of y, the smallest mean product); x with itself
/// without y. A tolerance for constants comes with each.
template <Backend B>
py::tuple bind_correlation(const Representation& x, double x_tolerance,
                           const std::optional<Representation>& y, double y_tolerance) {
  const Progress none;
  B b = backend_for<B>(x, none);
  const auto means = [](const Representation& r) {
    const auto& array = std::get<2>(r);
    return std::span<const double>{array.data(), static_cast<std::size_t>(array.size())};
  };
  auto x_layer = layer_of(b, x);
  std::optional<Layer<B>> y_layer;
  if (y) y_layer = layer_of(b, *y);
  const Index p = x_layer.source.cols, q = y ? y_layer->source.cols : p;
  py::array_t<typename B::scalar> out({p, q});
  auto* data = out.mutable_data();
  std::vector<double> x_norms, y_norms;
  double smallest;
  {
    const py::gil_scoped_release release;
    auto units_x = UnitCorrelation::prepare(b, std::move(x_layer), means(x), x_tolerance);
    std::optional<Units<B>> units_y;
    if (y) units_y = UnitCorrelation::prepare(b, std::move(*y_layer), means(*y), y_tolerance);
    const Units<B>& other = y ? *units_y : units_x;
    smallest = smallest_product(units_x, other);
    UnitCorrelation::compare(b, units_x, other, data);
    x_norms = units_x.norms;
    y_norms = other.norms;
  }
  const auto varies = [](const std::vector<double>& norms) {
    py::array_t<bool> flags(std::ssize(norms));
    std::ranges::transform(norms, flags.mutable_data(), [](double norm) { return norm > 0; });
    return flags;
  };
  return py::make_tuple(out, varies(x_norms), varies(y_norms), smallest);
}

template <Backend Single, Backend Double>
void bind_units_family(py::module_& m) {
  m.def("correlation",
        [](bool double_precision, const Representation& x, double x_tolerance,
           const std::optional<Representation>& y, double y_tolerance) {
          return (double_precision ? bind_correlation<Double>
                                   : bind_correlation<Single>)(x, x_tolerance, y, y_tolerance);
        });
}

}  // namespace gramian

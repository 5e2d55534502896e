// Bindings of what measures prepare of layers.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../gramian/gram/gram_matrix.hpp"
#include "../gramian/measures/pwcca.hpp"
#include "../gramian/measures/singular.hpp"
#include "layers.hpp"

namespace gramian {

/// Layers that can be compared: some, of as many samples, on one device.
template <class Layers>
void check_alike(const Layers& layers, const auto& samples) {
  if (layers.empty()) throw std::invalid_argument("there must be a layer at least");
  for (const auto& layer : layers) {
    if (samples(*layer) != samples(*layers[0]))
      throw std::invalid_argument("layers must have the same number of samples: got " +
                                  std::to_string(samples(*layers[0])) + " and " +
                                  std::to_string(samples(*layer)));
    if (layer->device != layers[0]->device)
      throw std::invalid_argument("layers must be on one device");
  }
}

/// Whether work on layers may be long.
template <class S>
bool are_long(const GivenLayers<S>& layers) {
  return std::ranges::any_of(layers, [&](const auto& layer) {
    return is_long(layer->source.rows, layer->source.cols, std::ssize(layers));
  });
}
template <class S, class D>
bool are_long(const PreparedLayers<S, D>& layers) {
  return std::ranges::any_of(layers, [&](const auto& layer) {
    return is_long(layer->samples, layer->width, std::ssize(layers));
  });
}

/// Prepares layers off the GIL, by make(backend) -> one state a layer, in their order; `make` owns
/// what it needs.
template <class S, class D, class Make>
PreparedLayers<S, D> prepare_layers(Kind kind, const GivenLayers<S>& layers, bool is_double,
                                    const Progress& progress,
                                    const std::optional<GramSettings>& settings, Make make) {
  check_alike(layers, [](const auto& layer) { return layer.source.rows; });
  const int device = layers[0]->device;
  Home<S>::check_process(device);
  return with_precision<S, D>(is_double, [&]<class B>(std::type_identity<B>) {
    auto states = without_the_gil<B>(are_long(layers), progress,
                                     [device, make = std::move(make)](const Control& control) {
                                       B b = Home<B>::backend(device, control);
                                       return make(b);
                                     });
    PreparedLayers<S, D> prepared;
    for (std::size_t l = 0; l < states.size(); ++l)
      prepared.push_back(
          std::make_shared<PreparedLayer<S, D>>(kind, *layers[l], std::move(states[l]), settings));
    return prepared;
  });
}

/// The layers as measures on bases take them.
template <class B, class S>
std::vector<BasisInput<B>> inputs_of(B& b, const GivenLayers<S>& layers,
                                     const std::vector<double>& tolerances) {
  std::vector<BasisInput<B>> inputs;
  for (std::size_t l = 0; l < layers.size(); ++l)
    inputs.push_back({read(b, *layers[l]), layers[l]->means, layers[l]->epsilon,
                      tolerances.empty() ? 0 : tolerances.at(l)});
  return inputs;
}

/// Prepares by measure.prepare(backend, inputs, extras...), which tells no progress.
template <class S, class D, class M, class... Extra>
PreparedLayers<S, D> prepare_by(const M& measure, Kind kind, const GivenLayers<S>& layers,
                                const std::vector<double>& tolerances, bool is_double,
                                const Progress& progress, Extra... extra) {
  if (!tolerances.empty() && tolerances.size() != layers.size())
    throw std::invalid_argument("there must be a tolerance for every layer");
  return prepare_layers<S, D>(kind, layers, is_double, progress, {}, [=](auto& b) {
    b.control.end = 0;
    return measure.prepare(b, inputs_of(b, layers, tolerances), extra...);
  });
}

template <class B, class S>
Plan plan_of(const GivenLayers<S>& layers, Index rows, const KernelSpec& kernel, double max_memory,
             bool by_samples) {
  std::vector<Index> widths;
  for (const auto& layer : layers) widths.push_back(layer->source.cols);
  const Pairs pairs{rows, std::ssize(layers) - rows};
  const Workload w =
      workload_of<B>(layers[0]->source.rows, pairs, std::move(widths), kernel, max_memory);
  const int threads = B::available_threads();
  return by_samples ? plan_in(false, w, threads) : make_plan(w, threads);
}

template <class S, class D>
PreparedLayers<S, D> prepare_grams(const GivenLayers<S>& layers, Index rows,
                                   const KernelSpec& kernel, Estimator estimator, bool is_double,
                                   double max_memory, bool by_samples, const Progress& progress) {
  if (layers.empty() || rows < 1 || rows > std::ssize(layers))
    throw std::invalid_argument("rows must be a number of the layers");
  const Plan plan = is_double ? plan_of<D>(layers, rows, kernel, max_memory, by_samples)
                              : plan_of<S>(layers, rows, kernel, max_memory, by_samples);
  const Hsic measure{kernel, estimator};
  const GramSettings settings{measure, plan.feature_space, max_memory};
  return prepare_layers<S, D>(Kind::gram, layers, is_double, progress, settings, [=](auto& b) {
    using B = std::remove_cvref_t<decltype(b)>;
    std::vector<Layer<B>> all;
    for (const auto& layer : layers) all.push_back(read(b, *layer, kernel.about(true)));
    return measure.prepare(b, std::move(all), plan);
  });
}

template <class S, class D>
std::shared_ptr<PreparedLayer<S, D>> bind_prepare_matrix(
    const std::shared_ptr<GivenLayer<S>>& layer, const KernelSpec& kernel, bool centered,
    bool is_double) {
  const GramSettings settings{{kernel}, false, 0, centered};
  const auto prepared =
      prepare_layers<S, D>(Kind::matrix, {layer}, is_double, {}, settings, [=](auto& b) {
        using B = std::remove_cvref_t<decltype(b)>;
        std::vector<PreparedGram<B>> one;
        one.push_back(prepare_matrix(b, kernel, read(b, *layer, kernel.about(centered)), centered));
        return one;
      });
  return prepared[0];
}

/// Coordinates of layers on the host, in double, (n, r) each.
template <class S, class D>
py::list bind_coordinates(const GivenLayers<S>& layers, const std::vector<double>& tolerances,
                          bool scaled) {
  check_alike(layers, [](const auto& layer) { return layer.source.rows; });
  if (tolerances.size() != layers.size())
    throw std::invalid_argument("there must be a tolerance for every layer");
  for (const auto& layer : layers)
    if (layer->source.cols < layer->source.rows)
      throw std::invalid_argument("a layer with fewer features than samples has no coordinates");
  Home<S>::check_process(layers[0]->device);
  struct Found {
    std::vector<double> values;
    Index rank;
  };
  const auto all = without_the_gil<D>(are_long(layers), {}, [=](const Control& control) {
    D w = Home<D>::backend(layers[0]->device, control);
    std::vector<Found> found;
    for (const BasisInput<D>& input : inputs_of(w, layers, tolerances)) {
      const Matrix<D> z = coordinates(w, input, scaled);
      found.push_back({w.download(z), z.cols});
    }
    return found;
  });
  py::list arrays;
  for (const Found& one : all)
    arrays.append(array_of(one.values, layers[0]->source.rows, one.rank));
  return arrays;
}

template <class S, class D>
PreparedLayers<S, D> prepare_units(const GivenLayers<S>& layers,
                                   const std::vector<double>& tolerances, bool is_double) {
  if (tolerances.size() != layers.size())
    throw std::invalid_argument("there must be a tolerance for every layer");
  return prepare_layers<S, D>(Kind::units, layers, is_double, {}, {}, [=](auto& b) {
    using B = std::remove_cvref_t<decltype(b)>;
    std::vector<UnitsInput<B>> inputs;
    for (std::size_t l = 0; l < layers.size(); ++l)
      inputs.push_back({read(b, *layers[l]), layers[l]->means, tolerances[l]});
    return UnitCorrelation::prepare(b, std::move(inputs));
  });
}

template <class S, class D>
void bind_preparations(py::module_& m) {
  using Given = GivenLayers<S>;
  using Tolerances = std::vector<double>;
  const auto layers = py::arg("layers");
  const auto precision = py::arg("double");
  const auto progress = py::arg("progress") = py::none();
  m.def("prepare_grams", &prepare_grams<S, D>, layers, py::kw_only(), py::arg("rows"),
        py::arg("kernel"), py::arg("estimator"), precision, py::arg("max_memory"),
        py::arg("by_samples") = false, progress);
  m.def("prepare_matrix", &bind_prepare_matrix<S, D>, py::arg("layer"), py::kw_only(),
        py::arg("kernel"), py::arg("centered"), precision);
  m.def(
      "prepare_bases",
      [](const Given& all, const Tolerances& tolerances, bool is_double, bool coordinates,
         bool weights, const Progress& told) {
        return prepare_by<S, D>(OnBases{}, Kind::basis, all, tolerances, is_double, told,
                                Extras{coordinates, weights});
      },
      layers, py::kw_only(), py::arg("tolerances"), precision, py::arg("coordinates") = false,
      py::arg("weights") = false, progress);
  m.def(
      "prepare_directions",
      [](const Given& all, const Tolerances& tolerances, double variance, Index components,
         bool is_double, const Progress& told) {
        return prepare_by<S, D>(Svcca{{}, variance, components}, Kind::directions, all, tolerances,
                                is_double, told);
      },
      layers, py::kw_only(), py::arg("tolerances"), py::arg("variance"), py::arg("components"),
      precision, progress);
  m.def(
      "prepare_ridge",
      [](const Given& all, const Tolerances& tolerances, double regularization, bool weights,
         const Progress& told) {
        return prepare_by<S, D>(RidgeCca{{}, regularization}, Kind::ridge, all, tolerances, true,
                                told, Extras{.weights = weights});
      },
      layers, py::kw_only(), py::arg("tolerances"), py::arg("regularization"),
      py::arg("weights") = false, progress);
  m.def(
      "prepare_shape",
      [](const Given& all, const Tolerances& tolerances, double alpha, const Progress& told) {
        return prepare_by<S, D>(Shape{{}, alpha}, Kind::shape, all, tolerances, true, told);
      },
      layers, py::kw_only(), py::arg("tolerances"), py::arg("alpha"), progress);
  m.def(
      "prepare_centred",
      [](const Given& all, bool is_double, const Progress& told) {
        return prepare_by<S, D>(Procrustes{}, Kind::centred, all, {}, is_double, told);
      },
      layers, py::kw_only(), precision, progress);
  m.def("coordinates", &bind_coordinates<S, D>, layers, py::kw_only(), py::arg("tolerances"),
        py::arg("scaled"));
  m.def("prepare_units", &prepare_units<S, D>, layers, py::kw_only(), py::arg("tolerances"),
        precision);
}

}  // namespace gramian

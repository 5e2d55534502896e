// Bindings of the types: enums, kernels, plans, layers as given and as prepared.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bind_compare.hpp"

namespace gramian {

inline void bind_enums(py::module_& m) {
  py::enum_<KernelSpec::Kind>(m, "KernelKind", py::module_local())
      .value("linear", KernelSpec::linear)
      .value("rbf", KernelSpec::rbf)
      .value("laplacian", KernelSpec::laplacian)
      .value("distance", KernelSpec::distance)
      .value("polynomial", KernelSpec::polynomial)
      .value("cosine", KernelSpec::cosine)
      .value("precomputed", KernelSpec::precomputed);
  py::enum_<Estimator>(m, "Estimator", py::module_local())
      .value("biased", Estimator::biased)
      .value("unbiased", Estimator::unbiased);
  py::enum_<Status>(m, "Status", py::module_local())
      .value("sound", Status::sound)
      .value("constant", Status::constant)
      .value("degenerate", Status::degenerate)
      .value("zero_median", Status::zero_median)
      .value("changed", Status::changed)
      .value("imprecise", Status::imprecise);
  py::enum_<Denominator>(m, "Denominator", py::module_local())
      .value("features", Denominator::features)
      .value("rank", Denominator::rank);
  py::enum_<WeightSide>(m, "WeightSide", py::module_local())
      .value("x", WeightSide::x)
      .value("y", WeightSide::y)
      .value("mean", WeightSide::mean);
  py::enum_<Measure>(m, "Measure", py::module_local())
      .value("hsic", Measure::hsic)
      .value("cka", Measure::cka)
      .value("distance_correlation", Measure::distance_correlation)
      .value("cca", Measure::cca)
      .value("cca_squared", Measure::cca_squared)
      .value("svcca", Measure::svcca)
      .value("svcca_squared", Measure::svcca_squared)
      .value("pwcca", Measure::pwcca)
      .value("linear_regression", Measure::linear_regression)
      .value("procrustes", Measure::procrustes)
      .value("procrustes_distance", Measure::procrustes_distance)
      .value("shape", Measure::shape);
}

inline void bind_kernel_spec(py::module_& m) {
  py::class_<KernelSpec>(m, "KernelSpec", py::module_local())
      .def(py::init([](KernelSpec::Kind kind, double sigma, double bandwidth, Index sample,
                       double constant, int degree) {
             return KernelSpec{kind, sigma, bandwidth, sample, constant, degree};
           }),
           py::arg("kind"), py::kw_only(), py::arg("sigma") = 0.0, py::arg("bandwidth") = 0.0,
           py::arg("sample") = 0, py::arg("constant") = 0.0, py::arg("degree") = 0)
      .def_property_readonly("by_median", &KernelSpec::by_median);
}

/// A plan with what it is for.
struct BoundPlan {
  Plan plan;
  int passes;
};

template <class S, class D>
void bind_plan(py::module_& m) {
  py::class_<BoundPlan>(m, "Plan", py::module_local())
      .def_property_readonly("feature_space",
                             [](const BoundPlan& p) { return p.plan.feature_space; })
      .def_property_readonly("tile", [](const BoundPlan& p) { return p.plan.tiling.tile; })
      .def_property_readonly("threads", [](const BoundPlan& p) { return p.plan.threads; })
      .def_property_readonly("passes", [](const BoundPlan& p) { return p.passes; })
      .def_property_readonly("flops", [](const BoundPlan& p) { return p.plan.flops(); })
      .def_property_readonly("bytes", [](const BoundPlan& p) { return p.plan.bytes; })
      .def_property_readonly("seconds",
                             [](const BoundPlan& p) { return p.plan.seconds / p.plan.threads; })
      .def_property_readonly("work", [](const BoundPlan& p) {
        const Work& w = p.plan.work;
        return std::vector{w.flops, w.paired, w.packed, w.transformed, w.counted, w.tasks};
      });
  m.def(
      "plan",
      [](Index n, Index rows, const std::vector<Index>& widths, const KernelSpec& kernel,
         bool is_double, double max_memory) {
        return with_precision<S, D>(is_double, [&]<class B>(std::type_identity<B>) {
          const Workload w =
              workload_of<B>(n, {rows, std::ssize(widths) - rows}, widths, kernel, max_memory);
          const Plan plan = make_plan(w, B::available_threads());
          return BoundPlan{plan, plan.passes(w)};
        });
      },
      py::kw_only(), py::arg("n"), py::arg("rows"), py::arg("widths"), py::arg("kernel"),
      py::arg("double"), py::arg("max_memory"));
}

template <class S>
void bind_given_layer(py::module_& m) {
  using Given = GivenLayer<S>;
  py::class_<Given, std::shared_ptr<Given>>(m, "CoreLayer", py::module_local())
      .def(py::init([](const py::object& array, const std::string& dtype,
                       const std::array<Floats, 2>& means, double scale, double element_scale,
                       bool constant, double epsilon) {
             const Source source = Home<S>::source(array, dtype);
             for (const auto& part : means)
               if (part.size() != source.cols)
                 throw std::invalid_argument("there must be two parts of a mean for every column");
             const auto copied = [](const Floats& x) {
               return std::vector<double>(x.data(), x.data() + x.size());
             };
             return Given{array,
                          source,
                          {copied(means[0]), copied(means[1])},
                          scale,
                          element_scale,
                          constant,
                          epsilon,
                          Home<S>::device(array)};
           }),
           py::arg("array"), py::kw_only(), py::arg("dtype"), py::arg("means"), py::arg("scale"),
           py::arg("element_scale"), py::arg("constant"), py::arg("epsilon"))
      .def_property_readonly("n_samples", [](const Given& l) { return l.source.rows; })
      .def_property_readonly("width", [](const Given& l) { return l.source.cols; });
}

/// Whether a layer has a similarity, as far as it is known before it meets another.
template <class T>
Status status_of(const T& state) {
  const auto constant_if = [](bool yes) { return yes ? Status::constant : Status::sound; };
  if constexpr (requires { state.status; })
    return state.status;
  else if constexpr (requires { state.directions; })
    return constant_if(state.rank == 0 && state.directions == 0);
  else if constexpr (requires { state.squared_norm; })
    return constant_if(!(state.squared_norm > 0));
  else
    return constant_if(std::ranges::none_of(state.norms, [](double v) { return v > 0; }));
}

/// By how much the last singular value that is kept exceeds the next, relative to it; 1 where none
/// is left out.
inline double gap_of(std::span<const double> s, Index kept, Index directions) {
  if (kept == 0 || kept >= directions) return 1;
  const auto k = static_cast<std::size_t>(kept);
  return 1 - s[k] / s[k - 1];
}

template <class T>
Index bytes_held(const T& state) {
  if constexpr (requires { state.gram; })
    return bytes_of(state.gram);
  else if constexpr (requires { state.norms; })
    return bytes_of(state.layer) + std::ssize(state.norms) * Index{sizeof(double)};
  else if constexpr (requires { state.directions; })
    return bytes_of(state);
  else
    return bytes_of(state.layer);
}

template <class S, class D>
void bind_prepared_layer(py::module_& m) {
  using Prepared = PreparedLayer<S, D>;
  const auto of_basis = [](const char* what, const auto& get) {
    return [what, get](const Prepared& layer) {
      return layer.visit([&]<class T>(const T& state) -> Index {
        if constexpr (requires { state.directions; })
          return get(state);
        else
          throw std::invalid_argument(std::string{"only bases have "} + what);
      });
    };
  };
  py::class_<Prepared, std::shared_ptr<Prepared>>(m, "PreparedLayer", py::module_local())
      .def_property_readonly("n_samples", [](const Prepared& l) { return l.samples; })
      .def_property_readonly("width", [](const Prepared& l) { return l.width; })
      .def_property_readonly("double", [](const Prepared& l) { return l.is_double; })
      .def_property_readonly("device",
                             [](const Prepared& l) { return Home<S>::device_name(l.device); })
      .def_property_readonly("kind", [](const Prepared& l) { return name_of(l.kind); })
      .def_property_readonly(
          "status",
          [](const Prepared& l) { return l.visit([](const auto& s) { return status_of(s); }); })
      .def_property_readonly(
          "nbytes",
          [](const Prepared& l) { return l.visit([](const auto& s) { return bytes_held(s); }); })
      .def_property_readonly("rank", of_basis("a rank", [](const auto& s) { return s.rank; }))
      .def_property_readonly("directions",
                             of_basis("directions", [](const auto& s) { return s.directions; }))
      .def_property_readonly("gap",
                             [](const Prepared& l) {
                               return l.visit([]<class T>(const T& state) -> double {
                                 if constexpr (requires { state.directions; })
                                   return gap_of(state.singular_values, state.rank,
                                                 state.directions);
                                 else
                                   throw std::invalid_argument("only bases have a gap");
                               });
                             })
      .def_property_readonly(
          "feature_space",
          [](const Prepared& l) { return l.settings && l.settings->feature_space; })
      .def_property_readonly("median",
                             [](const Prepared& l) {
                               return l.visit([]<class T>(const T& s) -> std::optional<double> {
                                 if constexpr (requires { s.median; }) return s.median;
                                 return {};
                               });
                             })
      .def_property_readonly("varies", [](const Prepared& l) {
        return l.visit([]<class T>(const T& s) -> py::array_t<bool> {
          if constexpr (requires {
                          s.norms;
                          s.layer;
                        }) {
            py::array_t<bool> flags(std::ssize(s.norms));
            std::ranges::transform(s.norms, flags.mutable_data(), [](double v) { return v > 0; });
            return flags;
          } else {
            throw std::invalid_argument("only units vary");
          }
        });
      });
}

}  // namespace gramian

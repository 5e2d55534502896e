// Layers as Python hands them over, and as it holds what a measure has prepared of them.
#pragma once

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "../gramian/bases/wide.hpp"
#include "../gramian/column_statistics.hpp"
#include "../gramian/measures/hsic_map.hpp"
#include "../gramian/measures/procrustes.hpp"
#include "../gramian/measures/units.hpp"
#include "arrays.hpp"
#include "background.hpp"
#include "gil.hpp"

namespace gramian {

/// How a backend reaches arrays and devices: each module says it for its own.
///   static B backend(int device, Control): one that works there
///   static Source source(const py::object& array, const std::string& dtype)
///   static int device(const py::object& array): its number; 0 where there is one
///   static std::string device_name(int device)
///   static void check_process(int device): throws where its memory cannot be used any more
///   static constexpr bool may_be_left: whether work there may go on after its call
///   static void let_go(int device, std::unique_ptr<State>): on the right device, if at all
///   static py::object array_of(Matrix<B>, int device): for Python, where it is
template <class B>
struct Home;

using Floats = py::array_t<double, py::array::c_style | py::array::forcecast>;

/// An array with its column statistics; the rounding unit is that of the precision its data came
/// in. Scales are for what deviates from the means, and for the elements themselves.
template <class S>
struct GivenLayer {
  py::object array;  // kept alive
  Source source;
  Means means;
  double scale, element_scale;
  bool constant;
  double epsilon;
  int device;
};

/// What a layer was prepared as.
enum class Kind : std::uint8_t { gram, matrix, basis, directions, ridge, shape, centred, units };

/// What HSIC has to know of the layers that it compares.
struct GramSettings {
  Hsic measure;
  bool feature_space;
  double max_memory;
  bool centered = false;  // of a matrix

  bool operator==(const GramSettings& other) const {
    return measure.kernel == other.measure.kernel && measure.estimator == other.measure.estimator &&
        feature_space == other.feature_space;
  }
};

/// What a measure keeps of a layer, in one module, on one device, in one precision. It outlives the
/// call that made it, may be used by several threads at once, and holds the array that it reads.
template <class S, class D>
class PreparedLayer {
 public:
  using State = std::variant<PreparedGram<S>, PreparedGram<D>, Basis<S>, Basis<D>, CentredLayer<S>,
                             CentredLayer<D>, Units<S>, Units<D>>;

  template <class T>
  PreparedLayer(Kind of, const GivenLayer<S>& given, T kept, std::optional<GramSettings> grams = {})
      : kind{of},
        settings{std::move(grams)},
        is_double{std::same_as<T, PreparedGram<D>> || std::same_as<T, Basis<D>> ||
                  std::same_as<T, CentredLayer<D>> || std::same_as<T, Units<D>>},
        samples{given.source.rows},
        width{given.source.cols},
        device{given.device},
        array_{given.array},
        state_{std::make_unique<State>(std::move(kept))} {}
  PreparedLayer(const PreparedLayer&) = delete;
  PreparedLayer& operator=(const PreparedLayer&) = delete;
  ~PreparedLayer() {
    Home<S>::let_go(device, std::move(state_));
    // Without the interpreter there is nobody left to give the array back to.
    if (!Py_IsInitialized()) {
      array_.release();
      return;
    }
    with_the_gil([this] { Py_CLEAR(array_.ptr()); });
  }

  const Kind kind;
  const std::optional<GramSettings> settings;
  const bool is_double;
  const Index samples, width;
  const int device;

  /// As T, which the layer must have been prepared as.
  template <class T>
  const T& as() const {
    const T* const found = std::get_if<T>(state_.get());
    if (found == nullptr) throw std::invalid_argument("the layer was prepared for another measure");
    return *found;
  }
  template <class Use>
  auto visit(const Use& use) const {
    return std::visit(use, *state_);
  }
  /// What a basis has besides; a layer without rank wants nothing.
  Extras extras() const {
    return visit([]<class T>(const T& state) {
      if constexpr (requires { state.coordinates; })
        // Those of a wide layer are found while it is compared.
        return Extras{state.rank == 0 || state.coordinates || is_wide(state.layer),
                      state.rank == 0 || state.weights};
      else
        return Extras{};
    });
  }

 private:
  py::object array_;
  std::unique_ptr<State> state_;
};

template <class S, class D>
using PreparedLayers = std::vector<std::shared_ptr<PreparedLayer<S, D>>>;
template <class S>
using GivenLayers = std::vector<std::shared_ptr<GivenLayer<S>>>;

/// progress(done, total), or None.
using Progress = std::optional<py::function>;

/// Looks for Ctrl-C, and tells a progress callback of every new thousandth. `progress` must outlive
/// the result, which may be copied without the GIL.
inline Control control_of(const Progress& progress) {
  return {[callback = progress ? &*progress : nullptr, told = -1,
           caller = std::this_thread::get_id()](double fraction) mutable {
    // Tasks may have steps of their own, on any thread.
    if (std::this_thread::get_id() != caller) return;
    constexpr int total = 1000;
    const int done = static_cast<int>(fraction * total);
    const bool is_news = callback != nullptr && done > told;
    std::exception_ptr raised;
    with_the_gil([&] {
      bool failed = PyErr_CheckSignals() != 0;
      if (!failed && is_news) {
        PyObject* const answer = PyObject_CallFunction(callback->ptr(), "ii", told = done, total);
        failed = answer == nullptr;
        Py_XDECREF(answer);
      }
      if (failed) raised = std::make_exception_ptr(py::error_already_set());
    });
    if (raised) std::rethrow_exception(raised);
  }};
}

/// Runs work(control) without the GIL; on another thread where it may be long and, as Home<B> says,
/// can be left to itself. It must own what it needs.
template <class B, class Work>
auto without_the_gil(bool may_be_long, const Progress& progress, Work work) {
  if constexpr (Home<B>::may_be_left) {
    Abandoned::tidy();
    const Control control = control_of(progress);
    const OffTheGil off;
    if (may_be_long) return run_in_background(control, std::move(work));
    return work(control);
  } else {
    const OffTheGil off;
    return work(control_of(progress));
  }
}

/// Calls use(std::type_identity<B>) with the backend of a precision.
template <class S, class D, class Use>
auto with_precision(bool is_double, const Use& use) {
  return is_double ? use(std::type_identity<D>{}) : use(std::type_identity<S>{});
}

/// Centred, about its origin if it has one, or as it is.
template <class B, class S>
Layer<B> read(B& b, const GivenLayer<S>& given, About about = About::means) {
  if (about == About::means)
    return make_layer(b, given.source, given.means, given.scale, given.constant);
  Layer<B> layer = make_layer(b, given.source, Means::none(given.source.cols), given.element_scale,
                              given.constant);
  return about == About::origin ? about_origin(b, std::move(layer), given.scale) : std::move(layer);
}

/// (means, what they leave out, squares, all in units of the scale, scale, largest |element|).
inline py::tuple as_tuple(const ColumnStatistics& found) {
  const auto array = [](const std::vector<double>& values) {
    return py::array_t<double>(std::ssize(values), values.data());
  };
  return py::make_tuple(array(found.means.high), array(found.means.low), array(found.squares),
                        found.scale, found.largest);
}

inline py::array_t<double> array_of(const std::vector<double>& values, Index rows, Index cols) {
  py::array_t<double> array({rows, cols});
  constexpr Index step = Index{1} << 24;  // GBs may be copied: Ctrl-C is heard every 50 ms
  double* const out = array.mutable_data();
  for (Index first = 0; first < std::ssize(values); first += step) {
    std::copy_n(values.data() + first, std::min(step, std::ssize(values) - first), out + first);
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  return array;
}

}  // namespace gramian

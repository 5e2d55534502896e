// What the bindings of all families share: layers and callbacks from Python.
#pragma once

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <tuple>

#include "../gramian/linalg.hpp"
#include "arrays.hpp"

namespace gramian {

/// A representation as _prepare.py hands it over: (array, element type, column means, scale). The
/// array is numpy's, bfloat16 as uint16 bits, or a DeviceArray.
using Representation =
    std::tuple<py::object, std::string, py::array_t<double, py::array::c_style>, double>;
/// progress(done, total), or None.
using Progress = std::optional<py::function>;

/// Looks for Ctrl-C, and tells a progress callback of every new thousandth. `progress` must outlive
/// the result, which may be copied without the GIL.
inline Control control_of(const Progress& progress) {
  return {[callback = progress ? &*progress : nullptr, told = -1](double fraction) mutable {
    constexpr int total = 1000;
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    const int done = static_cast<int>(fraction * total);
    if (callback != nullptr && done > told) (*callback)(told = done, total);
  }};
}

/// How a backend reads arrays: each module says it for its own.
///   static B backend(const py::object& array, Control): one that works where the array is
///   static Source source(const py::object& array, const std::string& dtype)
template <class B>
struct Arrays;

/// The backend for representations that live with this one.
template <class B>
B backend_for(const Representation& r, const Progress& progress) {
  return Arrays<B>::backend(std::get<0>(r), control_of(progress));
}

template <class B>
Layer<B> layer_of(B& b, const Representation& r) {
  const auto& [array, dtype, means, scale] = r;
  return make_layer(b, Arrays<B>::source(array, dtype),
                    {means.data(), static_cast<std::size_t>(means.size())}, scale);
}

}  // namespace gramian

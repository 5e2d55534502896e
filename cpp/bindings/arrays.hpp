// Arrays from Python: numpy arrays as sources, and a reader of DLPack capsules for what numpy
// itself cannot take (bfloat16).
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "../gramian/backend.hpp"

namespace gramian {

namespace py = pybind11;

/// The element type of a name that _representation.py has accepted.
DType parse_dtype(const std::string& name);

Source source_of(const py::array& array, const std::string& dtype);

/// What is in a DLPack capsule, which `owner` keeps. Strides count elements.
struct DlpackTensor {
  void* data;
  int device_type, device;
  std::string dtype;
  std::vector<Index> shape, strides;
  py::capsule owner;
};

/// Empties a capsule.
DlpackTensor open_dlpack(const py::object& capsule);

/// (array, dtype name) that share the memory of a DLPack capsule; bfloat16 as uint16.
py::tuple from_dlpack(const py::object& capsule);

}  // namespace gramian

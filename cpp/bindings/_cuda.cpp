#include "../gramian/cuda/column_statistics.hpp"
#include "../gramian/cuda/cuda.hpp"
#include "bind.hpp"
#include "device_array.hpp"

namespace gramian {

template <class T>
struct Home<Cuda<T>> {
  static Cuda<T> backend(int device, Control control) {
    return Cuda<T>{std::move(control), device};
  }
  static Source source(const py::object& array, const std::string& dtype) {
    const auto& own = array.cast<const DeviceArray&>();
    if (own.dtype != dtype) throw py::type_error("the array is of " + own.dtype);
    return own.source();
  }
  static constexpr bool may_be_left = false;
  static int device(const py::object& array) { return array.cast<const DeviceArray&>().device; }
  static std::string device_name(int device) { return "cuda:" + std::to_string(device); }
  static void check_process(int device) {
    if (cuda::is_forked())
      throw std::runtime_error{
          "the layer was prepared on " + device_name(device) +
          " before this process was forked, where CUDA cannot be used: prepare it again in a "
          "process that multiprocessing.get_context('spawn') starts"};
  }
  static py::object array_of(Matrix<Cuda<T>> m, int device) {
    return py::cast(device_array_of(std::move(m.memory), device, m.rows, m.cols));
  }
  /// Freed on the streams that it was made on, whose work with it is done; a forked process has no
  /// part in the memory of its parent, and nobody can be told of a device that is lost.
  template <class State>
  static void let_go(int device, std::unique_ptr<State> state) {
    if (cuda::is_forked()) {
      state.release();
      return;
    }
    try {
      const cuda::DeviceGuard guard{device};
      state.reset();
    } catch (const std::exception&) {
      state.reset();
    }
  }
};

}  // namespace gramian

using namespace gramian;

namespace {

/// The number of devices, and why there are none.
py::tuple device_count() {
  cuda::refuse_fork();
  int count = 0;
  const auto status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess) return py::make_tuple(count, count > 0 ? "" : "there is none");
  cudaGetLastError();
  return py::make_tuple(0, cuda::describe(status));
}

/// Name, memory in bytes and compute capability of a device.
py::tuple device_properties(int device) {
  cudaDeviceProp found{};
  cuda::check(cudaGetDeviceProperties(&found, device), "asking for a device's properties");
  return py::make_tuple(found.name, found.totalGlobalMem,
                        std::to_string(found.major) + "." + std::to_string(found.minor));
}

/// Working memory in bytes of a call that is not told any: a quarter of what is free on the device,
/// at most 16 GB, which hold the tiles of 100 layers and the distances of 60,000 samples. Kept for
/// the process by who asks, so that tiles, and with them bits, do not change from call to call.
double default_memory(int device) {
  constexpr double least = 512.0 * (1 << 20), most = 16e9;
  const cuda::DeviceGuard guard{device};
  std::size_t free = 0, total = 0;
  cuda::check(cudaMemGetInfo(&free, &total), "asking for a device's memory");
  return std::clamp(static_cast<double>(free) / 4, least, most);
}

/// Versions of the driver, which it supports, and of the libraries in use.
py::dict versions() {
  int driver = 0, runtime = 0, solver[3] = {};
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const auto dotted = [](int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
  };
  const libraryPropertyType parts[] = {MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL};
  int blas[3] = {};
  for (int k = 0; k < 3; ++k) {
    cublasGetProperty(parts[k], blas + k);
    cusolverGetProperty(parts[k], solver + k);
  }
  const auto joined = [](const int* v) {
    return std::to_string(v[0]) + "." + std::to_string(v[1]) + "." + std::to_string(v[2]);
  };
  py::dict d;
  d["driver"] = dotted(driver);
  d["runtime"] = dotted(runtime);
  d["cuBLAS"] = joined(blas);
  d["cuSOLVER"] = joined(solver);
  d["architectures"] = GRAMIAN_CUDA_ARCHITECTURES;
  return d;
}

/// Column statistics of arrays on one device, from one pass over each and with one wait.
py::list bind_column_statistics(const py::list& arrays, const std::vector<std::string>& dtypes) {
  if (arrays.empty() || arrays.size() != dtypes.size())
    throw std::invalid_argument("there must be an array at least, and a dtype for each");
  std::vector<Source> sources;
  const int device = Home<Cuda<float>>::device(arrays[0]);
  for (std::size_t k = 0; k < dtypes.size(); ++k) {
    sources.push_back(Home<Cuda<float>>::source(arrays[k], dtypes[k]));
    if (Home<Cuda<float>>::device(arrays[k]) != device)
      throw std::invalid_argument("arrays must be on one device");
  }
  std::vector<ColumnStatistics> found;
  {
    const OffTheGil off;
    const cuda::DeviceGuard guard{device};
    found = cuda::column_statistics(cuda::context(), sources);
  }
  py::list all;
  for (const ColumnStatistics& one : found) all.append(as_tuple(one));
  return all;
}

void bind_device_array(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray", py::module_local())
      .def_readonly("dtype", &DeviceArray::dtype)
      .def_readonly("device", &DeviceArray::device)
      .def_property_readonly("shape",
                             [](const DeviceArray& a) { return py::tuple(py::cast(a.shape)); })
      .def_property_readonly("ndim", [](const DeviceArray& a) { return a.shape.size(); })
      .def_property_readonly("size",
                             [](const DeviceArray& a) {
                               Index size = 1;
                               for (const Index n : a.shape) size *= n;
                               return size;
                             })
      .def_property_readonly("strides",
                             [](const DeviceArray& a) { return py::tuple(py::cast(a.strides)); })
      .def("__len__", [](const DeviceArray& a) { return a.shape.at(0); })
      .def("look_at", &look_at, py::arg("offset"), py::arg("shape"), py::arg("strides"))
      .def("numpy", &to_numpy)
      .def(
          "__array__",
          [](const DeviceArray& a, const py::object& dtype, std::optional<bool> copy) {
            if (!copy.value_or(true))
              throw std::invalid_argument("an array on a device is copied to become numpy's");
            return to_numpy(a).attr("astype")(dtype, py::arg("copy") = false);
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& a) {
             constexpr int cuda_memory = 2;
             return py::make_tuple(cuda_memory, a.device);
           })
      .def(
          "__dlpack__",
          [](const DeviceArray& a, std::optional<Index> stream,
             std::optional<std::pair<Index, Index>> max_version,
             std::optional<std::pair<Index, Index>> dl_device, std::optional<bool> copy) {
            return to_dlpack(a, {stream, max_version, dl_device, copy});
          },
          py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
          py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def_property_readonly("__cuda_array_interface__", &cuda_array_interface);
  m.def("upload", &upload, py::arg("array"), py::arg("dtype"), py::arg("device"));
  m.def("from_dlpack", &device_array_of_dlpack, py::arg("capsule"));
  m.def("from_address", &device_array_at, py::arg("address"), py::kw_only(), py::arg("shape"),
        py::arg("strides"), py::arg("dtype"), py::arg("stream"), py::arg("owner"));
  m.def("stream", &stream_of, py::arg("device"));
  m.def("first_not_finite", &first_not_finite, py::arg("array"));
  m.def("row_facts", &row_facts, py::arg("array"));
  m.def("largest_in_rows", &largest_in_rows, py::arg("array"), py::kw_only(), py::arg("absolute"));
}

}  // namespace

PYBIND11_MODULE(_cuda, m, py::mod_gil_not_used()) {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const cuda::NotConverged& error) {
      py::set_error(py::module_::import("numpy.linalg").attr("LinAlgError"), error.what());
    }
  });
  bind_device_array(m);
  bind<Cuda<float>, Cuda<double>>(m);
  m.def("column_statistics", &bind_column_statistics, py::arg("arrays"), py::arg("dtypes"));
  m.def("default_memory", &default_memory, py::arg("device"));
  m.def("device_count", &device_count);
  m.def("device_properties", &device_properties, py::arg("device"));
  m.def("versions", &versions);
}

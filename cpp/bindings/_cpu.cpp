#include "../gramian/cpu/blas_info.hpp"
#include "../gramian/cpu/column_statistics.hpp"
#include "../gramian/cpu/cpu.hpp"
#include "bind.hpp"

using namespace gramian;

namespace {

/// (means, largest |x|, scale) of an array's columns, from one pass.
py::tuple bind_column_statistics(const py::array& array, const std::string& dtype) {
  const Source source = source_of(array, dtype);
  const Progress none;
  const Control control = control_of(none);
  ColumnStatistics found;
  {
    const py::gil_scoped_release release;
    found = column_statistics(source, control);
  }
  py::array_t<double> means(std::ssize(found.means));
  std::ranges::copy(found.means, means.mutable_data());
  return py::make_tuple(means, found.scale());
}

}  // namespace

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
  bind<Cpu<float>, Cpu<double>>(m);
  m.def("column_statistics", &bind_column_statistics);
  m.def("from_dlpack", &from_dlpack);
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads);
  m.def("simd_level", [] { return simd::table().level; });
  m.def("blas_config", &blas::config);
  m.def("blas_core", &blas::core);
  m.def("blas_path", &blas::path);
  blas::use_one_thread();
}

#include "../gramian/cpu/blas_info.hpp"
#include "../gramian/cpu/column_statistics.hpp"
#include "../gramian/cpu/cpu.hpp"
#include "../gramian/cpu/lasso.hpp"
#include "bind.hpp"
#include "bind_samples.hpp"

namespace gramian {

template <class T>
struct Home<Cpu<T>> {
  static Cpu<T> backend(int, Control control) { return Cpu<T>{std::move(control)}; }
  static Source source(const py::object& array, const std::string& dtype) {
    if (!py::isinstance<py::array>(array)) throw py::type_error("an array must be numpy's");
    return source_of(py::reinterpret_borrow<py::array>(array), dtype);
  }
  static constexpr bool may_be_left = true;
  static int device(const py::object&) { return 0; }
  static std::string device_name(int) { return "cpu"; }
  static void check_process(int) {}
  template <class State>
  static void let_go(int, std::unique_ptr<State>) {}
  static py::object array_of(Matrix<Cpu<T>> m, int) {
    T* const data = m.memory.get();
    auto kept = std::make_unique<typename Cpu<T>::Buffer>(std::move(m.memory));
    const py::capsule owner{kept.get(),
                            [](void* p) { delete static_cast<typename Cpu<T>::Buffer*>(p); }};
    kept.release();
    return py::array_t<T>({m.rows, m.cols}, data, owner);
  }
};

}  // namespace gramian

using namespace gramian;

namespace {

/// Column statistics of an array, from one pass.
py::tuple bind_column_statistics(const py::array& array, const std::string& dtype) {
  const Source source = source_of(array, dtype);
  const Progress none;
  const Control control = control_of(none);
  ColumnStatistics found;
  {
    const OffTheGil off;
    found = column_statistics(source, control);
  }
  return as_tuple(found);
}

using Floats = py::array_t<double, py::array::c_style>;

/// (coefficients or None, R², gaps, partners) of every target at every alpha; lasso.hpp.
py::tuple bind_lasso_path(const Floats& gram, const Floats& cross,
                          const std::vector<double>& alphas, double tolerance, Index max_sweeps,
                          bool keep, const Progress& progress) {
  const Index targets = cross.shape(0), p = cross.shape(1), count = std::ssize(alphas);
  py::object coefficients = py::none();
  double* kept = nullptr;
  if (keep) {  // numpy's zeros cost nothing until they are touched
    auto zeros = py::module_::import("numpy").attr("zeros")(py::make_tuple(count, targets, p));
    kept = py::cast<py::array_t<double>>(zeros).mutable_data();
    coefficients = std::move(zeros);
  }
  py::array_t<double> r2({count, targets}), gaps({count, targets});
  py::array_t<Index> partners({count, targets});
  const LassoProblem problem{p, targets, gram.data(), cross.data(), alphas, tolerance, max_sweeps};
  const LassoSolution solution{kept, r2.mutable_data(), gaps.mutable_data(),
                               partners.mutable_data()};
  {
    const OffTheGil off;
    lasso_path(problem, solution, control_of(progress));
  }
  return py::make_tuple(coefficients, r2, gaps, partners);
}

}  // namespace

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
  bind<Cpu<float>, Cpu<double>>(m);
  m.def("column_statistics", &bind_column_statistics, py::arg("array"), py::arg("dtype"));
  m.def("lasso_path", &bind_lasso_path, py::arg("gram"), py::arg("cross"), py::arg("alphas"),
        py::kw_only(), py::arg("tol"), py::arg("max_sweeps"), py::arg("keep"),
        py::arg("progress") = py::none());
  bind_samples(m);
  m.def("from_dlpack", &from_dlpack, py::arg("capsule"));
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("n"));
  m.def("steps", [] { return Span::take(); });
  m.def("simd_level", [] { return simd::table().level; });
  m.def("blas_config", &blas::config);
  m.def("blas_core", &blas::core);
  m.def("blas_path", &blas::path);
  blas::use_one_thread();
  simd::table();  // refuses what GRAMIAN_SIMD must not be, here and not in some thread
  blas::gate().prepare();
}

#include "solver.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

namespace gramian::cuda {
namespace {

template <class T>
constexpr cudaDataType type = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;
constexpr cudaDataType wide = type<double>;

using Numbers = std::span<const double>;

/// What a routine works in: memory of the device and of the host.
struct Workspace {
  void* device;
  std::size_t device_bytes;
  void* host;
  std::size_t host_bytes;
};

/// Runs a routine in workspaces of the sizes it asks for: run(workspaces, where its info goes,
/// where n numbers go). It does not wait: info and numbers are owed, to hear(info, numbers). The
/// memory of the host must live until the device is done.
template <class AskSizes, class Run, class HearAll>
void solve(Context& context, Debts& debts, const char* name, Index n, const AskSizes& ask_sizes,
           const Run& run, const HearAll& hear) {
  const auto host = std::make_shared<std::vector<std::byte>>();
  double* const owed = debts.owe(context, 1 + n, [=](const double* found) {
    int info = 0;
    std::memcpy(&info, found, sizeof info);  // the first number's first half
    if (info < 0)
      throw std::runtime_error(std::string{name} + ": argument " + std::to_string(-info) +
                               " is wrong");
    hear(info, std::span{found + 1, static_cast<std::size_t>(n)});
    host->clear();
  });
  std::size_t device_bytes = 0, host_bytes = 0;
  double* const numbers = owed + 1;
  check(ask_sizes(numbers, &device_bytes, &host_bytes), name);
  const auto device = allocate<std::byte>(context, static_cast<Index>(device_bytes));
  host->resize(host_bytes);
  check(run(Workspace{device.get(), device_bytes, host->data(), host_bytes},
            reinterpret_cast<int*>(owed), numbers),
        name);
}

}  // namespace

template <class T>
void cholesky(Context& context, Debts& debts, T* a, Index n, const Hear& hear) {
  constexpr auto upper = CUBLAS_FILL_MODE_UPPER;
  solve(
      context, debts, "potrf", 0,
      [&](double*, std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXpotrf_bufferSize(context.solver, context.params, upper, n, type<T>, a, n,
                                           type<T>, device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info, double*) {
        return cusolverDnXpotrf(context.solver, context.params, upper, n, type<T>, a, n, type<T>,
                                w.device, w.device_bytes, w.host, w.host_bytes, info);
      },
      [=](int info, Numbers) { hear(info == 0); });
}

template <class T>
void invert_lower(Context& context, Debts& debts, T* a, Index n, const Hear& hear) {
  constexpr auto upper = CUBLAS_FILL_MODE_UPPER;
  constexpr auto diagonal = CUBLAS_DIAG_NON_UNIT;
  solve(
      context, debts, "trtri", 0,
      [&](double*, std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXtrtri_bufferSize(context.solver, upper, diagonal, n, type<T>, a, n,
                                           device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info, double*) {
        return cusolverDnXtrtri(context.solver, upper, diagonal, n, type<T>, a, n, w.device,
                                w.device_bytes, w.host, w.host_bytes, info);
      },
      [=](int info, Numbers) { hear(info == 0); });
}

template <class T>
void triangle_of_qr(Context& context, Debts& debts, T* a, Index m, Index n, Index stride) {
  const auto tau = allocate<T>(context, std::min(m, n));
  solve(
      context, debts, "geqrf", 0,
      [&](double*, std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXgeqrf_bufferSize(context.solver, context.params, m, n, type<T>, a, stride,
                                           type<T>, tau.get(), type<T>, device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info, double*) {
        return cusolverDnXgeqrf(context.solver, context.params, m, n, type<T>, a, stride, type<T>,
                                tau.get(), type<T>, w.device, w.device_bytes, w.host, w.host_bytes,
                                info);
      },
      [](int, Numbers) {});
}

void eigenvalues(Context& context, Debts& debts, double* a, Index n, bool vectors,
                 std::optional<std::vector<double>>* found) {
  const auto job = vectors ? CUSOLVER_EIG_MODE_VECTOR : CUSOLVER_EIG_MODE_NOVECTOR;
  constexpr auto upper = CUBLAS_FILL_MODE_UPPER;
  solve(
      context, debts, "syevd", n,
      [&](double* values, std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXsyevd_bufferSize(context.solver, context.params, job, upper, n, wide, a,
                                           n, wide, values, wide, device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info, double* values) {
        return cusolverDnXsyevd(context.solver, context.params, job, upper, n, wide, a, n, wide,
                                values, wide, w.device, w.device_bytes, w.host, w.host_bytes, info);
      },
      [=](int info, Numbers values) {
        if (info == 0) found->emplace(values.begin(), values.end());
      });
}

/// It finds the values by way of the vectors, and writes U and V even in the mode without them, so
/// that null would be an illegal address (github.com/JuliaGPU/CUDA.jl/issues/2761).
void polar_svd(Context& context, Debts& debts, double* a, Index m, Index n, double* u, double* v,
               double precision, std::optional<std::vector<double>>* found) {
  const auto job = CUSOLVER_EIG_MODE_VECTOR;
  const int thin = 1;
  const auto shift = std::make_shared<double>(0);
  solve(
      context, debts, "gesvdp", n,
      [&](double* s, std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXgesvdp_bufferSize(context.solver, context.params, job, thin, m, n, wide,
                                            a, m, wide, s, wide, u, m, wide, v, n, wide,
                                            device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info, double* s) {
        return cusolverDnXgesvdp(context.solver, context.params, job, thin, m, n, wide, a, m, wide,
                                 s, wide, u, m, wide, v, n, wide, w.device, w.device_bytes, w.host,
                                 w.host_bytes, info, shift.get());
      },
      [=](int info, Numbers s) {
        if (info == 0 && std::isfinite(*shift) && *shift <= precision * s[0])
          found->emplace(s.begin(), s.end());
      });
}

void qr_svd(Context& context, Debts& debts, double* a, Index m, Index n, double* u, double* vt,
            std::vector<double>* found) {
  const signed char job = u == nullptr ? 'N' : 'S';
  solve(
      context, debts, "gesvd", n,
      [&](double* s, std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXgesvd_bufferSize(context.solver, context.params, job, job, m, n, wide, a,
                                           m, wide, s, wide, u, m, wide, vt, n, wide, device_bytes,
                                           host_bytes);
      },
      [&](const Workspace& w, int* info, double* s) {
        return cusolverDnXgesvd(context.solver, context.params, job, job, m, n, wide, a, m, wide, s,
                                wide, u, m, wide, vt, n, wide, w.device, w.device_bytes, w.host,
                                w.host_bytes, info);
      },
      [=](int info, Numbers s) {
        if (info > 0)
          throw NotConverged("gesvd did not converge (info=" + std::to_string(info) + ")");
        found->assign(s.begin(), s.end());
      });
}

#define GRAMIAN_INSTANTIATE(T)                                          \
  template void cholesky(Context&, Debts&, T*, Index, const Hear&);     \
  template void invert_lower(Context&, Debts&, T*, Index, const Hear&); \
  template void triangle_of_qr(Context&, Debts&, T*, Index, Index, Index);
GRAMIAN_INSTANTIATE(float)
GRAMIAN_INSTANTIATE(double)
#undef GRAMIAN_INSTANTIATE

}  // namespace gramian::cuda

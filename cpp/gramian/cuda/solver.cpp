#include "solver.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "kernels.hpp"

namespace gramian::cuda {
namespace {

template <class T>
constexpr cudaDataType type = std::is_same_v<T, float> ? CUDA_R_32F : CUDA_R_64F;
constexpr cudaDataType wide = type<double>;

/// What a routine works in: memory of the device and of the host.
struct Workspace {
  void* device;
  std::size_t device_bytes;
  void* host;
  std::size_t host_bytes;
};

void check_arguments(const char* name, int info) {
  if (info < 0)
    throw std::runtime_error(std::string{name} + ": argument " + std::to_string(-info) +
                             " is wrong");
}

/// Runs a routine in workspaces of the sizes it asks for; run(workspaces, where its info goes). The
/// memory of the host must live until the device is done.
template <class AskSizes, class Run>
void start(Context& context, const char* name, const AskSizes& ask_sizes, const Run& run, int* info,
           std::vector<std::byte>& host) {
  std::size_t device_bytes = 0, host_bytes = 0;
  check(ask_sizes(&device_bytes, &host_bytes), name);
  const auto device = allocate<std::byte>(context, static_cast<Index>(device_bytes));
  host.resize(host_bytes);
  check(run(Workspace{device.get(), device_bytes, host.data(), host_bytes}, info), name);
}

/// Waits for the routine; returns its info, which is not negative.
template <class AskSizes, class Run>
int solve(Context& context, const char* name, const AskSizes& ask_sizes, const Run& run) {
  std::vector<std::byte> host;
  const auto info = allocate<int>(context, 1);
  Drain drain{context.stream};
  start(context, name, ask_sizes, run, info.get(), host);
  const int found = to_host(context, info.get(), 1)[0];
  drain.has_waited();
  check_arguments(name, found);
  return found;
}

/// Does not wait: its info is owed.
template <class AskSizes, class Run>
void solve(Context& context, Debts& debts, const char* name, const AskSizes& ask_sizes,
           const Run& run, const Hear& hear) {
  const auto host = std::make_shared<std::vector<std::byte>>();
  double* const info = debts.owe(context, 1, [=](const double* found) {
    int own = 0;
    std::memcpy(&own, found, sizeof own);  // the sum's first half
    check_arguments(name, own);
    hear(own == 0);
    host->clear();
  });
  start(context, name, ask_sizes, run, reinterpret_cast<int*>(info), *host);
}

/// Divide-and-conquer by the polar decomposition, twice as fast as `gesvd`. It shifts singular
/// values near 0 and says by how much at most: false if that is more than asked for. On an H200, up
/// to 1e6 eps of double where half of them are 0, and 1e8 eps of float, which is why it is only
/// ever called in double.
/// It finds the values by way of the vectors, and writes U and V even in the mode without them, so
/// that null would be an illegal address (github.com/JuliaGPU/CUDA.jl/issues/2761).
bool gesvdp(Context& context, double* a, Index m, Index n, double* s, double* u, double* v,
            double precision) {
  const auto own_u = allocate<double>(context, u == nullptr ? m * n : 0);
  const auto own_v = allocate<double>(context, v == nullptr ? n * n : 0);
  if (u == nullptr) u = own_u.get();
  if (v == nullptr) v = own_v.get();
  const auto job = CUSOLVER_EIG_MODE_VECTOR;
  const int thin = 1;
  double shift = 0;
  const int info = solve(
      context, "gesvdp",
      [&](std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXgesvdp_bufferSize(context.solver, context.params, job, thin, m, n, wide,
                                            a, m, wide, s, wide, u, m, wide, v, n, wide,
                                            device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* status) {
        return cusolverDnXgesvdp(context.solver, context.params, job, thin, m, n, wide, a, m, wide,
                                 s, wide, u, m, wide, v, n, wide, w.device, w.device_bytes, w.host,
                                 w.host_bytes, status, &shift);
      });
  const double largest = to_host(context, s, 1)[0];
  return info == 0 && std::isfinite(shift) && shift <= precision * largest;
}

/// By QR iterations; writes Vᵀ, n x n column-major.
void gesvd(Context& context, double* a, Index m, Index n, double* s, double* u, double* vt) {
  const signed char job = u == nullptr ? 'N' : 'S';
  const int info = solve(
      context, "gesvd",
      [&](std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXgesvd_bufferSize(context.solver, context.params, job, job, m, n, wide, a,
                                           m, wide, s, wide, u, m, wide, vt, n, wide, device_bytes,
                                           host_bytes);
      },
      [&](const Workspace& w, int* status) {
        return cusolverDnXgesvd(context.solver, context.params, job, job, m, n, wide, a, m, wide, s,
                                wide, u, m, wide, vt, n, wide, w.device, w.device_bytes, w.host,
                                w.host_bytes, status);
      });
  if (info > 0) throw NotConverged("gesvd did not converge (info=" + std::to_string(info) + ")");
}

}  // namespace

template <class T>
void cholesky(Context& context, Debts& debts, T* a, Index n, const Hear& hear) {
  constexpr auto upper = CUBLAS_FILL_MODE_UPPER;
  solve(
      context, debts, "potrf",
      [&](std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXpotrf_bufferSize(context.solver, context.params, upper, n, type<T>, a, n,
                                           type<T>, device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info) {
        return cusolverDnXpotrf(context.solver, context.params, upper, n, type<T>, a, n, type<T>,
                                w.device, w.device_bytes, w.host, w.host_bytes, info);
      },
      hear);
}

template <class T>
void invert_lower(Context& context, Debts& debts, T* a, Index n, const Hear& hear) {
  constexpr auto upper = CUBLAS_FILL_MODE_UPPER;
  constexpr auto diagonal = CUBLAS_DIAG_NON_UNIT;
  solve(
      context, debts, "trtri",
      [&](std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXtrtri_bufferSize(context.solver, upper, diagonal, n, type<T>, a, n,
                                           device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info) {
        return cusolverDnXtrtri(context.solver, upper, diagonal, n, type<T>, a, n, w.device,
                                w.device_bytes, w.host, w.host_bytes, info);
      },
      hear);
}

template <class T>
void triangle_of_qr(Context& context, T* a, Index m, Index n, Index stride) {
  const auto tau = allocate<T>(context, std::min(m, n));
  solve(
      context, "geqrf",
      [&](std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXgeqrf_bufferSize(context.solver, context.params, m, n, type<T>, a, stride,
                                           type<T>, tau.get(), type<T>, device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* info) {
        return cusolverDnXgeqrf(context.solver, context.params, m, n, type<T>, a, stride, type<T>,
                                tau.get(), type<T>, w.device, w.device_bytes, w.host, w.host_bytes,
                                info);
      });
}

std::optional<std::vector<double>> eigenvalues(Context& context, double* a, Index n, bool vectors) {
  const auto values = allocate<double>(context, n);
  const auto job = vectors ? CUSOLVER_EIG_MODE_VECTOR : CUSOLVER_EIG_MODE_NOVECTOR;
  constexpr auto upper = CUBLAS_FILL_MODE_UPPER;
  const int info = solve(
      context, "syevd",
      [&](std::size_t* device_bytes, std::size_t* host_bytes) {
        return cusolverDnXsyevd_bufferSize(context.solver, context.params, job, upper, n, wide, a,
                                           n, wide, values.get(), wide, device_bytes, host_bytes);
      },
      [&](const Workspace& w, int* status) {
        return cusolverDnXsyevd(context.solver, context.params, job, upper, n, wide, a, n, wide,
                                values.get(), wide, w.device, w.device_bytes, w.host, w.host_bytes,
                                status);
      });
  if (info > 0) return {};
  return to_host(context, values.get(), n);
}

std::vector<double> tall_svd(Context& context, double* a, Index m, Index n, double* u, double* v,
                             double precision) {
  const auto s = allocate<double>(context, n), original = allocate<double>(context, m * n);
  const auto bytes = static_cast<std::size_t>(m * n) * sizeof(double);
  check(cudaMemcpyAsync(original.get(), a, bytes, cudaMemcpyDeviceToDevice, context.stream),
        "copying a matrix");
  if (!gesvdp(context, a, m, n, s.get(), u, v, precision)) {
    const auto vt = allocate<double>(context, v == nullptr ? 0 : n * n);
    gesvd(context, original.get(), m, n, s.get(), u, vt.get());
    if (v != nullptr) transpose(context.stream, vt.get(), n, n, n, v);
  }
  return to_host(context, s.get(), n);
}

#define GRAMIAN_INSTANTIATE(T)                                          \
  template void cholesky(Context&, Debts&, T*, Index, const Hear&);     \
  template void invert_lower(Context&, Debts&, T*, Index, const Hear&); \
  template void triangle_of_qr(Context&, T*, Index, Index, Index);
GRAMIAN_INSTANTIATE(float)
GRAMIAN_INSTANTIATE(double)
#undef GRAMIAN_INSTANTIATE

}  // namespace gramian::cuda

// Tests of the stand-ins: that they compute what CUDA computes, and refuse what it forbids. Run by
// pytest through test_standin.py, in each order of threads.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cusolverDn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <numeric>
#include <vector>

#include "../cpp/check.hpp"
#include "selftest_kernels.hpp"

extern "C" {
void hostcuda_adopt();
void hostcuda_set_devices(int count);
void hostcuda_fail_at(std::size_t n, int error);
std::size_t hostcuda_calls();
std::size_t hostcuda_live_bytes();
void hostcuda_set_memory_limit(std::size_t bytes);
void hostcuda_drain();
}

namespace {

using gramian::test::check;
using gramian::test::check_near;

void require(cudaError_t error, gramian::test::Where where = gramian::test::Where::current()) {
  check(error == cudaSuccess, cudaGetErrorName(error), where);
}

/// Memory on the current device, and back on the host.
template <class T>
class Array {
 public:
  explicit Array(std::size_t n) : n_{n} {
    require(cudaMalloc(reinterpret_cast<void**>(&data_), n * sizeof(T)));
  }
  explicit Array(const std::vector<T>& host) : Array(host.size()) {
    require(cudaMemcpy(data_, host.data(), n_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~Array() { cudaFree(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  operator T*() const { return data_; }
  std::vector<T> host() const {
    std::vector<T> copied(n_);
    require(cudaMemcpy(copied.data(), data_, n_ * sizeof(T), cudaMemcpyDeviceToHost));
    return copied;
  }

 private:
  T* data_ = nullptr;
  std::size_t n_;
};

std::vector<double> ascending(std::size_t n) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

/// The call ends the process.
void check_dies(const std::function<void()>& call, const char* what) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    std::fclose(stderr);
    hostcuda_adopt();
    call();
    hostcuda_drain();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  check(!WIFEXITED(status) || WEXITSTATUS(status) != 0, what);
}

void test_kernels() {
  const Array<double> in{ascending(64)}, out{64};
  require(selftest::reverse(nullptr, in, out, true));
  check(out.host()[0] == 64 && out.host()[63] == 1, "threads meet at a barrier");
  require(selftest::reverse(nullptr, in, out, false));
  check(
      out.host() !=
          [&] {
            auto r = in.host();
            return std::vector(r.rbegin(), r.rend());
          }(),
      "without one, some read what is not there yet");

  const Array<double> many{ascending(640)}, sums{10};
  const Array<unsigned long long> blocks{std::vector<unsigned long long>{0}};
  require(selftest::sum<double>(nullptr, many, sums, blocks, 640));
  check(blocks.host()[0] == 10, "atomicAdd");
  for (std::size_t b = 0; b < 10; ++b)
    check_near(sums.host()[b], 64 * (64 * static_cast<double>(b) + 32.5), 0, "sums of blocks");

  const Array<int> lanes{128};
  require(selftest::shuffles(nullptr, lanes));
  const auto got = lanes.host();
  for (std::size_t i = 0; i < 32; ++i) {
    const int lane = static_cast<int>(i);
    check(got[i] == 5, "__shfl_sync");
    check(got[32 + i] == (lane < 3 ? lane : lane - 3), "__shfl_up_sync");
    check(got[64 + i] == (lane ^ 1), "__shfl_xor_sync");
    check(got[96 + i] == (lane % 4 < 2 ? lane + 2 : lane), "__shfl_down_sync in fours");
  }

  const Array<double> found{3};
  require(selftest::uninitialised(nullptr, found, 3));
  for (const double value : found.host()) check(std::isnan(value), "shared memory starts as NaN");

  const dim3 grid{3, 2, 2}, block{5, 4, 3};
  const Array<int> counts{std::vector<int>(12 * 60)};
  require(selftest::indices(nullptr, counts, grid, block));
  check(counts.host() == std::vector<int>(12 * 60, 1), "every index once");
}

void test_refusals() {
  const Array<double> data{10};  // 80 bytes, the next 176 of which are nobody's
  check(selftest::write(nullptr, data, 0, 2000) == cudaErrorInvalidConfiguration, "2000 threads");
  check(cudaGetLastError() == cudaErrorInvalidConfiguration, "the last error is kept");
  check(cudaGetLastError() == cudaSuccess, "once");
  check_dies([&] { data[0] = 1; }, "the host writes device memory");
  check_dies([&] { selftest::write(nullptr, data, 100); }, "a kernel writes past the end");
  check_dies(
      [&] {
        Array<double> other{10};
        selftest::write(nullptr, other, 10);
      },
      "a kernel writes just past the end");
  check_dies(
      [&] {
        double* const before = Array<double>{10};
        selftest::write(nullptr, before, 0);
      },
      "use after free");
  check_dies([] { selftest::diverge(nullptr, false); }, "a barrier in a branch");
  check_dies([] { selftest::diverge(nullptr, true); }, "a warp barrier in a branch");
  std::array<double, 20> host{};
  check_dies([&] { cudaMemcpy(data, host.data(), 160, cudaMemcpyHostToDevice); }, "a long copy");
  check_dies([&] { cudaMemcpy(data, data, 80, cudaMemcpyHostToDevice); }, "a wrong direction");
}

void test_streams() {
  cudaStream_t a = nullptr, b = nullptr;
  cudaEvent_t event = nullptr;
  require(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
  require(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
  require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  const Array<double> data{1};
  double seen = 0;
  const auto download = [&](cudaStream_t stream) {
    require(cudaMemcpyAsync(&seen, data, sizeof seen, cudaMemcpyDeviceToHost, stream));
  };
  require(selftest::write(a, data, 0));
  download(b);
  check(seen == 0, "nothing runs before somebody waits");
  require(cudaStreamSynchronize(b));
  check(std::isnan(seen), "streams do not wait for each other");
  require(cudaEventRecord(event, a));
  require(cudaStreamWaitEvent(b, event, 0));
  download(b);
  require(cudaStreamSynchronize(b));
  check(seen == 1, "but for an event");

  cudaStream_t blocking = nullptr;
  require(cudaStreamCreateWithFlags(&blocking, cudaStreamDefault));
  const Array<double> other{1};
  require(selftest::write(blocking, other, 0));
  check(other.host()[0] == 1, "and the legacy stream for a blocking one");
  seen = 0;
  download(b);
  require(cudaDeviceSynchronize());
  check(seen == 1, "a device is waited for with all its streams");
  for (const auto stream : {a, b, blocking}) require(cudaStreamDestroy(stream));
  require(cudaEventDestroy(event));
}

void test_devices() {
  hostcuda_set_devices(2);
  const Array<double> first{1};
  check(cudaSetDevice(2) == cudaErrorInvalidDevice, "there are two devices");
  require(cudaSetDevice(1));
  check_dies([&] { selftest::write(nullptr, first, 0); }, "a kernel writes to another device");
  cudaPointerAttributes found{};
  require(cudaPointerGetAttributes(&found, first));
  check(found.type == cudaMemoryTypeDevice && found.device == 0, "whose memory it is");
  require(cudaSetDevice(0));
  hostcuda_set_devices(1);
  cudaGetLastError();
}

void test_products() {
  cublasHandle_t blas = nullptr;
  check(cublasCreate(&blas) == CUBLAS_STATUS_SUCCESS, "cublasCreate");
  const Array<double> a{ascending(6)}, b{ascending(6)}, c{4};
  const double one = 1, zero = 0;
  const auto product = [&](std::int64_t lda) {
    return cublasDgemm_64(blas, CUBLAS_OP_N, CUBLAS_OP_T, 2, 2, 3, &one, a, lda, b, 2, &zero, c, 2);
  };
  check(product(2) == CUBLAS_STATUS_SUCCESS, "gemm");
  check(c.host() == std::vector<double>{35, 44, 44, 56}, "A Aᵀ");
  check(product(1) == CUBLAS_STATUS_INVALID_VALUE, "a leading dimension below the rows");
  check_dies([&] { product(3); }, "an operand beyond its allocation");

  const Array<float> x{std::vector<float>{1 + 0x1p-12F}}, y{std::vector<float>{1}}, z{1};
  const float unit = 1, nothing = 0;
  for (const auto mode : {CUBLAS_DEFAULT_MATH, CUBLAS_TF32_TENSOR_OP_MATH}) {
    cublasSetMathMode(blas, mode);
    cublasSgemm_64(blas, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &unit, x, 1, y, 1, &nothing, z, 1);
    const float expected = mode == CUBLAS_DEFAULT_MATH ? 1 + 0x1p-12F : 1;
    check(z.host()[0] == expected, "TF32 rounds, when it is asked for");
  }
  cublasDestroy(blas);
}

void test_svd() {
  cusolverDnHandle_t solver = nullptr;
  cusolverDnParams_t params = nullptr;
  check(cusolverDnCreate(&solver) == CUSOLVER_STATUS_SUCCESS, "cusolverDnCreate");
  check(cusolverDnCreateParams(&params) == CUSOLVER_STATUS_SUCCESS, "cusolverDnCreateParams");
  const std::vector<double> matrix{3, 1, 0, 0, 2, 1};  // 3 x 2
  const Array<double> a{matrix}, s{2}, u{6}, v{4};
  const Array<int> info{1};
  std::size_t device_bytes = 0, host_bytes = 0;
  cusolverDnXgesvdp_bufferSize(solver, params, CUSOLVER_EIG_MODE_VECTOR, 1, 3, 2, CUDA_R_64F, a, 3,
                               CUDA_R_64F, s, CUDA_R_64F, u, 3, CUDA_R_64F, v, 2, CUDA_R_64F,
                               &device_bytes, &host_bytes);
  const Array<std::byte> device{device_bytes};
  std::vector<std::byte> host(host_bytes);
  double error = -1;
  const auto run = [&](std::size_t bytes, cusolverEigMode_t job, double* left_vectors) {
    return cusolverDnXgesvdp(solver, params, job, 1, 3, 2, CUDA_R_64F, a, 3, CUDA_R_64F, s,
                             CUDA_R_64F, left_vectors, 3, CUDA_R_64F, v, 2, CUDA_R_64F, device,
                             bytes, host.data(), host_bytes, info, &error);
  };
  check_dies([&] { run(device_bytes - 1, CUSOLVER_EIG_MODE_VECTOR, u); }, "a small workspace");
  check_dies([&] { run(device_bytes, CUSOLVER_EIG_MODE_NOVECTOR, nullptr); }, "gesvdp without U");
  check(run(device_bytes, CUSOLVER_EIG_MODE_VECTOR, u) == CUSOLVER_STATUS_SUCCESS, "gesvdp");
  check(info.host()[0] == 0 && error >= 0 && error < 1e-14, "info and the bound on the error");
  const auto left = u.host(), values = s.host(), right = v.host();
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < 2; ++k) sum += left[i + 3 * k] * values[k] * right[j + 2 * k];
      check_near(sum, matrix[i + 3 * j], 1e-14, "U S Vᵀ, with V and not Vᵀ");
    }
  check(std::isnan(a.host()[0]), "A is lost");
  cusolverDnDestroyParams(params);
  cusolverDnDestroy(solver);
}

void test_failures() {
  const Array<double> data{1};
  hostcuda_fail_at(2, cudaErrorUnknown);
  require(selftest::write(nullptr, data, 0));
  check(selftest::write(nullptr, data, 0) == cudaErrorUnknown, "the second call fails");
  require(selftest::write(nullptr, data, 0));
  check(hostcuda_calls() == 3, "calls are counted");
  hostcuda_fail_at(1, cudaErrorIllegalAddress);
  for (int i = 0; i < 2; ++i)
    check(selftest::write(nullptr, data, 0) == cudaErrorIllegalAddress, "a lost device");
  hostcuda_fail_at(0, 0);
  require(cudaGetLastError());

  const std::size_t before = hostcuda_live_bytes();
  void* memory = nullptr;
  hostcuda_set_memory_limit(before + 100);
  check(cudaMalloc(&memory, 101) == cudaErrorMemoryAllocation, "too much");
  require(cudaMalloc(&memory, 100));
  check(hostcuda_live_bytes() == before + 100, "live bytes");
  require(cudaFree(memory));
  hostcuda_set_memory_limit(std::size_t{1} << 40);
  cudaGetLastError();

  int status = 0;
  const pid_t child = fork();
  if (child == 0) _exit(cudaGetDeviceCount(&status) == cudaErrorInitializationError ? 0 : 1);
  waitpid(child, &status, 0);
  check(status == 0, "a forked process cannot use CUDA");
}

}  // namespace

int main() {
  for (auto* const test : {test_kernels, test_refusals, test_streams, test_devices, test_products,
                           test_svd, test_failures})
    test();
  check(hostcuda_live_bytes() == 0, "nothing is left");
  return gramian::test::result();
}

// A stand-in for libcublas.so.13 on the project's own BLAS: no pointer and no leading dimension
// passes that the manual forbids.
#include <cublas_v2.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include "blas.hpp"
#include "hostcuda.hpp"
#include "memory.hpp"
#include "state.hpp"
#include "streams.hpp"

struct cublasContext {
  int device;  // current when it was made, and to be current when it is used
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

namespace hostcuda {
namespace {

using blas::Int;

cublasStatus_t status_of(cudaError_t error) {
  if (error == cudaSuccess) return CUBLAS_STATUS_SUCCESS;
  return error == cudaErrorMemoryAllocation ? CUBLAS_STATUS_ALLOC_FAILED
                                            : CUBLAS_STATUS_EXECUTION_FAILED;
}

cublasStatus_t enter(cublasHandle_t handle, const char* call) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (const auto error = arrive(call)) return status_of(error);
  if (handle->device != current_device() || device_of(handle->stream) != handle->device)
    die("%s: a handle of device %d with a stream of %d, while %d is current", call, handle->device,
        device_of(handle->stream), current_device());
  return CUBLAS_STATUS_SUCCESS;
}

/// A column-major operand of a product, as it is stored.
template <class T>
struct Operand {
  const T* data;
  Int rows, cols, ld;

  bool is_valid() const { return rows >= 0 && cols >= 0 && ld >= std::max<Int>(1, rows); }
  Int elements() const { return rows > 0 && cols > 0 ? ld * (cols - 1) + rows : 0; }
  void require(const char* what) const {
    require_device(data, static_cast<std::size_t>(elements()) * sizeof(T), what);
  }
};

template <class T>
Operand<T> stored(cublasOperation_t operation, const T* data, Int rows, Int cols, Int ld) {
  return operation == CUBLAS_OP_N ? Operand<T>{data, rows, cols, ld}
                                  : Operand<T>{data, cols, rows, ld};
}

template <class T>
bool overlap(const Operand<T>& a, const Operand<T>& c) {
  return a.data < c.data + c.elements() && c.data < a.data + a.elements();
}

/// 10 bits of mantissa, rounded to nearest.
float to_tf32(float x) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0x1000U) & 0xffffe000U);
}

/// The environment can ask for TF32 as well, whatever the handle's mode.
bool uses_tf32(cublasMath_t math) {
  const char* const forced = std::getenv("NVIDIA_TF32_OVERRIDE");
  return math == CUBLAS_TF32_TENSOR_OP_MATH || (forced != nullptr && *forced == '1');
}

/// What a product reads: the operand itself, or its rounding to TF32 if that was asked for.
template <class T>
class Input {
 public:
  Input(const Operand<T>& operand, cublasMath_t math) : data_{operand.data} {
    if constexpr (std::is_same_v<T, float>) {
      if (!uses_tf32(math)) return;
      rounded_.assign(operand.data, operand.data + operand.elements());
      std::transform(rounded_.begin(), rounded_.end(), rounded_.begin(), to_tf32);
      data_ = rounded_.data();
    }
  }
  const T* data() const { return data_; }

 private:
  const T* data_;
  std::vector<T> rounded_;
};

/// A library may use its workspace in any call.
void use_workspace(const cublasContext& handle) {
  if (handle.workspace == nullptr) return;
  require_device(handle.workspace, handle.workspace_bytes, "workspace of cuBLAS");
  poison(handle.workspace, std::min<std::size_t>(handle.workspace_bytes, 4096));
}

char letter(cublasOperation_t operation) { return operation == CUBLAS_OP_N ? 'N' : 'T'; }

template <class T>
struct Product {
  cublasOperation_t a_operation, b_operation;
  Int m, n, k;
  T alpha, beta;
  Operand<T> a, b, c;

  bool is_valid() const { return k >= 0 && a.is_valid() && b.is_valid() && c.is_valid(); }

  /// The sum over k in so many stretches: which products a call forms together may decide its
  /// order.
  void run(const cublasContext& handle, Int stretches) const {
    a.require("A of gemm");
    b.require("B of gemm");
    c.require("C of gemm");
    if (overlap(a, c) || overlap(b, c)) die("C of gemm overlaps an operand");
    use_workspace(handle);
    if (m == 0 || n == 0) return;
    const Input<T> left{a, handle.math}, right{b, handle.math};
    const char x = letter(a_operation), y = letter(b_operation);
    const Int stretch = std::max<Int>(1, (k + stretches - 1) / stretches);
    const Int along_a = a_operation == CUBLAS_OP_N ? a.ld : 1;
    const Int along_b = b_operation == CUBLAS_OP_N ? 1 : b.ld;
    for (Int first = 0; first == 0 || first < k; first += stretch) {
      const Int count = std::min(stretch, k - first);
      const T factor = first == 0 ? beta : T(1);
      blas::gemm<T>(&x, &y, &m, &n, &count, &alpha, left.data() + first * along_a, &a.ld,
                    right.data() + first * along_b, &b.ld, &factor, const_cast<T*>(c.data), &c.ld,
                    1, 1);
    }
  }
};

template <class T>
cublasStatus_t gemm(const char* call, cublasHandle_t handle, cublasOperation_t ta,
                    cublasOperation_t tb, Int m, Int n, Int k, const T* alpha, const T* a, Int lda,
                    Int a_stride, const T* b, Int ldb, Int b_stride, const T* beta, T* c, Int ldc,
                    Int c_stride, Int count) {
  const auto guard = lock();
  if (const auto status = enter(handle, call)) return status;
  const Product<T> first{ta,
                         tb,
                         m,
                         n,
                         k,
                         *alpha,
                         *beta,
                         stored(ta, a, m, k, lda),
                         stored(tb, b, k, n, ldb),
                         Operand<T>{c, m, n, ldc}};
  if (!first.is_valid() || count < 0) return CUBLAS_STATUS_INVALID_VALUE;
  if (count > 1 && c_stride < first.c.elements()) return CUBLAS_STATUS_INVALID_VALUE;
  enqueue(handle->stream, [=, context = *handle] {
    const Int stretches = std::bit_width(static_cast<std::uint64_t>(count));
    for (Int i = 0; i < count; ++i) {
      Product<T> product = first;
      product.a.data += i * a_stride;
      product.b.data += i * b_stride;
      product.c.data += i * c_stride;
      product.run(context, stretches);
    }
  });
  return CUBLAS_STATUS_SUCCESS;
}

template <class T>
cublasStatus_t syrk(const char* call, cublasHandle_t handle, cublasFillMode_t triangle,
                    cublasOperation_t operation, Int n, Int k, const T* alpha, const T* a, Int lda,
                    const T* beta, T* c, Int ldc) {
  const auto guard = lock();
  if (const auto status = enter(handle, call)) return status;
  const auto left = stored(operation, a, n, k, lda);
  const Operand<T> result{c, n, n, ldc};
  if (!left.is_valid() || !result.is_valid()) return CUBLAS_STATUS_INVALID_VALUE;
  enqueue(handle->stream, [=, alpha = *alpha, beta = *beta, context = *handle] {
    left.require("A of syrk");
    result.require("C of syrk");
    if (overlap(left, result)) die("C of syrk overlaps A");
    use_workspace(context);
    if (n == 0) return;
    const Input<T> input{left, context.math};
    const char uplo = triangle == CUBLAS_FILL_MODE_UPPER ? 'U' : 'L', t = letter(operation);
    blas::syrk<T>(&uplo, &t, &n, &k, &alpha, input.data(), &lda, &beta, c, &ldc, 1, 1);
  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace
}  // namespace hostcuda

using namespace hostcuda;

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  if (const auto error = arrive(__func__)) return status_of(error);
  *handle = new cublasContext{current_device()};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetProperty(libraryPropertyType part, int* value) {
  *value = part == MAJOR_VERSION ? CUBLAS_VER_MAJOR
      : part == MINOR_VERSION    ? CUBLAS_VER_MINOR
                                 : CUBLAS_VER_PATCH;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (const auto error = arrive(__func__)) return status_of(error);
  handle->stream = stream;
  handle->workspace = nullptr;  // back to the handle's own, as the manual says
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  if (const auto status = enter(handle, __func__)) return status;
  require_device(workspace, bytes, __func__);
  handle->workspace = workspace;
  handle->workspace_bytes = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  if (const auto status = enter(handle, __func__)) return status;
  handle->math = mode;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    default: return "CUBLAS_STATUS_EXECUTION_FAILED";
  }
}

const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

cublasStatus_t cublasSgemm_v2_64(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                 Int m, Int n, Int k, const float* alpha, const float* a, Int lda,
                                 const float* b, Int ldb, const float* beta, float* c, Int ldc) {
  return gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}

cublasStatus_t cublasDgemm_v2_64(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                 Int m, Int n, Int k, const double* alpha, const double* a, Int lda,
                                 const double* b, Int ldb, const double* beta, double* c, Int ldc) {
  return gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
}

cublasStatus_t cublasSgemmStridedBatched_64(cublasHandle_t handle, cublasOperation_t ta,
                                            cublasOperation_t tb, Int m, Int n, Int k,
                                            const float* alpha, const float* a, Int lda,
                                            long long a_stride, const float* b, Int ldb,
                                            long long b_stride, const float* beta, float* c,
                                            Int ldc, long long c_stride, Int count) {
  return gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, a_stride, b, ldb, b_stride, beta, c,
              ldc, c_stride, count);
}

cublasStatus_t cublasDgemmStridedBatched_64(cublasHandle_t handle, cublasOperation_t ta,
                                            cublasOperation_t tb, Int m, Int n, Int k,
                                            const double* alpha, const double* a, Int lda,
                                            long long a_stride, const double* b, Int ldb,
                                            long long b_stride, const double* beta, double* c,
                                            Int ldc, long long c_stride, Int count) {
  return gemm(__func__, handle, ta, tb, m, n, k, alpha, a, lda, a_stride, b, ldb, b_stride, beta, c,
              ldc, c_stride, count);
}

cublasStatus_t cublasSsyrk_v2_64(cublasHandle_t handle, cublasFillMode_t triangle,
                                 cublasOperation_t operation, Int n, Int k, const float* alpha,
                                 const float* a, Int lda, const float* beta, float* c, Int ldc) {
  return syrk(__func__, handle, triangle, operation, n, k, alpha, a, lda, beta, c, ldc);
}

cublasStatus_t cublasDsyrk_v2_64(cublasHandle_t handle, cublasFillMode_t triangle,
                                 cublasOperation_t operation, Int n, Int k, const double* alpha,
                                 const double* a, Int lda, const double* beta, double* c, Int ldc) {
  return syrk(__func__, handle, triangle, operation, n, k, alpha, a, lda, beta, c, ldc);
}

}  // extern "C"

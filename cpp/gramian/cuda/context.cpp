#include "context.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

namespace gramian::cuda {
namespace {

// What is freed stays with the process up to this size: asking the driver for memory costs more
// than a kernel. It is what a call takes by default.
constexpr std::uint64_t kept_bytes = std::uint64_t{512} << 20;

/// Pools and idle contexts, by device. Never destroyed, see Context.
struct Shared {
  std::mutex mutex;
  std::map<int, cudaMemPool_t> pools;
  std::multimap<int, std::unique_ptr<Context>> idle;
};
Shared& shared() {
  static Shared* const made = new Shared;
  return *made;
}

cudaMemPool_t pool_of(int device) {
  Shared& all = shared();
  const std::lock_guard lock{all.mutex};
  if (const auto found = all.pools.find(device); found != all.pools.end()) return found->second;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  check(cudaMemPoolCreate(&pool, &properties), "creating a memory pool");
  std::uint64_t threshold = kept_bytes;
  if (const auto status =
          cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold);
      status != cudaSuccess) {
    cudaMemPoolDestroy(pool);
    check(status, "setting up a memory pool");
  }
  return all.pools[device] = pool;
}

/// A context in the making: what is there goes when the rest cannot be had.
struct Unfinished {
  std::unique_ptr<Context> made = std::make_unique<Context>();
  ~Unfinished() {
    if (!made) return;
    made->workspace.reset();
    if (made->params != nullptr) cusolverDnDestroyParams(made->params);
    if (made->solver != nullptr) cusolverDnDestroy(made->solver);
    if (made->blas != nullptr) cublasDestroy(made->blas);
    if (made->stream != nullptr) cudaStreamDestroy(made->stream);
    cudaGetLastError();
  }
};

std::unique_ptr<Context> make_context(int device) {
  Unfinished unfinished;
  Context& c = *unfinished.made;
  c.device = device;
  c.pool = pool_of(device);
  check(cudaStreamCreateWithFlags(&c.stream, cudaStreamNonBlocking), "creating a stream");
  check(cublasCreate(&c.blas), "cublasCreate");
  check(cublasSetStream(c.blas, c.stream), "cublasSetStream");
  // Never TF32, nor numbers emulated by others, whatever the environment says.
  check(cublasSetMathMode(c.blas, CUBLAS_PEDANTIC_MATH), "cublasSetMathMode");
  // With a workspace of its own, of the size that its manual recommends, cuBLAS gives the same bits
  // also when several streams are busy.
  int generation = 0;
  check(cudaDeviceGetAttribute(&generation, cudaDevAttrComputeCapabilityMajor, device),
        "asking for the compute capability");
  const Index bytes = Index{generation >= 9 ? 32 : 4} << 20;
  c.workspace = allocate<std::byte>(c, bytes);
  check(cublasSetWorkspace(c.blas, c.workspace.get(), static_cast<std::size_t>(bytes)),
        "cublasSetWorkspace");
  check(cusolverDnCreate(&c.solver), "cusolverDnCreate");
  check(cusolverDnSetStream(c.solver, c.stream), "cusolverDnSetStream");
  check(cusolverDnCreateParams(&c.params), "cusolverDnCreateParams");
  return std::move(unfinished.made);
}

/// The contexts of one thread, which it leaves to others when it ends.
struct Borrowed {
  std::map<int, std::unique_ptr<Context>> by_device;
  ~Borrowed() {
    const std::lock_guard lock{shared().mutex};
    for (auto& [device, context] : by_device) shared().idle.emplace(device, std::move(context));
  }
};

}  // namespace

bool is_forked() {
  static std::atomic<pid_t> owner{0};
  pid_t before = 0;
  return !owner.compare_exchange_strong(before, getpid()) && before != getpid();
}

void refuse_fork() {
  if (is_forked())
    throw std::runtime_error{
        "CUDA was used before this process was forked, and cannot be used in it: start workers "
        "with multiprocessing.get_context('spawn')"};
}

Context& context() {
  refuse_fork();
  thread_local Borrowed borrowed;
  int device = 0;
  check(cudaGetDevice(&device), "asking for the current device");
  auto& own = borrowed.by_device[device];
  if (!own) {
    const std::lock_guard lock{shared().mutex};
    if (auto idle = shared().idle.extract(device); !idle.empty()) own = std::move(idle.mapped());
  }
  if (!own) own = make_context(device);
  return *own;
}

void* allocate_bytes(Context& context, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* memory = nullptr;
  auto status = cudaMallocFromPoolAsync(&memory, bytes, context.pool, context.stream);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    cudaStreamSynchronize(context.stream);  // so that what is freed is back in the pool
    cudaMemPoolTrimTo(context.pool, 0);
    cudaGetLastError();
    status = cudaMallocFromPoolAsync(&memory, bytes, context.pool, context.stream);
  }
  if (status == cudaErrorMemoryAllocation) {
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    cudaGetLastError();
    constexpr std::size_t mib = 1 << 20;
    throw OutOfMemory{"no " + std::to_string((bytes + mib - 1) / mib) +
                      " MiB on cuda:" + std::to_string(context.device) + ", where " +
                      std::to_string(free / mib) + " MiB of " + std::to_string(total / mib) +
                      " MiB are free; what other libraries cache counts as used "
                      "(torch.cuda.empty_cache), and max_memory bounds what a call takes"};
  }
  check(status, "allocating device memory");
  return memory;
}

DeviceGuard::DeviceGuard(int device) {
  check(cudaGetDevice(&before_), "asking for the current device");
  if (device == before_) return;
  check(cudaSetDevice(device), "choosing a device");
  changed_ = true;
}

DeviceGuard::~DeviceGuard() {
  if (changed_ && cudaSetDevice(before_) != cudaSuccess) cudaGetLastError();
}

void wait_for(Context& context, cudaStream_t other) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
  auto status = cudaEventRecord(event, other);
  if (status == cudaSuccess) status = cudaStreamWaitEvent(context.stream, event, 0);
  if (cudaEventDestroy(event) != cudaSuccess) cudaGetLastError();
  check(status, "waiting for the stream that made an array");
}

}  // namespace gramian::cuda

#include "context.hpp"

#include <cudaTypedefs.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <string_view>

namespace gramian::cuda {
namespace {

constexpr std::size_t staging_bytes = 4 << 20;

/// Pools, contexts, and those that are idle, by device. Never destroyed, see Context.
struct Shared {
  std::mutex mutex;
  std::map<int, cudaMemPool_t> pools;
  std::multimap<int, Context*> all;
  std::multimap<int, std::unique_ptr<Context>> idle;
};
Shared& shared() {
  static Shared* const made = new Shared;
  return *made;
}

/// Null where there are no pools, as on some virtual devices. What is freed stays in a pool until
/// memory is short: asking the driver for it again costs milliseconds a GB, in every call.
cudaMemPool_t pool_of(int device) {
  Shared& all = shared();
  const std::lock_guard lock{all.mutex};
  if (const auto found = all.pools.find(device); found != all.pools.end()) return found->second;
  int supported = 0;
  check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device),
        "asking for memory pools");
  if (supported == 0) return all.pools[device] = nullptr;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  cudaMemPool_t pool = nullptr;
  check(cudaMemPoolCreate(&pool, &properties), "creating a memory pool");
  auto threshold = std::numeric_limits<std::uint64_t>::max();
  if (const auto status =
          cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold);
      status != cudaSuccess) {
    cudaMemPoolDestroy(pool);
    check(status, "setting up a memory pool");
  }
  return all.pools[device] = pool;
}

/// Refuses settings of the environment by which NVIDIA's libraries, cuSOLVER among them, would
/// round float32 to TF32 or emulate it by narrower numbers, whatever the mode of a handle.
void refuse_inexact_products() {
  for (const char* const name : {"NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION",
                                 "CUBLAS_EMULATE_DOUBLE_PRECISION"}) {
    const char* const found = std::getenv(name);
    const std::string_view value{found == nullptr ? "" : found};
    if (!value.empty() && value != "0")
      throw std::runtime_error{std::string{name} + "=" + found +
                               " in the environment would make products inexact: unset it"};
  }
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
    if (made->staging != nullptr) cudaFreeHost(made->staging);
    if (made->stream != nullptr) cudaStreamDestroy(made->stream);
    cudaGetLastError();
  }
};

std::unique_ptr<Context> make_context(int device) {
  refuse_inexact_products();
  Unfinished unfinished;
  Context& c = *unfinished.made;
  c.device = device;
  c.pool = pool_of(device);
  if (c.pool != nullptr)  // the libraries take memory of their own
    check(cudaMemPoolTrimTo(c.pool, 0), "freeing what is cached");
  check(cudaStreamCreateWithFlags(&c.stream, cudaStreamNonBlocking), "creating a stream");
  check(cublasCreate(&c.blas), "cublasCreate");
  check(cublasSetStream(c.blas, c.stream), "cublasSetStream");
  // The precision of the type and no less: never TF32. Pedantic mode may also do without the tensor
  // cores for double, which round as other units do and are twice as fast.
  check(cublasSetMathMode(c.blas, CUBLAS_DEFAULT_MATH), "cublasSetMathMode");
  // With a workspace of its own, of the size that its manual recommends, cuBLAS gives the same bits
  // also when several streams are busy.
  int generation = 0;
  check(cudaDeviceGetAttribute(&generation, cudaDevAttrComputeCapabilityMajor, device),
        "asking for the compute capability");
  const Index bytes = Index{generation >= 9 ? 32 : 4} << 20;
  int ratio = 0;
  check(cudaDeviceGetAttribute(&ratio, cudaDevAttrSingleToDoublePrecisionPerfRatio, device),
        "asking for the speed of double");
  c.double_is_fast = ratio <= 2;
  c.workspace = allocate<std::byte>(c, bytes);
  check(cublasSetWorkspace(c.blas, c.workspace.get(), static_cast<std::size_t>(bytes)),
        "cublasSetWorkspace");
  void* staging = nullptr;
  check(cudaMallocHost(&staging, staging_bytes), "allocating page-locked memory");
  c.staging = static_cast<std::byte*>(staging);
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

/// Whether the process has a context on a device; if in doubt, it has.
bool is_in_use(int device) {
  void* function = nullptr;
  auto answer = cudaDriverEntryPointSymbolNotFound;
  constexpr unsigned since = 7000;
  if (cudaGetDriverEntryPointByVersion("cuDevicePrimaryCtxGetState", &function, since,
                                       cudaEnableDefault, &answer) != cudaSuccess) {
    cudaGetLastError();
    return true;
  }
  if (answer != cudaDriverEntryPointSuccess) return true;
  unsigned flags = 0;
  int active = 0;
  const auto ask = reinterpret_cast<PFN_cuDevicePrimaryCtxGetState_v7000>(function);
  return ask(device, &flags, &active) != CUDA_SUCCESS || active != 0;
}

}  // namespace

void Free::operator()(void* memory) const noexcept {
  if (!pooled) cudaStreamSynchronize(stream);
  if ((pooled ? cudaFreeAsync(memory, stream) : cudaFree(memory)) != cudaSuccess)
    cudaGetLastError();
}

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
  if (!own) {
    own = make_context(device);
    const std::lock_guard lock{shared().mutex};
    shared().all.emplace(device, own.get());
  }
  return *own;
}

void* allocate_bytes(Context& context, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* memory = nullptr;
  const auto take = [&] {
    return context.pool == nullptr
        ? cudaMalloc(&memory, bytes)
        : cudaMallocFromPoolAsync(&memory, bytes, context.pool, context.stream);
  };
  auto status = take();
  if (status == cudaErrorMemoryAllocation && context.pool != nullptr) {
    cudaGetLastError();
    cudaStreamSynchronize(context.stream);  // so that what is freed is back in the pool
    cudaMemPoolTrimTo(context.pool, 0);
    cudaGetLastError();
    status = take();
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

/// Waiting for a copy to end costs 16 us on an H200, and so does the one from pageable memory.
bool stage(Context& context, const void* from, std::size_t bytes, void* to) {
  constexpr std::size_t unit = 256;
  if (bytes > staging_bytes / 4) return false;
  if (bytes == 0) return true;
  if (context.staged + bytes > staging_bytes) {
    check(cudaStreamSynchronize(context.stream), "waiting for the device");
    context.has_waited();
  }
  std::byte* const place = context.staging + context.staged;
  std::memcpy(place, from, bytes);
  check(cudaMemcpyAsync(to, place, bytes, cudaMemcpyHostToDevice, context.stream),
        "copying to the device");
  context.staged += (bytes + unit - 1) / unit * unit;
  return true;
}

DeviceGuard::DeviceGuard(int device) {
  check(cudaGetDevice(&before_), "asking for the current device");
  if (device == before_) return;
  check(cudaSetDevice(device), "choosing a device");
  changed_ = true;
}

DeviceGuard::~DeviceGuard() {
  if (changed_ && is_in_use(before_) && cudaSetDevice(before_) != cudaSuccess) cudaGetLastError();
}

void wait_for(cudaStream_t stream, cudaStream_t other) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
  auto status = cudaEventRecord(event, other);
  if (status == cudaSuccess) status = cudaStreamWaitEvent(stream, event, 0);
  if (cudaEventDestroy(event) != cudaSuccess) cudaGetLastError();
  check(status, "waiting for the stream that made an array");
}

void wait_for_others(Context& context) {
  const std::lock_guard lock{shared().mutex};
  const auto [begin, end] = shared().all.equal_range(context.device);
  for (auto other = begin; other != end; ++other)
    if (other->second != &context && other->second->is_left)
      wait_for(context.stream, other->second->stream);
}

}  // namespace gramian::cuda

#include "streams.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "hostcuda.hpp"
#include "memory.hpp"
#include "state.hpp"

namespace hostcuda {
namespace {

using Ticket = unsigned long long;  // work is numbered in the order in which it was queued

struct Work {
  Ticket ticket;
  std::function<void()> run;
  bool frees;
};

struct Stream {
  int device;
  bool legacy, blocking;  // the legacy stream and the blocking ones wait for each other
  std::deque<Work> queue{};
};

/// What an event recorded: everything on a stream up to a ticket.
struct Event {
  int device;
  std::shared_ptr<Stream> stream;
  Ticket last = 0;
};

struct Streams {
  std::vector<std::shared_ptr<Stream>> all;
  std::array<std::shared_ptr<Stream>, max_devices> legacy;
  Ticket tickets = 0;
};

Streams& streams() {
  static auto* const only = new Streams;
  return *only;
}

std::shared_ptr<Stream> new_stream(int device, bool legacy, bool blocking) {
  return streams().all.emplace_back(std::make_shared<Stream>(device, legacy, blocking));
}

std::shared_ptr<Stream> default_stream(std::array<std::shared_ptr<Stream>, max_devices>& of_device,
                                       bool legacy) {
  auto& stream = of_device[static_cast<std::size_t>(current_device())];
  if (!stream) stream = new_stream(current_device(), legacy, !legacy);
  return stream;
}

std::shared_ptr<Stream> find(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy)
    return default_stream(streams().legacy, true);
  if (handle == cudaStreamPerThread) {
    thread_local std::array<std::shared_ptr<Stream>, max_devices> of_thread;
    return default_stream(of_thread, false);
  }
  const auto* const wanted = reinterpret_cast<Stream*>(handle);
  for (const auto& stream : streams().all)
    if (stream.get() == wanted) return stream;
  die("%p is no stream", static_cast<void*>(handle));
}

void drain(Stream& stream, Ticket last) {
  while (!stream.queue.empty() && stream.queue.front().ticket <= last) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    // By index: work may make streams.
    for (std::size_t i = 0; i < streams().all.size(); ++i) {
      Stream& other = *streams().all[i];
      if (other.device == stream.device &&
          ((stream.legacy && other.blocking) || (stream.blocking && other.legacy)))
        drain(other, work.ticket);
    }
    const Access access{stream.device};
    work.run();
  }
}

constexpr Ticket everything = ~Ticket{0};

}  // namespace

int device_of(cudaStream_t stream) {
  const auto guard = lock();
  return find(stream)->device;
}

void enqueue(cudaStream_t stream, std::function<void()> work, bool frees) {
  const auto guard = lock();
  find(stream)->queue.push_back({++streams().tickets, std::move(work), frees});
}

void abandon() {
  const auto guard = lock();
  for (const auto& stream : streams().all)
    std::erase_if(stream->queue, [](const Work& work) { return !work.frees; });
}

void drain(cudaStream_t stream) {
  const auto guard = lock();
  const auto found = find(stream);
  const Access access{found->device};  // once, not for each piece of work
  drain(*found, everything);
}

bool is_idle(cudaStream_t stream) {
  const auto guard = lock();
  const auto found = find(stream);
  if (!std::ranges::all_of(found->queue, &Work::frees)) return false;
  drain(stream);
  return true;
}

void drain_all() {
  const auto guard = lock();
  for (std::size_t i = 0; i < streams().all.size(); ++i) {
    const auto stream = streams().all[i];
    const Access access{stream->device};
    drain(*stream, everything);
  }
}

std::size_t pending() {
  const auto guard = lock();
  std::size_t total = 0;
  for (const auto& stream : streams().all) total += stream->queue.size();
  return total;
}

}  // namespace hostcuda

using namespace hostcuda;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  const auto made = new_stream(current_device(), false, (flags & cudaStreamNonBlocking) == 0);
  *stream = reinterpret_cast<cudaStream_t>(made.get());
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const auto guard = lock();
  const auto found = find(stream);
  drain(stream);
  std::erase(streams().all, found);
  return returned(arrive(__func__));
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  drain(stream);
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  for (std::size_t i = 0; i < streams().all.size(); ++i) {
    const auto stream = streams().all[i];
    if (stream->device != current_device()) continue;
    const Access access{stream->device};
    drain(*stream, everything);
  }
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  return is_idle(stream) ? cudaSuccess : returned(cudaErrorNotReady);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  *event = reinterpret_cast<cudaEvent_t>(new Event{current_device(), nullptr});
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Event*>(event);
  return returned(arrive(__func__));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  auto& recorded = *reinterpret_cast<Event*>(event);
  recorded.stream = find(stream);
  recorded.last = streams().tickets;
  if (recorded.stream->device != recorded.device) return returned(cudaErrorInvalidResourceHandle);
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  const auto guard = lock();
  if (const auto error = arrive(__func__)) return returned(error);
  const Event recorded = *reinterpret_cast<Event*>(event);
  if (recorded.stream) enqueue(stream, [recorded] { drain(*recorded.stream, recorded.last); });
  return cudaSuccess;
}

}  // extern "C"

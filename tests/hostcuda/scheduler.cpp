// Runs blocks one at a time. Their CUDA threads take turns on one thread of the system, in an order
// that HOSTCUDA_ORDER chooses: forward, reverse or random (HOSTCUDA_SEED).
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <string_view>
#include <vector>

#include "fiber.hpp"
#include "hostcuda.hpp"
#include "memory.hpp"
#include "os_threads.hpp"
#include "shared.hpp"

thread_local uint3 threadIdx;
thread_local uint3 blockIdx;
thread_local dim3 blockDim;
thread_local dim3 gridDim;

namespace hostcuda {
namespace {

constexpr unsigned warp_size = 32;

enum class At { nothing, block, warp };  // what a lane waits at

struct Lane {
  uint3 index;
  unsigned linear;
  At at = At::nothing;
  unsigned mask = 0;       // of the warp barrier it waits at
  Fiber* fiber = nullptr;  // that it waits on
};

[[noreturn]] void run_lanes();

/// Kept from launch to launch: an idle one knows nothing of any.
class Fibers {
 public:
  Fiber* take() {
    if (idle_.empty()) return &all_.emplace_back(run_lanes);
    Fiber* const fiber = idle_.back();
    idle_.pop_back();
    return fiber;
  }
  void give_back(Fiber* fiber) { idle_.push_back(fiber); }

 private:
  std::deque<Fiber> all_;
  std::vector<Fiber*> idle_;
};

Fibers& fibers() {
  static auto* const only = new Fibers;
  return *only;
}

/// The threads of a block. Each starts as a plain call, on a fiber that runs one after the other;
/// the first that waits keeps the fiber, and the next ones start on another. So a kernel without
/// barriers never switches.
class Block {
 public:
  /// Of this size, and to run this. Nothing is left of the block before but its lanes.
  void prepare(dim3 size, const Body& body) {
    body_ = &body;
    if (size.x == size_.x && size.y == size_.y && size.z == size_.z) return;
    size_ = size;
    const unsigned total = size.x * size.y * size.z;
    lanes_.clear();
    for (unsigned i = 0; i < total; ++i)
      lanes_.push_back({{i % size.x, i / size.x % size.y, i / (size.x * size.y)}, i});
    slots_.resize((total + warp_size - 1) / warp_size * warp_size);
  }

  void run(const std::vector<unsigned>& turns) {
    turns_ = &turns;
    next_ = 0;
    while (next_ < turns.size()) {
      fiber_ = fibers().take();
      fiber_->enter();
    }
    // From here on, a lane that waits at nothing has ended.
    while (!waiting_.empty()) {
      for (Lane* const lane : let_go()) resume(*lane);
    }
  }

  /// Starts lanes, on the calling fiber, until none is left or one waits.
  void start_lanes() {
    while (next_ < turns_->size()) {
      become(lanes_[(*turns_)[next_++]]);
      (*body_)();
    }
  }

  void wait(At at, unsigned mask) {
    Lane& lane = *lane_;
    lane.at = at;
    lane.mask = mask;
    lane.fiber = fiber_;
    waiting_.push_back(&lane);
    lane.fiber->leave();
  }

  Fiber* fiber() const { return fiber_; }
  unsigned lane() const { return lane_->linear % warp_size; }
  Slot& slot(unsigned lane) { return slots_[lane_->linear / warp_size * warp_size + lane]; }
  std::size_t size() const { return lanes_.size(); }

 private:
  void become(Lane& lane) {
    lane_ = &lane;
    threadIdx = lane.index;
  }

  void resume(Lane& lane) {
    become(lane);
    fiber_ = lane.fiber;
    fiber_->enter();
  }

  /// The lanes that wait for nobody any more, in the order in which they came.
  std::vector<Lane*> let_go() {
    const bool all_at_block = std::all_of(waiting_.begin(), waiting_.end(),
                                          [](const Lane* lane) { return lane->at == At::block; });
    const auto free =
        std::stable_partition(waiting_.begin(), waiting_.end(), [&](const Lane* lane) {
          return lane->at == At::block ? !all_at_block : !is_complete(*lane);
        });
    if (free == waiting_.end()) die("deadlock: threads wait at a barrier that others never reach");
    std::vector<Lane*> freed(free, waiting_.end());
    waiting_.erase(free, waiting_.end());
    for (Lane* const lane : freed) lane->at = At::nothing;
    return freed;
  }

  /// Whether all lanes that a warp barrier names are there.
  bool is_complete(const Lane& waiting) const {
    const unsigned mask = waiting.mask, first = waiting.linear / warp_size * warp_size;
    for (unsigned i = 0; i < warp_size; ++i) {
      if ((mask >> i & 1) == 0) continue;
      if (first + i >= lanes_.size() || lanes_[first + i].at == At::nothing)
        die("warp barrier: mask %08x names a lane that has ended or never was", mask);
      const Lane& other = lanes_[first + i];
      if (other.at != At::warp || other.mask != mask) return false;
    }
    return true;
  }

  dim3 size_{0, 0, 0};
  const Body* body_ = nullptr;
  std::vector<Lane> lanes_;
  std::vector<Slot> slots_;
  std::vector<Lane*> waiting_;
  const std::vector<unsigned>* turns_ = nullptr;
  std::size_t next_ = 0;    // of the turns: the lane to start next
  Lane* lane_ = nullptr;    // running
  Fiber* fiber_ = nullptr;  // running
};

Block* running = nullptr;

/// What a fiber does, for one launch after the other.
void run_lanes() {
  Fiber* const own = running->fiber();
  own->after_entry();
  for (;;) {
    running->start_lanes();
    fibers().give_back(own);
    own->leave();
  }
}

/// 0, 1, ... count - 1 in the order of HOSTCUDA_ORDER.
class Order {
 public:
  std::vector<unsigned> of(std::size_t count) {
    std::vector<unsigned> turns(count);
    for (unsigned i = 0; i < count; ++i) turns[i] = i;
    if (kind_ == "reverse") std::reverse(turns.begin(), turns.end());
    if (kind_ == "random") std::shuffle(turns.begin(), turns.end(), random_);
    return turns;
  }

 private:
  static const char* setting(const char* name, const char* otherwise) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : otherwise;
  }
  std::string_view kind_ = setting("HOSTCUDA_ORDER", "forward");
  std::mt19937 random_{static_cast<unsigned>(std::atoi(setting("HOSTCUDA_SEED", "0")))};
};

}  // namespace

void sync_block() { running != nullptr ? running->wait(At::block, 0) : os_threads::sync_block(); }
void sync_warp(unsigned mask) {
  running != nullptr ? running->wait(At::warp, mask) : os_threads::sync_warp(mask);
}
unsigned lane() { return running != nullptr ? running->lane() : os_threads::lane(); }
Slot& slot(unsigned lane) {
  return running != nullptr ? running->slot(lane) : os_threads::slot(lane);
}

void run_grid(const char* kernel, const void* function, dim3 grid, dim3 block, const Body& body) {
  static Order order;
  static const bool threads = std::getenv("HOSTCUDA_THREADS") != nullptr;
  gridDim = grid;
  blockDim = block;
  static auto* const lanes = new Block;
  lanes->prepare(block, body);
  running = threads ? nullptr : lanes;
  const auto shared = shared_areas(kernel, function);
  const auto turns = order.of(lanes->size());
  for (const unsigned i : order.of(1ULL * grid.x * grid.y * grid.z)) {
    blockIdx = {i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)};
    for (const auto& area : shared) poison(area.data, area.bytes);
    threads ? os_threads::run_block(block, body) : lanes->run(turns);
  }
  running = nullptr;
}

}  // namespace hostcuda

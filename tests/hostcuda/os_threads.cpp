#include "os_threads.hpp"

#include <bit>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "memory.hpp"

namespace hostcuda::os_threads {
namespace {

constexpr unsigned warp_size = 32;

/// Where threads meet. Each warp and the block have their own: with one lock for all of them,
/// ThreadSanitizer would see more order between threads than CUDA gives.
class Meeting {
 public:
  explicit Meeting(unsigned members) : members_{members} {}

  /// Waits for as many as a mask names, or for all members under the mask 0.
  void meet(unsigned mask) {
    std::unique_lock guard{mutex_};
    Group& group = groups_[mask];
    const unsigned round = group.round;
    if (++group.arrived == (mask == 0 ? members_ : static_cast<unsigned>(std::popcount(mask))))
      finish(group);
    else
      changed_.wait(guard, [&] { return group.round != round; });
  }

  /// A thread that has ended counts for no later meeting.
  void depart() {
    const std::lock_guard guard{mutex_};
    Group& group = groups_[0];
    if (--members_ > 0 && group.arrived == members_) finish(group);
  }

 private:
  struct Group {
    unsigned arrived = 0, round = 0;
  };
  void finish(Group& group) {
    group.arrived = 0;
    ++group.round;
    changed_.notify_all();
  }

  unsigned members_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<unsigned, Group> groups_;
};

struct Block {
  explicit Block(unsigned threads)
      : whole{threads}, slots((threads + warp_size - 1) / warp_size * warp_size) {
    for (unsigned i = 0; i < threads; i += warp_size)
      warps.push_back(std::make_unique<Meeting>(warp_size));
  }
  Meeting whole;
  std::vector<std::unique_ptr<Meeting>> warps;
  std::vector<Slot> slots;
};

Block* running = nullptr;
thread_local unsigned linear = 0;

/// Threads of the system, kept from block to block: under ThreadSanitizer, making one takes longer
/// than what it then does. Nothing that they share puts the end of one before the start of another.
class Crew {
 public:
  /// Calls work(0), work(1), ... work(count - 1), each on a thread of its own.
  void run(unsigned count, const std::function<void(unsigned)>& work) {
    while (members_.size() < count) {
      auto& added = members_.emplace_back();
      std::thread{[this, &added, number = static_cast<unsigned>(members_.size() - 1)] {
        for (;;) {
          added.called.acquire();
          (*added.work)(number);
          done_.release();
        }
      }}.detach();  // until the process ends
    }
    for (unsigned i = 0; i < count; ++i) {
      members_[i].work = &work;
      members_[i].called.release();
    }
    for (unsigned i = 0; i < count; ++i) done_.acquire();
  }

 private:
  struct Member {
    std::binary_semaphore called{0};
    const std::function<void(unsigned)>* work = nullptr;
  };
  std::deque<Member> members_;
  std::counting_semaphore<> done_{0};
};

}  // namespace

void sync_block() { running->whole.meet(0); }
void sync_warp(unsigned mask) { running->warps[linear / warp_size]->meet(mask); }
unsigned lane() { return linear % warp_size; }
Slot& slot(unsigned lane) { return running->slots[linear / warp_size * warp_size + lane]; }

void run_block(dim3 block, const Body& body) {
  const unsigned total = block.x * block.y * block.z;
  Block meetings{total};
  running = &meetings;
  static auto* const crew = new Crew;
  crew->run(total, [&, index = blockIdx, grid = gridDim, access = rights()](unsigned i) {
    take_over(access);
    linear = i;
    threadIdx = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
    blockIdx = index;
    blockDim = block;
    gridDim = grid;
    body();
    meetings.whole.depart();
  });
  running = nullptr;
}

}  // namespace hostcuda::os_threads

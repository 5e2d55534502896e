// Stacks to switch between: a CUDA thread that waits keeps its own, and another runs meanwhile.
#pragma once

#include <cstddef>
#include <memory>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace hostcuda {

/// Saves the registers that a function must keep, and goes on where another stack was left.
/// (swapcontext does the same with a system call for the signal mask, at ten times the cost.)
extern "C" void hostcuda_switch(void** save_stack, void* next_stack);

/// A stack on which `entry` runs, which never returns.
class Fiber {
 public:
  explicit Fiber(void (*entry)()) : memory_{new std::byte[size]} {
    // What hostcuda_switch pops: six registers, then where to go. A function starts with its stack
    // 8 bytes off a multiple of 16, as if it had been called.
    auto top = reinterpret_cast<std::size_t>(memory_.get() + size) / 16 * 16 - 16;
    auto* const frame = reinterpret_cast<void**>(top) - 6;
    for (int i = 0; i < 6; ++i) frame[i] = nullptr;
    frame[6] = reinterpret_cast<void*>(entry);
    stack_ = frame;
  }

  /// Runs the fiber until it leaves.
  void enter() {
    before_switch(memory_.get(), size);
    hostcuda_switch(&home_, stack_);
    after_switch();
  }

  /// Back to where `enter` was called.
  void leave() {
    before_switch(home_bottom_, home_size_);
    hostcuda_switch(&stack_, home_);
    after_entry();
  }

  /// The first thing that `entry` does.
  void after_entry() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &home_bottom_, &home_size_);
#endif
  }

 private:
  // No power of two, or all stacks would compete for the same few lines of the cache.
  static constexpr std::size_t size = (64 << 10) + 5 * 64;

  static void before_switch([[maybe_unused]] const void* bottom,
                            [[maybe_unused]] std::size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(nullptr, bottom, bytes);
#endif
  }
  static void after_switch() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  }

  std::unique_ptr<std::byte[]> memory_;
  void* stack_ = nullptr;
  void* home_ = nullptr;
  const void* home_bottom_ = nullptr;
  std::size_t home_size_ = 0;
};

}  // namespace hostcuda

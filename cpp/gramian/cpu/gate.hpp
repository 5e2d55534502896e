// The way into the BLAS: how many threads are inside, memory for each of them, and nobody inside
// while the process forks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace gramian::blas {

/// A place for each thread that computes, and in the bundled OpenBLAS a buffer for each place
/// (32 MB of address space, of which only what is used becomes memory). OpenBLAS asks the system
/// for it in the middle of a call and ends the process where there is none; here it is asked for on
/// the way in, so that std::bad_alloc can say so. Once there is one buffer, threads for which there
/// are no more wait for each other.
class Gate {
 public:
  /// OpenBLAS has buffers for 64 callers at once and prints a warning beyond them; half of that is
  /// far more than the cores of a process keep busy.
  static constexpr int most = 32;

  explicit Gate(int places = 0) : places_{places} {}

  void enter();
  void leave() noexcept;
  /// The first place, before there are threads that may take its memory.
  void prepare();

  /// Lets nobody in until open(), and waits until all have left; false if that took too long.
  bool close(std::chrono::milliseconds patience);
  void open() noexcept;

 private:
  bool grow();

  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0, places_;
  bool closed_ = false;
};

/// That of the process; children of a fork find it open and empty.
Gate& gate();

/// Holds one of the places at the gate.
class Turn {
 public:
  Turn() { gate().enter(); }
  ~Turn() { gate().leave(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
};

}  // namespace gramian::blas

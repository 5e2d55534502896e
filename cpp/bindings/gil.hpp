// The GIL is let go and taken here and nowhere else. A daemon thread that wants it while the
// interpreter ends never gets it: CPython before 3.14 ends such a thread by unwinding its stack,
// which C++ that has anything to tidy up does not survive. Such a thread sleeps here until the
// process has ended, as CPython has it from 3.14 on.
#pragma once

#include <pthread.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <optional>

namespace gramian {

/// Runs what may ask for the GIL, and must not throw; does not return where the thread would end.
template <class Use>
void or_sleep(const Use& use) {
  // Run by pthread_exit, before the stack of any caller is unwound.
  pthread_cleanup_push(
      [](void*) {
        for (;;) pause();
      },
      nullptr);
  use();
  pthread_cleanup_pop(0);
}

/// Without the GIL while it lives.
class OffTheGil {
 public:
  OffTheGil() : state_{PyEval_SaveThread()} {}
  ~OffTheGil() {
    or_sleep([this] { PyEval_RestoreThread(state_); });
  }
  OffTheGil(const OffTheGil&) = delete;
  OffTheGil& operator=(const OffTheGil&) = delete;

 private:
  PyThreadState* const state_;
};

/// Runs use() without the GIL, whether the thread holds it or not, also where there is no Python
/// any more.
template <class Use>
void off_the_gil_if_held(const Use& use) {
  std::optional<OffTheGil> off;
  if (Py_IsInitialized() != 0 && PyGILState_Check() != 0) off.emplace();
  use();
}

/// Runs use() with the GIL, which the thread may hold already. What it calls of Python may let go
/// of the GIL and want it again, so use() must call C functions of Python alone: an object of C++
/// in between would be destroyed without the GIL. It must not throw.
template <class Use>
void with_the_gil(const Use& use) {
  or_sleep([&use] {
    const PyGILState_STATE state = PyGILState_Ensure();
    use();
    PyGILState_Release(state);
  });
}

}  // namespace gramian

#include "blas_info.hpp"

#include <dlfcn.h>

#include "lapack.hpp"

extern "C" {
#ifdef GRAMIAN_SYSTEM_BLAS
#define GRAMIAN_OPENBLAS(name) openblas_##name
#else
#define GRAMIAN_OPENBLAS(name) scipy_openblas_##name##64_
#endif
// Weak: a system's BLAS need not be OpenBLAS.
__attribute__((weak)) char* GRAMIAN_OPENBLAS(get_config)();
__attribute__((weak)) char* GRAMIAN_OPENBLAS(get_corename)();
__attribute__((weak)) void GRAMIAN_OPENBLAS(set_num_threads)(int);
}

namespace gramian::blas {

std::string config() {
  return GRAMIAN_OPENBLAS(get_config) != nullptr ? GRAMIAN_OPENBLAS(get_config)() : "";
}

std::string core() {
  return GRAMIAN_OPENBLAS(get_corename) != nullptr ? GRAMIAN_OPENBLAS(get_corename)() : "";
}

std::string path() {
  Dl_info info{};
  return dladdr(dgemm_address(), &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

void use_one_thread() {
  if (GRAMIAN_OPENBLAS(set_num_threads) != nullptr) GRAMIAN_OPENBLAS(set_num_threads)(1);
}

}  // namespace gramian::blas

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

const void* own_routine(const void* linked, const char* name) {
#ifdef GRAMIAN_SYSTEM_BLAS
  (void)name;
#else
  // Loaded already, since this was linked against it: found by its name, which no other library
  // has.
  if (void* const library = dlopen("libgramian_openblas_.so", RTLD_LAZY | RTLD_NOLOAD))
    if (const void* const found = dlsym(library, name)) return found;
#endif
  return linked;
}

namespace {
auto* const get_config = GRAMIAN_OWN(GRAMIAN_OPENBLAS(get_config));
auto* const get_corename = GRAMIAN_OWN(GRAMIAN_OPENBLAS(get_corename));
auto* const set_num_threads = GRAMIAN_OWN(GRAMIAN_OPENBLAS(set_num_threads));
}  // namespace

std::string config() { return get_config != nullptr ? get_config() : ""; }

std::string core() { return get_corename != nullptr ? get_corename() : ""; }

std::string path() {
  Dl_info info{};
  return dladdr(dgemm_address(), &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

void use_one_thread() {
  if (set_num_threads != nullptr) set_num_threads(1);
}

}  // namespace gramian::blas

// Which BLAS this process reached, and its one switch.
#pragma once

#include <string>

namespace gramian::blas {

std::string config();  // version and build options, "" for a BLAS that is not OpenBLAS
std::string core();    // the processor whose kernels it chose
std::string path();    // the file that dgemm came from

/// One thread: the engine shares the work out itself. Only this library's own BLAS is touched.
void use_one_thread();

}  // namespace gramian::blas

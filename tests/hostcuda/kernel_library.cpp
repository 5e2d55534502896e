// Part of every library of kernels: says where it is when it is loaded.
#include "hostcuda.hpp"

static const bool known = hostcuda::use_kernels_of(&known);

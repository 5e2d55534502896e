// The functions of an extension module, bound once for any pair of backends, float and double.
// Python has validated what the user gave: two dimensions, finite, enough samples. What two
// prepared layers must have in common is checked here.
#pragma once

#include "bind_layers.hpp"
#include "bind_pairs.hpp"
#include "bind_sums.hpp"

namespace gramian {

template <LinearAlgebra Single, LinearAlgebra Double>
void bind(py::module_& m) {
  bind_enums(m);
  bind_kernel_spec(m);
  bind_given_layer<Single>(m);
  bind_prepared_layer<Single, Double>(m);
  bind_plan<Single, Double>(m);
  bind_preparations<Single, Double>(m);
  bind_comparisons<Single, Double>(m);
  bind_sums<Single, Double>(m);
}

}  // namespace gramian

// The functions of an extension module, bound once for any pair of backends, float and double; the
// first argument of each, `double_precision`, chooses between them. Python has validated
// everything: two dimensions, finite, equal numbers of rows, enough of them.
#pragma once

#include "bind_cca.hpp"
#include "bind_hsic.hpp"
#include "bind_units.hpp"

namespace gramian {

template <LinearAlgebra Single, LinearAlgebra Double>
void bind(py::module_& m) {
  bind_hsic_family<Single, Double>(m);
  bind_units_family<Single, Double>(m);
  bind_cca_family<Single, Double>(m);
}

}  // namespace gramian

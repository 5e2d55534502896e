// Bindings of HSIC, CKA, Gram matrices and median distances.
#pragma once

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "../gramian/gram_matrix.hpp"
#include "../gramian/measures/hsic.hpp"
#include "../gramian/median.hpp"
#include "convert.hpp"

namespace gramian {

/// One kernel a layer: gamma in the layer's own units, or None for the linear kernel.
using Gamma = std::optional<double>;
inline Kernel kernel_of(const Gamma& gamma) { return gamma ? Kernel{Rbf{*gamma}} : Kernel{Linear{}}; }

/// Whether the rows of a layer differ by no more than rounding, so that every similarity of it is
/// undefined: its centred norm is at most 10 eps of its norm.
template <Backend B>
bool is_constant(const Representation& r, const std::vector<double>& norms) {
  const auto& [array, dtype, means, scale] = r;
  const std::span<const double> m{means.data(), static_cast<std::size_t>(means.size())};
  const double offset = dot(m, m) * scale * scale * static_cast<double>(norms.size());
  const double limit = 10 * static_cast<double>(std::numeric_limits<typename B::scalar>::epsilon());
  return sum(norms) <= limit * limit * offset;
}

/// HSIC, or CKA, of every x with every y (with one another when ys is empty), and the status of every
/// layer as an integer.
template <Backend B>
py::tuple bind_hsic(const std::vector<Representation>& xs,
                    const std::vector<Representation>& ys, const std::vector<Gamma>& gammas,
                    bool unbiased, bool normalized, const Progress& progress) {
  B b{control_of(progress)};
  std::vector<Representation> all = xs;
  all.insert(all.end(), ys.begin(), ys.end());
  std::vector<Layer<B>> layers;
  std::vector<Kernel> kernels;
  for (std::size_t l = 0; l < all.size(); ++l) {
    layers.push_back(layer_of(b, all[l]));
    kernels.push_back(kernel_of(gammas[l]));
  }
  const auto x = std::ssize(xs), others = ys.empty() ? x : std::ssize(ys);
  std::vector<Status> status;
  std::vector<double> values;
  {
    const py::gil_scoped_release release;
    b.control.end = 0;
    std::vector<std::vector<double>> norms;
    std::vector<bool> constant;
    for (std::size_t l = 0; l < all.size(); ++l) {
      norms.push_back(squared_norms(b, layers[l]));
      constant.push_back(is_constant<B>(all[l], norms[l]));
    }
    Hsic h = hsic(b, std::move(layers), std::move(norms), x, kernels,
                  unbiased ? Estimator::unbiased : Estimator::biased);
    status = settle(h, constant);
    values = normalized ? cka_values(std::move(h)) : hsic_values(std::move(h));
  }
  py::array_t<double> result({x, others});
  std::ranges::copy(values, result.mutable_data());
  std::vector<int> codes(status.size());
  std::ranges::transform(status, codes.begin(), [](Status s) { return static_cast<int>(s); });
  return py::make_tuple(result, codes);
}

template <Backend B>
double bind_median(const Representation& x) {
  const Progress none;
  B b{control_of(none)};
  const auto layer = layer_of(b, x);
  const py::gil_scoped_release release;
  const double median = median_squared_distance<B>(b, layer, squared_norms(b, layer));
  return median / layer.scale / layer.scale;
}

template <Backend B>
py::array_t<typename B::scalar> bind_gram(const Representation& x, const Gamma& gamma, bool centered) {
  const Progress none;
  B b{control_of(none)};
  auto layer = layer_of(b, x);
  const Index n = layer.source.rows;
  const double scale = layer.scale * layer.scale;
  py::array_t<typename B::scalar> out({n, n});
  auto* data = out.mutable_data();
  {
    const py::gil_scoped_release release;
    const auto norms = squared_norms(b, layer);
    const auto prepared = make_gram_layer(
        b, std::move(layer), kernel_of(gamma ? Gamma{*gamma / scale} : gamma), norms, centered);
    gram_matrix(b, prepared, centered, gamma ? 1.0 : scale, data);
  }
  return out;
}

template <Backend Single, Backend Double>
void bind_hsic_family(py::module_& m) {
  m.def(
      "hsic",
      [](bool double_precision, const std::vector<Representation>& xs,
         const std::vector<Representation>& ys, const std::vector<Gamma>& gammas,
         bool unbiased, bool normalized, const Progress& progress) {
        return (double_precision ? bind_hsic<Double> : bind_hsic<Single>)(
            xs, ys, gammas, unbiased, normalized, progress);
      });
  m.def("median_squared_distance", [](bool double_precision, const Representation& x) {
    return (double_precision ? bind_median<Double> : bind_median<Single>)(x);
  });
  m.def("gram",
        [](bool double_precision, const Representation& x, const Gamma& gamma,
           bool centered) -> py::array {
          if (double_precision) return bind_gram<Double>(x, gamma, centered);
          return bind_gram<Single>(x, gamma, centered);
        });
}

}  // namespace gramian

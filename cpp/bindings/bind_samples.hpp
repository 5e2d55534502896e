// Bindings of what resampling takes of Gram matrices, on the host for layers of any device.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "../gramian/cpu/gram_samples.hpp"
#include "layers.hpp"

namespace gramian {

template <class T>
using Stack = py::array_t<T, py::array::c_style>;
using Samples = py::array_t<Index, py::array::c_style>;

template <class T>
GramStack<T> stack_of(const Stack<T>& array) {
  if (array.ndim() != 3 || array.shape(0) != array.shape(2) || array.size() == 0)
    throw std::invalid_argument("Gram matrices must be of shape (n, layers, n)");
  return {array.data(), array.shape(0), array.shape(1)};
}

/// Refuses what points out of the matrices.
inline void check_samples(const Samples& samples, Index n) {
  const Index* const first = samples.data();
  if (std::any_of(first, first + samples.size(), [n](Index i) { return i < 0 || i >= n; }))
    throw std::invalid_argument("samples must be within the Gram matrices");
}

inline Draws draws_of(const Samples& samples, Index n) {
  if (samples.ndim() != 2 || samples.shape(1) < 1 || samples.shape(1) > n)
    throw std::invalid_argument("draws must be of shape (draws, at most n)");
  check_samples(samples, n);
  return {samples.data(), samples.shape(0), samples.shape(1)};
}

/// (products, margins) of pairs, then (products, margins, totals) of x and of y.
inline py::tuple as_tuple(const DrawnSums& sums, Index draws, Index x, Index y) {
  const auto pairs = [&](const std::vector<double>& values) {
    return py::array_t<double>({draws, x, y}, values.data());
  };
  return py::make_tuple(pairs(sums.products), pairs(sums.margins),
                        array_of(sums.x_products, draws, x), array_of(sums.x_margins, draws, x),
                        array_of(sums.x_totals, draws, x), array_of(sums.y_products, draws, y),
                        array_of(sums.y_margins, draws, y), array_of(sums.y_totals, draws, y));
}

/// The second stack, which may be absent.
template <class T>
std::optional<GramStack<T>> second(const GramStack<T>& x, const std::optional<Stack<T>>& ys) {
  if (!ys) return {};
  const GramStack<T> y = stack_of(*ys);
  if (y.samples != x.samples)
    throw std::invalid_argument("Gram matrices must be of the same samples");
  return y;
}

template <class T>
py::array_t<double> bind_reordered_products(const Stack<T>& xs, const Stack<T>& ys,
                                            const Samples& orders, const Progress& progress) {
  const GramStack<T> x = stack_of(xs), y = *second(x, std::optional{ys});
  const Draws draws = draws_of(orders, x.samples);
  if (draws.count != x.samples) throw std::invalid_argument("an order is of all samples");
  std::vector<double> found;
  {
    const OffTheGil off;
    found = reordered_products(x, y, draws, control_of(progress));
  }
  return py::array_t<double>({draws.draws, x.layers, y.layers}, found.data());
}

template <class T>
py::tuple bind_drawn_sums(const Stack<T>& xs, const std::optional<Stack<T>>& ys,
                          const Samples& samples, const Progress& progress) {
  const GramStack<T> x = stack_of(xs);
  const auto y = second(x, ys);
  const Draws draws = draws_of(samples, x.samples);
  DrawnSums found;
  {
    const OffTheGil off;
    found = drawn_sums(x, y ? &*y : nullptr, draws, control_of(progress));
  }
  return as_tuple(found, draws.draws, x.layers, y.value_or(x).layers);
}

template <class T>
py::tuple bind_sums_without(const Stack<T>& xs, const std::optional<Stack<T>>& ys,
                            const Samples& samples, const std::vector<Index>& starts,
                            const Progress& progress) {
  const GramStack<T> x = stack_of(xs);
  const auto y = second(x, ys);
  check_samples(samples, x.samples);
  if (starts.empty() || starts.front() != 0 || starts.back() != samples.size() ||
      !std::ranges::is_sorted(starts) || starts.back() > x.samples)
    throw std::invalid_argument("groups must begin where others end, at 0 at first");
  const Groups groups{samples.data(), starts};
  DrawnSums found;
  {
    const OffTheGil off;
    found = sums_without(x, y ? &*y : nullptr, groups, control_of(progress));
  }
  return as_tuple(found, groups.count(), x.layers, y.value_or(x).layers);
}

/// Calls use(Stack<T>) with Gram matrices in the precision that they have.
template <class Use>
auto in_their_precision(const py::array& xs, const Use& use) {
  if (py::isinstance<Stack<float>>(xs)) return use(Stack<float>(xs));
  if (py::isinstance<Stack<double>>(xs)) return use(Stack<double>(xs));
  throw std::invalid_argument("Gram matrices must be of float or double, in C order");
}

inline void bind_samples(py::module_& m) {
  const auto xs = py::arg("xs"), ys = py::arg("ys"), samples = py::arg("samples");
  const auto progress = py::arg("progress") = py::none();
  using Others = std::optional<py::array>;
  const auto others = []<class T>(const Others& given, const Stack<T>&) {
    std::optional<Stack<T>> found;
    if (given) found = Stack<T>(*given);
    return found;
  };
  m.def(
      "reordered_products",
      [](const py::array& x, const py::array& y, const Samples& orders, const Progress& told) {
        return in_their_precision(x, [&]<class T>(const Stack<T>& stack) {
          return bind_reordered_products<T>(stack, Stack<T>(y), orders, told);
        });
      },
      xs, ys, py::arg("orders"), progress);
  m.def(
      "drawn_sums",
      [others](const py::array& x, const Others& y, const Samples& draws, const Progress& told) {
        return in_their_precision(x, [&]<class T>(const Stack<T>& stack) {
          return bind_drawn_sums<T>(stack, others(y, stack), draws, told);
        });
      },
      xs, ys, samples, progress);
  m.def(
      "sums_without",
      [others](const py::array& x, const Others& y, const Samples& members,
               const std::vector<Index>& starts, const Progress& told) {
        return in_their_precision(x, [&]<class T>(const Stack<T>& stack) {
          return bind_sums_without<T>(stack, others(y, stack), members, starts, told);
        });
      },
      xs, ys, samples, py::arg("starts"), progress);
}

}  // namespace gramian

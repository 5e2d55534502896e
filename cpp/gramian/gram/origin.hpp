// The origin that a layer is packed about for a polynomial kernel, see kernels.hpp, and what of its
// rows lies along it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "gram_layer.hpp"

namespace gramian {

/// What elements are differences from when a layer is packed: nothing, an origin, or the means of
/// their columns.
enum class About : std::uint8_t { nothing, origin, means };

/// Where a layer is to be seen from: in units that hardly vary about a value that is not 0, that
/// value, as nine rows have it. Their median, since a row far out moves means so much that all
/// others are far from them; and rows without a period, since the first one of a sequence is often
/// far out. Nothing where the values are hardly more than what all units vary by.
template <Backend B>
std::vector<double> origin_of(B& b, const Layer<B>& layer) {
  constexpr std::size_t count = 9, middle = count / 2;
  const auto n = static_cast<double>(layer.source.rows);
  const Index p = layer.source.cols;
  std::array<Index, count> chosen;
  for (std::size_t k = 0; k < count; ++k) {
    const double place = std::fmod((static_cast<double>(k) + 0.5) * std::numbers::phi, 1.0);
    chosen[k] = static_cast<Index>(place * n);
  }
  Panel<B> panel;
  b.gather(layer, chosen, panel);
  const std::vector<double> rows = b.download(panel.memory.get(), static_cast<Index>(count) * p);
  std::vector<double> origin(static_cast<std::size_t>(p));
  double size = 0, spread = 0;
  for (std::size_t j = 0; j < origin.size(); ++j) {
    std::array<double, count> values;
    const auto median = [&] {
      std::ranges::nth_element(values, values.begin() + middle);
      return values[middle];
    };
    for (std::size_t k = 0; k < count; ++k) values[k] = rows[k * origin.size() + j];
    const double value = median();
    for (double& one : values) one = std::abs(one - value);
    const double deviation = median();
    spread += deviation * deviation;
    if (!(std::abs(value) > 8 * deviation)) continue;
    origin[j] = value;
    size += value * value;
  }
  if (16 * size < spread) std::ranges::fill(origin, 0.0);
  return origin;
}

/// A layer that is read as it is, about its origin if it has one, and then in the scale that is for
/// what deviates.
template <Backend B>
Layer<B> about_origin(B& b, Layer<B> layer, double scale) {
  Means means{origin_of(b, layer), {}};
  means.low.resize(means.high.size());
  for (double& element : means.high) {
    element = element / layer.scale * scale;
    if (!std::isfinite(static_cast<typename B::scalar>(element))) return layer;
  }
  if (std::ranges::all_of(means.high, [](double element) { return element == 0; })) return layer;
  return make_layer(b, layer.source, means, scale, layer.constant);
}

/// vᵢ = dᵢ·o / |o| of every row, for the unit vector along the origin.
template <Backend B>
std::vector<double> products_along(B& b, const Layer<B>& layer, std::span<const double> unit) {
  using T = typename B::scalar;
  const Index n = layer.source.rows, p = layer.source.cols;
  const auto elements = b.upload(unit);
  const DType dtype = sizeof(T) == sizeof(float) ? DType::f32 : DType::f64;
  const Layer<B> row = make_layer(b, {elements.get(), dtype, 1, p, p, 1}, Means::none(p), 1);
  Panel<B> direction;
  b.pack(row, {0, 1}, direction);

  const Index block = rows_at_once(layer);
  struct Workspace {
    Panel<B> panel;
    typename B::Buffer products;
  };
  std::vector<double> found(static_cast<std::size_t>(n));
  struct Nothing {};
  b.template run_ordered<Workspace, Nothing>(
      (n + block - 1) / block, [&] { return Workspace{{}, b.allocate(block)}; },
      [] { return Nothing{}; },
      [&](Workspace& w, Index task, Nothing&) {
        const Rows rows{task * block, std::min(block, n - task * block)};
        b.pack(layer, rows, w.panel);
        b.multiply(w.panel, direction, w.products.get());
        b.download(w.products.get(), rows.count, found.data() + rows.first);
      },
      [](Index, const Nothing&) {});
  return found;
}

/// Looks for the origin that a layer was read about, if any.
template <Backend B>
void find_origin(B& b, GramLayer<B>& g) {
  std::vector<double> o = b.download(g.layer.mean_high.get(), g.layer.source.cols);
  double largest = 0;
  for (const double element : o) largest = std::max(largest, std::abs(element));
  if (!(largest > 0)) return;
  g.origin.exponent = std::ilogb(largest);
  for (double& element : o) element = std::ldexp(element, -g.origin.exponent);
  g.origin.squared = dot(o, o);
  for (double& element : o) element /= std::sqrt(g.origin.squared);
  g.along = products_along(b, g.layer, o);
}

}  // namespace gramian

// What is kept of a layer whose Gram matrix is to be compared, or seen.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "kernel_spec.hpp"
#include "origin.hpp"
#include "precision.hpp"

namespace gramian {

/// Whether a layer has a similarity: not when its rows are equal but for rounding, nor when its own
/// HSIC vanishes for another reason (degenerate); nor when half of its distances are 0, which
/// leaves a kernel without a width; nor when it changed while its median was looked for. Imprecise
/// says that the precision loses too many digits here, and that double is to be asked; in double,
/// that sample space is to be asked.
enum class Status : std::uint8_t { sound, constant, degenerate, zero_median, changed, imprecise };

template <class B>
struct PreparedGram {
  GramLayer<B> gram;  // in feature space: its layer and, for the unbiased estimator, its norms
  Status status = Status::sound;
  double unit = 1;    // what values of the kernel are multiplied by
  double median = 0;  // squared distance, where the kernel takes its width from it

  /// Whether there is a kernel at all.
  bool complete() const {
    return status != Status::zero_median && status != Status::changed &&
        status != Status::imprecise;
  }
};

/// |xᵢ|² as packed, or the diagonal of a Gram matrix that is given. Within `together` they are
/// there when it ends.
template <Backend B>
std::vector<double> norms_of(B& b, const Layer<B>& layer, const KernelSpec& spec) {
  if (spec.kind != KernelSpec::precomputed) return squared_norms(b, layer);
  Source diagonal = layer.source;  // as a column
  diagonal.cols = 1;
  diagonal.row_stride += std::exchange(diagonal.col_stride, 1);
  const Layer<B> column = make_layer(b, diagonal, Means::none(1), layer.scale);
  Panel<B> panel;
  b.pack(column, {0, diagonal.rows}, panel);
  return b.download(panel.memory.get(), diagonal.rows);
}

/// Rows floor(i n / count) of a layer, packed, as a layer of their own; `panel` owns the memory.
template <Backend B>
Layer<B> sampled(B& b, const Layer<B>& layer, Index count, Panel<B>& panel) {
  using T = typename B::scalar;
  const Source& source = layer.source;
  b.pack(layer, {0, count, source.rows, count}, panel);
  const Index p = source.cols;
  const DType dtype = sizeof(T) == sizeof(float) ? DType::f32 : DType::f64;
  const Source packed = panel.row_major ? Source{panel.memory.get(), dtype, count, p, p, 1}
                                        : Source{panel.memory.get(), dtype, count, p, 1, count};
  return make_layer(b, packed, Means::none(p), 1);
}

/// The middle of the squared distances of a layer, or of a sample of its rows.
template <Backend B>
Middle median_of(B& b, GramLayer<B>& g, const Tiling& tiling, Index sample) {
  if (sample == 0 || sample >= tiling.n) return median_squared_distance(b, g, tiling);
  Panel<B> panel;
  GramLayer<B> part{sampled(b, g.layer, sample, panel)};
  set_norms(b, part, squared_norms(b, part.layer));
  if (g.by_differences) take_differences(b, part);
  return median_squared_distance(b, part, Tiling::of(sample, tiling.tile));
}

/// What is done about inner products that are imprecise: in float it is said, in double distances
/// are taken by differences. Whether the layer goes on.
template <Backend B>
bool goes_on_by_differences(B& b, PreparedGram<B>& prepared) {
  if constexpr (std::same_as<typename B::scalar, double>)
    take_differences(b, prepared.gram);
  else
    prepared.status = Status::imprecise;
  return prepared.complete();
}

/// How layers are prepared: with what kernel, in what tiles, near-centred or as they are.
struct GramPreparation {
  KernelSpec spec;
  Tiling tiling;
  bool near_centred = true;
};

/// The layer with its kernel, if it has one. Its norms are those of norms_of. `keep` the inner
/// products that a median needs, for the tiles to come.
template <Backend B>
PreparedGram<B> with_kernel(B& b, const GramPreparation& how, Layer<B> layer,
                            std::vector<double> norms, bool keep) {
  const KernelSpec& spec = how.spec;
  PreparedGram<B> prepared{.gram = {std::move(layer)}};
  GramLayer<B>& g = prepared.gram;
  set_norms(b, g, std::move(norms));
  if (spec.kind == KernelSpec::polynomial && how.near_centred) find_origin(b, g);
  // A Gram matrix that is given is never called constant.
  const bool constant = g.layer.constant && spec.kind != KernelSpec::precomputed;
  if (constant) prepared.status = Status::constant;
  Middle median{};
  const auto measure_width = [&] {
    median = median_of(b, g, how.tiling, spec.sample);
    prepared.median = (median.low + median.high) / 2;
  };
  if (spec.by_median()) {
    if (keep) {
      g.kept = b.allocate(how.tiling.count() * how.tiling.area());
      g.kept_tiling = how.tiling;
    }
    measure_width();
    if (!constant && is_imprecise(g, prepared.median)) {
      if (!goes_on_by_differences(b, prepared)) return prepared;
      measure_width();
    }
    if (!g.kept_is_filled) g.kept = {};  // few rows, or a sample of them, take no pass
    if (prepared.median == 0 || std::isnan(prepared.median)) {
      prepared.status = prepared.median == 0 ? Status::zero_median : Status::changed;
      return prepared;
    }
  }
  set_kernel(b, g, kernel_of(spec, g, median, how.near_centred), how.near_centred);
  return prepared;
}

/// What is found of a layer with its kernel before it is ready: a device is asked for all layers at
/// once.
struct Probe {
  DistanceSample distances{};
  Landmarks landmarks{};
};

template <Backend B>
void probe(B& b, const GramPreparation& how, const PreparedGram<B>& prepared, Probe& found) {
  if (prepared.status != Status::constant && needs_distances(prepared.gram))
    sample_distances(b, prepared.gram, found.distances);
  if (how.near_centred) find_landmarks(b, prepared.gram, found.landmarks);
}

/// Makes a layer ready for tiles, or says that it is imprecise.
template <Backend B>
void make_ready(B& b, const GramPreparation& how, PreparedGram<B>& prepared, Probe found) {
  GramLayer<B>& g = prepared.gram;
  const bool constant = prepared.status == Status::constant;
  const bool by_differences = !constant && is_imprecise(g, found.distances);
  if (by_differences && !goes_on_by_differences(b, prepared)) return;
  if (!how.near_centred)
    set_shift(b, g, std::vector<double>(g.norms.size(), 0.0));
  else if (by_differences)
    near_centre(b, g);
  else
    set_shift(b, g, near_centring_shift(g, std::move(found.landmarks)));
  if (!constant && how.near_centred && is_near_one(g)) {
    if constexpr (std::same_as<typename B::scalar, float>) {
      prepared.status = Status::imprecise;
      return;
    } else if (std::ranges::min(g.norms) > 0) {
      take_near_cosines(b, g);
    }
  }
  prepared.unit = how.spec.unit(g.kernel, g.layer.scale);
}

/// Layers with their kernels, up to the first that has none (see Status), ready for tiles.
template <Backend B>
void make_ready(B& b, const GramPreparation& how, std::vector<PreparedGram<B>>& layers) {
  const std::size_t last = layers.size() - 1;
  std::vector<Probe> found(layers.back().complete() ? last + 1 : last);
  const Control whole = b.control;
  b.together([&] {
    for (std::size_t l = 0; l < found.size(); ++l) {
      if (!how.spec.by_median()) b.control = whole.part(static_cast<Index>(l), std::ssize(layers));
      probe(b, how, layers[l], found[l]);
    }
  });
  b.control = whole;
  for (std::size_t l = 0; l < found.size(); ++l) {
    make_ready(b, how, layers[l], std::move(found[l]));
    if (layers[l].complete()) continue;
    layers.resize(l + 1);
    return;
  }
}

/// Shifts the linear kernel as the unbiased estimator wants it, exactly: its row sums without the
/// diagonal are then 0, and no large ones are subtracted from one another. With centred columns
/// they are -|xᵢ|², and aᵢ = -|xᵢ|²/(n-2) + Σ |xⱼ|²/(2(n-1)(n-2)).
template <Backend B>
void u_centre(B& b, GramLayer<B>& g) {
  const auto n = static_cast<double>(g.norms.size());
  const double mean = sum(g.norms) / (2 * (n - 1) * (n - 2));
  std::vector<double> shift;
  for (std::size_t i = 0; i < g.norms.size(); ++i) {
    const double a = mean - g.norms[i] / (n - 2);
    shift.push_back(static_cast<double>(static_cast<typename B::scalar>(a)));
  }
  set_shift(b, g, shift);
}

}  // namespace gramian

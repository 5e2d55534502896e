// Products XᵀY of layers on a device: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
void Cuda<T>::by_rows(Index n, const std::function<void(Rows)>& work, Index block) {
  for (Index first = 0; first < n; first += block) {
    work({first, std::min(block, n - first)});
    poll(static_cast<double>(std::min(n, first + block)) / static_cast<double>(n));
  }
}

/// For products that no task forms: the host waits, as it does in the middle of tasks.
template <class T>
void Cuda<T>::has_queued(double flops) {
  queued_flops_ += flops;
  if (is_ahead()) pay();
}

/// Layers in double as products read them, packed once while there is room: a group's side by side.
template <class T>
class Cuda<T>::CrossPanels {
 public:
  CrossPanels(Cuda& b, const cuda::CrossGroups<Cuda>& groups) : b_{b}, groups_{groups} {}

  struct Operand {
    cuda::Operand<double> first;
    Index step;  // to the next
  };
  /// What is here stays until this has been asked for another two.
  Operand operator()(cuda::CrossPlace place, Rows rows) {
    const auto found = std::ranges::find_if(held_, [&](const Held& held) {
      return held.group == place.group && held.rows.first == rows.first &&
          held.rows.count == rows.count;
    });
    if (found == held_.end())
      pack(place.group, rows);
    else
      std::rotate(found, found + 1, held_.end());
    const Source& source = groups_[place.group].layers[0]->source;
    const Index step = step_of(source, rows);
    const bool row_major = source.row_major();
    return {{held_.back().memory.get() + place.slot * step, row_major ? source.cols : rows.count,
             !row_major},
            step};
  }

 private:
  struct Held {
    Index group;
    Rows rows;
    Index elements;
    cuda::Memory<double> memory;
  };
  /// From panel to panel, all of them aligned as memory is.
  static Index step_of(const Source& source, Rows rows) {
    constexpr Index unit = 256 / sizeof(double);
    return (rows.count * source.cols + unit - 1) / unit * unit;
  }

  void pack(Index number, Rows rows) {
    const auto& group = groups_[number];
    const Index step = step_of(group.layers[0]->source, rows), elements = group.size * step;
    const Index most = static_cast<Index>(b_.panel_memory / sizeof(double));
    Index total = elements;
    for (const Held& held : held_) total += held.elements;
    for (; held_.size() > 1 && total > most; held_.erase(held_.begin()))
      total -= held_.front().elements;
    held_.push_back({number, rows, elements, allocate(elements)});
    double* out = held_.back().memory.get();
    for (const Layer<Cuda>* layer : group.layers) {
      b_.read(*layer, layer->source, rows, {0, layer->source.cols}, out, layer->source.row_major());
      out += step;
    }
  }

  /// Where memory is short, less is held.
  cuda::Memory<double> allocate(Index elements) {
    try {
      return cuda::allocate<double>(b_.context_, elements);
    } catch (const cuda::OutOfMemory&) {
      if (held_.size() < 2) throw;
      held_.erase(held_.begin(), held_.end() - 1);
      return cuda::allocate<double>(b_.context_, elements);
    }
  }

  Cuda& b_;
  const cuda::CrossGroups<Cuda>& groups_;
  std::vector<Held> held_;  // last what was asked for last
};

/// totals = the products XᵀY of a call in double, one after the other: on an H200 as fast as in
/// float (52 and 46 Tflop/s at 512 x 512 x 10,000). Of XᵀX the lower triangle counts. It alone is
/// formed where its tiles fill the device (0.11 ms against 0.10 of the whole at 512 columns, 0.18
/// against 0.19 at 1024, 0.37 against 0.71 at 2048).
template <class T>
void Cuda<T>::cross_in_double(const LayerPair<Cuda>& pair, const cuda::CrossCall& call,
                              CrossPanels& panels, double* totals) {
  constexpr Index filling = 1024;
  const Index p = pair.x->source.cols, q = pair.y->source.cols;
  by_rows(
      pair.x->source.rows,
      [&](Rows rows) {
        const double beta = rows.first == 0 ? 0 : 1;
        auto [left, step_left] = panels(call.x, rows);
        const auto [right, step_right] = panels(call.y, rows);
        left.transposed = !left.transposed;
        if (call.count > 1)
          cuda::gemm_batched<double>(context_, p, q, rows.count, call.count, left,
                                     call.x_moves ? step_left : 0, right,
                                     call.y_moves ? step_right : 0, totals, 1, beta);
        else if (pair.x == pair.y && p >= filling)
          cuda::syrk<double>(context_, p, rows.count, left, totals, beta);
        else
          cuda::gemm<double>(context_, p, q, rows.count, 1, left, right, totals, beta);
        has_queued(2 * static_cast<double>(p * q) * static_cast<double>(rows.count * call.count));
      },
      cuda::cross_rows(std::max(p, q)));
}

/// What double is too slow for, as packed.
template <class T>
struct Cuda<T>::SlicePanels {
  Panel<Cuda> x, y;
  const Layer<Cuda>* held = nullptr;  // in `x`, all of its rows

  void pack(Cuda& b, const LayerPair<Cuda>& pair, Rows rows) {
    if (held != pair.x) b.pack(*pair.x, rows, 0, pair.x->source.cols, x);
    held = rows.count == pair.x->source.rows ? pair.x : nullptr;
    if (pair.y != pair.x) b.pack(*pair.y, rows, 0, pair.y->source.cols, y);
  }
};

/// total = XᵀY where double is slow: float products of so many rows that their rounding stays that
/// of a short sum, all of a panel in one call, and added up in double.
template <class T>
void Cuda<T>::cross_by_slices(const LayerPair<Cuda>& pair, SlicePanels& panels, double* total) {
  using cuda::cross_slice;
  const Index n = pair.x->source.rows, p = pair.x->source.cols, q = pair.y->source.cols;
  constexpr Index elements = Index{1} << 24;  // of the products, at least of one
  const Index slices =
      std::clamp(elements / (p * q), Index{1}, cuda::cross_rows(std::max(p, q)) / cross_slice);
  const Buffer products = allocate(std::min(slices, (n + cross_slice - 1) / cross_slice) * p * q);
  cuda::check(cudaMemsetAsync(total, 0, static_cast<std::size_t>(p * q) * sizeof(double), stream()),
              "clearing memory");
  by_rows(
      n,
      [&](Rows rows) {
        panels.pack(*this, pair, rows);
        const Panel<Cuda>& other = pair.x == pair.y ? panels.x : panels.y;
        const auto multiply = [&](Index slice, Index count, Index of) {
          const Index first = slice * cross_slice;
          const auto step = [](const Panel<Cuda>& x) {
            return cross_slice * (x.row_major ? x.cols : 1);
          };
          cuda::gemm_batched<T>(context_, p, q, of, count, transposed(rows_of(panels.x, first)),
                                step(panels.x), rows_of(other, first), step(other),
                                products.get() + slice * p * q);
        };
        const Index whole = rows.count / cross_slice, rest = rows.count % cross_slice;
        if (whole > 0) multiply(0, whole, cross_slice);
        if (rest > 0) multiply(whole, 1, rest);
        cuda::accumulate<T>(stream(), products.get(), p * q, whole + (rest > 0 ? 1 : 0), total);
        has_queued(2 * static_cast<double>(p * q) * static_cast<double>(rows.count));
      },
      slices * cross_slice);
}

template <class T>
void Cuda<T>::cross_products(std::span<const LayerPair<Cuda>> pairs,
                             const std::function<void(Index, Matrix<Cuda>)>& take) {
  const auto runs = cuda::cross_runs(pairs);
  const cuda::CrossGroups<Cuda> groups{pairs, runs};
  CrossPanels panels{*this, groups};
  SlicePanels slices;
  std::vector<std::optional<Matrix<Cuda>>> products(pairs.size());
  // The k-th, and what else its call forms of its run.
  const auto form = [&](const cuda::CrossRun<Cuda>& run, std::size_t k) {
    const LayerPair<Cuda>& pair = pairs[k];
    const bool in_double = std::is_same_v<T, double> || context_.double_is_fast;
    const cuda::CrossCall call = groups.call(pair, run);
    const Index area = pair.x->source.cols * pair.y->source.cols;
    const auto totals = cuda::allocate<double>(context_, in_double ? call.count * area : area);
    if (in_double)
      cross_in_double(pair, call, panels, totals.get());
    else
      cross_by_slices(pair, slices, totals.get());
    for (std::size_t i = k; i < (in_double ? run.first + run.count : k + 1); ++i) {
      if (i != k && (products[i] || groups.call(pairs[i], run) != call)) continue;
      Matrix<Cuda> c(*this, pairs[i].x->source.cols, pairs[i].y->source.cols);
      const double* const total =
          totals.get() + (in_double ? groups.number(pairs[i], call) * area : 0);
      cuda::narrow(stream(), total, c.rows, c.cols, pair.x == pair.y, c.mutable_data());
      products[i].emplace(std::move(c));
    }
  };
  const Control whole = control;
  for (const auto& run : runs) {
    for (std::size_t k = run.first; k < run.first + run.count; ++k) {
      control = whole.part(static_cast<Index>(k), std::ssize(pairs));
      if (!products[k]) form(run, k);
      take(static_cast<Index>(k), std::move(*products[k]));
      products[k].reset();
    }
  }
  control = whole;
  control(1);
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::cross(const Layer<Cuda>& x, const Layer<Cuda>& y) {
  const LayerPair<Cuda> pair{&x, &y};
  std::optional<Matrix<Cuda>> found;
  cross_products({&pair, 1}, [&](Index, Matrix<Cuda> c) { found.emplace(std::move(c)); });
  return std::move(*found);
}

}  // namespace gramian

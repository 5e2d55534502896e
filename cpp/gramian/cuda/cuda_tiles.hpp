// The operations of Cuda<T> on tiles and sums: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
void Cuda<T>::pay() {
  if (is_ahead()) {  // though nothing may be owed
    cuda::Drain{stream()}.wait();
    context_.has_waited();
  }
  debts_.pay(context_);
  queued_flops_ = 0;
}

template <class T>
template <class Workspace, class Slot>
void Cuda<T>::run_ordered(Index tasks, const std::function<Workspace()>& make_workspace,
                          const std::function<Slot()>& make_slot,
                          const std::function<void(Workspace&, Index, Slot&)>& work,
                          const std::function<void(Index, const Slot&)>& commit) {
  Workspace workspace = make_workspace();
  std::deque<Slot> slots;  // of the tasks that are queued
  Index committed = 0;
  const cuda::Debts::Deferred until_the_end{debts_, context_};
  for (Index task = 0; task < tasks; ++task) {
    const Index queued = task - committed;
    if (queued == std::ssize(slots)) slots.push_back(make_slot());
    work(workspace, task, slots[static_cast<std::size_t>(queued)]);
    constexpr bool commits = !std::is_empty_v<Slot>;
    const bool pays = is_ahead() || (commits && (debts_.are_many() || task + 1 == tasks));
    if (pays) pay();
    for (const Slot& slot : slots)
      if (committed <= task && (pays || !commits)) commit(committed++, slot);
    poll(static_cast<double>(committed) / static_cast<double>(tasks));
  }
  if (until_the_end.is_outermost()) pay();
  debts_.pay_counts(context_);
  control(1);
}

template <class T>
void Cuda<T>::multiply(const Panel<Cuda>& i, const Panel<Cuda>& j, T* tile) {
  queued_flops_ += 2 * static_cast<double>(i.rows) * static_cast<double>(j.rows * i.cols);
  cuda::gemm<T>(context_, i.rows, j.rows, i.cols, 1, operand(i), transposed(operand(j)), tile);
}

template <class T>
void Cuda<T>::differences(const Panel<Cuda>& i, const Panel<Cuda>& j, const T* factors_i,
                          const T* factors_j, T* tile) {
  // A quarter as fast as products at best, without matrix instructions.
  queued_flops_ += 8 * static_cast<double>(i.rows) * static_cast<double>(j.rows * i.cols);
  cuda::differences<T>(stream(), strided(i), strided(j), factors_i, factors_j, tile);
}

template <class T>
void Cuda<T>::download(const T* values, Index n, double* out) {
  double* const found = debts_.owe(context_, n, out);
  cuda::widen(stream(), values, n, 1, found);
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::clear(double* x, Index n) {
  cuda::check(cudaMemsetAsync(x, 0, static_cast<std::size_t>(n) * sizeof(double), stream()),
              "clearing memory");
}

/// out = inner products of pairs of vectors, owed. Their parts are added on the host, in order.
template <class T>
void Cuda<T>::owe_dots(const T* x, Index stride_x, const T* y, Index stride_y, Index pairs, Index n,
                       double* out) {
  const Index parts = cuda::dot_parts(n);
  if (pairs * parts == 0) return void(std::fill_n(out, pairs, 0.0));
  double* const sums = debts_.owe(context_, pairs * parts, [=](const double* found) {
    for (Index i = 0; i < pairs; ++i)
      out[i] = std::accumulate(found + i * parts, found + (i + 1) * parts, 0.0);
  });
  cuda::dots(stream(), x, stride_x, y, stride_y, pairs, n, sums);
}

template <class T>
std::vector<double> Cuda<T>::dots(const T* x, Index stride_x, const T* y, Index stride_y,
                                  Index pairs, Index n) {
  std::vector<double> found(static_cast<std::size_t>(pairs));
  owe_dots(x, stride_x, y, stride_y, pairs, n, found.data());
  debts_.pay(context_);
  return found;
}

/// sums = squares of the elements of every column.
template <class T>
void Cuda<T>::sum_squares(const Source& source, double* sums) {
  const Index p = source.cols, parts = cuda::stretches(source.rows);
  const auto memory = cuda::allocate<double>(context_, parts * p);
  cuda::column_moments(stream(), source, false, 1, memory.get());
  cuda::combine(stream(), {{{memory.get(), parts, p, sums}}}, 1);
}

template <class T>
void Cuda<T>::apply(const Kernel& kernel, T* tile, Index rows, Index cols, Side<Cuda> i,
                    Side<Cuda> j, double* row_sums, double* col_sums) {
  const Index row_parts = (cols + 31) / 32, col_parts = (rows + 31) / 32;  // see kernels.hpp
  const auto memory = cuda::allocate<double>(context_, row_parts * rows + col_parts * cols);
  double* const of_rows = memory.get();
  double* const of_cols = of_rows + row_parts * rows;
  const Index wanted_rows = row_sums == nullptr ? 0 : rows;
  const Index wanted_cols = col_sums == nullptr ? 0 : cols;
  double* const sums = debts_.owe(context_, wanted_rows + wanted_cols, [=](const double* found) {
    std::transform(found, found + wanted_rows, row_sums, row_sums, std::plus{});
    std::transform(found + wanted_rows, found + wanted_rows + wanted_cols, col_sums, col_sums,
                   std::plus{});
  });
  cuda::apply<T>(stream(), kernel, tile, rows, cols, tile_side(i), tile_side(j), of_rows, of_cols);
  cuda::combine(stream(),
                {{{of_rows, row_parts, wanted_rows, sums},
                  {of_cols, col_parts, wanted_cols, sums + wanted_rows}}},
                2);
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::count(const T* tile, Index rows, Index cols, bool below_diagonal, Histogram& bins) {
  cuda::count(stream(), tile, rows, cols, below_diagonal, bins.first, bins.shift,
              debts_.counts(context_, bins), std::ssize(bins.cells));
  debts_.settle_counts(context_);
}

/// Few pairs are summed in double. Many are products of matrices whose rows are tiles; in T, these
/// are formed by stretches of a CPU tile's size at most, enough of them to fill a device, and added
/// up in double.
template <class T>
void Cuda<T>::tile_products(const T* tiles, Index x, Index y, Index area, double* products) {
  constexpr Index unit = Index{1} << 12;
  const Index stretch = std::clamp((area / 256 + unit - 1) / unit * unit, unit, 16 * unit);
  const Index others = y == 0 ? x : y, pairs = x * others;
  const T* const second = y == 0 ? tiles : tiles + x * area;
  owe_dots(tiles, area, tiles, area, x + y, area, products + pairs);
  if (pairs <= 4) {
    for (Index i = 0; i < x; ++i)
      owe_dots(tiles + i * area, 0, second, area, others, area, products + i * others);
  } else {
    const Index whole = area / stretch, rest = area % stretch;
    const auto parts = allocate((whole + 1) * pairs);
    double* const sums = debts_.owe(context_, pairs, [=](const double* found) {
      for (Index i = 0; i < x; ++i)
        for (Index j = 0; j < others; ++j)
          products[i * others + j] = found[y == 0 && j > i ? j * others + i : i * others + j];
    });
    clear(sums, pairs);
    if (whole > 0)
      cuda::gemm_of_stretches(context_, x, others, stretch, whole, tiles, second, area,
                              parts.get());
    if (rest > 0)
      cuda::gemm_of_stretches(context_, x, others, rest, 1, tiles + whole * stretch,
                              second + whole * stretch, area, parts.get() + whole * pairs);
    cuda::accumulate<T>(stream(), parts.get(), pairs, whole + (rest > 0 ? 1 : 0), sums);
  }
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::gather(const Layer<Cuda>& layer, std::span<const Index> rows, Panel<Cuda>& panel) {
  const Index count = std::ssize(rows), cols = layer.source.cols;
  shape(count, cols, true, panel);
  const auto chosen = cuda::allocate<Index>(context_, count);
  cuda::to_device<Index>(context_, rows, chosen.get());
  read(layer, layer.source, {0, count}, {0, cols}, panel.memory.get(), true, chosen.get());
}

template <class T>
void Cuda<T>::squared_norms(const Panel<Cuda>& panel, double* out) {
  const Index n = panel.rows;
  double* const sums = debts_.owe(context_, n, out);
  sum_squares(transposed_source(panel), sums);
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::drop_diagonal(T* tile, Index n, double* row_sums) {
  double* const diagonal = debts_.owe(context_, n, [=](const double* found) {
    for (Index i = 0; i < n; ++i) row_sums[i] -= found[i];
  });
  cuda::take_diagonal(stream(), tile, n, n, true, diagonal);
  debts_.settle(context_);
}

}  // namespace gramian

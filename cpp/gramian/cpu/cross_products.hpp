// Products XᵀY of layers, and of tiles, on the CPU: the end of cpu.hpp.
#pragma once

namespace gramian {

/// The part of a product that one thread computes: a tile of its columns over a segment of rows.
template <class T>
struct Cpu<T>::CrossTask {
  Index pair;
  Rows p, q, rows;   // columns of x, columns of y, and the rows that are summed over
  bool first, last;  // segment of its tile
  bool diagonal;     // the lower triangle alone
};

/// Tiles are as large as a cache holds their panels, since every tile reads its layers once more.
/// A segment is long enough that committing its tile costs little, and short enough that threads
/// end together. All of it depends on the shapes alone.
template <class T>
auto Cpu<T>::cross_tasks(std::span<const LayerPair<Cpu>> pairs) -> std::vector<CrossTask> {
  constexpr Index largest = product_tile_columns, shortest = 1024;
  const auto cut = [](Index columns) {
    const Index count = (columns + largest - 1) / largest;
    const Index width = count == 1 ? columns : ((columns + count - 1) / count + 15) / 16 * 16;
    std::vector<Rows> tiles;
    for (Index first = 0; first < columns; first += width)
      tiles.push_back({first, std::min(width, columns - first)});
    return tiles;
  };
  std::vector<CrossTask> tasks;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    const auto [x, y] = pairs[k];
    const Index n = x->source.rows;
    const auto of_x = cut(x->source.cols), of_y = cut(y->source.cols);
    const Index area = of_x[0].count * of_y[0].count;
    const Index segment = std::max(shortest, (Index{1} << 25) / area / shortest * shortest);
    for (std::size_t i = 0; i < of_x.size(); ++i)
      for (std::size_t j = 0; j < (x == y ? i + 1 : of_y.size()); ++j)
        for (Index first = 0; first < n; first += segment)
          tasks.push_back({static_cast<Index>(k),
                           of_x[i],
                           of_y[j],
                           {first, std::min(segment, n - first)},
                           first == 0,
                           first + segment >= n,
                           x == y && i == j});
  }
  return tasks;
}

/// out = the product of a task. A thousand rows are summed in T, more of them in double.
template <class T>
void Cpu<T>::multiply(const LayerPair<Cpu>& pair, const CrossTask& task, CrossWorkspace& w,
                      T* out) {
  constexpr Index chunk = 512, in_t = 2 * chunk;  // rows of a panel, and of a sum in T
  const Index rows = task.p.count, cols = task.q.count;
  const bool in_double = task.rows.count > in_t;
  if (in_double) w.sums.assign(static_cast<std::size_t>(rows * cols), 0.0);
  for (Index done = 0; done < task.rows.count; done += chunk) {
    const Rows part{task.rows.first + done, std::min(chunk, task.rows.count - done)};
    const T beta = done % in_t == 0 ? 0 : 1;
    const auto as = [](const Panel<Cpu>& panel, blas::Transpose of_rows) {
      return panel.row_major == (of_rows == blas::yes) ? blas::yes : blas::no;
    };
    pack(*pair.x, part, task.p.first, rows, w.x);
    if (task.diagonal) {
      blas::syrk(as(w.x, blas::yes), rows, part.count, w.x.memory.get(), leading(w.x), out, cols,
                 beta);
    } else {
      pack(*pair.y, part, task.q.first, cols, w.y);
      blas::gemm(as(w.x, blas::yes), as(w.y, blas::no), rows, cols, part.count, w.x.memory.get(),
                 leading(w.x), w.y.memory.get(), leading(w.y), out, cols, beta);
    }
    const bool complete = (done + chunk) % in_t == 0 || done + chunk >= task.rows.count;
    if (in_double && complete) simd_.accumulate(out, rows * cols, w.sums.data());
  }
  if (in_double)
    std::ranges::transform(w.sums, out, [](double sum) { return static_cast<T>(sum); });
}

/// Writes a tile of sums into XᵀY and, if it is XᵀX, into its other triangle.
template <class T>
void Cpu<T>::place(const std::vector<double>& sums, const CrossTask& task, bool self,
                   Matrix<Cpu>& product) {
  constexpr Index block = 32;  // squares of a cache line or two, or the other triangle misses it
  const Index rows = task.p.count, cols = task.q.count;
  const auto at = [&](Index i, Index j) -> T& {
    return product.mutable_data()[i * product.cols + j];
  };
  for (Index top = 0; top < rows; top += block)
    for (Index left = 0; left < cols; left += block)
      for (Index i = top; i < std::min(top + block, rows); ++i)
        for (Index j = left; j < std::min(left + block, task.diagonal ? i + 1 : cols); ++j) {
          const Index row = task.p.first + i, col = task.q.first + j;
          at(row, col) = static_cast<T>(sums[static_cast<std::size_t>(i * cols + j)]);
          if (self) at(col, row) = at(row, col);
        }
}

template <class T>
void Cpu<T>::cross_products(std::span<const LayerPair<Cpu>> pairs,
                            const std::function<void(Index, Matrix<Cpu>)>& take) {
  const bool grams = std::ranges::all_of(pairs, [](auto pair) { return pair.x == pair.y; });
  const Span span{grams ? Step::gram : Step::cross};
  const auto tasks = cross_tasks(pairs);
  Index largest = 0;
  for (const CrossTask& task : tasks) largest = std::max(largest, task.p.count * task.q.count);
  std::vector<double> total;  // of the tile whose segments are being committed
  std::optional<Matrix<Cpu>> product;
  run_ordered<CrossWorkspace, Buffer>(
      std::ssize(tasks), [] { return CrossWorkspace{}; },
      [&] {
        Buffer sums = allocate(largest);
        std::fill_n(sums.get(), largest, T(0));  // syrk leaves the upper triangle as it is
        return sums;
      },
      [&](CrossWorkspace& w, Index t, Buffer& sums) {
        const CrossTask& task = tasks[static_cast<std::size_t>(t)];
        multiply(pairs[static_cast<std::size_t>(task.pair)], task, w, sums.get());
      },
      [&](Index t, const Buffer& sums) {
        const CrossTask& task = tasks[static_cast<std::size_t>(t)];
        const auto& [x, y] = pairs[static_cast<std::size_t>(task.pair)];
        const Index area = task.p.count * task.q.count;
        if (task.first) total.assign(static_cast<std::size_t>(area), 0.0);
        simd_.accumulate(sums.get(), area, total.data());
        if (!task.last) return;
        if (!product) product.emplace(*this, x->source.cols, y->source.cols);
        place(total, task, x == y, *product);
        const bool complete =
            t + 1 == std::ssize(tasks) || tasks[static_cast<std::size_t>(t + 1)].pair != task.pair;
        if (!complete) return;
        take(task.pair, std::move(*product));
        product.reset();
      });
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::cross(const Layer<Cpu>& x, const Layer<Cpu>& y) {
  const LayerPair<Cpu> pair{&x, &y};
  std::optional<Matrix<Cpu>> found;
  cross_products({&pair, 1},
                 [&](Index, Matrix<Cpu> product) { found.emplace(std::move(product)); });
  return std::move(*found);
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::self_cross(const Layer<Cpu>& x) {
  return cross(x, x);
}

template <class T>
void Cpu<T>::tile_products(const T* tiles, Index x, Index y, Index area, double* products) {
  const Index others = y == 0 ? x : y;
  double* const self = products + x * others;
  for (Index l = 0; l < x + y; ++l)
    simd_.row_products(tiles + l * area, 1, tiles + l * area, 1, area, false, self + l);
  const T* const second = y == 0 ? tiles : tiles + x * area;
  if (std::min(x, others) < 64) {
    simd_.row_products(tiles, x, second, others, area, y == 0, products);
  } else {  // rows enough for a GEMM: with 150 of them, two thirds of the time
    std::vector<T> c(static_cast<std::size_t>(x * others));
    if (y == 0)
      blas::syrk(blas::no, x, area, tiles, area, c.data(), x);
    else
      blas::gemm(blas::no, blas::yes, x, y, area, tiles, area, second, area, c.data(), y);
    std::ranges::copy(c, products);
  }
  for (Index i = 0; y == 0 && i < x; ++i)
    for (Index j = 0; j < i; ++j) products[j * x + i] = products[i * x + j];
}

}  // namespace gramian

// The second half of Cpu<T>, the operations of the concept LinearAlgebra: the end of cpu.hpp.
#pragma once

namespace gramian {

template <class T>
Matrix<Cpu<T>> Cpu<T>::narrow(View<Wide> x) {
  Matrix<Cpu> out(*this, x.rows, x.cols);
  std::transform(x.data, x.data + x.rows * x.cols, out.mutable_data(),
                 [](double v) { return static_cast<T>(v); });
  return out;
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::matrix(std::span<const double> values, Index rows, Index cols) {
  Matrix<Cpu> out(*this, rows, cols);
  std::ranges::transform(values, out.mutable_data(), [](double v) { return static_cast<T>(v); });
  return out;
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::copy(View<Cpu> x) {
  Matrix<Cpu> out(*this, x.rows, x.cols);
  std::copy_n(x.data, x.rows * x.cols, out.mutable_data());
  return out;
}

template <class T>
void Cpu<T>::add(double a, Matrix<Cpu>& m, double c, View<Cpu> x) {
  for (Index i = 0; i < x.rows * x.cols; ++i)
    m.mutable_data()[i] =
        static_cast<T>(a * static_cast<double>(m.data[i]) + c * static_cast<double>(x.data[i]));
}

template <class T>
Layer<Cpu<T>> Cpu<T>::as_layer(View<Cpu> x) {
  const std::vector<double> zero(static_cast<std::size_t>(x.cols));
  constexpr DType dtype = std::is_same_v<T, float> ? DType::f32 : DType::f64;
  return {{x.data, dtype, x.rows, x.cols, x.cols, 1}, 1.0, false, upload(zero), upload(zero)};
}

template <class T>
void Cpu<T>::diagonal(View<Cpu> x, double* out) {
  for (Index i = 0; i < std::min(x.rows, x.cols); ++i)
    out[i] = static_cast<double>(x.data[i * (x.cols + 1)]);
}

template <class T>
std::vector<double> Cpu<T>::by_rows(
    Index n, Index width, const std::function<void(Panels&, Rows, std::vector<double>&)>& work,
    Index block) {
  using Sums = std::vector<double>;
  Sums total(static_cast<std::size_t>(width));
  run_ordered<Panels, Sums>((n + block - 1) / block, [] { return Panels{}; },
                            [&] { return Sums(total.size()); },
                            [&](Panels& panels, Index task, Sums& sums) {
                              std::ranges::fill(sums, 0.0);
                              work(panels, {task * block, std::min(block, n - task * block)}, sums);
                            },
                            [&](Index, const Sums& sums) {
                              std::ranges::transform(total, sums, total.begin(), std::plus{});
                            });
  return total;
}

template <class T>
void Cpu<T>::column_norms(const Layer<Cpu>& x, double* out) {
  // Fewer rows at a time where they are long, and of these some columns: a panel stays in a cache.
  constexpr Index panel = Index{1} << 17;
  const Index p = x.source.cols, block = rows_at_once(x);
  std::ranges::copy(by_rows(
                        x.source.rows, p,
                        [&](Panels& panels, Rows rows, std::vector<double>& sums) {
                          for (Index first = 0; first < p; first += panel / block)
                            add_squares(x, rows, {first, std::min(panel / block, p - first)},
                                        panels.x, sums.data());
                        },
                        block),
                    out);
}

/// Adds the squares of some rows of some columns to the sums of these columns.
template <class T>
void Cpu<T>::add_squares(const Layer<Cpu>& x, Rows rows, Rows cols, Panel<Cpu>& panel,
                         double* sums) {
  pack(x, rows, cols.first, cols.count, panel);
  const T* const data = panel.memory.get();
  double* const own = sums + cols.first;
  if (panel.row_major)
    for (Index i = 0; i < panel.rows; ++i)
      simd_.accumulate_squares(data + i * panel.cols, panel.cols, own);
  else
    for (Index j = 0; j < panel.cols; ++j)
      own[j] += simd_.dot(data + j * panel.rows, data + j * panel.rows, panel.rows);
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::project(const Layer<Cpu>& x, View<Cpu> w, bool lower) {
  const Span span{Step::project};
  const Index width =
      lower ? 128 : w.rows;  // columns at a time: above the diagonal there are zeros
  const Index n = x.source.rows, block = n < 8192 ? 256 : 1024;  // W is packed for every block
  Matrix<Cpu> out(*this, n, w.rows);
  by_rows(
      n, 0,
      [&](Panels& panels, Rows rows, std::vector<double>&) {
        pack(x, rows, panels.x);
        const Panel<Cpu>& p = panels.x;
        for (Index j = 0; j < w.rows; j += width) {
          const Index cols = std::min(width, w.rows - j);
          blas::gemm(p.row_major ? blas::no : blas::yes, blas::yes, rows.count, cols,
                     lower ? j + cols : w.cols, p.memory.get(), leading(p), w.data + j * w.cols,
                     w.cols, out.mutable_data() + rows.first * w.rows + j, w.rows);
        }
      },
      block);
  return out;
}

template <class T>
double Cpu<T>::squared_residual(const Layer<Cpu>& x, const Layer<Cpu>& y, View<Cpu> w) {
  const Index p = x.source.cols;
  return by_rows(x.source.rows, 1, [&](Panels& panels, Rows rows, std::vector<double>& sums) {
    pack(x, rows, panels.x);
    pack(y, rows, panels.y);
    if (panels.product == nullptr) panels.product = allocate(256 * p);
    T* const fit = panels.product.get();
    blas::gemm(panels.y.row_major ? blas::no : blas::yes, blas::no, rows.count, p, w.rows,
               panels.y.memory.get(), leading(panels.y), w.data, p, fit, p);
    const Panel<Cpu>& own = panels.x;
    for (Index i = 0; i < rows.count; ++i)
      for (Index j = 0; j < p; ++j) {
        const T value = own.memory[own.row_major ? i * p + j : j * rows.count + i];
        const auto rest = static_cast<double>(value - fit[i * p + j]);
        sums[0] += rest * rest;
      }
  })[0];
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::triangle(const Layer<Cpu>& x, std::span<const double> scales) {
  const Span span{Step::qr};
  const Index n = x.source.rows, p = x.source.cols, width = std::min(n, p);
  const bool tall = p < n;
  const Index length = tall ? n : p;
  // Householder steps work on whole columns: a block is long enough for them to pay, and there are
  // blocks for all threads.
  const Index block = std::max<Index>(4 * width, 1024);
  Matrix<Cpu> r(*this, width, width);
  dense::tall_triangle<T>(
      (length + block - 1) / block, width,
      [&](Index task, T* out) {
        const Index first = task * block, count = std::min(block, length - first);
        Panel<Cpu> panel;
        if (tall)
          pack(x, {first, count}, panel);
        else
          pack(x, {0, n}, first, count, panel);
        std::vector<T> a(static_cast<std::size_t>(panel.rows * panel.cols));
        for (Index i = 0; i < panel.rows; ++i)
          for (Index j = 0; j < panel.cols; ++j) {
            const Index at = panel.row_major ? i * panel.cols + j : j * panel.rows + i;
            const double factor = scales[static_cast<std::size_t>(tall ? j : first + j)];
            a[static_cast<std::size_t>(tall ? j * count + i : i * count + j)] =
                static_cast<T>(static_cast<double>(panel.memory[at]) * factor);
          }
        dense::triangle_of_qr(a, count, width, out);
      },
      r.mutable_data());
  return r;
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::row_products(const Layer<Cpu>& x, std::span<const double> scales) {
  const Span span{Step::gram};
  constexpr Index width = 1024, tile = 128;  // columns of a block; rows, so that threads share one
  const Index n = x.source.rows, p = x.source.cols, across = (n + tile - 1) / tile;
  Matrix<Cpu> out(*this, n, n);
  std::fill_n(out.mutable_data(), n * n, T(0));
  const Buffer block = allocate(n * std::min(width, p));
  std::vector<Panel<Cpu>> panels(static_cast<std::size_t>(across));
  for (Index first = 0; first < p; first += width) {
    const Index cols = std::min(width, p - first);
    dense::share(across, [&](Index i) {
      Panel<Cpu>& panel = panels[static_cast<std::size_t>(i)];
      const Rows rows{i * tile, std::min(tile, n - i * tile)};
      pack(x, rows, first, cols, panel);
      for (Index r = 0; r < rows.count; ++r)
        for (Index j = 0; j < cols; ++j)
          block[(rows.first + r) * cols + j] = static_cast<T>(
              static_cast<double>(
                  panel.memory[panel.row_major ? r * cols + j : j * rows.count + r]) *
              scales[static_cast<std::size_t>(first + j)]);
    });
    dense::add_row_products(block.get(), n, cols, out.mutable_data());
    control(static_cast<double>(first + cols) / static_cast<double>(p));
  }
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < i; ++j) out.mutable_data()[j * n + i] = out.data[i * n + j];
  return out;
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::multiply(View<Cpu> a, View<Cpu> b) {
  const Span span{Step::small_product};
  Matrix<Cpu> c(*this, a.rows, b.cols);
  dense::multiply(blas::no, blas::no, a.rows, b.cols, a.cols, a.data, a.cols, b.data, b.cols,
                  c.mutable_data());
  return c;
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::multiply_transposed(View<Cpu> a, View<Cpu> b) {
  const Span span{Step::small_product};
  Matrix<Cpu> c(*this, a.rows, b.rows);
  dense::multiply(blas::no, blas::yes, a.rows, b.rows, a.cols, a.data, a.cols, b.data, b.cols,
                  c.mutable_data());
  return c;
}

template <class T>
Matrix<Cpu<T>> Cpu<T>::transposed(View<Cpu> x) {
  const Span span{Step::elementwise};
  Matrix<Cpu> out(*this, x.cols, x.rows);
  constexpr Index tile = 32;
  for (Index first = 0; first < x.rows; first += tile)
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = first; i < std::min(x.rows, first + tile); ++i)
        out.mutable_data()[j * x.rows + i] = x.data[i * x.cols + j];
  return out;
}

template <class T>
void Cpu<T>::accumulate(Matrix<Wide>& total, double c, View<Cpu> x, std::span<const double> u,
                        std::span<const double> v) {
  double* row = total.mutable_data();
  const T* added = x.data;
  for (const double factor : u) {
    for (std::size_t j = 0; j < v.size(); ++j)
      row[j] += c * static_cast<double>(added[j]) + factor * v[j];
    row += v.size();
    added += v.size();
  }
}

template <class T>
void Cpu<T>::scale(Matrix<Cpu>& x, std::span<const double> rows, std::span<const double> cols) {
  const Span span{Step::elementwise};
  for (Index i = 0; i < x.rows; ++i)
    for (Index j = 0; j < x.cols; ++j) {
      T& value = x.mutable_data()[i * x.cols + j];
      value = static_cast<T>(static_cast<double>(value) * rows[static_cast<std::size_t>(i)] *
                             cols[static_cast<std::size_t>(j)]);
    }
}

}  // namespace gramian

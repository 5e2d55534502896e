// The operations of Cuda<T> that form matrices: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
Matrix<Cuda<T>> Cuda<T>::narrow(View<Wide> x) {
  Matrix<Cuda> out(*this, x.rows, x.cols);
  cuda::narrow(stream(), x.data, x.rows, x.cols, false, out.mutable_data());
  return out;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::matrix(std::span<const double> values, Index rows, Index cols) {
  Matrix<Cuda> out(*this, rows, cols);
  const std::vector<T> rounded(values.begin(), values.end());
  cuda::to_device<T>(context_, rounded, out.mutable_data());
  return out;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::copy(View<Cuda> x) {
  Matrix<Cuda> out(*this, x.rows, x.cols);
  copy(x.data, x.rows * x.cols, out.mutable_data());
  return out;
}

template <class T>
Layer<Cuda<T>> Cuda<T>::as_layer(View<Cuda> x) {
  const std::vector<double> zero(static_cast<std::size_t>(x.cols));
  return {as_source({x.data, x.rows, x.cols, x.cols, 1}), 1.0, false, upload(zero), upload(zero)};
}

template <class T>
void Cuda<T>::diagonal(View<Cuda> x, double* out) {
  const Index n = std::min(x.rows, x.cols);
  double* const found = debts_.owe(context_, n, out);
  cuda::take_diagonal(stream(), const_cast<T*>(x.data), n, x.cols, false, found);
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::column_norms(const Layer<Cuda>& x, double* out) {
  const Index p = x.source.cols;
  double* const total = debts_.owe(context_, p, out);
  const auto sums = cuda::allocate<double>(context_, p);
  clear(total, p);
  Panel<Cuda> panel;
  by_rows(
      x.source.rows,
      [&](Rows rows) {
        pack(x, rows, panel);
        sum_squares(as_source(strided(panel)), sums.get());
        cuda::accumulate<double>(stream(), sums.get(), p, 1, total);
      },
      rows_of_panel<Cuda>(x.source.rows, x.source.cols));
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::absolute_sums(View<Cuda> x, double* sums, double* larger) {
  const Index n = x.rows;
  double* const found = debts_.owe(context_, 2 * n, [=](const double* told) {
    std::transform(told, told + n, sums, sums, std::plus{});
    std::transform(told + n, told + 2 * n - 1, larger, larger, std::plus{});
  });
  cuda::absolute_sums(stream(), x.data, n, x.cols, found);
  debts_.settle(context_);
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::project(const Layer<Cuda>& x, View<Cuda> w) {
  Matrix<Cuda> out(*this, x.source.rows, w.rows);
  Panel<Cuda> panel;
  by_rows(
      x.source.rows,
      [&](Rows rows) {
        pack(x, rows, panel);
        cuda::gemm<T>(context_, rows.count, w.rows, w.cols, 1, operand(panel),
                      transposed(operand(w)), out.mutable_data() + rows.first * w.rows);
      },
      rows_of_panel<Cuda>(x.source.rows, x.source.cols));
  return out;
}

template <class T>
double Cuda<T>::squared_residual(const Layer<Cuda>& x, const Layer<Cuda>& y, View<Cuda> w) {
  const Index n = x.source.rows, p = x.source.cols;
  const Index block = rows_of_panel<Cuda>(n, std::max(p, y.source.cols));
  const Buffer rest = allocate(block * p);
  Panel<Cuda> own, other;
  std::vector<double> sums(static_cast<std::size_t>((n + block - 1) / block));
  together([&] {
    by_rows(
        n,
        [&](Rows rows) {
          pack(x, rows, own);
          pack(y, rows, other);
          cuda::gemm<T>(context_, rows.count, p, w.rows, 1, operand(other), operand(w), rest.get());
          cuda::subtract_from(stream(), strided(own), rest.get());
          owe_dots(rest.get(), 0, rest.get(), 0, 1, rows.count * p,
                   &sums[static_cast<std::size_t>(rows.first / block)]);
        },
        block);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// The R found so far on top of the next block of rows is factorised, until there are none left.
/// What is tall is X D, or its transpose.
template <class T>
Matrix<Cuda<T>> Cuda<T>::triangle(const Layer<Cuda>& x, std::span<const double> scales) {
  const Index n = x.source.rows, p = x.source.cols, width = std::min(n, p);
  const bool tall = p < n;
  const Index length = tall ? n : p;
  const Index block = std::min(length, std::max(4 * width, panel_rows));
  const Index stride = width + block;
  const auto factors = cuda::allocate<double>(context_, p);
  cuda::to_device<double>(context_, scales, factors.get());
  const Buffer a = allocate(stride * width);  // column-major
  Panel<Cuda> panel;
  Index above = 0;
  for (Index first = 0; first < length; first += block) {
    const Index count = std::min(block, length - first);
    if (tall)
      pack(x, {first, count}, panel);
    else
      pack(x, {0, n}, first, count, panel);
    // Row by row `a` lies in memory as its transpose.
    cuda::scaled_copy(stream(), tall ? transposed(strided(panel)) : strided(panel),
                      factors.get() + (tall ? 0 : first), tall, a.get() + above, stride);
    cuda::triangle_of_qr(context_, debts_, a.get(), above + count, width, stride);
    cuda::keep_lower(stream(), a.get(), width, stride);
    above = width;
    poll(static_cast<double>(first + count) / static_cast<double>(length));
  }
  Matrix<Cuda> r(*this, width, width);
  cuda::transpose(stream(), a.get(), width, width, stride, r.mutable_data());
  debts_.settle(context_);
  return r;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::row_products(const Layer<Cuda>& x, std::span<const double> scales) {
  const Index n = x.source.rows, p = x.source.cols, width = std::min<Index>(p, 4096);
  const auto factors = cuda::allocate<double>(context_, p);
  cuda::to_device<double>(context_, scales, factors.get());
  Matrix<Cuda> out(*this, n, n);
  const Buffer block = allocate(n * width);
  Panel<Cuda> panel;
  for (Index first = 0; first < p; first += width) {
    const Index cols = std::min(width, p - first);
    pack(x, {0, n}, first, cols, panel);
    cuda::scaled_copy(stream(), strided(panel), factors.get() + first, false, block.get(), cols);
    const Operand rows{block.get(), cols};
    cuda::gemm<T>(context_, n, n, cols, 1, rows, transposed(rows), out.mutable_data(),
                  first == 0 ? T(0) : T(1));
    poll(static_cast<double>(first + cols) / static_cast<double>(p));
  }
  return out;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::multiply(View<Cuda> a, View<Cuda> b) {
  Matrix<Cuda> c(*this, a.rows, b.cols);
  cuda::gemm<T>(context_, a.rows, b.cols, a.cols, 1, operand(a), operand(b), c.mutable_data());
  return c;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::multiply_transposed(View<Cuda> a, View<Cuda> b) {
  Matrix<Cuda> c(*this, a.rows, b.rows);
  cuda::gemm<T>(context_, a.rows, b.rows, a.cols, 1, operand(a), transposed(operand(b)),
                c.mutable_data());
  return c;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::transposed(View<Cuda> x) {
  Matrix<Cuda> out(*this, x.cols, x.rows);
  cuda::transpose(stream(), x.data, x.rows, x.cols, x.cols, out.mutable_data());
  return out;
}

template <class T>
void Cuda<T>::add(double a, Matrix<Cuda>& m, double c, View<Cuda> x) {
  cuda::add(stream(), a, m.mutable_data(), c, x.data, x.rows * x.cols);
}

template <class T>
void Cuda<T>::accumulate(Matrix<Wide>& total, double c, View<Cuda> x, std::span<const double> u,
                         std::span<const double> v) {
  const auto factors = cuda::allocate<double>(context_, x.rows + x.cols);
  cuda::to_device<double>(context_, u, factors.get());
  cuda::to_device<double>(context_, v, factors.get() + x.rows);
  cuda::add_product(stream(), c, x.data, x.rows, x.cols, factors.get(), factors.get() + x.rows,
                    total.mutable_data());
}

template <class T>
void Cuda<T>::scale(Matrix<Cuda>& x, std::span<const double> rows, std::span<const double> cols) {
  const auto factors = cuda::allocate<double>(context_, x.rows + x.cols);
  cuda::to_device<double>(context_, rows, factors.get());
  cuda::to_device<double>(context_, cols, factors.get() + x.rows);
  cuda::scale(stream(), x.mutable_data(), x.rows, x.cols, factors.get(), factors.get() + x.rows);
}

}  // namespace gramian

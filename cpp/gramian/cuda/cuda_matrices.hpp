// The operations of Cuda<T> that form and factorise matrices: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
void Cuda<T>::by_rows(Index n, const std::function<void(Rows)>& work) {
  for (Index first = 0; first < n; first += panel_rows) {
    work({first, std::min(panel_rows, n - first)});
    poll(static_cast<double>(std::min(n, first + panel_rows)) / static_cast<double>(n));
  }
}

/// XᵀY by blocks of rows. In float, products of so many rows are formed that their rounding stays
/// that of a short sum, and added up in double.
template <class T>
Matrix<Cuda<T>> Cuda<T>::cross(const Layer<Cuda>& x, const Layer<Cuda>& y) {
  constexpr Index slice = std::is_same_v<T, float> ? 1024 : panel_rows;
  const bool symmetric = &x == &y;
  const Index p = x.source.cols, q = y.source.cols;
  const auto total = zeros(p * q);
  const Buffer product = allocate(p * q);
  Panel<Cuda> a, b;
  by_rows(x.source.rows, [&](Rows rows) {
    pack(x, rows, a);
    if (!symmetric) pack(y, rows, b);
    for (Index first = 0; first < rows.count; first += slice) {
      const Index count = std::min(slice, rows.count - first);
      const Operand left = transposed(rows_of(a, first));
      if (symmetric)
        cuda::syrk(context_, p, count, left, product.get());
      else
        cuda::gemm<T>(context_, p, q, count, 1, left, rows_of(b, first), product.get());
      cuda::accumulate<T>(stream(), product.get(), p * q, 1, total.get());
    }
  });
  Matrix<Cuda> c(*this, p, q);
  cuda::narrow(stream(), total.get(), p, q, symmetric, c.mutable_data());
  return c;
}

template <class T>
void Cuda<T>::cross_products(std::span<const LayerPair<Cuda>> pairs,
                             const std::function<void(Index, Matrix<Cuda>)>& take) {
  const double begin = control.begin, end = control.end;
  const double step = (end - begin) / static_cast<double>(pairs.size());
  for (Index k = 0; k < std::ssize(pairs); ++k) {
    const auto [x, y] = pairs[static_cast<std::size_t>(k)];
    control.begin = begin + step * static_cast<double>(k);
    control.end = control.begin + step;
    take(k, cross(*x, *y));
  }
  control.begin = begin;
  control.end = end;
  control(1);
}

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
  return {as_source({x.data, x.rows, x.cols, x.cols, 1}), 1.0, 0.0, upload(zero), upload(zero)};
}

template <class T>
std::vector<double> Cuda<T>::diagonal(View<Cuda> x) {
  return take_diagonal(const_cast<T*>(x.data), std::min(x.rows, x.cols), x.cols, false);
}

template <class T>
std::vector<double> Cuda<T>::column_sums_of(const Layer<Cuda>& x, bool squares) {
  std::vector<double> total(static_cast<std::size_t>(x.source.cols));
  Panel<Cuda> panel;
  by_rows(x.source.rows, [&](Rows rows) {
    pack(x, rows, panel);
    const auto sums = column_sums(as_source(strided(panel)), squares);
    std::ranges::transform(total, sums, total.begin(), std::plus{});
  });
  return total;
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::project(const Layer<Cuda>& x, View<Cuda> w) {
  Matrix<Cuda> out(*this, x.source.rows, w.rows);
  Panel<Cuda> panel;
  by_rows(x.source.rows, [&](Rows rows) {
    pack(x, rows, panel);
    cuda::gemm<T>(context_, rows.count, w.rows, w.cols, 1, operand(panel), transposed(operand(w)),
                  out.mutable_data() + rows.first * w.rows);
  });
  return out;
}

template <class T>
double Cuda<T>::squared_residual(const Layer<Cuda>& x, const Layer<Cuda>& y, View<Cuda> w) {
  const Index p = x.source.cols;
  const Buffer rest = allocate(std::min(panel_rows, x.source.rows) * p);
  Panel<Cuda> own, other;
  double total = 0;
  by_rows(x.source.rows, [&](Rows rows) {
    pack(x, rows, own);
    pack(y, rows, other);
    cuda::gemm<T>(context_, rows.count, p, w.rows, 1, operand(other), operand(w), rest.get());
    cuda::subtract_from(stream(), strided(own), rest.get());
    total += dots(rest.get(), 0, rest.get(), 0, 1, rows.count * p)[0];
  });
  return total;
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
    cuda::triangle_of_qr(context_, a.get(), above + count, width, stride);
    cuda::keep_lower(stream(), a.get(), width, stride);
    above = width;
    poll(static_cast<double>(first + count) / static_cast<double>(length));
  }
  Matrix<Cuda> r(*this, width, width);
  cuda::transpose(stream(), a.get(), width, width, stride, r.mutable_data());
  return r;
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
void Cuda<T>::scale(Matrix<Cuda>& x, std::span<const double> rows, std::span<const double> cols) {
  const auto factors = cuda::allocate<double>(context_, x.rows + x.cols);
  cuda::to_device<double>(context_, rows, factors.get());
  cuda::to_device<double>(context_, cols, factors.get() + x.rows);
  cuda::scale(stream(), x.mutable_data(), x.rows, x.cols, factors.get(), factors.get() + x.rows);
}

/// A lower estimate by the power method, from the largest row, as on the CPU (cpu/dense.hpp).
template <class T>
double Cuda<T>::spectral_norm(View<Cuda> a) {
  constexpr int iterations = 6;
  const auto squares =
      column_sums(as_source(transposed(Strided{a.data, a.rows, a.cols, a.cols, 1})), true);
  const auto largest = std::ranges::max_element(squares) - squares.begin();
  Matrix<Cuda> x = copy(View<Cuda>{a.data + largest * a.cols, 1, a.cols}), y(*this, a.rows, 1);
  double length = std::sqrt(squares[static_cast<std::size_t>(largest)]), found = 0;
  for (int k = 0; k < iterations && length > 0; ++k) {
    cuda::gemm<T>(context_, a.rows, 1, a.cols, static_cast<T>(1 / length), operand(a),
                  Operand{x.data, 1}, y.mutable_data());
    found = std::sqrt(dot(y, y));
    x = multiply({y.data, 1, a.rows}, a);
    length = std::sqrt(dot(x, x));
  }
  return found;
}

template <class T>
bool Cuda<T>::cholesky(Matrix<Cuda>& x) {
  if (!cuda::cholesky(context_, x.mutable_data(), x.rows)) return false;
  cuda::keep_lower(stream(), x.mutable_data(), x.rows, x.rows);
  return true;
}

template <class T>
bool Cuda<T>::invert_lower(Matrix<Cuda>& x) {
  return cuda::invert_lower(context_, x.mutable_data(), x.rows);
}

/// Uᵀ and Vᵀ of A = U S Vᵀ.
template <class T>
struct Cuda<T>::Factors {
  Matrix<Cuda> ut, vt;
  std::vector<double> s;
};

/// To cuSOLVER, a row-major matrix is its transpose, and so are the vectors it finds: a wide A is
/// the tall Aᵀ = V S Uᵀ, a tall one is transposed first.
template <class T>
auto Cuda<T>::factorised(Matrix<Cuda> x) -> Factors {
  const Index longer = std::max(x.rows, x.cols), k = std::min(x.rows, x.cols);
  const bool tall = x.rows > x.cols;
  if (tall) x = transposed(x);
  Matrix<Cuda> left(*this, k, longer), right(*this, k, k);  // of the tall one
  const std::vector<T> s =
      cuda::svd(context_, x.mutable_data(), longer, k, left.mutable_data(), right.mutable_data());
  return {std::move(tall ? left : right), std::move(tall ? right : left), {s.begin(), s.end()}};
}

template <class T>
SVD<Cuda<T>> Cuda<T>::svd(Matrix<Cuda> x) {
  Factors found = factorised(std::move(x));
  return {transposed(found.ut), std::move(found.s), std::move(found.vt)};
}

template <class T>
LeftVectors<Cuda<T>> Cuda<T>::left_vectors(Matrix<Cuda> x) {
  Factors found = factorised(std::move(x));
  return {std::move(found.ut), std::move(found.s)};
}

template <class T>
std::vector<double> Cuda<T>::singular_values(Matrix<Cuda> x) {
  const Index m = std::max(x.rows, x.cols), n = std::min(x.rows, x.cols);
  if (x.rows > x.cols) x = transposed(x);
  const std::vector<T> s = cuda::svd<T>(context_, x.mutable_data(), m, n, nullptr, nullptr);
  return {s.begin(), s.end()};
}

}  // namespace gramian

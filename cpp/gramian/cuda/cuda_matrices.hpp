// The operations of Cuda<T> that form and factorise matrices: a part of cuda.hpp.
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
  double* const found = debts_.owe(context_, n, [=](const double* f) { std::copy_n(f, n, out); });
  cuda::take_diagonal(stream(), const_cast<T*>(x.data), n, x.cols, false, found);
  debts_.settle(context_);
}

template <class T>
void Cuda<T>::column_norms(const Layer<Cuda>& x, double* out) {
  const Index p = x.source.cols;
  double* const total = debts_.owe(context_, p, [=](const double* f) { std::copy_n(f, p, out); });
  const auto sums = cuda::allocate<double>(context_, p);
  clear(total, p);
  Panel<Cuda> panel;
  by_rows(x.source.rows, [&](Rows rows) {
    pack(x, rows, panel);
    sum_squares(as_source(strided(panel)), sums.get());
    cuda::accumulate<double>(stream(), sums.get(), p, 1, total);
  });
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

/// A lower estimate of a spectral norm by the power method, to *out as `dot` tells it. No step
/// waits for the length of the last: products are divided by what is near the norm, of which twelve
/// must stay in the range of T.
template <class T>
void Cuda<T>::estimate_norm(View<Cuda> a, double divisor, double* out) {
  constexpr int iterations = 6;
  // Signs without a pattern, so that no vector of interest is orthogonal to them.
  std::vector<double> signs(static_cast<std::size_t>(a.rows));
  std::minstd_rand random;
  for (double& sign : signs) sign = random() > random.max() / 2 ? 1 : -1;
  Matrix<Cuda> x(*this, 1, a.cols), y = matrix(signs, 1, a.rows);
  const T factor = static_cast<T>(1 / divisor);
  for (int k = 0; k < iterations; ++k) {
    cuda::gemm<T>(context_, 1, a.cols, a.rows, factor, operand(y), operand(a), x.mutable_data());
    cuda::gemm<T>(context_, a.rows, 1, a.cols, factor, operand(a), Operand{x.data, 1},
                  y.mutable_data());
  }
  struct Lengths {
    double of_x, of_y;
  };
  const auto lengths = std::make_shared<Lengths>();
  owe_dots(x.data, 0, x.data, 0, 1, a.cols, &lengths->of_x);
  owe_dots(y.data, 0, y.data, 0, 1, a.rows, &lengths->of_y);
  debts_.owe(context_, 0,
             [=](const double*) { *out = divisor * std::sqrt(lengths->of_y / lengths->of_x); });
}

/// The norm of A is 1 to n, that of the inverse of interest up to 2e3 in float, 1e7 in double.
template <class T>
void Cuda<T>::inverse_factor(Matrix<Cuda>& x, std::optional<Matrix<Cuda>>* kept, Factoring* found) {
  constexpr double inverse = std::is_same_v<T, float> ? 30 : 1e3;
  *found = {.done = true};
  const auto fail = [=](bool done) {
    if (!done) found->done = false;
  };
  estimate_norm(x, std::sqrt(static_cast<double>(x.rows)), &found->norm);
  cuda::cholesky(context_, debts_, x.mutable_data(), x.rows, fail);
  cuda::keep_lower(stream(), x.mutable_data(), x.rows, x.rows);
  if (kept != nullptr) kept->emplace(transposed(x));
  cuda::invert_lower(context_, debts_, x.mutable_data(), x.rows, fail);
  estimate_norm(x, inverse, &found->inverse_norm);
  debts_.settle(context_);
}

/// Singular values, and the vectors that are wanted, of matrices side by side.
template <class T>
std::vector<SVD<Cuda<T>>> Cuda<T>::factorise(const std::vector<Matrix<Cuda>>& all, bool left,
                                             bool right) {
  std::vector<SVD<Cuda>> found(all.size());
  std::vector<cuda::Factors<T>> factors;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Matrix<Cuda>& a = all[i];
    const Index k = std::min(a.rows, a.cols);
    if (left) found[i].ut.emplace(*this, k, a.rows);
    if (right) found[i].vt.emplace(*this, k, a.cols);
    factors.push_back({.a = a.data,
                       .rows = a.rows,
                       .cols = a.cols,
                       .ut = left ? found[i].ut->mutable_data() : nullptr,
                       .vt = right ? found[i].vt->mutable_data() : nullptr});
  }
  for (std::size_t first = 0, count = 0; first < all.size(); first += count) {
    Index elements = 0;
    for (count = 0; first + count < all.size() && elements < side_by_side; ++count)
      elements += all[first + count].rows * all[first + count].cols;
    cuda::svd<T>(context_, debts_, std::span{factors}.subspan(first, count));
  }
  for (std::size_t i = 0; i < all.size(); ++i) found[i].s = std::move(factors[i].s);
  return found;
}

template <class T>
std::vector<double> Cuda<T>::singular_values(Matrix<Cuda> x) {
  std::vector<Matrix<Cuda>> one;
  one.push_back(std::move(x));
  return std::move(factorise(one, false, false)[0].s);
}

/// By polar factors, matrices of one shape side by side; by singular values of what came in double,
/// for which factors are not right enough.
template <class T>
std::vector<double> Cuda<T>::nuclear_norms(std::vector<Matrix<Cuda>> all,
                                           std::span<const double> bounds, double precision) {
  std::vector<double> sums(all.size());
  if (precision < newton::least) {
    std::ranges::transform(factorise(all, false, false), sums.begin(), [](const SVD<Cuda>& found) {
      return std::accumulate(found.s.begin(), found.s.end(), 0.0);
    });
    return sums;
  }
  together([&] {
    for (std::size_t first = 0, count = 0; first < all.size(); first += count) {
      const Index rows = all[first].rows, cols = all[first].cols;
      const auto alike = [&](const Matrix<Cuda>& m) { return m.rows == rows && m.cols == cols; };
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = std::find_if_not(begin, all.end(), alike);
      count =
          static_cast<std::size_t>(std::clamp(side_by_side / (rows * cols), Index{1}, end - begin));
      cuda::PolarBatch batch(context_, rows, cols, static_cast<Index>(count));
      for (std::size_t i = first; i < first + count; ++i) {
        const Matrix<Cuda> m = std::move(all[i]);
        batch.add(m.data, bounds[i]);
      }
      batch.owe_nuclear_norms(debts_, sums.data() + first);
    }
  });
  return sums;
}

}  // namespace gramian

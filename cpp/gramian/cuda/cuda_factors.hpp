// The operations of Cuda<T> that factorise matrices: a part of cuda.hpp.
#pragma once

namespace gramian {

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
std::vector<SVD<Cuda<T>>> Cuda<T>::svd(std::vector<Matrix<Cuda>> all, Vectors wanted) {
  return factorise(all, wanted != Vectors::right, wanted != Vectors::left);
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
                                           std::span<const double> bounds,
                                           std::span<const double> precisions) {
  std::vector<double> sums(all.size());
  std::vector<Matrix<Cuda>> exact;
  std::vector<std::size_t> of_exact, rest;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool is_exact = precisions[i] < newton::least;
    (is_exact ? of_exact : rest).push_back(i);
    if (is_exact) exact.push_back(std::move(all[i]));
  }
  const auto found = factorise(exact, false, false);
  for (std::size_t k = 0; k < found.size(); ++k)
    sums[of_exact[k]] = std::accumulate(found[k].s.begin(), found[k].s.end(), 0.0);
  together([&] {
    for (auto first = rest.begin(); first != rest.end();) {
      const Index rows = all[*first].rows, cols = all[*first].cols;
      const auto last = std::find_if_not(first, rest.end(), [&](std::size_t i) {
        return all[i].rows == rows && all[i].cols == cols;
      });
      const Index count = std::clamp(side_by_side / (rows * cols), Index{1}, last - first);
      cuda::PolarBatch batch(context_, rows, cols, count);
      std::vector<double*> out;
      for (const auto end = first + count; first != end; ++first) {
        const Matrix<Cuda> m = std::move(all[*first]);
        batch.add(m.data, bounds[*first]);
        out.push_back(&sums[*first]);
      }
      batch.owe_nuclear_norms(debts_, std::move(out));
    }
  });
  return sums;
}

}  // namespace gramian

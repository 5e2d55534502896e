// The operations of Cpu<T> that factorise matrices: a part of cpu.hpp.
#pragma once

namespace gramian {

template <class T>
void Cpu<T>::inverse_factor(Matrix<Cpu>& x, std::optional<Matrix<Cpu>>* kept, Factoring* found) {
  const auto norm = [&] {
    const Span span{Step::condition};
    return dense::spectral_norm(x.data, x.rows, x.cols);
  };
  const auto factor = [&](auto step) {
    const Span span{Step::cholesky};
    return step(x.mutable_data(), x.rows);
  };
  *found = {.norm = norm()};
  if (!factor(dense::cholesky<T>)) return;
  if (kept != nullptr) kept->emplace(transposed(x));
  if (!factor(dense::invert_lower<T>)) return;
  *found = {true, found->norm, norm()};
}

template <class T>
SVD<Cpu<T>> Cpu<T>::svd(Matrix<Cpu> x) {
  const Span span{Step::vectors};
  const Index k = std::min(x.rows, x.cols);
  std::vector<T> s(static_cast<std::size_t>(k));
  SVD<Cpu> found{Matrix<Cpu>(*this, x.rows, k), {}, Matrix<Cpu>(*this, k, x.cols)};
  dense::svd(x.mutable_data(), x.rows, x.cols, s.data(), found.u.mutable_data(),
             found.vt.mutable_data());
  found.s.assign(s.begin(), s.end());
  return found;
}

template <class T>
std::vector<double> Cpu<T>::singular_values(Matrix<Cpu> x) {
  const Span span{Step::values};
  if constexpr (std::is_same_v<T, float>) {
    std::vector<double> found;
    if (x.rows > x.cols) x = transposed(x);
    if (dense::svd_by_squares(x.data, x.rows, x.cols, found, nullptr)) return found;
  }
  std::vector<T> s(static_cast<std::size_t>(std::min(x.rows, x.cols)));
  dense::svd<T>(x.mutable_data(), x.rows, x.cols, s.data(), nullptr, nullptr);
  return {s.begin(), s.end()};
}

template <class T>
LeftVectors<Cpu<T>> Cpu<T>::left_vectors(Matrix<Cpu> x) {
  if constexpr (std::is_same_v<T, float>) {
    const Span span{Step::vectors};
    LeftVectors<Cpu> found{Matrix<Cpu>(*this, x.rows, x.rows), {}};
    if (x.rows <= x.cols &&
        dense::svd_by_squares(x.data, x.rows, x.cols, found.s, found.ut.mutable_data()))
      return found;
  }
  SVD<Cpu> all = svd(std::move(x));
  return {transposed(all.u), std::move(all.s)};
}

/// By their singular values, which are right to more than is asked for.
template <class T>
std::vector<double> Cpu<T>::nuclear_norms(std::vector<Matrix<Cpu>> all,
                                          std::span<const double> /*bounds*/,
                                          double /*precision*/) {
  std::vector<double> sums(all.size());
  for_each(std::ssize(all), [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    const auto values = singular_values(std::move(all[at]));
    sums[at] = std::accumulate(values.begin(), values.end(), 0.0);
  });
  return sums;
}

}  // namespace gramian

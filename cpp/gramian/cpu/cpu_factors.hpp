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

/// In float, vectors of the shorter side alone by its squares.
template <class T>
SVD<Cpu<T>> Cpu<T>::svd(Matrix<Cpu> x, Vectors wanted) {
  const Span span{Step::vectors};
  const Index k = std::min(x.rows, x.cols);
  const bool left = wanted == Vectors::left;
  SVD<Cpu> found;
  if constexpr (std::is_same_v<T, float>) {
    if (wanted != Vectors::both && (left ? x.rows : x.cols) == k) {
      std::optional<Matrix<Cpu>> turned;
      if (!left) turned = transposed(x);
      const View<Cpu> own = turned ? *turned : x;
      Matrix<Cpu> vectors(*this, k, k);
      if (dense::svd_by_squares(own.data, k, own.cols, found.s, vectors.mutable_data())) {
        (left ? found.ut : found.vt) = std::move(vectors);
        return found;
      }
    }
  }
  std::vector<T> s(static_cast<std::size_t>(k));
  Matrix<Cpu> u(*this, x.rows, k), vt(*this, k, x.cols);
  dense::svd(x.mutable_data(), x.rows, x.cols, s.data(), u.mutable_data(), vt.mutable_data());
  found.s.assign(s.begin(), s.end());
  if (wanted != Vectors::right) found.ut = transposed(u);
  if (!left) found.vt = std::move(vt);
  return found;
}

template <class T>
std::vector<SVD<Cpu<T>>> Cpu<T>::svd(std::vector<Matrix<Cpu>> all, Vectors wanted) {
  std::vector<SVD<Cpu>> found(all.size());
  for_each(std::ssize(all), [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    found[at] = svd(std::move(all[at]), wanted);
  });
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

/// By their singular values, which are right to more than is asked for.
template <class T>
std::vector<double> Cpu<T>::nuclear_norms(std::vector<Matrix<Cpu>> all,
                                          std::span<const double> /*bounds*/,
                                          std::span<const double> /*precisions*/) {
  std::vector<double> sums(all.size());
  for_each(std::ssize(all), [&](Index i) {
    const auto at = static_cast<std::size_t>(i);
    const auto values = singular_values(std::move(all[at]));
    sums[at] = std::accumulate(values.begin(), values.end(), 0.0);
  });
  return sums;
}

}  // namespace gramian

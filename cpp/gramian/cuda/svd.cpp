#include "svd.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <type_traits>

#include "../roots.hpp"
#include "blas.hpp"
#include "kernels.hpp"
#include "solver.hpp"

namespace gramian::cuda {
namespace {

/// Makes the rows of V, k x n, which nearly are so, orthonormal: every step squares what is missing
/// (Newton's, for the polar factor).
void orthonormalise(Context& context, double* v, Index k, Index n) {
  const auto gram = allocate<double>(context, k * k), fit = allocate<double>(context, k * n);
  for (int step = 0; step < 3; ++step) {
    gemm<double>(context, k, k, n, 1, {v, n}, {v, n, true}, gram.get());
    gemm<double>(context, k, n, k, -0.5, {gram.get(), k}, {v, n}, fit.get());
    add(context.stream, 1.5, v, 1, fit.get(), k * n);
  }
}

/// out(i, j) = rows(i, j) fᵢ, rows that lie `step` apart.
void scale_rows(Context& context, const double* rows, Index k, Index cols, Index step,
                const std::vector<double>& f, double* out) {
  const auto factors = allocate<double>(context, k);
  to_device<double>(context, f, factors.get());
  scaled_copy(context.stream, Strided<double>{rows, k, cols, step, 1}, factors.get(), true, out,
              cols);
}

/// A matrix by its shorter side: k vectors of k elements, and k of the longer side's n.
template <class T>
struct Sides {
  Factors<T>& of;

  bool wide() const { return of.rows <= of.cols; }
  Index k() const { return std::min(of.rows, of.cols); }
  Index n() const { return std::max(of.rows, of.cols); }
  T* shorter() const { return wide() ? of.ut : of.vt; }
  T* longer() const { return wide() ? of.vt : of.ut; }
  bool wants_vectors() const { return shorter() || longer(); }

  /// In double, as it lies.
  Memory<double> widened(Context& context) const {
    auto a = allocate<double>(context, k() * n());
    widen(context.stream, of.a, k() * n(), 1, a.get());
    return a;
  }
  /// As cuSOLVER takes it. To that a row-major matrix is its transpose, and a wide A the tall
  /// Aᵀ = V S Uᵀ; a tall A is transposed first. The vectors it finds are transposed too.
  Memory<double> tall(Context& context) const {
    auto a = widened(context);
    if (wide()) return a;
    auto turned = allocate<double>(context, k() * n());
    transpose(context.stream, a.get(), of.rows, of.cols, of.cols, turned.get());
    return turned;
  }
  /// Rounds vectors to where they are wanted, if they are.
  void give(Context& context, const double* of_shorter, const double* of_longer) const {
    if (shorter()) narrow(context.stream, of_shorter, k(), k(), false, shorter());
    if (longer()) narrow(context.stream, of_longer, k(), n(), false, longer());
  }
};

// The rungs of a ladder. Each queues its work when it is made; once debts are paid, `finish` says
// whether that was enough.

/// Values and vectors of the shorter side from the eigenvalues of A Aᵀ, or of AᵀA; those of the
/// longer side from their products with A. On an H200, half the time of `gesvdp` at 512 columns and
/// a third of it at 1024. Not enough if the squares will not do for float.
/// Vectors u of values s and t mix by 32 eps / |s² - t²| at most (the largest value being 1), and
/// Aᵀu / s is then no longer orthogonal to its like by 32 eps / (s t): little enough down to 1e-6.
template <class T>
class BySquares {
 public:
  BySquares(Context& context, Debts& debts, Factors<T>& factors)
      : sides_{factors},
        a_{sides_.widened(context)},
        squares_{allocate<double>(context, sides_.k() * sides_.k())} {
    const Index k = sides_.k();
    gemm<double>(context, k, k, sides_.n(), 1, by_shorter(true), by_shorter(false), squares_.get());
    eigenvalues(context, debts, squares_.get(), k, sides_.wants_vectors(), &found_);
  }

  bool finish(Context& context) {
    constexpr double smallest = 1e-6;
    const Index k = sides_.k(), n = sides_.n();
    if (!found_ || !roots_are_exact(*found_)) return false;
    const std::vector<double> s = roots(*found_);
    if (sides_.longer() && !(s.back() > smallest * s.front())) return false;
    sides_.of.s = s;
    if (!sides_.wants_vectors()) return true;

    const auto shorter = allocate<double>(context, k * k);
    const auto longer = allocate<double>(context, sides_.longer() ? k * n : 0);
    // From the last to the first: the largest comes first here.
    const std::vector<double> ones(s.size(), 1.0);
    scale_rows(context, squares_.get() + (k - 1) * k, k, k, -k, ones, shorter.get());
    if (sides_.longer()) {
      const auto product = allocate<double>(context, k * n);
      gemm<double>(context, k, n, k, 1, {shorter.get(), k}, by_shorter(true), product.get());
      std::vector<double> inverses;
      for (const double value : s) inverses.push_back(1 / value);
      scale_rows(context, product.get(), k, n, n, inverses, longer.get());
      orthonormalise(context, longer.get(), k, n);
    }
    sides_.give(context, shorter.get(), longer.get());
    return true;
  }

 private:
  /// A, k x n, or its transpose.
  Operand<double> by_shorter(bool rows) const {
    return {a_.get(), sides_.of.cols, sides_.wide() != rows};
  }

  Sides<T> sides_;
  Memory<double> a_, squares_;
  std::optional<std::vector<double>> found_{};
};

/// By the polar decomposition, if that is exact enough.
template <class T>
class ByPolar {
 public:
  ByPolar(Context& context, Debts& debts, Factors<T>& factors)
      : sides_{factors},
        u_{allocate<double>(context, sides_.k() * sides_.n())},
        v_{allocate<double>(context, sides_.k() * sides_.k())} {
    const auto a = sides_.tall(context);
    polar_svd(context, debts, a.get(), sides_.n(), sides_.k(), u_.get(), v_.get(),
              std::numeric_limits<T>::epsilon(), &found_);
  }

  bool finish(Context& context) {
    if (!found_) return false;
    sides_.of.s = *found_;
    sides_.give(context, v_.get(), u_.get());
    return true;
  }

 private:
  Sides<T> sides_;
  Memory<double> u_, v_;
  std::optional<std::vector<double>> found_{};
};

/// By QR iterations, which always are.
template <class T>
class ByQr {
 public:
  ByQr(Context& context, Debts& debts, Factors<T>& factors)
      : sides_{factors},
        u_{allocate<double>(context, sides_.wants_vectors() ? sides_.k() * sides_.n() : 0)},
        vt_{allocate<double>(context, sides_.wants_vectors() ? sides_.k() * sides_.k() : 0)} {
    const auto a = sides_.tall(context);
    qr_svd(context, debts, a.get(), sides_.n(), sides_.k(), u_.get(), vt_.get(), &sides_.of.s);
  }

  bool finish(Context& context) {
    if (!sides_.wants_vectors()) return true;
    const Index k = sides_.k();
    const auto v = allocate<double>(context, k * k);
    transpose(context.stream, vt_.get(), k, k, k, v.get());
    sides_.give(context, v.get(), u_.get());
    return true;
  }

 private:
  Sides<T> sides_;
  Memory<double> u_, vt_;
};

/// Takes a rung with all that are left, side by side; those it was not enough for stay.
template <class Rung, class T>
void take(Context& context, Debts& debts, std::vector<Factors<T>*>& left) {
  std::deque<Rung> rungs;  // which stay where they are
  for (Factors<T>* one : left) rungs.emplace_back(context, debts, *one);
  debts.pay(context);
  auto rung = rungs.begin();
  std::erase_if(left, [&](const Factors<T>*) { return (rung++)->finish(context); });
}

}  // namespace

template <class T>
void svd(Context& context, Debts& debts, std::span<Factors<T>> all) {
  const Debts::Deferred until_the_end{debts, context};
  std::vector<Factors<T>*> left;
  for (Factors<T>& one : all) left.push_back(&one);
  if constexpr (std::is_same_v<T, float>) take<BySquares<T>>(context, debts, left);
  take<ByPolar<T>>(context, debts, left);
  take<ByQr<T>>(context, debts, left);
}

template void svd(Context&, Debts&, std::span<Factors<float>>);
template void svd(Context&, Debts&, std::span<Factors<double>>);

}  // namespace gramian::cuda

// Nuclear norms by products alone, which keep a device as busy as it gets: |M|_* = <U, M>, U the
// polar factor of M, by Newton's iteration in double. Small values are not lost to their squares,
// and nobody is waited for.
#pragma once

#include <vector>

#include "debts.hpp"
#include "kernels.hpp"
#include "newton.hpp"

namespace gramian::cuda {

/// Matrices of one shape, row-major, at most `most`. A call has as many products as cross_batch
/// says, the rest of them being of zeros, so that a norm has the same bits whatever it is found
/// with.
class PolarBatch {
 public:
  PolarBatch(Context& context, Index rows, Index cols, Index most);
  /// A matrix of singular values that are at most `bound`; it may be let go on return.
  template <class T>
  void add(const T* matrix, double bound) {
    const double divisor = newton::margin * bound;
    double* const place = matrices_.get() + std::ssize(divisors_) * size();
    widen(context_.stream, matrix, size(), 1 / divisor, place);
    divisors_.push_back(divisor);
  }
  /// Hands the nuclear norms over to *out[0], *out[1], ... once debts are paid.
  void owe_nuclear_norms(Debts& debts, std::vector<double*> out);

 private:
  Index size() const { return rows_ * cols_; }
  void step(const double* z, double a);

  Context& context_;
  Index rows_, cols_;
  Index per_call_, padded_;  // products, matrices
  std::vector<double> divisors_{};
  Memory<double> matrices_, factors_, next_, squares_;
};

}  // namespace gramian::cuda

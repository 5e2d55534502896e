#include "polar.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "blas.hpp"
#include "cross_calls.hpp"

namespace gramian::cuda {

PolarBatch::PolarBatch(Context& context, Index rows, Index cols, Index most)
    : context_{context},
      rows_{rows},
      cols_{cols},
      per_call_{cross_batch(std::max(rows, cols), std::max(rows, cols))},
      padded_{(most + per_call_ - 1) / per_call_ * per_call_},
      matrices_{allocate<double>(context, padded_ * size())},
      factors_{allocate<double>(context, padded_ * size())},
      next_{allocate<double>(context, padded_ * size())},
      squares_{allocate<double>(context, padded_ * std::min(rows, cols) * std::min(rows, cols))} {
  const auto unused = static_cast<std::size_t>((padded_ - most) * size());
  check(
      cudaMemsetAsync(matrices_.get() + most * size(), 0, unused * sizeof(double), context.stream),
      "clearing memory");
}

/// The factors are a Z (3 - a² ZᵀZ) / 2.
void PolarBatch::step(const double* z, double a) {
  const Index k = std::min(rows_, cols_);
  const bool wide = rows_ < cols_;
  const double cubed = -a * a * a / 2, own = 3 * a / 2;
  check(cudaMemcpyAsync(next_.get(), z, static_cast<std::size_t>(padded_ * size()) * sizeof(double),
                        cudaMemcpyDeviceToDevice, context_.stream),
        "copying on the device");
  for (Index first = 0; first < padded_; first += per_call_) {
    const double* const from = z + first * size();
    double* const squared = squares_.get() + first * k * k;
    double* const to = next_.get() + first * size();
    const Operand<double> as_is{from, cols_}, turned{from, cols_, true}, squares{squared, k};
    gemm_batched<double>(context_, k, k, std::max(rows_, cols_), per_call_, wide ? as_is : turned,
                         size(), wide ? turned : as_is, size(), squared);
    if (wide)
      gemm_batched<double>(context_, rows_, cols_, k, per_call_, squares, k * k, as_is, size(), to,
                           cubed, own);
    else
      gemm_batched<double>(context_, rows_, cols_, k, per_call_, as_is, size(), squares, k * k, to,
                           cubed, own);
  }
  std::swap(factors_, next_);
}

void PolarBatch::owe_nuclear_norms(Debts& debts, std::vector<double*> out) {
  const double* z = matrices_.get();
  for (const double a : newton::scales()) {
    step(z, a);
    z = factors_.get();
  }
  const Index count = std::ssize(divisors_), parts = dot_parts(size());
  const auto receive = [parts, out = std::move(out), divisors = divisors_](const double* found) {
    for (std::size_t i = 0; i < divisors.size(); ++i, found += parts) {
      *out[i] = divisors[i] * std::accumulate(found, found + parts, 0.0);
      if (!std::isfinite(*out[i])) throw std::runtime_error("a product of layers is not finite");
    }
  };
  double* const sums = debts.owe(context_, count * parts, receive);
  dots<double>(context_.stream, z, size(), matrices_.get(), size(), count, size(), sums);
}

}  // namespace gramian::cuda

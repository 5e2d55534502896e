#include "polar.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "blas.hpp"

namespace gramian::cuda {

PolarBatch::PolarBatch(Context& context, Index rows, Index cols, Index most)
    : context_{context},
      rows_{rows},
      cols_{cols},
      matrices_{allocate<double>(context, most * rows * cols)},
      factors_{allocate<double>(context, most * rows * cols)},
      next_{allocate<double>(context, most * rows * cols)},
      squares_{allocate<double>(context, most * std::min(rows, cols) * std::min(rows, cols))} {}

/// The factors are a Z (3 - a² ZᵀZ) / 2.
void PolarBatch::step(const double* z, double a) {
  const Index k = std::min(rows_, cols_), count = std::ssize(divisors_);
  const bool wide = rows_ < cols_;
  const Operand<double> as_is{z, cols_}, turned{z, cols_, true}, squares{squares_.get(), k};
  gemm_batched<double>(context_, k, k, std::max(rows_, cols_), count, wide ? as_is : turned, size(),
                       wide ? turned : as_is, size(), squares_.get());
  check(cudaMemcpyAsync(next_.get(), z, static_cast<std::size_t>(count * size()) * sizeof(double),
                        cudaMemcpyDeviceToDevice, context_.stream),
        "copying on the device");
  const double cubed = -a * a * a / 2, own = 3 * a / 2;
  if (wide)
    gemm_batched<double>(context_, rows_, cols_, k, count, squares, k * k, as_is, size(),
                         next_.get(), cubed, own);
  else
    gemm_batched<double>(context_, rows_, cols_, k, count, as_is, size(), squares, k * k,
                         next_.get(), cubed, own);
  std::swap(factors_, next_);
}

void PolarBatch::owe_nuclear_norms(Debts& debts, double* out) {
  const double* z = matrices_.get();
  for (const double a : newton::scales()) {
    step(z, a);
    z = factors_.get();
  }
  const Index count = std::ssize(divisors_), parts = dot_parts(size());
  double* const sums =
      debts.owe(context_, count * parts, [=, divisors = divisors_](const double* found) {
        for (std::size_t i = 0; i < divisors.size(); ++i, found += parts) {
          out[i] = divisors[i] * std::accumulate(found, found + parts, 0.0);
          if (!std::isfinite(out[i])) throw std::runtime_error("a product of layers is not finite");
        }
      });
  dots<double>(context_.stream, z, size(), matrices_.get(), size(), count, size(), sums);
}

}  // namespace gramian::cuda

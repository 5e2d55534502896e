// Distances of packed rows by their differences: a part of cpu.hpp.
#pragma once

namespace gramian {

/// The rows of a panel one after the other, times a factor each, to twice the precision.
template <class T>
struct Cpu<T>::Scaled {
  Buffer high, low;
  const T* rows;

  Scaled(Cpu& b, const Panel<Cpu>& panel, const T* factors) : rows{panel.memory.get()} {
    if (panel.row_major && factors == nullptr) return;
    const Index count = panel.rows, n = panel.cols;
    high = b.allocate(count * n);
    if (factors != nullptr) low = b.allocate(count * n);
    for (Index i = 0; i < count; ++i)
      for (Index k = 0; k < n; ++k) {
        const T x = panel.memory[panel.row_major ? i * n + k : k * count + i];
        high[i * n + k] = factors == nullptr ? x : x * factors[i];
        if (factors != nullptr) low[i * n + k] = std::fma(x, factors[i], -high[i * n + k]);
      }
    rows = high.get();
  }
};

template <class T>
void Cpu<T>::differences(const Panel<Cpu>& i, const Panel<Cpu>& j, const T* factors_i,
                         const T* factors_j, T* tile) {
  const Scaled x{*this, i, factors_i}, y{*this, j, factors_j};
  simd_.differences(x.rows, x.low.get(), i.rows, y.rows, y.low.get(), j.rows, i.cols, tile);
}

}  // namespace gramian

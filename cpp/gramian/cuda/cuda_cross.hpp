// Products XᵀY of layers on a device: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
void Cuda<T>::by_rows(Index n, const std::function<void(Rows)>& work, Index block) {
  for (Index first = 0; first < n; first += block) {
    work({first, std::min(block, n - first)});
    poll(static_cast<double>(std::min(n, first + block)) / static_cast<double>(n));
  }
}

/// Layers as products read them. One that is there as a whole is not packed again.
template <class T>
template <class P>
struct Cuda<T>::CrossPanels {
  Panel<P> x, y;
  const Layer<Cuda>* held = nullptr;  // in `x`

  void pack(Cuda& b, const LayerPair<Cuda>& pair, Rows rows) {
    if (held != pair.x) b.pack(*pair.x, rows, 0, pair.x->source.cols, x);
    held = rows.count == pair.x->source.rows ? pair.x : nullptr;
    if (pair.y != pair.x) b.pack(*pair.y, rows, 0, pair.y->source.cols, y);
  }
};

/// Rows of a product at a time: panels of 64 MB, and no sum in double of more than 16,384 terms.
template <class T>
Index Cuda<T>::cross_rows(const LayerPair<Cuda>& pair) {
  constexpr Index most = 16384, elements = Index{1} << 23;
  return std::clamp(
      elements / std::max(pair.x->source.cols, pair.y->source.cols) / cross_slice * cross_slice,
      cross_slice, most);
}

/// total = XᵀY in double, as one product: on an H200 as fast as in float (52 and 46 Tflop/s at
/// 512 x 512 x 10,000). Of XᵀX the lower triangle counts. It alone is formed where its tiles fill
/// the device (0.11 ms against 0.10 of the whole at 512 columns, 0.18 against 0.19 at 1024, 0.37
/// against 0.71 at 2048).
template <class T>
void Cuda<T>::cross_in_double(const LayerPair<Cuda>& pair, CrossPanels<Wide>& panels,
                              double* total) {
  constexpr Index filling = 1024;
  const Index p = pair.x->source.cols, q = pair.y->source.cols;
  by_rows(
      pair.x->source.rows,
      [&](Rows rows) {
        panels.pack(*this, pair, rows);
        const double beta = rows.first == 0 ? 0 : 1;
        const auto left = Wide::transposed(Wide::operand(panels.x));
        const auto right = Wide::operand(pair.x == pair.y ? panels.x : panels.y);
        if (pair.x == pair.y && p >= filling)
          cuda::syrk<double>(context_, p, rows.count, left, total, beta);
        else
          cuda::gemm<double>(context_, p, q, rows.count, 1, left, right, total, beta);
      },
      cross_rows(pair));
}

/// total = XᵀY where double is slow: float products of so many rows that their rounding stays that
/// of a short sum, all of a panel in one call, and added up in double.
template <class T>
void Cuda<T>::cross_by_slices(const LayerPair<Cuda>& pair, CrossPanels<Cuda>& panels,
                              double* total) {
  const Index n = pair.x->source.rows, p = pair.x->source.cols, q = pair.y->source.cols;
  constexpr Index elements = Index{1} << 24;  // of the products, at least of one
  const Index slices = std::clamp(elements / (p * q), Index{1}, cross_rows(pair) / cross_slice);
  const Buffer products = allocate(std::min(slices, (n + cross_slice - 1) / cross_slice) * p * q);
  cuda::check(cudaMemsetAsync(total, 0, static_cast<std::size_t>(p * q) * sizeof(double), stream()),
              "clearing memory");
  by_rows(
      n,
      [&](Rows rows) {
        panels.pack(*this, pair, rows);
        const Panel<Cuda>& other = pair.x == pair.y ? panels.x : panels.y;
        const auto multiply = [&](Index slice, Index count, Index of) {
          const Index first = slice * cross_slice;
          const auto step = [](const Panel<Cuda>& x) {
            return cross_slice * (x.row_major ? x.cols : 1);
          };
          cuda::gemm_batched<T>(context_, p, q, of, count, transposed(rows_of(panels.x, first)),
                                step(panels.x), rows_of(other, first), step(other),
                                products.get() + slice * p * q);
        };
        const Index whole = rows.count / cross_slice, rest = rows.count % cross_slice;
        if (whole > 0) multiply(0, whole, cross_slice);
        if (rest > 0) multiply(whole, 1, rest);
        cuda::accumulate<T>(stream(), products.get(), p * q, whole + (rest > 0 ? 1 : 0), total);
      },
      slices * cross_slice);
}

template <class T>
void Cuda<T>::cross_products(std::span<const LayerPair<Cuda>> pairs,
                             const std::function<void(Index, Matrix<Cuda>)>& take) {
  const Control whole = control;
  CrossPanels<Wide> wide;
  CrossPanels<Cuda> narrow;
  for (Index k = 0; k < std::ssize(pairs); ++k) {
    control = whole.part(k, std::ssize(pairs));
    const LayerPair<Cuda>& pair = pairs[static_cast<std::size_t>(k)];
    Matrix<Cuda> c(*this, pair.x->source.cols, pair.y->source.cols);
    const auto total = cuda::allocate<double>(context_, c.rows * c.cols);
    if (std::is_same_v<T, double> || context_.double_is_fast)
      cross_in_double(pair, wide, total.get());
    else
      cross_by_slices(pair, narrow, total.get());
    cuda::narrow(stream(), total.get(), c.rows, c.cols, pair.x == pair.y, c.mutable_data());
    take(k, std::move(c));
  }
  control = whole;
  control(1);
}

template <class T>
Matrix<Cuda<T>> Cuda<T>::cross(const Layer<Cuda>& x, const Layer<Cuda>& y) {
  const LayerPair<Cuda> pair{&x, &y};
  std::optional<Matrix<Cuda>> found;
  cross_products({&pair, 1}, [&](Index, Matrix<Cuda> c) { found.emplace(std::move(c)); });
  return std::move(*found);
}

}  // namespace gramian

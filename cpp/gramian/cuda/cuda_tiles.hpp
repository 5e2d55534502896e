// The operations of Cuda<T> on tiles and sums: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
cuda::Memory<double> Cuda<T>::zeros(Index n) {
  auto memory = cuda::allocate<double>(context_, n);
  cuda::check(
      cudaMemsetAsync(memory.get(), 0, static_cast<std::size_t>(n) * sizeof(double), stream()),
      "clearing memory");
  return memory;
}

/// Parts of sums are added on the host, in their order.
template <class T>
std::vector<double> Cuda<T>::dots(const T* x, Index stride_x, const T* y, Index stride_y,
                                  Index pairs, Index n) {
  const Index parts = cuda::dot_parts(n);
  std::vector<double> found(static_cast<std::size_t>(pairs));
  if (parts == 0) return found;
  const auto on_device = cuda::allocate<double>(context_, pairs * parts);
  cuda::dots(stream(), x, stride_x, y, stride_y, pairs, n, on_device.get());
  const auto all = cuda::to_host(context_, on_device.get(), pairs * parts);
  for (std::size_t i = 0; i < all.size(); ++i) found[i / static_cast<std::size_t>(parts)] += all[i];
  return found;
}

template <class T>
cuda::Memory<double> Cuda<T>::squares_on_device(const Source& source) {
  const Index p = source.cols, parts = cuda::stretches(source.rows);
  const auto memory = cuda::allocate<double>(context_, parts * p);
  auto sums = cuda::allocate<double>(context_, p);
  cuda::column_moments(stream(), source, false, 1, memory.get());
  cuda::combine(stream(), memory.get(), parts, p, false, sums.get());
  return sums;
}

template <class T>
std::vector<double> Cuda<T>::column_squares(const Source& source) {
  return cuda::to_host(context_, squares_on_device(source).get(), source.cols);
}

template <class T>
std::vector<double> Cuda<T>::take_diagonal(T* x, Index n, Index cols, bool clear) {
  const auto memory = cuda::allocate<double>(context_, n);
  cuda::take_diagonal(stream(), x, n, cols, clear, memory.get());
  return cuda::to_host(context_, memory.get(), n);
}

template <class T>
void Cuda<T>::apply(const Kernel& kernel, T* tile, Index rows, Index cols, Side<Cuda> i,
                    Side<Cuda> j, double* row_sums, double* col_sums) {
  const Index row_parts = (cols + 31) / 32, col_parts = (rows + 31) / 32;  // see kernels.hpp
  const auto memory =
      cuda::allocate<double>(context_, row_parts * rows + col_parts * cols + rows + cols);
  double* const of_rows = memory.get();
  double* const of_cols = of_rows + row_parts * rows;
  double* const sums = of_cols + col_parts * cols;
  cuda::apply<T>(stream(), kernel, tile, rows, cols, tile_side(i), tile_side(j), of_rows, of_cols);
  cuda::combine(stream(), of_rows, row_parts, rows, false, sums);
  cuda::combine(stream(), of_cols, col_parts, cols, false, sums + rows);
  const auto found = cuda::to_host(context_, sums, rows + cols);
  for (Index k = 0; k < rows; ++k) row_sums[k] += found[static_cast<std::size_t>(k)];
  for (Index k = 0; k < cols; ++k) col_sums[k] += found[static_cast<std::size_t>(rows + k)];
}

template <class T>
void Cuda<T>::count(const T* tile, Index rows, Index cols, bool below_diagonal, Histogram& bins) {
  const Index size = std::ssize(bins.cells);
  const auto counts = cuda::allocate<unsigned long long>(context_, size + 1);
  cuda::check(
      cudaMemsetAsync(counts.get(), 0,
                      static_cast<std::size_t>(size + 1) * sizeof(unsigned long long), stream()),
      "clearing memory");
  cuda::count(stream(), tile, rows, cols, below_diagonal, bins.first, bins.shift, counts.get(),
              size);
  const auto found = cuda::to_host(context_, counts.get(), size + 1);
  for (std::size_t k = 0; k < bins.cells.size(); ++k) bins.cells[k] += found[k];
  bins.below += found.back();
}

/// Few pairs are summed in double. Many are products of matrices whose rows are tiles; in T, these
/// are formed by stretches of a CPU tile's size and added up in double.
template <class T>
void Cuda<T>::tile_products(const T* tiles, Index x, Index y, Index area, double* products) {
  constexpr Index stretch = Index{1} << 16;
  const Index others = y == 0 ? x : y, pairs = x * others;
  const T* const second = y == 0 ? tiles : tiles + x * area;
  std::ranges::copy(dots(tiles, area, tiles, area, x + y, area), products + pairs);
  std::vector<double> found;
  if (pairs <= 4) {
    for (Index i = 0; i < x; ++i)
      for (const double product : dots(tiles + i * area, 0, second, area, others, area))
        found.push_back(product);
  } else {
    const Index whole = area / stretch, rest = area % stretch;
    const auto parts = allocate((whole + 1) * pairs);
    const auto sums = zeros(pairs);
    if (whole > 0)
      cuda::gemm_of_stretches(context_, x, others, stretch, whole, tiles, second, area,
                              parts.get());
    if (rest > 0)
      cuda::gemm_of_stretches(context_, x, others, rest, 1, tiles + whole * stretch,
                              second + whole * stretch, area, parts.get() + whole * pairs);
    cuda::accumulate<T>(stream(), parts.get(), pairs, whole + (rest > 0 ? 1 : 0), sums.get());
    found = cuda::to_host(context_, sums.get(), pairs);
  }
  for (Index i = 0; i < x; ++i)
    for (Index j = 0; j < others; ++j)
      products[i * others + j] =
          found[static_cast<std::size_t>(y == 0 && j > i ? j * others + i : i * others + j)];
}

}  // namespace gramian

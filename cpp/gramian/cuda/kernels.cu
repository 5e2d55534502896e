// The file that nvcc compiles: every kernel, and the functions of kernels.hpp that queue them.
#include <type_traits>
#include <variant>

#include "inspect.cuh"
#include "matrix.cuh"
#include "read.cuh"
#include "result.cuh"
#include "tile.cuh"

namespace gramian::cuda {
namespace {

unsigned ceiling(Index n, Index unit) { return static_cast<unsigned>((n + unit - 1) / unit); }
unsigned across(Index cols) { return ceiling(cols, lanes); }
unsigned down(Index rows) { return blocks(rows, warps); }
unsigned flat(Index n) { return ceiling(n, lanes * warps); }

Index stretch_of(Index n) { return std::max<Index>(256, (n + 65534) / 65535); }
Index dot_stretch(Index n) { return std::max<Index>(4096, (n + 1023) / 1024); }

}  // namespace

template <class T, class M>
void pack(cudaStream_t stream, const Source& source, Rows rows, Index first, Index cols,
          const Packing<T, M>& to, const Index* chosen) {
  const Index length = to.row_major ? cols : rows.count, lines = to.row_major ? rows.count : cols;
  launch(stream, across(length), blocks(lines, in_flight * warps), pack_kernel<T, M>,
         PackLines<T, M>{source, rows, first, cols, to, chosen});
}

Index stretches(Index n) { return (n + stretch_of(n) - 1) / stretch_of(n); }

void column_moments(cudaStream_t stream, const Source& source, bool centred, double unit,
                    double* out) {
  const bool by_rows = source.row_major();
  launch(stream, ceiling(source.cols, by_rows ? lanes : warps),
         static_cast<unsigned>(stretches(source.rows)), column_moments_kernel, source, by_rows,
         stretch_of(source.rows), centred, unit, out);
}

void combine(cudaStream_t stream, const Combinations& all, int number) {
  Index widest = 0;
  for (int k = 0; k < number; ++k) widest = std::max(widest, all.each[k].width);
  launch(stream, flat(widest), static_cast<unsigned>(number), combine_kernel, all);
}

template <class T>
void apply(cudaStream_t stream, const Kernel& kernel, T* tile, Index rows, Index cols,
           TileSide<T> i, TileSide<T> j, double* row_parts, double* col_parts) {
  const auto as = [&]<class K>(const K& k) {
    launch(stream, across(cols), across(rows), apply_kernel<T, K>, k, tile, rows, cols, i, j,
           row_parts, col_parts);
  };
  std::visit(
      [&]<class K>(const K& k) {
        if constexpr (std::is_same_v<K, NearCosine>)
          as(Linear{});
        else
          as(k);
      },
      kernel);
}

template <class T>
void differences(cudaStream_t stream, Strided<T> x, Strided<T> y, const T* factors_x,
                 const T* factors_y, T* tile) {
  launch(stream, across(y.rows), across(x.rows), differences_kernel<T>, x, y, factors_x, factors_y,
         tile);
}

template <class T>
void squared_distances(cudaStream_t stream, T* tile, Index rows, Index cols, const T* norms_i,
                       const T* norms_j) {
  launch(stream, across(cols), blocks(rows, in_flight * warps), squared_distances_kernel<T>, tile,
         rows, cols, norms_i, norms_j);
}

template <class T>
void count(cudaStream_t stream, const T* tile, Index rows, Index cols, bool below_diagonal,
           std::uint64_t first, int shift, unsigned long long* counts, Index size) {
  // Few blocks with many rows each, since every block adds to the count of those below.
  launch(stream, across(cols), blocks(rows, 16 * warps), count_kernel<T>, tile, rows, cols,
         below_diagonal, first, shift, counts, size);
}

Index dot_parts(Index n) { return (n + dot_stretch(n) - 1) / dot_stretch(n); }

template <class T>
void dots(cudaStream_t stream, const T* x, Index stride_x, const T* y, Index stride_y, Index pairs,
          Index n, double* parts) {
  // Of pairs there may be more than a grid has rows.
  launch(stream, static_cast<unsigned>(pairs), static_cast<unsigned>(dot_parts(n)), dots_kernel<T>,
         x, stride_x, y, stride_y, n, dot_stretch(n), parts);
}

template <class T>
void absolute_sums(cudaStream_t stream, const T* x, Index rows, Index cols, double* out) {
  launch(stream, 1, down(rows), absolute_sums_kernel<T>, x, rows, cols, out);
}

template <class T>
void accumulate(cudaStream_t stream, const T* x, Index n, Index count, double* total) {
  launch(stream, flat(n), 1, accumulate_kernel<T>, x, n, count, total);
}

template <class T>
void widen(cudaStream_t stream, const T* x, Index n, double factor, double* out) {
  launch(stream, flat(n), 1, widen_kernel<T>, x, n, factor, out);
}

template <class T>
void narrow(cudaStream_t stream, const double* x, Index rows, Index cols, bool lower_only, T* out) {
  launch(stream, across(cols), down(rows), narrow_kernel<T>, x, rows, cols, lower_only, out);
}

template <class T>
void fill_diagonal(cudaStream_t stream, T* x, Rows rows, Rows cols, const T* values) {
  launch(stream, flat(cols.count), 1, fill_diagonal_kernel<T>, x, rows, cols, values);
}

template <class T>
void take_diagonal(cudaStream_t stream, T* x, Index n, Index cols, bool clear, double* out) {
  launch(stream, flat(n), 1, take_diagonal_kernel<T>, x, n, cols, clear, out);
}

template <class T>
void transpose(cudaStream_t stream, const T* x, Index rows, Index cols, Index stride, T* out) {
  launch(stream, across(cols), across(rows), transpose_kernel<T>, x, rows, cols, stride, out);
}

template <class T>
void keep_lower(cudaStream_t stream, T* x, Index n, Index stride) {
  launch(stream, across(n), down(n), keep_lower_kernel<T>, x, n, stride);
}

template <class T>
void add(cudaStream_t stream, double a, T* m, double c, const T* x, Index n) {
  launch(stream, flat(n), 1, add_kernel<T>, a, m, c, x, n);
}

template <class T>
void add_product(cudaStream_t stream, double c, const T* x, Index rows, Index cols, const double* u,
                 const double* v, double* total) {
  launch(stream, across(cols), down(rows), add_product_kernel<T>, c, x, rows, cols, u, v, total);
}

template <class T>
void scale(cudaStream_t stream, T* x, Index rows, Index cols, const double* row_factors,
           const double* col_factors) {
  launch(stream, across(cols), down(rows), scale_kernel<T>, x, rows, cols, row_factors,
         col_factors);
}

template <class T>
void scaled_copy(cudaStream_t stream, Strided<T> x, const double* factors, bool of_rows, T* out,
                 Index stride) {
  launch(stream, across(x.cols), down(x.rows), scaled_copy_kernel<T>, x, factors, of_rows, out,
         stride);
}

template <class T>
void subtract_from(cudaStream_t stream, Strided<T> x, T* y) {
  launch(stream, across(x.cols), down(x.rows), subtract_kernel<T>, x, y);
}

template <class T>
void place(cudaStream_t stream, const T* tile, Rows i, Rows j, double unit, T* out, Index n) {
  launch(stream, across(j.count), across(i.count), place_kernel<T>, tile, i, j, unit, out, n);
}

template <class T>
void subtract_sums(cudaStream_t stream, T* x, Index rows, Index cols, const double* u,
                   const double* v) {
  launch(stream, across(cols), down(rows), subtract_sums_kernel<T>, x, rows, cols, u, v);
}

template <class T>
void correlate(cudaStream_t stream, T* x, Index rows, Index cols, const double* u, const double* v,
               bool own) {
  launch(stream, across(cols), down(rows), correlate_kernel<T>, x, rows, cols, u, v, own);
}

void first_not_finite(cudaStream_t stream, const Source& source, Index* rows) {
  launch(stream, across(source.cols), 1, first_not_finite_kernel, source, rows);
}

void row_facts(cudaStream_t stream, const Source& source, double* out) {
  launch(stream, across(source.rows), 1, row_facts_kernel, source, out);
}

template <class T>
void largest_in_rows(cudaStream_t stream, const T* x, Index rows, Index cols, bool absolute,
                     double* out) {
  launch(stream, 1, down(rows), largest_in_rows_kernel<T>, x, rows, cols, absolute, out);
}

#define GRAMIAN_INSTANTIATE(T)                                                                 \
  template void pack(cudaStream_t, const Source&, Rows, Index, Index, const Packing<T>&,       \
                     const Index*);                                                            \
  template void apply(cudaStream_t, const Kernel&, T*, Index, Index, TileSide<T>, TileSide<T>, \
                      double*, double*);                                                       \
  template void differences(cudaStream_t, Strided<T>, Strided<T>, const T*, const T*, T*);     \
  template void squared_distances(cudaStream_t, T*, Index, Index, const T*, const T*);         \
  template void count(cudaStream_t, const T*, Index, Index, bool, std::uint64_t, int,          \
                      unsigned long long*, Index);                                             \
  template void dots(cudaStream_t, const T*, Index, const T*, Index, Index, Index, double*);   \
  template void absolute_sums(cudaStream_t, const T*, Index, Index, double*);                  \
  template void accumulate(cudaStream_t, const T*, Index, Index, double*);                     \
  template void widen(cudaStream_t, const T*, Index, double, double*);                         \
  template void narrow(cudaStream_t, const double*, Index, Index, bool, T*);                   \
  template void fill_diagonal(cudaStream_t, T*, Rows, Rows, const T*);                         \
  template void take_diagonal(cudaStream_t, T*, Index, Index, bool, double*);                  \
  template void transpose(cudaStream_t, const T*, Index, Index, Index, T*);                    \
  template void keep_lower(cudaStream_t, T*, Index, Index);                                    \
  template void add(cudaStream_t, double, T*, double, const T*, Index);                        \
  template void add_product(cudaStream_t, double, const T*, Index, Index, const double*,       \
                            const double*, double*);                                           \
  template void scale(cudaStream_t, T*, Index, Index, const double*, const double*);           \
  template void scaled_copy(cudaStream_t, Strided<T>, const double*, bool, T*, Index);         \
  template void subtract_from(cudaStream_t, Strided<T>, T*);                                   \
  template void place(cudaStream_t, const T*, Rows, Rows, double, T*, Index);                  \
  template void subtract_sums(cudaStream_t, T*, Index, Index, const double*, const double*);   \
  template void correlate(cudaStream_t, T*, Index, Index, const double*, const double*, bool); \
  template void largest_in_rows(cudaStream_t, const T*, Index, Index, bool, double*);
GRAMIAN_INSTANTIATE(float)
GRAMIAN_INSTANTIATE(double)
template void pack(cudaStream_t, const Source&, Rows, Index, Index, const Packing<double, float>&,
                   const Index*);
#undef GRAMIAN_INSTANTIATE

}  // namespace gramian::cuda

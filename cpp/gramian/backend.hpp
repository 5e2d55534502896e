// The contract between measures and hardware: what a layer, a panel and a tile are, and the
// operations every backend offers. Measures are written over this and nothing else.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "hardware.hpp"
#include "kernels.hpp"

namespace gramian {

using Index = std::int64_t;

/// Element types that activations may come in. bool is u8, bfloat16 is the top half of a float.
enum class DType : std::uint8_t { f16, bf16, f32, f64, i8, u8, i16, u16, i32, u32, i64, u64 };

/// Bytes of an element.
constexpr Index size_of(DType dtype) {
  constexpr Index sizes[] = {2, 2, 4, 8, 1, 1, 2, 2, 4, 4, 8, 8};
  return sizes[static_cast<std::size_t>(dtype)];
}

/// Whether float is too narrow for it.
constexpr bool is_double(DType dtype) {
  return dtype == DType::f64 || (dtype >= DType::i32 && dtype <= DType::u64);
}

/// Activations as the caller holds them: any element type, any strides (counted in elements).
struct Source {
  const void* data;
  DType dtype;
  Index rows, cols;
  Index row_stride, col_stride;

  /// The order in which elements are adjacent, and in which panels of this source are packed.
  bool row_major() const { return col_stride == 1 || row_stride != 1; }
};

/// A symmetric matrix, read along what is adjacent.
inline Source as_row_major(Source x) {
  if (!x.row_major()) std::swap(x.row_stride, x.col_stride);
  return x;
}

/// Columns first, ..., first + count - 1.
inline Source columns_of(Source x, Index first, Index count) {
  x.data = static_cast<const char*>(x.data) + first * x.col_stride * size_of(x.dtype);
  x.cols = count;
  return x;
}

/// The power of two that brings the largest element into [1/2, 1); 1 for a layer of zeros.
inline double scale_for(double largest) {
  int exponent = 0;
  if (largest > 0 && std::isfinite(largest)) std::frexp(largest, &exponent);
  return std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
}

/// The mean of every column as high + low, to twice the digits of double, in the units of a layer's
/// scale: those of a column that is constant are its value and 0.
struct Means {
  std::vector<double> high, low;

  /// Of columns that are to be read as they are.
  static Means none(Index columns) {
    const std::vector<double> zeros(static_cast<std::size_t>(columns));
    return {zeros, zeros};
  }
};

/// A source, and what happens to an element when a tile of it is read:
/// element * scale - mean of its column. The mean is kept as a sum of two numbers of the
/// backend's precision, so that a large offset costs no digits. `scale` is a power of two, so it
/// costs none either; it keeps squares of huge or tiny activations inside the range of float.
template <class B>
struct Layer {
  Source source;
  double scale;
  bool constant;  // no column varies, but for rounding
  typename B::Buffer mean_high, mean_low;
  double sum_of_means = 0;  // tells layers apart, see orientation.hpp
  double largest_mean = 0;  // in absolute value
};

/// Two layers to be multiplied, or twice the same one; they live elsewhere.
template <class B>
struct LayerPair {
  const Layer<B>*x, *y;
};

/// Rows first, first + 1, ... of a layer; or every (num / den)-th one, rounded down.
struct Rows {
  Index first, count;
  Index num = 1, den = 1;
  Index operator[](Index i) const { return first + i * num / den; }
};

/// Matrix in the memory of backend B, row-major; does not own it.
template <class B>
struct View {
  const typename B::scalar* data;
  Index rows, cols;
};

/// Matrix owned by backend B, row-major. Move-only.
template <class B>
struct Matrix : View<B> {
  Matrix(B& b, Index row_count, Index col_count)
      : View<B>{nullptr, row_count, col_count}, memory{b.allocate(row_count * col_count)} {
    this->data = memory.get();
  }
  typename B::scalar* mutable_data() { return memory.get(); }
  typename B::Buffer memory;
};

/// Some rows of a layer, centred and scaled, in the backend's precision and the source's order, so
/// that packing never transposes; `multiply` takes either order. Its memory is used again.
template <class B>
struct Panel {
  typename B::Buffer memory{};
  Index capacity = 0, rows = 0, cols = 0;
  bool row_major = true;
};

/// What a tile of a Gram matrix needs along one of its sides.
template <class B>
struct Side {
  const typename B::scalar* squared_norms;  // |x_i|² of the packed rows, or Polynomial's v_i
  const typename B::scalar* shift;          // a_i, see gram/near_centring.hpp
};

/// Counts of values by cell: cell c holds the bit patterns first + (c << shift) and up.
struct Histogram {
  std::uint64_t first = 0;
  int shift = 0;
  std::uint64_t below = 0;  // values under the first cell
  std::vector<std::uint64_t> cells;
};

/// Hears how far the work is, in [0, 1], and may throw to cancel it. Called on the thread that
/// called the library, about every 50 ms.
struct Control {
  std::function<void(double fraction)> poll;
  double begin = 0, end = 1;  // the part of the whole that the current step is
  void operator()(double fraction) const {
    if (poll) poll(begin + (end - begin) * fraction);
  }
  /// Step i of so many equal ones.
  Control part(Index i, Index count) const {
    const double step = (end - begin) / static_cast<double>(count);
    return {poll, begin + step * static_cast<double>(i), begin + step * static_cast<double>(i + 1)};
  }
};

/// The operations measures are written in. Models: Cpu<T> (BLAS, LAPACK, own thread pool) and
/// Cuda<T> (cuBLAS, cuSOLVER, kernels.cu).
/// What steers an algorithm lives on the host, in double. Tile operations work on one worker's own
/// buffers; `run_ordered` (cpu/ordered.hpp) shares tasks out and commits results in their order.
template <class B>
concept Backend = std::floating_point<typename B::scalar> &&
    requires(B& b, const Layer<B>& layer, Rows rows, Panel<B>& panel, View<B> view, Side<B> side,
             const Kernel& kernel, typename B::scalar* tile, double* sums,
             std::span<const double> host, Histogram& bins, std::span<const LayerPair<B>> pairs,
             std::span<const Index> chosen, const std::function<void(Index, Matrix<B>)>& take) {
      { B::tile_policy } -> std::convertible_to<TilePolicy>;
      { B::costs() } -> std::same_as<CostModel>;
      { B::panel_rows } -> std::convertible_to<Index>;      // that operations on rows work on
      { B::panel_elements } -> std::convertible_to<Index>;  // of them, at most
      { B::available_threads() } -> std::same_as<int>;      // that tasks are shared by

      { b.upload(host) } -> std::same_as<typename B::Buffer>;
      { b.download(view.data, Index{}) } -> std::same_as<std::vector<double>>;
      { b.cross(layer, layer) } -> std::same_as<Matrix<B>>;  // XᵀY, both centred
      { b.self_cross(layer) } -> std::same_as<Matrix<B>>;    // XᵀX at half the cost
      // XᵀY of every pair as one piece of work; `take` gets them one at a time, in order.
      { b.cross_products(pairs, take) };
      { b.dot(view, view) } -> std::same_as<double>;  // Σ xᵢⱼ yᵢⱼ, in double
      { b.dot(view, view, sums) };                    // the same, to *sums
      { b.download(view.data, Index{}, sums) };       // so many values, to *sums
      // work(), whose numbers from the last two and `squared_norms`, `apply`, ... are there when
      // this returns.
      {
        b.together([] {})
      };

      { b.pack(layer, rows, panel) };
      { b.gather(layer, chosen, panel) };  // any rows, row by row
      { b.squared_norms(panel, sums) };    // |xᵢ|² of its rows
      { b.multiply(panel, panel, tile) };  // tile = Pᵢ Pⱼᵀ
      // tile = -|fᵢ xᵢ - fⱼ xⱼ|² / 2 by differences of packed elements, which are those of the
      // products to twice the precision; both factors may be null.
      { b.differences(panel, panel, tile, tile, tile) };
      { b.block(layer, rows, rows, tile) };  // tile = X(i, j), X symmetric
      { b.copy(tile, Index{}, tile) };
      // tile(i, j) = values[i] wherever i, of `rows`, is j, of others.
      { b.fill_diagonal(tile, rows, rows, side.squared_norms) };
      { b.drop_diagonal(tile, Index{}, sums) };  // tile(i, i) = 0, and out of the row sums
      // tile = k(tile) - aᵢ - aⱼ; its row and column sums are added to the last two arguments, if
      // these are not null.
      { b.apply(kernel, tile, Index{}, Index{}, side, side, sums, sums) };
      { b.squared_distances(tile, Index{}, Index{}, side, side) };
      { b.count(tile, Index{}, Index{}, bool{}, bins) };  // true: below the diagonal only
      // Inner products of tiles: those of the first `x` with the rest (or, without a rest, with one
      // another), then of each with itself.
      { b.tile_products(tile, Index{}, Index{}, Index{}, sums) };

      // What was given, by other calls too, is not read any more, and the host has what it is owed:
      // what is queued from here on, on memory of the backend's own, may go on when it is gone.
      { b.release_inputs() };
      // A tile of rows I and J over a number, and its transpose, to their places in an n x n
      // matrix; of a tile on the diagonal the lower triangle counts.
      { b.place(tile, rows, rows, double{}, tile, Index{}) };
      { b.subtract_means(tile, Index{}, host) };  // x(i, j) -= mᵢ + mⱼ, n x n
    };

/// A = U S Vᵀ, thin, with the vectors that were wanted: k x rows and k x cols, orthonormal rows.
template <class B>
struct SVD {
  std::vector<double> s{};  // descending
  std::optional<Matrix<B>> ut{}, vt{};
};
enum class Vectors : std::uint8_t { left, right, both };

/// What `inverse_factor` finds of A = L Lᵀ besides L⁻¹: whether there is one, and estimates from
/// below of |A| and |L⁻¹|. Undefined, and as large as they like, where there is none.
struct Factoring {
  bool done = false;
  double norm = 0, inverse_norm = 0;
};

/// What measures on bases of the layers need besides: matrices as wide as a layer or as tall, and
/// their factorisations. `Wide` is the backend of the same hardware in double.
template <class B>
concept LinearAlgebra = Backend<B> && std::floating_point<typename B::Wide::scalar> &&
    requires(B& b, const Layer<B>& layer, View<B> view, Matrix<B> m, std::span<const double> host,
             View<typename B::Wide> wide, Matrix<typename B::Wide> total,
             std::optional<Matrix<B>>* kept, double* numbers, Factoring* found,
             std::vector<Matrix<B>> several, Vectors wanted,
             const std::function<void(Index)>& task) {
      // Matrices are worked on together until they have so many elements, and one row of a map
      // always is.
      { B::side_by_side } -> std::convertible_to<Index>;
      // Whether a factorisation costs less than the Gram matrix of all rows, and one of some rows
      // is worth trying first.
      { B::tries_some_rows } -> std::convertible_to<bool>;
      { b.wide() } -> std::same_as<typename B::Wide>;
      { b.narrow(wide) } -> std::same_as<Matrix<B>>;
      { b.as_layer(view) } -> std::same_as<Layer<B>>;  // of a matrix that stays where it is
      { b.matrix(host, Index{}, Index{}) } -> std::same_as<Matrix<B>>;
      { b.download(view) } -> std::same_as<std::vector<double>>;

      // The next four tell their numbers as `dot` does, at once or after `together`.
      { b.diagonal(view, numbers) };
      { b.column_norms(layer, numbers) };  // squared, centred
      // To one array Σⱼ |xᵢⱼ| is added for every row, to the other, for all but the last,
      // Σⱼ max(|xᵢⱼ|, |xᵢ₊₁ⱼ|).
      { b.absolute_sums(view, numbers, numbers) };
      // L⁻¹ in place of A, positive with a diagonal of ones, and Lᵀ to *kept, unless null.
      { b.inverse_factor(m, kept, found) };
      { b.project(layer, view) } -> std::same_as<Matrix<B>>;               // X Wᵀ
      { b.project_lower(layer, view) } -> std::same_as<Matrix<B>>;         // W lower triangular
      { b.squared_residual(layer, layer, view) } -> std::same_as<double>;  // |X - Y W|²
      // R of the QR factorisation of X D (D diagonal), or of its transpose, whichever is tall.
      { b.triangle(layer, host) } -> std::same_as<Matrix<B>>;
      { b.row_products(layer, host) } -> std::same_as<Matrix<B>>;  // X D² Xᵀ, by blocks of columns

      { b.multiply(view, view) } -> std::same_as<Matrix<B>>;             // A B
      { b.multiply_transposed(view, view) } -> std::same_as<Matrix<B>>;  // A Bᵀ
      { b.transposed(view) } -> std::same_as<Matrix<B>>;
      { b.copy(view) } -> std::same_as<Matrix<B>>;
      { b.add(double{}, m, double{}, view) };               // m = a m + c x, in place
      { b.accumulate(total, double{}, view, host, host) };  // m += c x + u vᵀ, in double
      { b.scale(m, host, host) };                           // rows, columns; in place
      { b.widen(view, double{}) } -> std::same_as<Matrix<typename B::Wide>>;  // times a number
      // x(i, j) / (uᵢ vⱼ), in [-1, 1], in place; NaN where that is 0, and 1 on the diagonal if
      // `own`.
      { b.correlate(m, host, host, bool{}) };
      // Of matrices side by side, and so not in a task of `for_each`.
      { b.svd(std::move(several), wanted) } -> std::same_as<std::vector<SVD<B>>>;
      { b.singular_values(std::move(m)) } -> std::same_as<std::vector<double>>;
      // Sums of singular values, each of which is at most the matrix's bound: right to as many
      // times bound * precision as there are values.
      { b.nuclear_norms(std::move(several), host, host) } -> std::same_as<std::vector<double>>;
      { b.for_each(Index{}, task) };  // independent tasks that use operations on matrices alone
    };

}  // namespace gramian

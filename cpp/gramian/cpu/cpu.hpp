// The CPU backend: sequential BLAS on tiles under the engine's own threads, vector loops from
// simd.cpp for the rest.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "../backend.hpp"
#include "dense.hpp"
#include "lapack.hpp"
#include "memory.hpp"
#include "ordered.hpp"
#include "simd.hpp"
#include "squares.hpp"
#include "steps.hpp"

namespace gramian {

template <class T>
class Cpu {
 public:
  using scalar = T;
  using Buffer = std::unique_ptr<T[], GiveBack>;

  explicit Cpu(Control progress = {}) : control{std::move(progress)} {}

  static constexpr TilePolicy tile_policy{};
  static constexpr Index panel_rows = 256, panel_elements = Index{1} << 20;
  static constexpr bool tries_some_rows = true;
  // With it a map of 12 layers of 30 units takes .88 of the time of one row after the other.
  static constexpr Index side_by_side = Index{1} << 16;
  static constexpr CostModel costs() {
    if constexpr (sizeof(T) == sizeof(float)) return {};
    return {.flop = 2.4e-11,
            .paired = 1.1e-10,
            .packed = 6.9e-10,
            .transformed = 1.8e-9,
            .counted = 1.1e-8};
  }
  static int available_threads() { return num_threads(); }

  Buffer allocate(Index n) {
    const Memory memory = take_memory(static_cast<std::size_t>(n) * sizeof(T));
    return Buffer{static_cast<T*>(memory.data), memory.give_back};
  }
  Buffer upload(std::span<const double> values) {
    Buffer buffer = allocate(std::ssize(values));
    std::ranges::transform(values, buffer.get(), [](double v) { return static_cast<T>(v); });
    return buffer;
  }

  std::vector<double> download(const T* values, Index n) { return {values, values + n}; }

  template <class Workspace, class Slot>
  void run_ordered(Index tasks, const std::function<Workspace()>& make_workspace,
                   const std::function<Slot()>& make_slot,
                   const std::function<void(Workspace&, Index, Slot&)>& work,
                   const std::function<void(Index, const Slot&)>& commit) {
    gramian::run_ordered(tasks, threads, control, make_workspace, make_slot, work, commit);
  }

  Matrix<Cpu> cross(const Layer<Cpu>& x, const Layer<Cpu>& y);
  Matrix<Cpu> self_cross(const Layer<Cpu>& x);
  void cross_products(std::span<const LayerPair<Cpu>> pairs,
                      const std::function<void(Index, Matrix<Cpu>)>& take);

  double dot(View<Cpu> x, View<Cpu> y) { return simd_.dot(x.data, y.data, x.rows * x.cols); }
  void dot(View<Cpu> x, View<Cpu> y, double* out) { *out = dot(x, y); }
  void download(const T* values, Index n, double* out) { std::copy_n(values, n, out); }
  void together(const auto& work) { work(); }

  void pack(const Layer<Cpu>& layer, Rows rows, Panel<Cpu>& panel) {
    pack(layer, rows, 0, layer.source.cols, panel);
  }
  void gather(const Layer<Cpu>& layer, std::span<const Index> rows, Panel<Cpu>& panel) {
    const Index cols = layer.source.cols;
    shape(std::ssize(rows), cols, true, panel);
    T* out = panel.memory.get();
    for (const Index row : rows) {
      simd_.pack(layer.source, {row, 1}, 0, cols, packing(layer, out, layer.source.row_major()));
      out += cols;
    }
  }
  void squared_norms(const Panel<Cpu>& panel, double* out) {
    simd_.squared_norms(panel.memory.get(), panel.rows, panel.cols, panel.row_major, out);
  }
  void multiply(const Panel<Cpu>& i, const Panel<Cpu>& j, T* tile) {
    blas::gemm(i.row_major ? blas::no : blas::yes, j.row_major ? blas::yes : blas::no, i.rows,
               j.rows, i.cols, i.memory.get(), leading(i), j.memory.get(), leading(j), tile,
               j.rows);
  }
  void differences(const Panel<Cpu>& i, const Panel<Cpu>& j, const T* factors_i, const T* factors_j,
                   T* tile);
  void block(const Layer<Cpu>& layer, Rows i, Rows j, T* tile) {
    simd_.pack(as_row_major(layer.source), i, j.first, j.count, packing(layer, tile, true));
  }
  void copy(const T* from, Index n, T* to) { std::copy_n(from, n, to); }
  void fill_diagonal(T* tile, Rows i, Rows j, const T* values) {
    for (Index k = 0; k < j.count; ++k)
      if (const Index row = j[k] - i.first; row >= 0 && row < i.count)
        tile[row * j.count + k] = values[j[k]];
  }
  void drop_diagonal(T* tile, Index n, double* row_sums) {
    for (Index i = 0; i < n; ++i) {
      row_sums[i] -= static_cast<double>(tile[i * n + i]);
      tile[i * n + i] = 0;
    }
  }
  void apply(const Kernel& kernel, T* tile, Index rows, Index cols, Side<Cpu> i, Side<Cpu> j,
             double* row_sums, double* col_sums) {
    const auto tile_kernel = std::visit([](const auto& k) { return as_tile_kernel(k); }, kernel);
    std::vector<double> unwanted;
    const auto or_unwanted = [&](double* sums, Index n) {
      if (sums == nullptr) unwanted.resize(static_cast<std::size_t>(n));
      return sums == nullptr ? unwanted.data() : sums;
    };
    simd_.apply(tile_kernel, tile, rows, cols, simd_side(i), simd_side(j),
                or_unwanted(row_sums, rows), or_unwanted(col_sums, cols));
  }
  void squared_distances(T* tile, Index rows, Index cols, Side<Cpu> i, Side<Cpu> j) {
    simd_.squared_distances(tile, rows, cols, simd_side(i), simd_side(j));
  }
  void count(const T* tile, Index rows, Index cols, bool below_diagonal, Histogram& bins) {
    const simd::Bins range{bins.first, bins.shift, bins.cells.data(), std::ssize(bins.cells)};
    if (!below_diagonal) bins.below += simd_.count(tile, rows * cols, range);
    for (Index i = 1; below_diagonal && i < rows; ++i)
      bins.below += simd_.count(tile + i * cols, i, range);
  }

  void tile_products(const T* tiles, Index x, Index y, Index area, double* products);
  void release_inputs() {}
  void place(const T* tile, Rows i, Rows j, double unit, T* out, Index n);
  void subtract_means(T* x, Index n, std::span<const double> means);

  using Wide = Cpu<double>;
  Wide wide() const { return Wide{control}; }
  Matrix<Cpu> narrow(View<Wide> x);
  Layer<Cpu> as_layer(View<Cpu> x);
  Matrix<Cpu> matrix(std::span<const double> values, Index rows, Index cols);
  Matrix<Cpu> copy(View<Cpu> x);
  std::vector<double> download(View<Cpu> x) { return {x.data, x.data + x.rows * x.cols}; }
  void diagonal(View<Cpu> x, double* out);
  void column_norms(const Layer<Cpu>& x, double* out);
  void absolute_sums(View<Cpu> x, double* sums, double* larger);
  Matrix<Cpu> project(const Layer<Cpu>& x, View<Cpu> w) { return project(x, w, false); }
  Matrix<Cpu> project_lower(const Layer<Cpu>& x, View<Cpu> w) { return project(x, w, true); }
  double squared_residual(const Layer<Cpu>& x, const Layer<Cpu>& y, View<Cpu> w);
  Matrix<Cpu> triangle(const Layer<Cpu>& x, std::span<const double> scales);
  Matrix<Cpu> row_products(const Layer<Cpu>& x, std::span<const double> scales);
  Matrix<Cpu> multiply(View<Cpu> a, View<Cpu> b);
  Matrix<Cpu> multiply_transposed(View<Cpu> a, View<Cpu> b);
  Matrix<Cpu> transposed(View<Cpu> x);
  void add(double a, Matrix<Cpu>& m, double c, View<Cpu> x);
  void accumulate(Matrix<Wide>& total, double c, View<Cpu> x, std::span<const double> u,
                  std::span<const double> v);
  void scale(Matrix<Cpu>& x, std::span<const double> rows, std::span<const double> cols);
  Matrix<Wide> widen(View<Cpu> x, double factor);
  void correlate(Matrix<Cpu>& x, std::span<const double> u, std::span<const double> v, bool own);
  void inverse_factor(Matrix<Cpu>& x, std::optional<Matrix<Cpu>>* kept, Factoring* found);
  std::vector<SVD<Cpu>> svd(std::vector<Matrix<Cpu>> all, Vectors wanted);
  std::vector<double> singular_values(Matrix<Cpu> x);
  std::vector<double> nuclear_norms(std::vector<Matrix<Cpu>> all, std::span<const double> bounds,
                                    std::span<const double> precisions);
  void for_each(Index count, const std::function<void(Index)>& task) {
    dense::share(count, task, {control.poll, control.begin, control.begin});
  }

  Control control;
  int threads = num_threads();  // at most; fewer where memory is short

 private:
  // Blocks of rows on any threads: work(panels, rows, sums), whose sums are added in order.
  struct Panels {
    Panel<Cpu> x, y;
    Buffer product;
  };
  void add_squares(const Layer<Cpu>& x, Rows rows, Rows cols, Panel<Cpu>& panel, double* sums);
  std::vector<double> by_rows(Index n, Index width,
                              const std::function<void(Panels&, Rows, std::vector<double>&)>& work,
                              Index block = 256);

  using TileKernel = simd::TileKernel;
  static TileKernel as_tile_kernel(const Linear&) { return {}; }
  static TileKernel as_tile_kernel(const NearCosine&) { return {}; }
  static TileKernel as_tile_kernel(const Precomputed&) { return {.kind = TileKernel::given}; }
  static TileKernel as_tile_kernel(const Rbf& k) {
    return {.kind = TileKernel::rbf, .gamma = k.gamma, .minus_one = k.minus_one};
  }
  static TileKernel as_tile_kernel(const Laplacian& k) {
    return {.kind = TileKernel::laplacian, .gamma = k.gamma, .minus_one = k.minus_one};
  }
  static TileKernel as_tile_kernel(const Distance&) { return {.kind = TileKernel::distance}; }
  static TileKernel as_tile_kernel(const Polynomial& k) {
    return {.kind = TileKernel::polynomial,
            .factor = k.factor,
            .constant = k.constant,
            .outer = k.outer,
            .degree = k.degree,
            .minus_constant = k.minus_constant,
            .along = k.along,
            .origin = k.origin};
  }
  static TileKernel as_tile_kernel(const Cosine&) { return {.kind = TileKernel::cosine}; }

  static simd::Side<T> simd_side(Side<Cpu> s) { return {s.squared_norms, s.shift}; }
  static Index leading(const Panel<Cpu>& p) { return p.row_major ? p.cols : p.rows; }

  void shape(Index rows, Index cols, bool row_major, Panel<Cpu>& panel) {
    if (panel.capacity < rows * cols) {
      panel.capacity = rows * cols;
      panel.memory = allocate(panel.capacity);
    }
    panel.rows = rows;
    panel.cols = cols;
    panel.row_major = row_major;
  }
  void pack(const Layer<Cpu>& layer, Rows rows, Index first_col, Index cols, Panel<Cpu>& panel) {
    shape(rows.count, cols, layer.source.row_major(), panel);
    simd_.pack(layer.source, rows, first_col, cols,
               packing(layer, panel.memory.get(), panel.row_major));
  }
  static simd::Packing<T> packing(const Layer<Cpu>& layer, T* out, bool row_major) {
    return {layer.mean_high.get(), layer.mean_low.get(), static_cast<T>(layer.scale), out,
            row_major};
  }

  SVD<Cpu> svd(Matrix<Cpu> x, Vectors wanted);

  struct Scaled;
  struct CrossTask;
  struct CrossWorkspace {
    Panel<Cpu> x, y;
    std::vector<double> sums;
  };
  static std::vector<CrossTask> cross_tasks(std::span<const LayerPair<Cpu>> pairs);
  void multiply(const LayerPair<Cpu>& pair, const CrossTask& task, CrossWorkspace& w, T* out);
  static void place(const std::vector<double>& sums, const CrossTask& task, bool self,
                    Matrix<Cpu>& product);
  Matrix<Cpu> project(const Layer<Cpu>& x, View<Cpu> w, bool lower);

  const simd::Kernels<T>& simd_ = simd::kernels<T>();
};

}  // namespace gramian

#include "cpu_factors.hpp"
#include "cpu_matrices.hpp"
#include "cpu_results.hpp"
#include "cross_products.hpp"
#include "differences.hpp"

namespace gramian {

static_assert(LinearAlgebra<Cpu<float>> && LinearAlgebra<Cpu<double>>);

}  // namespace gramian

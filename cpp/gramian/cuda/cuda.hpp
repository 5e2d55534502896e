// The CUDA backend: cuBLAS and the kernels of kernels.cu on one stream. Operations queue work and
// return; those that have an answer for the host wait for it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend.hpp"
#include "blas.hpp"
#include "context.hpp"
#include "cross_calls.hpp"
#include "debts.hpp"
#include "kernels.hpp"
#include "polar.hpp"
#include "solver.hpp"
#include "svd.hpp"

namespace gramian {

/// Works on one device, which is the current one meanwhile. When it goes, its work is done, but for
/// what came after `release_inputs`, and for what reads nothing that others own: whoever owns the
/// activations may let them go.
template <class T>
class Cuda {
 public:
  using scalar = T;
  using Buffer = cuda::Memory<T>;

  explicit Cuda(Control progress = {}, int device = 0)
      : control{std::move(progress)}, guard_{device} {
    cuda::wait_for_others(context_);
  }
  Cuda(const Cuda&) = delete;
  Cuda& operator=(const Cuda&) = delete;
  ~Cuda() {
    bool is_done = cuda::is_idle(stream());
    if (!is_done && context_.reads_inputs) {
      const cuda::Drain drain{stream()};
      is_done = true;
    }
    if (is_done)
      context_.has_waited();
    else
      context_.is_left = true;
  }

  // A tile keeps a device busy for milliseconds, and it works on one at a time.
  static constexpr TilePolicy tile_policy{
      .largest = 4096, .cached = 1e15, .across = 1, .share = 0.5};
  static constexpr Index panel_rows = 4096, panel_elements = Index{1} << 26;
  // On an H200 the product of 10,000 rows of 512 columns takes 0.1 ms: there is nothing to spare.
  static constexpr bool tries_some_rows = false;
  static constexpr Index side_by_side = Index{1} << 24;  // 128 MB, which fill a device
  static int available_threads() { return 1; }
  /// From the data sheet of an H100: 50 Tflop/s in float and half of it in double, 3 TB/s.
  static constexpr CostModel costs() {
    constexpr double byte = 1 / 3e12, size = sizeof(T);
    return {.flop = size / 4 / 50e12,
            .paired = size / 4 / 25e12,
            .packed = 2 * size * byte,
            .transformed = 3 * size * byte,
            .counted = 2 * size * byte,
            .task = 50e-6};
  }

  Buffer allocate(Index n) { return cuda::allocate<T>(context_, n); }
  Buffer upload(std::span<const double> values) {
    const std::vector<T> rounded(values.begin(), values.end());
    Buffer buffer = allocate(std::ssize(values));
    cuda::to_device<T>(context_, rounded, buffer.get());
    return buffer;
  }
  std::vector<double> download(const T* values, Index n) {
    const std::vector<T> found = cuda::to_host(context_, values, n);
    return {found.begin(), found.end()};
  }

  /// One task after the other: the device is busy with each. What their operations owe the host is
  /// paid for many tasks at once, at the price of one wait, and committed then; if nothing is
  /// committed, when the last task ends, or even when `together` does. A histogram's counts are
  /// paid in the end.
  template <class Workspace, class Slot>
  void run_ordered(Index tasks, const std::function<Workspace()>& make_workspace,
                   const std::function<Slot()>& make_slot,
                   const std::function<void(Workspace&, Index, Slot&)>& work,
                   const std::function<void(Index, const Slot&)>& commit);

  Matrix<Cuda> cross(const Layer<Cuda>& x, const Layer<Cuda>& y);
  Matrix<Cuda> self_cross(const Layer<Cuda>& x) { return cross(x, x); }
  void cross_products(std::span<const LayerPair<Cuda>> pairs,
                      const std::function<void(Index, Matrix<Cuda>)>& take);

  double dot(View<Cuda> x, View<Cuda> y) {
    return dots(x.data, 0, y.data, 0, 1, x.rows * x.cols)[0];
  }
  void dot(View<Cuda> x, View<Cuda> y, double* out) {
    owe_dots(x.data, 0, y.data, 0, 1, x.rows * x.cols, out);
    debts_.settle(context_);
  }
  void download(const T* values, Index n, double* out);
  void together(const auto& work) {
    const cuda::Debts::Deferred until_the_end{debts_, context_};
    work();
    debts_.pay(context_);
  }

  void pack(const Layer<Cuda>& layer, Rows rows, Panel<Cuda>& panel) {
    pack(layer, rows, 0, layer.source.cols, panel);
  }
  void gather(const Layer<Cuda>& layer, std::span<const Index> rows, Panel<Cuda>& panel);
  void squared_norms(const Panel<Cuda>& panel, double* out);
  void multiply(const Panel<Cuda>& i, const Panel<Cuda>& j, T* tile);
  void differences(const Panel<Cuda>& i, const Panel<Cuda>& j, const T* factors_i,
                   const T* factors_j, T* tile);
  void block(const Layer<Cuda>& layer, Rows i, Rows j, T* tile) {
    read(layer, as_row_major(layer.source), i, {j.first, j.count}, tile, true);
  }
  void copy(const T* from, Index n, T* to) {
    cuda::check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(n) * sizeof(T),
                                cudaMemcpyDeviceToDevice, stream()),
                "copying on the device");
  }
  void fill_diagonal(T* tile, Rows i, Rows j, const T* values) {
    cuda::fill_diagonal(stream(), tile, i, j, values);
  }
  void drop_diagonal(T* tile, Index n, double* row_sums);
  void apply(const Kernel& kernel, T* tile, Index rows, Index cols, Side<Cuda> i, Side<Cuda> j,
             double* row_sums, double* col_sums);
  void squared_distances(T* tile, Index rows, Index cols, Side<Cuda> i, Side<Cuda> j) {
    cuda::squared_distances(stream(), tile, rows, cols, i.squared_norms, j.squared_norms);
  }
  void count(const T* tile, Index rows, Index cols, bool below_diagonal, Histogram& bins);
  void tile_products(const T* tiles, Index x, Index y, Index area, double* products);
  void release_inputs();
  void place(const T* tile, Rows i, Rows j, double unit, T* out, Index n);
  void subtract_means(T* x, Index n, std::span<const double> means);

  using Wide = Cuda<double>;
  Wide wide() const { return Wide{control, context_.device}; }
  Matrix<Cuda> narrow(View<Wide> x);
  Layer<Cuda> as_layer(View<Cuda> x);
  Matrix<Cuda> matrix(std::span<const double> values, Index rows, Index cols);
  Matrix<Cuda> copy(View<Cuda> x);
  std::vector<double> download(View<Cuda> x) { return download(x.data, x.rows * x.cols); }
  void diagonal(View<Cuda> x, double* out);
  void column_norms(const Layer<Cuda>& x, double* out);
  void absolute_sums(View<Cuda> x, double* sums, double* larger);
  Matrix<Cuda> project(const Layer<Cuda>& x, View<Cuda> w);
  Matrix<Cuda> project_lower(const Layer<Cuda>& x, View<Cuda> w) { return project(x, w); }
  double squared_residual(const Layer<Cuda>& x, const Layer<Cuda>& y, View<Cuda> w);
  Matrix<Cuda> triangle(const Layer<Cuda>& x, std::span<const double> scales);
  Matrix<Cuda> row_products(const Layer<Cuda>& x, std::span<const double> scales);
  Matrix<Cuda> multiply(View<Cuda> a, View<Cuda> b);
  Matrix<Cuda> multiply_transposed(View<Cuda> a, View<Cuda> b);
  Matrix<Cuda> transposed(View<Cuda> x);
  void add(double a, Matrix<Cuda>& m, double c, View<Cuda> x);
  void accumulate(Matrix<Wide>& total, double c, View<Cuda> x, std::span<const double> u,
                  std::span<const double> v);
  void scale(Matrix<Cuda>& x, std::span<const double> rows, std::span<const double> cols);
  Matrix<Wide> widen(View<Cuda> x, double factor);
  void correlate(Matrix<Cuda>& x, std::span<const double> u, std::span<const double> v, bool own);
  void inverse_factor(Matrix<Cuda>& x, std::optional<Matrix<Cuda>>* kept, Factoring* found);
  std::vector<SVD<Cuda>> svd(std::vector<Matrix<Cuda>> all, Vectors wanted);
  std::vector<double> singular_values(Matrix<Cuda> x);
  std::vector<double> nuclear_norms(std::vector<Matrix<Cuda>> all, std::span<const double> bounds,
                                    std::span<const double> precisions);
  void for_each(Index count, const std::function<void(Index)>& task) {
    for (Index i = 0; i < count; ++i) task(i);
  }

  Control control;
  int threads = 1;
  double panel_memory = 512 << 20;  // bytes of what products hold, the least that a call may take

 private:
  template <class U>
  friend class Cuda;
  using Operand = cuda::Operand<T>;
  using Strided = cuda::Strided<T>;

  cudaStream_t stream() const { return context_.stream; }

  /// Whether so many products are queued that an H200 takes a tenth of a second for them, which is
  /// as long as Ctrl-C and a progress bar may wait.
  bool is_ahead() const { return queued_flops_ > 5e12; }
  void pay();

  /// Reports progress and looks for Ctrl-C, every 50 ms.
  void poll(double done) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_poll_) return;
    next_poll_ = now + std::chrono::milliseconds{50};
    control(done);
  }

  static Operand operand(const Panel<Cuda>& p) {
    return {p.memory.get(), p.row_major ? p.cols : p.rows, !p.row_major};
  }
  static Operand operand(View<Cuda> x) { return {x.data, x.cols}; }
  static Operand transposed(Operand x) { return {x.data, x.stride, !x.transposed}; }
  /// Rows first, first + 1, ... of a panel.
  static Operand rows_of(const Panel<Cuda>& p, Index first) {
    Operand x = operand(p);
    x.data += p.row_major ? first * p.cols : first;
    return x;
  }
  static Strided strided(const Panel<Cuda>& p) {
    return {p.memory.get(), p.rows, p.cols, p.row_major ? p.cols : 1, p.row_major ? 1 : p.rows};
  }
  static Strided transposed(Strided x) {
    return {x.data, x.cols, x.rows, x.col_stride, x.row_stride};
  }
  static Source as_source(Strided x) {
    constexpr DType dtype = std::is_same_v<T, float> ? DType::f32 : DType::f64;
    return {x.data, dtype, x.rows, x.cols, x.row_stride, x.col_stride};
  }
  static Source transposed_source(const Panel<Cuda>& p) {
    return as_source(transposed(strided(p)));
  }
  static cuda::TileSide<T> tile_side(Side<Cuda> s) { return {s.squared_norms, s.shift}; }
  /// Packs some rows and adjacent columns of a layer, whose elements are others'.
  template <class P>
  void read(const Layer<Cuda>& layer, const Source& source, Rows rows, Rows cols, P* out,
            bool row_major, const Index* chosen = nullptr) {
    context_.reads_inputs = true;
    const cuda::Packing<P, T> to{layer.mean_high.get(), layer.mean_low.get(),
                                 static_cast<P>(layer.scale), out, row_major};
    cuda::pack(stream(), source, rows, cols.first, cols.count, to, chosen);
  }

  template <class P>
  void shape(Index rows, Index cols, bool row_major, Panel<P>& panel) {
    if (panel.capacity < rows * cols) {
      panel.memory.reset();  // first: there may be no room for both
      panel.capacity = 0;
      panel.memory = cuda::allocate<typename P::scalar>(context_, rows * cols);
      panel.capacity = rows * cols;
    }
    panel.rows = rows;
    panel.cols = cols;
    panel.row_major = row_major;
  }
  template <class P>
  void pack(const Layer<Cuda>& layer, Rows rows, Index first_col, Index cols, Panel<P>& panel) {
    shape(rows.count, cols, layer.source.row_major(), panel);
    read(layer, layer.source, rows, {first_col, cols}, panel.memory.get(), panel.row_major);
  }

  std::vector<double> dots(const T* x, Index stride_x, const T* y, Index stride_y, Index pairs,
                           Index n);
  void sum_squares(const Source& source, double* sums);
  void owe_dots(const T* x, Index stride_x, const T* y, Index stride_y, Index pairs, Index n,
                double* out);
  void clear(double* x, Index n);
  void estimate_norm(View<Cuda> a, double divisor, double* out);
  std::vector<SVD<Cuda>> factorise(const std::vector<Matrix<Cuda>>& all, bool left, bool right);
  /// work(rows) for blocks of the n rows, in their order.
  void by_rows(Index n, const std::function<void(Rows)>& work, Index block);
  void has_queued(double flops);

  class CrossPanels;
  void cross_in_double(const LayerPair<Cuda>& pair, const cuda::CrossCall& call,
                       CrossPanels& panels, double* totals);
  struct SlicePanels;
  void cross_by_slices(const LayerPair<Cuda>& pair, SlicePanels& panels, double* total);

  cuda::DeviceGuard guard_;
  cuda::Context& context_ = cuda::context();
  cuda::Debts debts_{};
  double queued_flops_ = 0;  // since the host last waited for being ahead
  std::chrono::steady_clock::time_point next_poll_{};
};

}  // namespace gramian

#include "cuda_cross.hpp"
#include "cuda_factors.hpp"
#include "cuda_matrices.hpp"
#include "cuda_results.hpp"
#include "cuda_tiles.hpp"

namespace gramian {

static_assert(LinearAlgebra<Cuda<float>> && LinearAlgebra<Cuda<double>>);

}  // namespace gramian

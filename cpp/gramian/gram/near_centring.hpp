// The kernel of a layer, and what is taken from the rows and the columns of its Gram matrix.
//
// Near-centring. HSIC does not change when K(i, j) becomes K(i, j) - aᵢ - aⱼ, but in float it keeps
// its digits only if the rows of K are nearly centred already: the naive way loses 400 to 18,000
// eps of CKA at bandwidths of 1 to 10 medians, this one 0 to 5. aᵢ is the mean of row i over
// landmark columns, less half the landmarks' own mean.
#pragma once

#include <algorithm>
#include <concepts>
#include <numbers>
#include <utility>
#include <variant>
#include <vector>

#include "gram_layer.hpp"

namespace gramian {

/// k(i, i).
template <class B>
double self_value(const GramLayer<B>& g, std::size_t i) {
  if (const auto* k = std::get_if<Polynomial>(&g.kernel)) {
    const double v = g.along.empty() ? 0 : g.along[i];
    return k->value(g.norms[i], v, v);
  }
  return std::visit(
      [&]<class K>(const K& k) -> double {
        if constexpr (std::same_as<K, Polynomial>)
          return 0;
        else
          return k.self_value(g.norms[i]);
      },
      g.kernel);
}

/// 64 rows, and Σₛ k(i, s) over these s for every row i, as soon as a device has told them.
struct Landmarks {
  Rows rows{0, 0};
  std::vector<double> sums{};
};

/// Sums over the landmarks, to be told.
template <Backend B>
void add_landmarks(B& b, const GramLayer<B>& g, Landmarks& landmarks) {
  const Index n = g.layer.source.rows, count = landmarks.rows.count;
  const auto norms = b.upload(at(g.along.empty() ? g.norms : g.along, landmarks.rows));
  const auto factors = b.upload(at(g.factors, landmarks.rows));
  const auto zero = b.upload(std::vector<double>(static_cast<std::size_t>(n)));
  Panel<B> panel;
  b.pack(g.layer, landmarks.rows, panel);

  const Index block = rows_at_once(g.layer);
  struct Workspace {
    Panel<B> panel;
    typename B::Buffer tile;
  };
  struct Nothing {};
  b.template run_ordered<Workspace, Nothing>(
      (n + block - 1) / block, [&] { return Workspace{{}, b.allocate(block * count)}; },
      [] { return Nothing{}; },
      [&](Workspace& w, Index task, Nothing&) {
        const Rows rows{task * block, std::min(block, n - task * block)};
        b.pack(g.layer, rows, w.panel);
        multiply_rows(b, g, w.panel, panel, g.factors_from(rows.first),
                      g.factors.empty() ? nullptr : factors.get(), w.tile.get());
        if (g.far) b.fill_diagonal(w.tile.get(), rows, landmarks.rows, g.far.get());
        b.apply(g.kernel, w.tile.get(), rows.count, count,
                {g.squared_norms.get() + rows.first, zero.get()}, {norms.get(), zero.get()},
                landmarks.sums.data() + rows.first, nullptr);
      },
      [](Index, const Nothing&) {});
}

/// The same of a precomputed Gram matrix: sums over its rows at the landmarks.
template <Backend B>
void add_landmarks_of_matrix(B& b, const GramLayer<B>& g, Landmarks& landmarks) {
  const Index n = g.layer.source.rows, count = landmarks.rows.count;
  const auto zero = b.upload(std::vector<double>(static_cast<std::size_t>(n)));
  const auto tile = b.allocate(n * count);
  b.block(g.layer, landmarks.rows, {0, n}, tile.get());
  b.apply(g.kernel, tile.get(), count, n, {zero.get(), zero.get()}, {zero.get(), zero.get()},
          nullptr, landmarks.sums.data());
}

/// What near-centring needs of a layer that has its kernel. The linear kernel of centred features
/// is centred as it is.
template <Backend B>
void find_landmarks(B& b, const GramLayer<B>& g, Landmarks& landmarks) {
  const Index n = g.layer.source.rows, count = std::min<Index>(64, n);
  landmarks.rows = {0, count, n, count};
  landmarks.sums.assign(static_cast<std::size_t>(n), 0.0);
  if (std::holds_alternative<Precomputed>(g.kernel))
    add_landmarks_of_matrix(b, g, landmarks);
  else if (!std::holds_alternative<Linear>(g.kernel))
    add_landmarks(b, g, landmarks);
}

/// aᵢ for near-centring.
template <class B>
std::vector<double> near_centring_shift(const GramLayer<B>& g, Landmarks landmarks) {
  std::vector<double> shift = std::move(landmarks.sums);
  if (std::holds_alternative<Linear>(g.kernel)) return shift;
  // A landmark is not its own neighbour: k(s, s) would dwarf the rest of a narrow kernel. Among the
  // landmarks the shift is the exact one of the unbiased estimator, whose terms cancel most where
  // there are no others; it finds the b of K(i, j) = bᵢ + bⱼ, and so do the means of other rows
  // less its own mean.
  const auto m = static_cast<double>(landmarks.rows.count);
  std::vector<double> of_landmarks;
  for (Index k = 0; k < landmarks.rows.count; ++k) {
    const auto s = static_cast<std::size_t>(landmarks.rows[k]);
    const double self = g.far ? 0 : self_value(g, s);
    of_landmarks.push_back((shift[s] - self) / std::max(m - 2, 1.0));
  }
  const double half = sum(of_landmarks) / (2 * std::max(m - 1, 1.0));
  const double mean = sum(of_landmarks) / m - half;
  for (double& a : shift) a = a / m - mean;
  for (Index k = 0; k < landmarks.rows.count; ++k)
    shift[static_cast<std::size_t>(landmarks.rows[k])] =
        of_landmarks[static_cast<std::size_t>(k)] - half;
  for (double& a : shift)  // what the tiles will subtract
    a = static_cast<double>(static_cast<typename B::scalar>(a));
  return shift;
}

/// Gives a layer its shift, and puts something small on the diagonals of tiles to come, which sums
/// over rows add first and then take away: an outlier's inner product with itself would round the
/// rest of its row away. Where the kernel is that product, this is what the shift takes to 0.
template <Backend B>
void set_shift(B& b, GramLayer<B>& g, const std::vector<double>& shift) {
  const auto n = static_cast<double>(shift.size());
  g.shift = b.upload(shift);
  g.mean_shift = sum(shift) / n;
  g.mean_squared_shift = dot(shift, shift) / n;
  g.diagonal.resize(shift.size());
  for (std::size_t i = 0; i < shift.size(); ++i) g.diagonal[i] = self_value(g, i) - 2 * shift[i];
  const bool plain =
      std::holds_alternative<Linear>(g.kernel) || std::holds_alternative<Precomputed>(g.kernel);
  if (!plain) return;
  std::vector<double> instead(shift);
  for (double& value : instead) value *= 2;
  g.squared_norms = b.upload(instead);
}

/// Gives a layer its kernel, to be near-centred or as it is.
template <Backend B>
void set_kernel(B& b, GramLayer<B>& g, const Kernel& kernel, bool near_centred) {
  g.kernel = kernel;
  if (auto* rbf = std::get_if<Rbf>(&g.kernel))
    rbf->minus_one = near_centred && rbf->gamma * 2 * g.mean_norm < std::numbers::ln2;
  if (auto* laplacian = std::get_if<Laplacian>(&g.kernel))
    laplacian->minus_one =
        near_centred && laplacian->gamma * std::sqrt(2 * g.mean_norm) < std::numbers::ln2;
  // On the diagonal such a kernel is 1, next to which sums in float lose a row of 1e-8. In tiles,
  // which leave the diagonal out in the end, it is put so far away that k = 0. So are polynomial
  // ones of products, where that of a row far out is as large.
  if (is_narrow(g.kernel)) g.far = b.upload(std::vector<double>(g.norms.size(), far_away));
  if (const auto* k = std::get_if<Polynomial>(&g.kernel); k != nullptr && near_centred) {
    g.far = b.upload(std::vector<double>(g.norms.size(), k->origin > 0 ? far_away : 0));
    if (!g.along.empty()) g.squared_norms = b.upload(g.along);
  }
}

/// Gives a layer that has its kernel the shift that near-centres it.
template <Backend B>
void near_centre(B& b, GramLayer<B>& g) {
  Landmarks landmarks;
  b.together([&] { find_landmarks(b, g, landmarks); });
  set_shift(b, g, near_centring_shift(g, std::move(landmarks)));
}

}  // namespace gramian

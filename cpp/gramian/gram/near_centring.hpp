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

/// Σₛ k(i, s) over the landmarks s, for every row i.
template <Backend B>
std::vector<double> landmark_sums(B& b, const GramLayer<B>& g, Rows landmarks) {
  const Index n = g.layer.source.rows, count = landmarks.count;
  std::vector<double> sums(static_cast<std::size_t>(n));
  const auto norms = b.upload(at(g.along.empty() ? g.norms : g.along, landmarks));
  const auto factors = b.upload(at(g.factors, landmarks));
  const auto zero = b.upload(std::vector<double>(static_cast<std::size_t>(n)));
  Panel<B> panel;
  b.pack(g.layer, landmarks, panel);

  const Index block = rows_at_once(g.layer);
  struct Workspace {
    Panel<B> panel;
    typename B::Buffer tile;
    std::vector<double> col_sums;
  };
  struct Nothing {};
  b.template run_ordered<Workspace, Nothing>(
      (n + block - 1) / block,
      [&] {
        return Workspace{
            {}, b.allocate(block * count), std::vector<double>(static_cast<std::size_t>(count))};
      },
      [] { return Nothing{}; },
      [&](Workspace& w, Index task, Nothing&) {
        const Rows rows{task * block, std::min(block, n - task * block)};
        b.pack(g.layer, rows, w.panel);
        multiply_rows(b, g, w.panel, panel, g.factors_from(rows.first),
                      g.factors.empty() ? nullptr : factors.get(), w.tile.get());
        for (Index k = 0; g.far && k < count; ++k)
          if (const Index row = landmarks[k] - rows.first; row >= 0 && row < rows.count)
            b.copy(g.far.get() + landmarks[k], 1, w.tile.get() + row * count + k);
        b.apply(g.kernel, w.tile.get(), rows.count, count,
                {g.squared_norms.get() + rows.first, zero.get()}, {norms.get(), zero.get()},
                sums.data() + rows.first, w.col_sums.data());
      },
      [](Index, const Nothing&) {});
  return sums;
}

/// The same of a precomputed Gram matrix: sums over its rows at the landmarks.
template <Backend B>
std::vector<double> landmark_sums_of_matrix(B& b, const GramLayer<B>& g, Rows landmarks) {
  const Index n = g.layer.source.rows;
  const auto zero = b.upload(std::vector<double>(static_cast<std::size_t>(n)));
  auto tile = b.allocate(n);
  std::vector<double> sums(static_cast<std::size_t>(n)), ignored(1);
  for (Index k = 0; k < landmarks.count; ++k) {
    b.block(g.layer, {landmarks[k], 1}, {0, n}, tile.get());
    b.apply(g.kernel, tile.get(), 1, n, {zero.get(), zero.get()}, {zero.get(), zero.get()},
            ignored.data(), sums.data());
  }
  return sums;
}

/// aᵢ for near-centring, from 64 landmark rows. The linear kernel of centred features is centred as
/// it is.
template <Backend B>
std::vector<double> near_centring_shift(B& b, const GramLayer<B>& g) {
  const Index n = g.layer.source.rows;
  if (std::holds_alternative<Linear>(g.kernel))
    return std::vector<double>(static_cast<std::size_t>(n), 0.0);
  const Index count = std::min<Index>(64, n);
  const Rows landmarks{0, count, n, count};
  auto shift = std::holds_alternative<Precomputed>(g.kernel)
      ? landmark_sums_of_matrix(b, g, landmarks)
      : landmark_sums(b, g, landmarks);
  // A landmark is not its own neighbour: k(s, s) would dwarf the rest of a narrow kernel. Among the
  // landmarks the shift is the exact one of the unbiased estimator, whose terms cancel most where
  // there are no others; it finds the b of K(i, j) = bᵢ + bⱼ, and so do the means of other rows
  // less its own mean.
  const auto m = static_cast<double>(count);
  std::vector<double> of_landmarks;
  for (Index k = 0; k < count; ++k) {
    const auto s = static_cast<std::size_t>(landmarks[k]);
    const double self = g.far ? 0 : self_value(g, s);
    of_landmarks.push_back((shift[s] - self) / std::max(m - 2, 1.0));
  }
  const double half = sum(of_landmarks) / (2 * std::max(m - 1, 1.0));
  const double mean = sum(of_landmarks) / m - half;
  for (double& a : shift) a = a / m - mean;
  for (Index k = 0; k < count; ++k)
    shift[static_cast<std::size_t>(landmarks[k])] =
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

/// Gives a layer its kernel: near-centred, or as it is.
template <Backend B>
void set_kernel(B& b, GramLayer<B>& g, const Kernel& kernel, bool near_centred = true) {
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
  const auto shift =
      near_centred ? near_centring_shift(b, g) : std::vector<double>(g.norms.size(), 0.0);
  set_shift(b, g, shift);
}

}  // namespace gramian

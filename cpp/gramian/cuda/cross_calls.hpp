// Which products XᵀY of layers one call of cuBLAS forms: those of one shape that have a layer in
// common, or that are of layers with themselves. A part of cuda_cross.hpp that needs no device.
//
// cuBLAS chooses how it computes, and so in which order it sums, by all sizes of a call, the number
// of products among them. A product has the same bits whoever is asked for with it, as symmetric
// measures need, since that number follows from its own shape: where fewer are wanted, the rest is
// formed for nothing. NVIDIA's manual promises the same bits for the same call. It does not say
// that they are the same in every place of a batch, and whichever side is shared; but one kernel
// serves all of a call, and panels are so far apart that it finds them aligned alike.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "../backend.hpp"

namespace gramian::cuda {

constexpr Index cross_slice = 1024;  // rows of a product in float

/// Rows of a product at a time, by the wider of its layers: panels of 64 MB, and no sum in double
/// of more than 16,384 terms.
inline Index cross_rows(Index width) {
  constexpr Index most = 16384, elements = Index{1} << 23;
  return std::clamp(elements / width / cross_slice * cross_slice, cross_slice, most);
}

/// How many products of layers as wide as this one are formed by one call, a power of two: what an
/// H200 does in 20 us, within 32 MB a side. One of 512 x 512 x 512 alone takes it 23 us, of 144 in
/// a batch each 5; one of 512 x 512 x 10,000 alone is as fast as any.
inline Index cross_batch(Index width, Index rows) {
  constexpr Index multiplied = Index{1} << 29, elements = Index{1} << 22, most = 16, wide = 1024;
  if (width >= wide) return 1;
  const Index k = std::min(rows, cross_rows(width));
  const Index fitting =
      std::min(multiplied / (width * width * k), elements / (width * std::max(width, k)));
  return static_cast<Index>(
      std::bit_floor(static_cast<std::uint64_t>(std::clamp<Index>(fitting, 1, most))));
}

/// Pairs that follow each other and have a layer in common, or are layers with themselves.
template <class B>
struct CrossRun {
  std::size_t first, count;
  const Layer<B>* shared;  // null: none
};

/// The runs of a list of pairs, of no more products than may be kept until it is their turn.
template <class B>
std::vector<CrossRun<B>> cross_runs(std::span<const LayerPair<B>> pairs) {
  constexpr Index most = Index{1} << 23;  // elements: 32 MB in float
  std::vector<CrossRun<B>> runs;
  for (std::size_t k = 0; k < pairs.size();) {
    const std::size_t first = k;
    const bool own = pairs[k].x == pairs[k].y;
    std::array<const Layer<B>*, 2> shared{pairs[k].x, pairs[k].y};
    for (Index elements = 0; k < pairs.size(); ++k) {
      const auto [x, y] = pairs[k];
      elements += x->source.cols * y->source.cols;
      if ((x == y) != own || (k > first && elements > most)) break;
      auto still = shared;
      for (const Layer<B>*& layer : still)
        if (layer != x && layer != y) layer = nullptr;
      if (!own && still[0] == nullptr && still[1] == nullptr) break;
      shared = still;
    }
    runs.push_back({first, k - first,
                    own ? nullptr
                        : shared[0] != nullptr ? shared[0]
                                               : shared[1]});
  }
  return runs;
}

/// Where a layer's panel is: panels of a group are side by side.
struct CrossPlace {
  Index group, slot;
  bool operator==(const CrossPlace&) const = default;
};

/// A call: the first of its panels on either side, and which sides move on from product to product.
struct CrossCall {
  CrossPlace x, y;
  Index count;
  bool x_moves, y_moves;
  bool operator==(const CrossCall&) const = default;
};

/// Layers of one shape in groups, of as many as one call takes.
template <class B>
class CrossGroups {
 public:
  struct Group {
    std::vector<const Layer<B>*> layers;
    Index size;  // how many there is room for
  };

  CrossGroups(std::span<const LayerPair<B>> pairs, const std::vector<CrossRun<B>>& runs) {
    for (const Use& use : uses(pairs, runs)) {
      const Source& source = use.layer->source;
      const bool full = groups_.empty() || std::ssize(groups_.back().layers) == groups_.back().size;
      if (full || shape(groups_.back().layers[0]->source) != shape(source))
        groups_.push_back({{}, cross_batch(source.cols, source.rows)});
      std::vector<const Layer<B>*>& layers = groups_.back().layers;
      places_[use.layer] = {std::ssize(groups_) - 1, std::ssize(layers)};
      layers.push_back(use.layer);
    }
  }

  const Group& operator[](Index group) const { return groups_[static_cast<std::size_t>(group)]; }
  /// The call that forms a product of a run.
  CrossCall call(const LayerPair<B>& pair, const CrossRun<B>& run) const {
    const CrossPlace x = places_.at(pair.x), y = places_.at(pair.y);
    CrossCall call{x, y, std::min((*this)[x.group].size, (*this)[y.group].size),
                   pair.x != run.shared, pair.y != run.shared};
    if (call.x_moves) call.x.slot -= x.slot % call.count;
    if (call.y_moves) call.y.slot -= y.slot % call.count;
    return call;
  }
  /// Which of its products that is.
  Index number(const LayerPair<B>& pair, const CrossCall& call) const {
    return call.x_moves ? places_.at(pair.x).slot - call.x.slot
                        : places_.at(pair.y).slot - call.y.slot;
  }

 private:
  struct Use {
    const Layer<B>* layer;
    bool moves = false;
    Index on_the_right = 0;  // how often while it moves
  };

  static auto shape(const Source& x) { return std::tuple{x.rows, x.cols, x.row_major()}; }

  /// All layers in the order in which they are to be packed. Which of two comes first in a product
  /// hangs on what they hold, see orientation.hpp: in this order, those that are on the right of a
  /// third one follow each other.
  static std::vector<Use> uses(std::span<const LayerPair<B>> pairs,
                               const std::vector<CrossRun<B>>& runs) {
    std::vector<Use> found;
    std::map<const Layer<B>*, std::size_t> at;
    for (const CrossRun<B>& run : runs) {
      for (const LayerPair<B>& pair : pairs.subspan(run.first, run.count)) {
        for (const Layer<B>* layer : {pair.x, pair.y}) {
          const auto [place, is_new] = at.try_emplace(layer, found.size());
          if (is_new) found.push_back({layer});
          if (run.shared == nullptr || layer == run.shared) continue;
          Use& use = found[place->second];
          use.moves = true;
          use.on_the_right += layer == pair.y ? 1 : 0;
        }
      }
    }
    std::ranges::stable_sort(found, {}, [](const Use& use) {
      return std::tuple{shape(use.layer->source), !use.moves, use.on_the_right};
    });
    return found;
  }

  std::vector<Group> groups_;
  std::map<const Layer<B>*, CrossPlace> places_;
};

}  // namespace gramian::cuda

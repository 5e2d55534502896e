// The measures on bases, Procrustes and the correlation of units, against the host's slow way.
#include <algorithm>
#include <array>

#include "gramian/cpu/blas_info.hpp"
#include "gramian/measures/procrustes.hpp"
#include "gramian/measures/pwcca.hpp"
#include "gramian/measures/regression.hpp"
#include "gramian/measures/singular.hpp"
#include "gramian/measures/units.hpp"
#include "reference.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

constexpr Index n = 300;
constexpr double eps32 = 1.1920929e-07;  // of the data

template <class P>
std::vector<const P*> pointers(const std::vector<P>& all) {
  std::vector<const P*> found;
  for (const P& one : all) found.push_back(&one);
  return found;
}

/// Layers of three widths, the last of the same space as the first but for a rotation and noise.
struct Layers {
  std::vector<Data> data;
  std::vector<Host> x, q;

  Layers() {
    data.push_back(normal_data(n, 5, Layout::rows, 0.5));  // moved: a source points to its memory
    data.push_back(normal_data(n, 9, Layout::columns, 0.2, 1));
    data.push_back(mixed());
    for (const Data& d : data) {
      x.push_back(centered(d, 1));
      q.push_back(orthonormal(x.back()));
    }
  }
  static Data mixed() {
    const Data x = normal_data(n, 5, Layout::rows, 0.5),
               noise = normal_data(n, 6, Layout::rows, 0, 9);
    const Host turn = random_host(5, 6, 4);
    Host y(n, 6);
    y.values = noise.values;
    Host own(n, 5);
    own.values = x.values;
    const Host turned = multiply(own, turn);
    for (std::size_t k = 0; k < y.values.size(); ++k)
      y.values[k] = static_cast<double>(static_cast<float>(turned.values[k] + 0.3 * y.values[k]));
    return make_data(n, 6, DType::f32, Layout::rows, y.values);
  }
  template <class B>
  std::vector<BasisInput<B>> inputs(B& b) const {
    std::vector<BasisInput<B>> all;
    for (const Data& d : data)
      all.push_back({layer_of(b, d, 0.25), d.means(0.25), eps32, 9 * eps32});
    return all;
  }
};

/// Maps among three layers and of the first with the rest agree with expected(i, j).
template <class B, class M, class P, class Expected>
void check_maps(B& b, const M& measure, const std::vector<P>& prepared, const Expected& expected,
                double bound, const std::string& what) {
  const auto all = pointers(prepared);
  const std::span<const P* const> layers{all};
  const Map among = compare_all<B, M, P, P>(b, measure, layers, {});
  const Map across = compare_all<B, M, P, P>(b, measure, layers.first(1), layers.subspan(1));
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      check_near(among.values[3 * i + j], expected(i, j), bound * epsilon<B>(), what);
      if (i == 0 && j > 0)
        check_near(across.values[j - 1], expected(0, j), bound * epsilon<B>(), what + " across");
    }
}

template <class B>
void test_cca(B& b, const Layers& layers) {
  const auto& q = layers.q;
  for (const bool squared : {false, true})
    for (const auto denominator : {Denominator::features, Denominator::rank}) {
      const Cca measure{{}, denominator, squared};
      const auto bases = measure.prepare(b, layers.inputs(b));
      const auto expected = [&](std::size_t i, std::size_t j) {
        const Host m = multiply(transposed(q[i]), q[j]);
        const auto least = static_cast<double>(std::min(m.rows, m.cols));
        return (squared ? std::pow(norm(m), 2) : nuclear_norm(m)) / least;
      };
      check_maps(b, measure, bases, expected, 50, "cca");
      const auto full = compare_in_full(b, measure, bases[0], bases[1]);
      double total = 0;
      for (const double rho : full->correlations) total += squared ? rho * rho : rho;
      check_near(total / 5, full->value, 50 * epsilon<B>(), "cca in full");
    }
  auto bases = OnBases::prepare(b, layers.inputs(b), {.weights = true});
  const CanonicalPair<B> pair = canonical_pair(b, bases[0], bases[1]);
  auto w = b.wide();
  const Host weights = download<typename B::Wide>(w, pair.x_weights);
  const Host variates = multiply(layers.x[0], weights);
  check_close<B>(multiply(transposed(variates), variates), identity(5), 100, "canonical weights");
}

template <class B>
void test_pwcca(B& b, const Layers& layers) {
  const auto& [data, x, q] = layers;
  const auto own = [&](std::size_t i, std::size_t j) { return weighted_mean(x[i], q[i], q[j]); };
  const auto of = [&](WeightSide side) {
    return [&own, side](std::size_t i, std::size_t j) {
      if (side == WeightSide::mean) return (own(i, j) + own(j, i)) / 2;
      return side == WeightSide::x ? own(i, j) : own(j, i);
    };
  };
  for (const WeightSide side : {WeightSide::x, WeightSide::y, WeightSide::mean}) {
    const Pwcca measure{{}, side, 1e-4};
    const auto bases = measure.prepare(b, layers.inputs(b));
    // A layer with itself has ties only: its value does not hang on them.
    check_maps(b, measure, bases, of(side), 200, "pwcca");
    const auto all = pointers(bases);
    const std::span<const Basis<B>* const> pointed{all};
    const Map map = compare_all<B, Pwcca, Basis<B>, Basis<B>>(b, measure, pointed, {});
    check(std::ranges::count(map.marks, true) == 0, "nothing is ambiguous");
  }
}

template <class B>
void test_regression(B& b, const Layers& layers) {
  const auto expected = [&](std::size_t i, std::size_t j) {
    return std::pow(norm(multiply(transposed(layers.q[j]), layers.x[i])) / norm(layers.x[i]), 2);
  };
  const LinearRegression measure;
  const auto bases = measure.prepare(b, layers.inputs(b));
  check_maps(b, measure, bases, expected, 50, "regression");
  const auto targets = Procrustes{}.prepare(b, layers.inputs(b));
  const auto left = pointers(targets);
  const auto right = pointers(bases);
  const Map map =
      compare_all<B, LinearRegression, CentredLayer<B>, Basis<B>>(b, measure, left, right);
  for (std::size_t k = 0; k < 9; ++k)
    check_near(map.values[k], expected(k / 3, k % 3), 50 * epsilon<B>(), "regression of targets");
}

template <class B>
void test_procrustes(B& b, const Layers& layers) {
  const auto& x = layers.x;
  const auto similarity = [&](std::size_t i, std::size_t j) {
    return nuclear_norm(multiply(transposed(x[i]), x[j])) / (norm(x[i]) * norm(x[j]));
  };
  const auto distance = [&](std::size_t i, std::size_t j) {
    return i == j ? 0 : std::sqrt(2 - 2 * similarity(i, j));
  };
  check_maps(b, Procrustes{}, Procrustes{}.prepare(b, layers.inputs(b)), similarity, 50,
             "procrustes");
  const Procrustes measure{.distance = true};
  check_maps(b, measure, measure.prepare(b, layers.inputs(b)), distance, 100,
             "procrustes distance");
}

/// SVCCA, ridge CCA and the shape distance, from columns in singular directions.
template <class B>
void test_singular(B& b, const Layers& layers) {
  using W = typename B::Wide;
  const auto& x = layers.x;
  const auto one = [](double) { return 1.0; };
  const auto kept = [&](Index components) {
    return [&, components](std::size_t i, std::size_t j) {
      const Host p = singular_columns(x[i], components, one);
      const Host r = singular_columns(x[j], components, one);
      return nuclear_norm(multiply(transposed(p), r)) / static_cast<double>(components);
    };
  };
  const Svcca of_components{{}, 0.99, 3};
  check_maps(b, of_components, of_components.prepare(b, layers.inputs(b)), kept(3), 100,
             "svcca of components");
  const auto bases = Svcca{{}, 0.5}.prepare(b, layers.inputs(b));
  for (std::size_t l = 0; l < 3; ++l) {
    const auto& s = bases[l].singular_values;
    double part = 0, all = dot(s, s);
    for (std::size_t k = 0; k < static_cast<std::size_t>(bases[l].rank); ++k) part += s[k] * s[k];
    check(part >= 0.49999 * all && bases[l].rank < bases[l].directions, "svcca by variance");
  }

  W w;
  const auto gained = [&](std::size_t l, const auto& gain) {
    return singular_columns(x[l], x[l].cols, gain);
  };
  const auto ridge = [&](std::size_t l) {
    const double mean_square = std::pow(norm(x[l]), 2) / static_cast<double>(x[l].cols);
    return gained(l, [&](double s) { return s / std::sqrt(s * s + 0.1 * mean_square); });
  };
  const auto shrunk = [&](std::size_t i, std::size_t j) {
    return nuclear_norm(multiply(transposed(ridge(i)), ridge(j))) /
        static_cast<double>(std::min(x[i].cols, x[j].cols));
  };
  const RidgeCca shrinking{{}, 0.1};
  check_maps(w, shrinking, shrinking.prepare(w, layers.inputs(w)), shrunk, 1000, "ridge");
  const Shape shape{{}, 0.3};
  const auto part = [&](std::size_t l) {
    return gained(l, [](double s) { return 0.3 * s + 0.7; });
  };
  const auto angle = [&](std::size_t i, std::size_t j) {
    const double norms = norm(part(i)) * norm(part(j));
    return i == j ? 0 : std::acos(nuclear_norm(multiply(transposed(part(i)), part(j))) / norms);
  };
  const auto prepared = shape.prepare(w, layers.inputs(w));
  check_maps(w, shape, prepared, angle, 1000, "shape");
  for (std::size_t l = 0; l < 3; ++l)
    check_near(prepared[l].gain_norm(), norm(part(l)), 1e-9, "norms of gains");
}

template <class B>
void test_units(B& b, const Layers& layers) {
  auto values = layers.data[1].values;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) values[9 * i + 2] = 1;
  const Data with_constant = make_data(n, 9, DType::f32, Layout::rows, values);
  std::vector<UnitsInput<B>> inputs;
  for (const Data& d : {std::cref(layers.data[0]), std::cref(with_constant)})
    inputs.push_back({layer_of(b, d, 0.25), d.means(0.25), 10 * epsilon<B>()});
  const auto prepared = UnitCorrelation::prepare(b, std::move(inputs));
  const auto &x = prepared[0], &y = prepared[1];
  const Host r = download<B>(b, UnitCorrelation::compare(b, x, y));
  const Host own = download<B>(b, UnitCorrelation::compare(b, x, x));
  const Host left = layers.x[0], right = layers.x[1];
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 9; ++j) {
      double xy = 0, xx = 0, yy = 0;
      for (Index k = 0; k < n; ++k) {
        xy += left(k, i) * right(k, j);
        xx += left(k, i) * left(k, i);
        yy += right(k, j) * right(k, j);
      }
      const double expected = j == 2 ? std::nan("") : xy / std::sqrt(xx * yy);
      check_near(r(i, j), expected, 20 * epsilon<B>(), "correlation of units");
    }
  for (Index i = 0; i < 5; ++i) check(own(i, i) == 1, "a unit with itself");
  check(smallest_product(x, y) > 0, "smallest product");
}

template <class B>
void test_all() {
  B b;
  const Layers layers;
  test_cca(b, layers);
  test_pwcca(b, layers);
  test_regression(b, layers);
  test_procrustes(b, layers);
  test_singular(b, layers);
  test_units(b, layers);
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_all<Cpu<float>>();
  test_all<Cpu<double>>();
  return result();
}

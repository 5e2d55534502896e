// HSIC, CKA, Gram matrices and median distances of the core, against full matrices on the host.
#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "gramian/cpu/blas_info.hpp"
#include "gramian/gram/gram_matrix.hpp"
#include "gramian/measures/gram_distance.hpp"
#include "reference.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

double squared_distance(const Data& x, Index i, Index j) {
  double total = 0;
  for (Index k = 0; k < x.source.cols; ++k) total += std::pow(x(i, k) - x(j, k), 2);
  return total;
}

double inner_product(const Data& x, Index i, Index j) {
  double total = 0;
  for (Index k = 0; k < x.source.cols; ++k) total += x(i, k) * x(j, k);
  return total;
}

/// The middle of all n² distances, squared ones and others.
template <class Root>
double median(const Data& x, const Root& root) {
  std::vector<double> all;
  for (Index i = 0; i < x.source.rows; ++i)
    for (Index j = 0; j < x.source.rows; ++j) all.push_back(root(squared_distance(x, i, j)));
  std::ranges::sort(all);
  return (all[all.size() / 2] + all[(all.size() - 1) / 2]) / 2;
}

Host gram(const Data& x, const KernelSpec& spec) {
  const Index n = x.source.rows;
  Host k(n, n);
  const auto plain = [](double d) { return d; };
  const double squared = spec.by_median() ? spec.bandwidth * spec.bandwidth * median(x, plain)
                                          : spec.sigma * spec.sigma;
  const double width = spec.by_median()
      ? spec.bandwidth * median(x, [](double d) { return std::sqrt(d); })
      : spec.sigma;
  const Host centred = centered(x, 1);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) {
      const double d = squared_distance(x, i, j), own = inner_product(x, i, j);
      double linear = 0;
      for (Index c = 0; c < x.source.cols; ++c) linear += centred(i, c) * centred(j, c);
      const double norms = std::sqrt(inner_product(x, i, i) * inner_product(x, j, j));
      switch (spec.kind) {
        case KernelSpec::linear: k(i, j) = linear; break;
        case KernelSpec::rbf: k(i, j) = std::exp(-d / (2 * squared)); break;
        case KernelSpec::laplacian: k(i, j) = std::exp(-std::sqrt(d) / width); break;
        case KernelSpec::distance: k(i, j) = -std::sqrt(d); break;
        case KernelSpec::polynomial:
          k(i, j) = std::pow(own / static_cast<double>(x.source.cols) + spec.constant, spec.degree);
          break;
        case KernelSpec::cosine: k(i, j) = own / norms; break;
        case KernelSpec::precomputed: k(i, j) = x(i, j); break;
      }
    }
  return k;
}

const std::array kernels = {
    KernelSpec{KernelSpec::linear},   KernelSpec{KernelSpec::rbf, 0, 1},
    KernelSpec{KernelSpec::rbf, 3},   KernelSpec{KernelSpec::laplacian, 0, 0.7},
    KernelSpec{KernelSpec::distance}, KernelSpec{KernelSpec::polynomial, 0, 0, 0, 1, 3},
    KernelSpec{KernelSpec::cosine}};

/// A layer as a kernel reads it.
template <Backend B>
Layer<B> layer_of(B& b, const Data& x, const KernelSpec& spec, double scale,
                  bool near_centred = true) {
  if (spec.centers()) return gramian::test::layer_of(b, x, scale);
  Layer<B> layer = make_layer(b, x.source, Means::none(x.source.cols), scale);
  return spec.about(near_centred) == About::origin ? about_origin(b, std::move(layer), 2 * scale)
                                                   : std::move(layer);
}

template <Backend B>
struct Prepared {
  std::vector<PreparedGram<B>> layers;
  std::vector<const PreparedGram<B>*> pointers;

  Prepared(B& b, const Hsic& measure, const std::vector<const Data*>& data, Plan plan) {
    std::vector<Layer<B>> all;
    for (const Data* x : data) all.push_back(layer_of(b, *x, measure.kernel, 0.5));
    plan.kept = 1;
    layers = measure.prepare(b, std::move(all), plan);
    for (const auto& layer : layers) pointers.push_back(&layer);
  }
};

/// Every place of a map of two layers, one of them wide, among themselves and across.
template <Backend B>
void test_hsic(B& b, const KernelSpec& spec, Estimator estimator, Layout layout,
               double offset = 0.3) {
  const Index n = 150;  // three blocks of tiles
  const Data x = normal_data(n, 6, layout, offset), y = normal_data(n, 31, Layout::rows, -0.05, 7);
  const std::vector<const Data*> data{&x, &y};
  const Hsic measure{spec, estimator};
  const bool unbiased = estimator == Estimator::unbiased;
  const std::array full = {gram(x, spec), gram(y, spec)};
  const auto expected = [&](Index i, Index j) {
    return hsic(full[static_cast<std::size_t>(i)], full[static_cast<std::size_t>(j)], unbiased);
  };
  const std::string what = "kernel " + std::to_string(spec.kind) + (unbiased ? " unbiased" : "");
  for (const bool by_features : {false, true}) {
    if (by_features && spec.kind != KernelSpec::linear) continue;
    for (const Pairs pairs : {Pairs{2}, Pairs{1, 1}}) {
      Plan plan = make_plan(workload_of<B>(n, pairs, {6, 31}, spec, 1e9), 1);
      plan.feature_space = by_features;
      plan.tiling = Tiling::of(n, 64);
      const Prepared<B> all{b, measure, data, plan};
      const HsicMap map = hsic_map<B>(b, measure, all.pointers, pairs, plan);
      const auto values = hsic_values<B>(map, measure, all.pointers);
      const auto cka = cka_values(map);
      for_each_place(pairs, [&](Index i, Index j) {
        const auto k = static_cast<Index>(pairs.row(i)), l = static_cast<Index>(pairs.column(j));
        const double size = std::sqrt(expected(k, k) * expected(l, l));
        check_near(values[pairs.at(i, j)], expected(k, l), 100 * epsilon<B>() * size,
                   what + " hsic");
        check_near(cka[pairs.at(i, j)], expected(k, l) / size, 100 * epsilon<B>(), what + " cka");
      });
      for (const Status status : map.status) check(status == Status::sound, "status");
    }
  }
}

/// Of a layer and one that differs from it by a millionth, against the difference of full matrices.
template <Backend B>
void test_distances(B& b, const KernelSpec& spec, Estimator estimator) {
  const Index n = 150;
  const Data x = normal_data(n, 6), noise = normal_data(n, 6, Layout::rows, 0, 7);
  std::vector<double> values;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < 6; ++j) values.push_back(x(i, j) + 1e-6 * noise(i, j));
  const Data y = make_data(n, 6, DType::f64, Layout::rows, values);
  const Hsic measure{spec, estimator};
  const bool unbiased = estimator == Estimator::unbiased;
  Plan plan = plan_in(false, workload_of<B>(n, {2}, {6, 6}, spec, 1e9), 1);
  plan.tiling = Tiling::of(n, 64);
  const Prepared<B> all{b, measure, {&x, &y}, plan};
  const std::vector<std::pair<Index, Index>> pairs{{0, 1}, {1, 0}, {1, 1}};
  const auto found = gram_distances<B>(b, measure, all.pointers, pairs, plan);
  Host k = gram(x, spec);
  const Host l = gram(y, spec);
  const double of_k = std::sqrt(hsic(k, k, unbiased)), of_l = std::sqrt(hsic(l, l, unbiased));
  for (std::size_t i = 0; i < k.values.size(); ++i)
    k.values[i] = k.values[i] / of_k - l.values[i] / of_l;
  check_near(found[0], std::sqrt(hsic(k, k, unbiased)), 100 * epsilon<B>(), "distance");
  check(found[1] == found[0] && found[2] == 0, "symmetric, and 0 of a layer with itself");
}

template <Backend B>
void test_undefined(B& b) {
  const Index n = 90;
  Data constant = make_data(n, 3, DType::f32, Layout::rows, filled(n * 3, 2.5));
  const Data sound = normal_data(n, 5);
  for (const KernelSpec& spec : {KernelSpec{KernelSpec::linear}, KernelSpec{KernelSpec::rbf, 1}}) {
    const Hsic measure{spec};
    const Pairs pairs{1, 1};
    const Plan plan = make_plan(workload_of<B>(n, pairs, {3, 5}, spec, 1e9), 1);
    const Prepared<B> all{b, measure, {&constant, &sound}, plan};
    HsicMap map = hsic_map<B>(b, measure, all.pointers, pairs, plan);
    check(map.status[0] == Status::constant, "a constant layer is marked");
    check(map.at(0, 0) == 0 && std::isnan(cka_values(map)[0]), "and has no similarity");
  }
  const KernelSpec by_median{KernelSpec::rbf, 0, 1};
  const Plan plan = make_plan(workload_of<B>(n, {1}, {3}, by_median, 1e9), 1);
  const auto status_of = [&](const KernelSpec& spec, const Data& data) {
    return Prepared<B>{b, Hsic{spec}, {&data}, plan}.layers[0].status;
  };
  check(status_of(by_median, constant) == Status::zero_median, "a median of 0 leaves no width");
  std::vector<double> values;  // every row with a near twin
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < 5; ++j)
      values.push_back(sound(i / 2, j) + 1e-5 * static_cast<double>(i % 2));
  const Data twins = make_data(n, 5, DType::f32, Layout::rows, values);
  const KernelSpec narrow{KernelSpec::rbf, 1e-5};
  const auto status = status_of(narrow, twins);
  check((status == Status::imprecise) == (sizeof(typename B::scalar) == 4), "too narrow for float");
}

template <Backend B>
void test_matrix(B& b, const KernelSpec& spec, double offset = 0.3) {
  const Data x = normal_data(130, 7, Layout::columns, offset);
  const Host expected = gram(x, spec);
  for (const bool centred : {false, true}) {
    const auto prepared = prepare_matrix(b, spec, layer_of(b, x, spec, 0.25, centred), centred);
    const Host got = download<B>(b, gram_matrix(b, prepared, centred));
    Host wanted = expected;
    if (centred) {
      Host h = identity(130);
      for (double& value : h.values) value -= 1.0 / 130;
      wanted = multiply(multiply(h, expected), h);
    }
    check_close<B>(got, wanted, 20 * norm(expected), "gram_matrix");
    if (spec.by_median() && spec.kind == KernelSpec::rbf)
      check_near(prepared.median * 16, median(x, [](double d) { return d; }),
                 50 * epsilon<B>() * prepared.median * 16, "median");
  }
}

template <Backend B>
void test_precomputed(B& b) {
  const Data x = normal_data(70, 5), y = normal_data(70, 9, Layout::rows, 0, 3);
  const KernelSpec rbf{KernelSpec::rbf, 2}, own{KernelSpec::precomputed};
  const Data k = make_data(70, 70, DType::f64, Layout::rows, gram(x, rbf).values);
  const Data l = make_data(70, 70, DType::f64, Layout::columns, gram(y, rbf).values);
  const Pairs pairs{1, 1};
  for (const Estimator estimator : {Estimator::biased, Estimator::unbiased}) {
    const Hsic measure{own, estimator};
    const Plan plan = make_plan(workload_of<B>(70, pairs, {70, 70}, own, 1e9), 1);
    const Prepared<B> all{b, measure, {&k, &l}, plan};
    const auto cka = cka_values(hsic_map<B>(b, measure, all.pointers, pairs, plan));
    const bool unbiased = estimator == Estimator::unbiased;
    const Host full_k = gram(k, own), full_l = gram(l, own);
    const double size = std::sqrt(hsic(full_k, full_k, unbiased) * hsic(full_l, full_l, unbiased));
    check_near(cka[0], hsic(full_k, full_l, unbiased) / size, 100 * epsilon<B>(), "precomputed");
  }
}

template <Backend B>
void test_all() {
  B b;
  for (const KernelSpec& spec : kernels) {
    for (const Estimator estimator : {Estimator::biased, Estimator::unbiased}) {
      for (const Layout layout : {Layout::rows, Layout::columns})
        test_hsic(b, spec, estimator, layout);
      test_distances(b, spec, estimator);
    }
    test_matrix(b, spec);
  }
  for (const int degree : {1, 2, 5}) {  // units that hardly vary about 2, 4, ...
    const KernelSpec spec{KernelSpec::polynomial, 0, 0, 0, 1, degree};
    test_hsic(b, spec, Estimator::biased, Layout::columns, 2);
    test_hsic(b, spec, Estimator::unbiased, Layout::rows, 2);
    test_matrix(b, spec, 2);
  }
  test_precomputed(b);
  test_undefined(b);
}

}  // namespace

/// Every rank of norms that are spread, nearly all equal, far apart, 0, or alone.
void test_order_of_norms() {
  const std::vector<double> all[] = {
      filled(1, 3), filled(500, 0), filled(7, 1e300), {1e-310, 0, 1e300, 0, 1, 1, 1e-310}};
  for (std::vector<double> norms : all) {
    for (std::size_t i = 0; i < norms.size(); i += 3) norms[i] += static_cast<double>(i * i % 101);
    std::vector<Index> rows(norms.size());
    std::iota(rows.begin(), rows.end(), Index{0});
    std::ranges::stable_sort(rows, {}, [&](Index i) { return norms[static_cast<std::size_t>(i)]; });
    OrderOfNorms order{norms};
    for (std::size_t k = 0; k < rows.size(); ++k)
      check(order[static_cast<Index>(k)] == rows[k], "order of norms");
  }
}

int main() {
  blas::use_one_thread();
  test_order_of_norms();
  test_all<Cpu<float>>();
  test_all<Cpu<double>>();
  return result();
}

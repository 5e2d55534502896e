// Tiles of distances that come from the differences of rows.
#include "check.hpp"
#include "gramian/cpu/blas_info.hpp"
#include "inputs.hpp"

using namespace gramian;
using namespace gramian::test;

namespace {

/// Differences of rows, also times factors, in a place where inner products have no digit of them.
template <class B>
void test_differences() {
  B b;
  const double tight = 1024 * epsilon<B>();
  const DType dtype = sizeof(typename B::scalar) == 4 ? DType::f32 : DType::f64;
  for (const Layout layout : {Layout::rows, Layout::columns})
    for (const Index cols : {1, 17, 600})
      for (const bool scaled : {false, true}) {
        auto values = filled(40 * cols, 0), factors = filled(40, 0);
        for (std::size_t k = 0; k < values.size(); ++k)
          values[k] = 1 + tight * static_cast<double>(k * k % 101);
        for (std::size_t k = 0; k < factors.size(); ++k)
          factors[k] = 1.25 + tight * static_cast<double>(k);
        const Data x = make_data(40, cols, dtype, layout, values);
        const auto layer = make_layer(b, x.source, Means::none(cols), 1);
        Panel<B> i, j;
        b.pack(layer, {3, 33}, i);
        b.pack(layer, {0, 31}, j);
        const auto there = b.upload(factors);
        auto tile = b.allocate(33 * 31);
        b.differences(i, j, scaled ? there.get() + 3 : nullptr, scaled ? there.get() : nullptr,
                      tile.get());
        const auto got = b.download(tile.get(), 33 * 31);
        for (Index r = 0; r < 33; ++r)
          for (Index c = 0; c < 31; ++c) {
            // xf - yg = (x - y)f + y(f - g), where differences are exact.
            const double f = scaled ? factors[static_cast<std::size_t>(3 + r)] : 1;
            const double g = scaled ? factors[static_cast<std::size_t>(c)] : 1;
            double expected = 0;
            for (Index k = 0; k < cols; ++k)
              expected -= std::pow((x(3 + r, k) - x(c, k)) * f + x(c, k) * (f - g), 2) / 2;
            check_near(got[static_cast<std::size_t>(r * 31 + c)], expected,
                       50 * epsilon<B>() * (std::abs(expected) + tight * tight), "differences");
          }
      }
}

}  // namespace

int main() {
  blas::use_one_thread();
  test_differences<Cpu<float>>();
  test_differences<Cpu<double>>();
  return result();
}

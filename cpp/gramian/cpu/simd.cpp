// Compiled once a level, each time with other machine flags and another GRAMIAN_SIMD_TABLE. All of
// it, the headers that are its parts included, is local to the file: an inline function compiled
// here for AVX-512 and kept by the linker for everyone would crash older processors, hence also no
// standard library beyond <cmath>.
#include "simd.hpp"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include <cmath>
#include <cstring>

#include "simd_lasso.hpp"
#include "simd_products.hpp"
#include "simd_read.hpp"

namespace gramian::simd {
namespace {

using std::int32_t;
using std::int64_t;

// --- exp(x) and exp(x) - 1 for x <= 0 ------------------------------------------------------------

// x = k ln2 + r, |r| <= ln2 / 2, and exp(r) - 1 by its Taylor polynomial q:
// exp(x) = 2^k q + 2^k, exp(x) - 1 = 2^k q + (2^k - 1).
struct ExpFloat {
  using Bits = int32_t;
  static constexpr float lowest = -87, log2e = 1.44269504F;  // exp(lowest) is a normal number
  static constexpr float ln2_high = 0.693145752F, ln2_low = 1.42860677e-6F;
  static constexpr int mantissa = 23, bias = 127, terms = 8;
};
struct ExpDouble {
  using Bits = int64_t;
  static constexpr double lowest = -708, log2e = 1.4426950408889634;
  static constexpr double ln2_high = 0.693147180369123816490, ln2_low = 1.90821492927058770002e-10;
  static constexpr int mantissa = 52, bias = 1023, terms = 14;
};
template <class T>
struct ExpOf;
template <>
struct ExpOf<float> : ExpFloat {};
template <>
struct ExpOf<double> : ExpDouble {};

constexpr double inverse_factorial(int n) { return n <= 1 ? 1.0 : inverse_factorial(n - 1) / n; }

/// 1/N! + r/(N+1)! + ... up to 1/Last!, by Horner's rule.
template <class T, int N, int Last>
T taylor(T r) {
  if constexpr (N == Last)
    return T(inverse_factorial(N));
  else
    return taylor<T, N + 1, Last>(r) * r + T(inverse_factorial(N));
}

template <bool MinusOne, class T>
T exp_negative(T x) {
  using E = ExpOf<T>;
  x = x < E::lowest ? E::lowest : x;
  // Adding 1.5 * 2^mantissa rounds to an integer and leaves it in the low bits of the sum.
  constexpr T shifter = T(3LL << (E::mantissa - 1));
  const T shifted = x * E::log2e + shifter;
  const T k = shifted - shifter;
  const T r = (x - k * E::ln2_high) - k * E::ln2_low;
  typename E::Bits bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + E::bias) << E::mantissa;
  T power;
  std::memcpy(&power, &bits, sizeof power);
  const T q = taylor<T, 1, E::terms>(r) * r;
  return power * q + (MinusOne ? power - T(1) : power);
}

// --- tiles ---------------------------------------------------------------------------------------

template <class T>
T square_root(T x) {
  if constexpr (sizeof(T) == sizeof(float))
    return __builtin_sqrtf(x);
  else
    return __builtin_sqrt(x);
}

/// |xᵢ - xⱼ|² from the inner product and the norms, which cancel for near neighbours. Rows with the
/// same norm whose distance drowns in rounding are taken for equal, so that duplicates are exactly
/// 0 apart whatever the order of GEMM's sums.
template <class T>
T squared_distance(T g, T si, T sj) {
  constexpr T rounding = sizeof(T) == sizeof(float) ? T(64 * 0x1p-23) : T(64 * 0x1p-52);
  const T squared = si + sj - T(2) * g;
  const T least = si == sj ? rounding * si : T(0);
  return squared > least ? squared : T(0);
}

template <class T>
struct InnerProductTile {
  T operator()(T g, T, T) const { return g; }
};
template <class T, bool MinusOne>
struct RbfTile {
  T gamma;
  T operator()(T g, T si, T sj) const {
    return exp_negative<MinusOne, T>(-gamma * squared_distance(g, si, sj));
  }
};
template <class T, bool MinusOne>
struct LaplacianTile {
  T gamma;
  T operator()(T g, T si, T sj) const {
    return exp_negative<MinusOne, T>(-gamma * square_root(squared_distance(g, si, sj)));
  }
};
template <class T>
struct DistanceTile {
  T operator()(T g, T si, T sj) const { return -square_root(squared_distance(g, si, sj)); }
};
template <class T>
struct PolynomialTile {
  T factor, constant, unit;
  int degree;
  T operator()(T g, T, T) const {
    const T base = factor * g + constant;
    T power = unit;
    for (int k = 0; k < degree; ++k) power *= base;
    return power;
  }
};
template <class T>
struct CosineTile {
  T operator()(T g, T si, T sj) const {
    const T squared = si * sj;
    return squared > T(0) ? g / square_root(squared) : T(0);
  }
};

/// Within a tile the sums run in T: at most a few hundred near-centred values of size 1.
template <class T, class K>
void apply_tile(K k, T* tile, Index rows, Index cols, Side<T> side_i, Side<T> side_j,
                double* row_sums, double* col_sums) {
  constexpr Index strip = 512;  // columns at a time, so that their sums stay in cache
  for (Index first = 0; first < cols; first += strip) {
    const Index count = cols - first < strip ? cols - first : strip;
    const T* const sj = side_j.squared_norms + first;
    const T* const aj = side_j.shift + first;
    T sums[strip] = {};
    for (Index i = 0; i < rows; ++i) {
      T* const row = tile + i * cols + first;
      const T si = side_i.squared_norms[i], ai = side_i.shift[i];
      T sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index j = 0; j < count; ++j) {
        const T v = k(row[j], si, sj[j]) - ai - aj[j];
        row[j] = v;
        sum += v;
        sums[j] += v;
      }
      row_sums[i] += double{sum};
    }
    for (Index j = 0; j < count; ++j) col_sums[first + j] += double{sums[j]};
  }
}

template <class T>
void apply(const TileKernel& k, T* tile, Index rows, Index cols, Side<T> i, Side<T> j,
           double* row_sums, double* col_sums) {
  const auto as = [&](auto f) { apply_tile(f, tile, rows, cols, i, j, row_sums, col_sums); };
  switch (k.kind) {
    case TileKernel::inner_product: return as(InnerProductTile<T>{});
    case TileKernel::rbf:
      return k.minus_one ? as(RbfTile<T, true>{T(k.gamma)}) : as(RbfTile<T, false>{T(k.gamma)});
    case TileKernel::laplacian:
      return k.minus_one ? as(LaplacianTile<T, true>{T(k.gamma)})
                         : as(LaplacianTile<T, false>{T(k.gamma)});
    case TileKernel::distance: return as(DistanceTile<T>{});
    case TileKernel::polynomial:
      return as(PolynomialTile<T>{T(k.factor), T(k.constant), T(k.unit), k.degree});
    case TileKernel::cosine: return as(CosineTile<T>{});
  }
}

template <class T>
void squared_distances(T* tile, Index rows, Index cols, Side<T> side_i, Side<T> side_j) {
  const T* const sj = side_j.squared_norms;
  for (Index i = 0; i < rows; ++i) {
    T* const row = tile + i * cols;
    const T si = side_i.squared_norms[i];
#pragma omp simd
    for (Index j = 0; j < cols; ++j) row[j] = squared_distance(row[j], si, sj[j]);
  }
}

/// Writes the cells of the values that have one to `picked`, without a branch; returns how many,
/// and adds to `below` those before the first cell. Values are never negative, so signed bit
/// patterns are ordered like them.
template <class T, class Bits>
Index pick(const T* values, Index n, Bits first, int shift, Bits size, Bits* picked,
           std::uint64_t& below) {
  Index inside = 0, i = 0;
#ifdef __AVX512F__
  // A compressing store is four times as fast, and no compiler here finds it by itself.
  constexpr Index lanes = 64 / sizeof(T);
  const __m128i count = _mm_cvtsi32_si128(shift);
  for (; i + lanes <= n; i += lanes) {
    const __m512i bits = _mm512_loadu_si512(values + i);
    if constexpr (sizeof(T) == sizeof(float)) {
      const __m512i start = _mm512_set1_epi32(first);
      const __m512i cell = _mm512_sra_epi32(_mm512_sub_epi32(bits, start), count);
      const __mmask16 before = _mm512_cmplt_epi32_mask(bits, start);
      const __mmask16 in = _mm512_mask_cmplt_epi32_mask(~before, cell, _mm512_set1_epi32(size));
      _mm512_storeu_si512(picked + inside, _mm512_maskz_compress_epi32(in, cell));
      below += static_cast<unsigned>(__builtin_popcount(before));
      inside += __builtin_popcount(in);
    } else {
      const __m512i start = _mm512_set1_epi64(first);
      const __m512i cell = _mm512_sra_epi64(_mm512_sub_epi64(bits, start), count);
      const __mmask8 before = _mm512_cmplt_epi64_mask(bits, start);
      const __mmask8 in = _mm512_mask_cmplt_epi64_mask(static_cast<__mmask8>(~before), cell,
                                                       _mm512_set1_epi64(size));
      _mm512_storeu_si512(picked + inside, _mm512_maskz_compress_epi64(in, cell));
      below += static_cast<unsigned>(__builtin_popcount(before));
      inside += __builtin_popcount(in);
    }
  }
#endif
  for (; i < n; ++i) {
    Bits bits;
    std::memcpy(&bits, values + i, sizeof bits);
    const Bits cell = (bits - first) >> shift;
    below += bits < first;
    picked[inside] = cell;
    inside += bits >= first && cell < size;
  }
  return inside;
}

template <class T>
std::uint64_t count(const T* values, Index n, const Bins& bins) {
  using Bits = typename ExpOf<T>::Bits;
  constexpr Index strip = 1024;
  Bits picked[strip + 16];  // a vector more: compressed lanes are stored whole
  std::uint64_t below = 0;
  for (Index start = 0; start < n; start += strip) {
    const Index length = n - start < strip ? n - start : strip;
    const Index inside = pick(values + start, length, static_cast<Bits>(bins.first), bins.shift,
                              static_cast<Bits>(bins.size), picked, below);
    for (Index i = 0; i < inside; ++i) ++bins.cells[picked[i]];
  }
  return below;
}

template <class T>
double dot(const T* x, const T* y, Index n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < n; ++i) sum += double{x[i]} * double{y[i]};
  return sum;
}

template <class T>
void accumulate(const T* x, Index n, double* acc) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) acc[i] += double{x[i]};
}

template <class T>
void accumulate_squares(const T* x, Index n, double* acc) {
#pragma omp simd
  for (Index i = 0; i < n; ++i) acc[i] += double{x[i]} * double{x[i]};
}

template <class T>
constexpr Kernels<T> all_kernels = {
    pack<T>, squared_norms<T>, apply<T>,      squared_distances<T>, count<T>,
    dot<T>,  row_products<T>,  accumulate<T>, accumulate_squares<T>};

}  // namespace

extern const Table GRAMIAN_SIMD_TABLE;
const Table GRAMIAN_SIMD_TABLE = {GRAMIAN_SIMD_LEVEL, all_kernels<float>, all_kernels<double>,
                                  column_sums, lasso_kernels};

}  // namespace gramian::simd

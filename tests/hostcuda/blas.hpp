// The routines of the bundled BLAS and LAPACK (column-major, 64-bit integers) that the stand-ins
// compute with, by element type.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hostcuda::blas {

using Int = std::int64_t;
using Length = std::size_t;  // of a character, which Fortran passes last

template <class T>
using Gemm = void(const char*, const char*, const Int*, const Int*, const Int*, const T*, const T*,
                  const Int*, const T*, const Int*, const T*, T*, const Int*, Length, Length);
template <class T>
using Syrk = void(const char*, const char*, const Int*, const Int*, const T*, const T*, const Int*,
                  const T*, T*, const Int*, Length, Length);
template <class T>
using Potrf = void(const char*, const Int*, T*, const Int*, Int*, Length);
template <class T>
using Trtri = void(const char*, const char*, const Int*, T*, const Int*, Int*, Length, Length);
template <class T>
using Geqrf = void(const Int*, const Int*, T*, const Int*, T*, T*, const Int*, Int*);
template <class T>
using Gesvd = void(const char*, const char*, const Int*, const Int*, T*, const Int*, T*, T*,
                   const Int*, T*, const Int*, T*, const Int*, Int*, Length, Length);
using Syevd = void(const char*, const char*, const Int*, double*, const Int*, double*, double*,
                   const Int*, Int*, const Int*, Int*, Length, Length);

extern "C" {
Gemm<float> scipy_sgemm_64_;
Gemm<double> scipy_dgemm_64_;
Syrk<float> scipy_ssyrk_64_;
Syrk<double> scipy_dsyrk_64_;
Potrf<float> scipy_spotrf_64_;
Potrf<double> scipy_dpotrf_64_;
Trtri<float> scipy_strtri_64_;
Trtri<double> scipy_dtrtri_64_;
Geqrf<float> scipy_sgeqrf_64_;
Geqrf<double> scipy_dgeqrf_64_;
Gesvd<float> scipy_sgesvd_64_;
Gesvd<double> scipy_dgesvd_64_;
Syevd scipy_dsyevd_64_;
void scipy_openblas_set_num_threads64_(int);
}

template <class T>
inline Gemm<T>* const gemm = nullptr;
template <>
inline Gemm<float>* const gemm<float> = scipy_sgemm_64_;
template <>
inline Gemm<double>* const gemm<double> = scipy_dgemm_64_;

template <class T>
inline Syrk<T>* const syrk = nullptr;
template <>
inline Syrk<float>* const syrk<float> = scipy_ssyrk_64_;
template <>
inline Syrk<double>* const syrk<double> = scipy_dsyrk_64_;

template <class T>
inline Potrf<T>* const potrf = nullptr;
template <>
inline Potrf<float>* const potrf<float> = scipy_spotrf_64_;
template <>
inline Potrf<double>* const potrf<double> = scipy_dpotrf_64_;

template <class T>
inline Trtri<T>* const trtri = nullptr;
template <>
inline Trtri<float>* const trtri<float> = scipy_strtri_64_;
template <>
inline Trtri<double>* const trtri<double> = scipy_dtrtri_64_;

template <class T>
inline Geqrf<T>* const geqrf = nullptr;
template <>
inline Geqrf<float>* const geqrf<float> = scipy_sgeqrf_64_;
template <>
inline Geqrf<double>* const geqrf<double> = scipy_dgeqrf_64_;

template <class T>
inline Gesvd<T>* const gesvd = nullptr;
template <>
inline Gesvd<float>* const gesvd<float> = scipy_sgesvd_64_;
template <>
inline Gesvd<double>* const gesvd<double> = scipy_dgesvd_64_;

}  // namespace hostcuda::blas

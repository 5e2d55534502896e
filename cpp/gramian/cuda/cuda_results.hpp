// The operations of Cuda<T> on matrices that a call returns: a part of cuda.hpp.
#pragma once

namespace gramian {

template <class T>
void Cuda<T>::release_inputs() {
  debts_.pay(context_);
  cuda::check(cudaStreamSynchronize(stream()), "waiting for the device");
  context_.has_waited();
}

template <class T>
void Cuda<T>::place(const T* tile, Rows i, Rows j, double unit, T* out, Index n) {
  cuda::place(stream(), tile, i, j, unit, out, n);
}

template <class T>
void Cuda<T>::subtract_means(T* x, Index n, std::span<const double> means) {
  const auto on_device = cuda::allocate<double>(context_, n);
  cuda::to_device<double>(context_, means, on_device.get());
  cuda::subtract_sums(stream(), x, n, n, on_device.get(), on_device.get());
}

template <class T>
Matrix<Cuda<double>> Cuda<T>::widen(View<Cuda> x, double factor) {
  Wide w = wide();
  Matrix<Wide> out(w, x.rows, x.cols);
  cuda::widen(stream(), x.data, x.rows * x.cols, factor, out.mutable_data());
  return out;
}

template <class T>
void Cuda<T>::correlate(Matrix<Cuda>& x, std::span<const double> u, std::span<const double> v,
                        bool own) {
  const auto norms = cuda::allocate<double>(context_, x.rows + x.cols);
  cuda::to_device<double>(context_, u, norms.get());
  cuda::to_device<double>(context_, v, norms.get() + x.rows);
  cuda::correlate(stream(), x.mutable_data(), x.rows, x.cols, norms.get(), norms.get() + x.rows,
                  own);
}

}  // namespace gramian

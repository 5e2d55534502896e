#include "device_array.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "../gramian/cuda/kernels.hpp"
#include "gil.hpp"

namespace gramian {

DeviceMemory::~DeviceMemory() {
  if (cuda::is_forked()) {
    memory.release();
    return;
  }
  if (!read_by_default && !read_by_others) return;
  off_the_gil_if_held([this] {  // what a stream is at may need it: a function of the host
    try {
      const cuda::DeviceGuard guard{device};
      if (read_by_others)
        cuda::check(cudaDeviceSynchronize(), "waiting for the device");
      else
        cuda::wait_for(stream(), cudaStreamLegacy);
    } catch (const std::exception&) {  // of a device that is lost nobody can be told
    }
  });
}

Source DeviceArray::source() const {
  if (shape.size() != 2) throw std::invalid_argument("an array must be 2-D");
  return {data, parse_dtype(dtype), shape[0], shape[1], strides[0], strides[1]};
}

DeviceArray upload(const py::array& array, const std::string& dtype, int device) {
  const Source from = source_of(array, dtype);
  const Index size = size_of(parse_dtype(dtype));
  const bool by_rows = from.col_stride == 1;
  if (!by_rows && from.row_stride != 1)
    throw std::invalid_argument("an array must have contiguous rows or columns to be uploaded");
  const Index length = by_rows ? from.cols : from.rows, lines = by_rows ? from.rows : from.cols;
  const Index stride = lines == 1 ? length : by_rows ? from.row_stride : from.col_stride;
  const auto bytes = [size](Index n) { return static_cast<std::size_t>(n * size); };

  cuda::Memory<std::byte> memory;
  {
    const OffTheGil off;
    const cuda::DeviceGuard guard{device};
    cuda::Context& context = cuda::context();
    memory = cuda::allocate<std::byte>(context, size * length * lines);
    cuda::Drain drain{context.stream};
    const auto* const data = static_cast<const std::byte*>(from.data);
    if (stride >= length) {
      cuda::check(cudaMemcpy2DAsync(memory.get(), bytes(length), data, bytes(stride), bytes(length),
                                    static_cast<std::size_t>(lines), cudaMemcpyHostToDevice,
                                    context.stream),
                  "copying to the device");
    } else {  // lines that overlap or run backwards
      for (Index k = 0; k < lines; ++k)
        cuda::check(cudaMemcpyAsync(memory.get() + k * size * length, data + k * size * stride,
                                    bytes(length), cudaMemcpyHostToDevice, context.stream),
                    "copying to the device");
    }
    drain.wait();
  }
  auto* const data = memory.get();
  return {.data = data,
          .device = device,
          .dtype = dtype,
          .shape = {from.rows, from.cols},
          .strides = by_rows ? std::vector<Index>{length, 1} : std::vector<Index>{1, length},
          .memory = std::make_shared<DeviceMemory>(std::move(memory), device)};
}

namespace {

/// That of the calling thread on the device of an array, which is the current one: its stream comes
/// after what fills the array.
cuda::Context& context_for(const DeviceArray& array) {
  cuda::Context& own = cuda::context();
  if (array.memory && own.stream != array.memory->stream())
    cuda::wait_for(own.stream, array.memory->stream());
  return own;
}

/// What find(context, memory on the device) writes of n numbers.
template <class N, class Find>
py::array_t<N> found_of(const DeviceArray& array, const std::vector<Index>& shape, Index n,
                        const Find& find) {
  std::vector<N> found;
  {
    const OffTheGil off;
    const cuda::DeviceGuard guard{array.device};
    cuda::Context& context = context_for(array);
    const auto memory = cuda::allocate<N>(context, n);
    find(context.stream, memory.get());
    found = cuda::to_host(context, memory.get(), n);
  }
  return py::array_t<N>(shape, found.data());
}

py::dtype numpy_type(const DeviceArray& array) {
  return py::dtype{parse_dtype(array.dtype) == DType::bf16 ? "uint16" : array.dtype};
}

/// A copy of a matrix whose rows or columns are contiguous and apart, also where the lines run
/// backwards; nothing of any other.
std::optional<py::array> lines_to_numpy(const DeviceArray& array) {
  if (array.shape.size() != 2) return {};
  const auto adjacent = [&](std::size_t k) { return array.strides[k] == 1 || array.shape[k] == 1; };
  const std::size_t along = adjacent(1) ? 1 : 0, across = 1 - along;
  const Index length = array.shape[along], lines = array.shape[across];
  const Index stride = lines == 1 ? length : array.strides[across];
  const bool backwards = stride < 0;
  if (!adjacent(along) || std::abs(stride) < length || length * lines == 0) return {};
  const Index size = size_of(parse_dtype(array.dtype));
  const auto bytes = [size](Index n) { return static_cast<std::size_t>(n * size); };
  std::vector<py::ssize_t> strides(2);
  strides[along] = size;
  strides[across] = length * size;
  py::array out{numpy_type(array), array.shape, strides};
  void* const to = out.mutable_data();
  const auto* const first =
      static_cast<const std::byte*>(array.data) + (backwards ? (lines - 1) * stride * size : 0);
  {
    const OffTheGil off;
    const cuda::DeviceGuard guard{array.device};
    cuda::Context& own = context_for(array);
    cuda::Drain drain{own.stream};
    cuda::check(
        cudaMemcpy2DAsync(to, bytes(length), first, bytes(std::abs(stride)), bytes(length),
                          static_cast<std::size_t>(lines), cudaMemcpyDeviceToHost, own.stream),
        "copying from the device");
    drain.wait();
  }
  if (!backwards) return out;
  const py::slice all, turned{{}, {}, -1};
  return py::array{out[across == 0 ? py::make_tuple(turned, all) : py::make_tuple(all, turned)]};
}

}  // namespace

DeviceArray device_array_of_dlpack(const py::object& capsule) {
  constexpr int cuda_memory = 2, managed_memory = 13;
  DlpackTensor t = open_dlpack(capsule);
  if (t.device_type != cuda_memory && t.device_type != managed_memory)
    throw std::invalid_argument("it is not in CUDA memory (device type " +
                                std::to_string(t.device_type) + ")");
  return {t.data,
          t.device,
          std::move(t.dtype),
          std::move(t.shape),
          std::move(t.strides),
          std::move(t.owner)};
}

DeviceArray device_array_at(std::uintptr_t address, const std::vector<Index>& shape,
                            const std::optional<std::vector<Index>>& strides,
                            const std::string& dtype, std::optional<std::uintptr_t> stream,
                            const py::object& owner) {
  auto* const data = reinterpret_cast<void*>(address);
  cudaPointerAttributes attributes{};
  cuda::check(cudaPointerGetAttributes(&attributes, data), "asking for the device of an array");
  if (attributes.type != cudaMemoryTypeDevice && attributes.type != cudaMemoryTypeManaged)
    throw std::invalid_argument("its address is not in CUDA memory");
  DeviceArray array{data, attributes.device, dtype, shape, std::vector<Index>(shape.size()), owner};
  Index step = 1;
  for (std::size_t k = shape.size(); k-- > 0;) {
    if (strides && (*strides)[k] % size_of(parse_dtype(dtype)) != 0)
      throw std::invalid_argument("its strides are no whole elements");
    array.strides[k] = strides ? (*strides)[k] / size_of(parse_dtype(dtype)) : step;
    step *= shape[k];
  }
  if (stream) {
    const cuda::DeviceGuard guard{array.device};
    cuda::wait_for(cuda::context().stream, reinterpret_cast<cudaStream_t>(*stream));
  }
  return array;
}

py::array_t<Index> first_not_finite(const DeviceArray& array) {
  const Source source = array.source();
  return found_of<Index>(array, {source.cols}, source.cols, [&](cudaStream_t stream, Index* rows) {
    cuda::first_not_finite(stream, source, rows);
  });
}

py::array_t<double> row_facts(const DeviceArray& array) {
  const Source source = array.source();
  if (source.rows != source.cols) throw std::invalid_argument("an array must be square");
  return found_of<double>(
      array, {3, source.rows}, 3 * source.rows,
      [&](cudaStream_t stream, double* out) { cuda::row_facts(stream, source, out); });
}

py::array_t<double> largest_in_rows(const DeviceArray& array, bool absolute) {
  const Source source = array.source();
  if (source.col_stride != 1 || source.row_stride != source.cols)
    throw std::invalid_argument("an array must have adjacent rows");
  const auto find = [&]<class T>(cudaStream_t stream, const T* data, double* out) {
    cuda::largest_in_rows(stream, data, source.rows, source.cols, absolute, out);
  };
  return found_of<double>(array, {2, source.rows}, 2 * source.rows,
                          [&](cudaStream_t stream, double* out) {
                            if (source.dtype == DType::f32)
                              find(stream, static_cast<const float*>(source.data), out);
                            else if (source.dtype == DType::f64)
                              find(stream, static_cast<const double*>(source.data), out);
                            else
                              throw std::invalid_argument("an array must be of floats");
                          });
}

std::uintptr_t stream_of(int device) {
  const cuda::DeviceGuard guard{device};
  return reinterpret_cast<std::uintptr_t>(cuda::context().stream);
}

DeviceArray look_at(const DeviceArray& array, Index offset, const std::vector<Index>& shape,
                    const std::vector<Index>& strides) {
  DeviceArray part = array;
  part.data = static_cast<std::byte*>(array.data) + offset * size_of(parse_dtype(array.dtype));
  part.shape = shape;
  part.strides = strides;
  return part;
}

py::array to_numpy(const DeviceArray& array) {
  if (std::optional<py::array> lines = lines_to_numpy(array)) return std::move(*lines);
  // All that lies between the first element and the last, in which the array is a view.
  Index first = 0, last = 0;
  for (std::size_t k = 0; k < array.shape.size(); ++k)
    (array.strides[k] < 0 ? first : last) += (array.shape[k] - 1) * array.strides[k];
  const Index size = size_of(parse_dtype(array.dtype));
  auto bytes = [&] {
    const OffTheGil off;
    const cuda::DeviceGuard guard{array.device};
    return cuda::to_host(context_for(array),
                         static_cast<const std::byte*>(array.data) + first * size,
                         (last - first + 1) * size);
  }();
  auto* const kept = new std::vector<std::byte>(std::move(bytes));
  const py::capsule owner{kept, [](void* p) { delete static_cast<std::vector<std::byte>*>(p); }};
  std::vector<py::ssize_t> strides;
  for (const Index stride : array.strides) strides.push_back(stride * size);
  return {numpy_type(array), array.shape, strides, kept->data() - first * size, owner};
}

}  // namespace gramian

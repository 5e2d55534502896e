#include "device_array.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace gramian {

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

  const cuda::DeviceGuard guard{device};
  cuda::Context& context = cuda::context();
  auto memory = cuda::allocate<std::byte>(context, size * length * lines);
  {
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
          .memory = std::make_shared<DeviceMemory>(std::move(memory))};
}

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
    cuda::wait_for(cuda::context(), reinterpret_cast<cudaStream_t>(*stream));
  }
  return array;
}

std::uintptr_t stream_of(int device) {
  const cuda::DeviceGuard guard{device};
  return reinterpret_cast<std::uintptr_t>(cuda::context().stream);
}

py::array to_numpy(const DeviceArray& array) {
  // All that lies between the first element and the last, in which the array is a view.
  Index first = 0, last = 0;
  for (std::size_t k = 0; k < array.shape.size(); ++k)
    (array.strides[k] < 0 ? first : last) += (array.shape[k] - 1) * array.strides[k];
  const Index size = size_of(parse_dtype(array.dtype));
  auto bytes = [&] {
    const cuda::DeviceGuard guard{array.device};
    return cuda::to_host(cuda::context(), static_cast<const std::byte*>(array.data) + first * size,
                         (last - first + 1) * size);
  }();
  auto* const kept = new std::vector<std::byte>(std::move(bytes));
  const py::capsule owner{kept, [](void* p) { delete static_cast<std::vector<std::byte>*>(p); }};
  std::vector<py::ssize_t> strides;
  for (const Index stride : array.strides) strides.push_back(stride * size);
  const py::dtype type{parse_dtype(array.dtype) == DType::bf16 ? "uint16" : array.dtype};
  return {type, array.shape, strides, kept->data() - first * size, owner};
}

}  // namespace gramian

// Arrays on a device lent to other libraries, by DLPack and by CUDA's array interface.
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device_array.hpp"
#include "dlpack.hpp"

namespace gramian {
namespace {

using namespace dlpack;

constexpr int cuda_memory = 2;

/// What a capsule points into, in C++ alone: a consumer may let it go on any thread, without the
/// GIL.
template <class M>
struct Lent {
  M managed{};
  std::vector<std::int64_t> shape, strides;
  std::shared_ptr<DeviceMemory> memory;
};

template <class M>
constexpr const char* name_of_capsule() {
  return std::is_same_v<M, Managed> ? "dltensor" : "dltensor_versioned";
}

template <class M>
py::capsule lend(const DeviceArray& array) {
  auto lent = std::make_unique<Lent<M>>(
      Lent<M>{.shape = array.shape, .strides = array.strides, .memory = array.memory});
  const NamedType& type = type_named(array.dtype);
  M& managed = lent->managed;
  managed.tensor = {array.data,
                    {cuda_memory, array.device},
                    static_cast<std::int32_t>(array.shape.size()),
                    type.code,
                    type.bits,
                    1,
                    lent->shape.data(),
                    lent->strides.data(),
                    0};
  if constexpr (std::is_same_v<M, ManagedVersioned>) managed.major = 1;
  managed.context = lent.get();
  managed.deleter = [](M* one) { delete static_cast<Lent<M>*>(one->context); };
  PyObject* const capsule = PyCapsule_New(&managed, name_of_capsule<M>(), [](PyObject* unused) {
    if (!PyCapsule_IsValid(unused, name_of_capsule<M>())) return;  // a consumer has it
    auto* one = static_cast<M*>(PyCapsule_GetPointer(unused, name_of_capsule<M>()));
    one->deleter(one);
  });
  if (capsule == nullptr) throw py::error_already_set();
  lent.release();
  return py::reinterpret_steal<py::capsule>(capsule);
}

void check_ours(const DeviceArray& array) {
  if (!array.memory) throw py::buffer_error("the memory is another's, who can lend it");
}

}  // namespace

py::capsule to_dlpack(const DeviceArray& array, const Wish& wish) {
  check_ours(array);
  if (wish.device && *wish.device != std::pair<Index, Index>{cuda_memory, array.device})
    throw py::buffer_error("the array is on cuda:" + std::to_string(array.device) +
                           "; its method numpy() copies it to the CPU");
  if (wish.copy.value_or(false)) throw py::buffer_error("the array is not copied");
  constexpr Index no_stream = -1, legacy = 1;
  const Index stream = wish.stream.value_or(legacy);
  if (stream == 0 || stream < no_stream)
    throw std::invalid_argument("stream must be None, -1 or the number of a stream above 0, got " +
                                std::to_string(stream) + ".");
  if (stream != no_stream) {
    const cuda::DeviceGuard guard{array.device};
    cuda::wait_for(reinterpret_cast<cudaStream_t>(stream), array.memory->stream());
  }
  (stream == legacy ? array.memory->read_by_default : array.memory->read_by_others) = true;
  return wish.max_version && wish.max_version->first >= 1 ? lend<ManagedVersioned>(array)
                                                          : lend<Managed>(array);
}

py::dict cuda_array_interface(const DeviceArray& array) {
  check_ours(array);
  array.memory->read_by_others = true;
  const Index size = size_of(parse_dtype(array.dtype));
  std::vector<Index> strides;
  for (const Index stride : array.strides) strides.push_back(stride * size);
  py::dict d;
  d["shape"] = py::tuple(py::cast(array.shape));
  d["typestr"] = py::dtype{array.dtype}.attr("str");
  d["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(array.data), false);
  d["version"] = 3;
  d["strides"] = py::tuple(py::cast(strides));
  d["stream"] = reinterpret_cast<std::uintptr_t>(array.memory->stream());
  return d;
}

}  // namespace gramian

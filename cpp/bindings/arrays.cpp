#include "arrays.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dlpack.hpp"

namespace gramian {
namespace {

using namespace dlpack;

/// Takes the tensor out of its capsule: the returned owner frees it when the array is gone.
template <class M>
py::capsule take(const py::capsule& capsule, const char* used_name) {
  auto* managed = static_cast<M*>(PyCapsule_GetPointer(capsule.ptr(), capsule.name()));
  if (managed == nullptr) throw py::error_already_set();
  PyCapsule_SetName(capsule.ptr(), used_name);
  return {managed, [](void* p) {
            auto* owned = static_cast<M*>(p);
            if (owned->deleter != nullptr) owned->deleter(owned);
          }};
}

const NamedType& type_of(const DLTensor& t) {
  for (const NamedType& type : types)
    if (t.code == type.code && t.bits == type.bits && t.lanes == 1) return type;
  throw py::type_error("its element type is not supported (code " + std::to_string(t.code) + ", " +
                       std::to_string(t.bits) + " bits, " + std::to_string(t.lanes) + " lanes)");
}

/// Refuses strides of a tensor with elements that leave the range of addresses.
void check_reach(const DlpackTensor& tensor, Index element) {
  Index below = 0, above = 0;
  for (std::size_t k = 0; k < tensor.shape.size(); ++k) {
    const Index steps = tensor.shape[k] - 1;
    Index bytes = 0;
    if (__builtin_mul_overflow(tensor.strides[k], element, &bytes) ||
        __builtin_mul_overflow(bytes, steps, &bytes) ||
        __builtin_add_overflow(bytes < 0 ? below : above, bytes, bytes < 0 ? &below : &above))
      throw std::invalid_argument("its strides reach beyond any memory");
  }
}

/// Refuses what a producer must not hand out, and what would be read as memory that it is not.
void check(const DLTensor& t) {
  constexpr int most = 32;  // numpy's, before its version 2
  if (t.ndim < 0 || t.ndim > most)
    throw std::invalid_argument("it says that it has " + std::to_string(t.ndim) + " dimensions");
  if (t.ndim > 0 && t.shape == nullptr) throw std::invalid_argument("it has no shape");
  Index size = 1;
  for (int k = 0; k < t.ndim; ++k)
    if (t.shape[k] < 0 || __builtin_mul_overflow(size, t.shape[k], &size))
      throw std::invalid_argument("its dimension " + std::to_string(k) + " is " +
                                  std::to_string(t.shape[k]));
  // The first pages of memory are nobody's: what is there is an offset to a null pointer, as of a
  // view of memory that was freed.
  constexpr std::uintptr_t first_page = 4096;
  if (size > 0 && reinterpret_cast<std::uintptr_t>(t.data) + t.byte_offset < first_page)
    throw std::invalid_argument("it has no memory (a null pointer)");
}

DlpackTensor opened(const DLTensor& t, py::capsule owner) {
  check(t);
  DlpackTensor tensor{static_cast<std::byte*>(t.data) + t.byte_offset,
                      t.device.type,
                      t.device.id,
                      type_of(t).name,
                      {t.shape, t.shape + t.ndim},
                      std::vector<Index>(static_cast<std::size_t>(t.ndim)),
                      std::move(owner)};
  Index step = 1;
  for (std::size_t k = tensor.shape.size(); k-- > 0;) {
    tensor.strides[k] = t.strides != nullptr ? t.strides[k] : step;
    step *= tensor.shape[k];
  }
  if (std::ranges::find(tensor.shape, 0) == tensor.shape.end())
    check_reach(tensor, size_of(parse_dtype(tensor.dtype)));
  return tensor;
}

}  // namespace

DType parse_dtype(const std::string& name) { return type_named(name).dtype; }

Source source_of(const py::array& array, const std::string& dtype) {
  if (array.ndim() != 2) throw std::invalid_argument("an array must be 2-D");
  const auto size = array.itemsize();
  return {array.data(),   parse_dtype(dtype),      array.shape(0),
          array.shape(1), array.strides(0) / size, array.strides(1) / size};
}

DlpackTensor open_dlpack(const py::object& given) {
  if (!PyCapsule_CheckExact(given.ptr()))
    throw py::type_error("its __dlpack__ returned no capsule");
  const auto capsule = py::reinterpret_borrow<py::capsule>(given);
  const char* const named = capsule.name();
  const std::string name = named == nullptr ? "" : named;
  if (name == "dltensor") {
    auto owner = take<Managed>(capsule, "used_dltensor");
    const DLTensor& tensor = owner.get_pointer<Managed>()->tensor;
    return opened(tensor, std::move(owner));
  }
  if (name == "dltensor_versioned") {
    auto owner = take<ManagedVersioned>(capsule, "used_dltensor_versioned");
    const auto* managed = owner.get_pointer<ManagedVersioned>();
    if (managed->major != 1)
      throw py::type_error("version " + std::to_string(managed->major) +
                           " of its protocol is not supported");
    return opened(managed->tensor, std::move(owner));
  }
  if (name.starts_with("used_")) throw py::type_error("its capsule was used before");
  throw py::type_error("its capsule is none of DLPack");
}

py::tuple from_dlpack(const py::object& capsule) {
  const DlpackTensor t = open_dlpack(capsule);
  constexpr int plain = 1, pinned_for_cuda = 3, pinned_for_rocm = 11;
  if (t.device_type != plain && t.device_type != pinned_for_cuda &&
      t.device_type != pinned_for_rocm)
    throw std::invalid_argument("it is not in CPU memory (device type " +
                                std::to_string(t.device_type) + ")");
  std::vector<py::ssize_t> strides;
  for (const Index stride : t.strides) strides.push_back(stride * size_of(parse_dtype(t.dtype)));
  const py::dtype type{parse_dtype(t.dtype) == DType::bf16 ? "uint16" : t.dtype};
  return py::make_tuple(py::array(type, t.shape, strides, t.data, t.owner), t.dtype);
}

}  // namespace gramian

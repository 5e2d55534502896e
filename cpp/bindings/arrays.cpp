#include "arrays.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace gramian {
namespace {

struct NamedType {
  const char* name;
  DType dtype;
  std::uint8_t code, bits;  // DLPack's: 0 int, 1 uint, 2 float, 4 bfloat, 6 bool
};
constexpr std::array types = {
    NamedType{"float16", DType::f16, 2, 16}, NamedType{"bfloat16", DType::bf16, 4, 16},
    NamedType{"float32", DType::f32, 2, 32}, NamedType{"float64", DType::f64, 2, 64},
    NamedType{"bool", DType::u8, 6, 8},      NamedType{"int8", DType::i8, 0, 8},
    NamedType{"uint8", DType::u8, 1, 8},     NamedType{"int16", DType::i16, 0, 16},
    NamedType{"uint16", DType::u16, 1, 16},  NamedType{"int32", DType::i32, 0, 32},
    NamedType{"uint32", DType::u32, 1, 32},  NamedType{"int64", DType::i64, 0, 64},
    NamedType{"uint64", DType::u64, 1, 64},
};

// The structures of the DLPack 1.x ABI (dmlc/dlpack, dlpack.h), of which only the reader's half is
// needed.
struct DLDevice {
  std::int32_t type, id;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  std::uint8_t code, bits;
  std::uint16_t lanes;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major
  std::uint64_t byte_offset;
};
struct Managed {  // "dltensor"
  DLTensor tensor;
  void* context;
  void (*deleter)(Managed*);
};
struct ManagedVersioned {  // "dltensor_versioned"
  std::uint32_t major, minor;
  void* context;
  void (*deleter)(ManagedVersioned*);
  std::uint64_t flags;
  DLTensor tensor;
};

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

const NamedType& type_named(const std::string& name) {
  for (const NamedType& type : types)
    if (name == type.name) return type;
  throw py::type_error("unsupported element type " + name);
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

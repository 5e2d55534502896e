// The structures of the DLPack 1.x ABI (dmlc/dlpack, dlpack.h), and its codes of element types.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <string>

#include "../gramian/backend.hpp"

namespace gramian::dlpack {

struct NamedType {
  const char* name;
  DType dtype;
  std::uint8_t code, bits;  // DLPack's: 0 int, 1 uint, 2 float, 4 bfloat, 6 bool
};
inline constexpr std::array types = {
    NamedType{"float16", DType::f16, 2, 16}, NamedType{"bfloat16", DType::bf16, 4, 16},
    NamedType{"float32", DType::f32, 2, 32}, NamedType{"float64", DType::f64, 2, 64},
    NamedType{"bool", DType::u8, 6, 8},      NamedType{"int8", DType::i8, 0, 8},
    NamedType{"uint8", DType::u8, 1, 8},     NamedType{"int16", DType::i16, 0, 16},
    NamedType{"uint16", DType::u16, 1, 16},  NamedType{"int32", DType::i32, 0, 32},
    NamedType{"uint32", DType::u32, 1, 32},  NamedType{"int64", DType::i64, 0, 64},
    NamedType{"uint64", DType::u64, 1, 64},
};

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

inline const NamedType& type_named(const std::string& name) {
  for (const NamedType& type : types)
    if (name == type.name) return type;
  throw pybind11::type_error("unsupported element type " + name);
}

}  // namespace gramian::dlpack

// Tensors of another library, read where they lie and without a call into Python: DLPack's table of functions, which
// torch hangs on its tensor type as `__dlpack_c_exchange_api__` (DLPack 1.3). The structs are the standard's.
#pragma once
#include <pybind11/pybind11.h>

#include <cstdint>
#include <vector>

#include "schuss/kernel.hpp"

namespace schuss {

namespace py = pybind11;

struct DLTensor {
  void* data;
  struct {
    std::int32_t type, id;
  } device;
  std::int32_t dims;
  struct {
    std::uint8_t code, bits;
    std::uint16_t lanes;
  } dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in numbers; null: contiguous
  std::uint64_t byte_offset;
};

struct DLPackExchange {
  std::uint32_t major, minor;
  void* older;
  void* allocate;
  void* managed_from_object;
  void* managed_to_object;
  int (*from_object)(void* object, DLTensor* out);  // borrows; 0: done, else a Python error is set
  void* stream;
};

// What the capsule holds; an error if it is none or of another major version.
inline const DLPackExchange& exchange_of(const py::capsule& capsule) {
  if (std::string(capsule.name()) != "dlpack_exchange_api")
    throw py::type_error("api: expected DLPack's exchange table");
  const auto* const api = capsule.get_pointer<DLPackExchange>();
  if (api->major != 1 || !api->from_object) throw py::value_error("api: expected DLPack 1 with borrowed tensors");
  return *api;
}

// The memory of a tensor with this very number type and shape, contiguous and on the CPU; null for any other.
inline char* plain_data(const DLPackExchange& api, PyObject* tensor, Number number,
                        const std::vector<std::int64_t>& shape) {
  DLTensor t;
  if (api.from_object(tensor, &t) != 0) {
    PyErr_Clear();  // sparse, for instance: the caller has another way for it
    return nullptr;
  }
  constexpr int cpu = 1, real = 2;
  const bool fits = t.device.type == cpu && t.dtype.code == real && t.dtype.lanes == 1 &&
                    t.dtype.bits == (number == f32 ? 32 : 64) && std::size_t(t.dims) == shape.size();
  if (!fits) return nullptr;
  std::int64_t size = 1;
  for (std::size_t d = shape.size(); d-- > 0; size *= shape[d])
    if (t.shape[d] != shape[d] || (t.strides && shape[d] != 1 && t.strides[d] != size)) return nullptr;
  return static_cast<char*>(t.data) + t.byte_offset;
}

}  // namespace schuss

#include "schuss/vectors.hpp"

#include "schuss/constrained_kernels.hpp"
#include "schuss/list.hpp"

namespace schuss {
namespace {

template <class T>
constexpr Vectors make_vectors() {
  return {dots<T>,  combine<T>,   step<T>,   largest<T>, learn<T>,   propose<T>,
          clamp<T>, projected<T>, pseudo<T>, align<T>,   orthant<T>, symmetric<T>};
}

}  // namespace

const Vectors* vectors() {
  static constexpr Vectors all[2] = {make_vectors<float>(), make_vectors<double>()};
  return all;
}

}  // namespace schuss

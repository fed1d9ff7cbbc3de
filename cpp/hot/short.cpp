#include "schuss/access/short.hpp"

namespace schuss {

template class RowPack<float>;
template class RowPack<double>;

}  // namespace schuss

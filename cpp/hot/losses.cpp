#include "schuss/list.hpp"

namespace schuss {
const Losses* losses() { return nullptr; }
}  // namespace schuss

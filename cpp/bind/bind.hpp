// The topics of the cold module.
#pragma once
#include <pybind11/numpy.h>

#include <string>
#include <vector>

#include "schuss/kernel.hpp"

namespace schuss {

void bind_work(pybind11::module_& m);
void bind_memory(pybind11::module_& m);
void bind_cpu(pybind11::module_& m);
void bind_store(pybind11::module_& m);
void bind_table(pybind11::module_& m);
void bind_data(pybind11::module_& m);
void bind_batch(pybind11::module_& m);
void bind_learner(pybind11::module_& m);
void bind_word2vec(pybind11::module_& m);
void bind_word_tables(pybind11::module_& m);
void bind_solvers(pybind11::module_& m);
void bind_objectives(pybind11::module_& m);
void bind_text(pybind11::module_& m);

void bind_added(pybind11::module_& m);

// A kernel of a user's module that has been added (added.cpp), or null.
const Kernel* added_kernel(const std::string& name, int variant);

// A zeroed array whose first number lies `offset` bytes past a cache line; large ones on huge pages where there are
// any.
pybind11::array empty(const std::vector<std::int64_t>& shape, Number number, std::int64_t offset);

}  // namespace schuss

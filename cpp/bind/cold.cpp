// The cold module: checks, memory, threads. Compiled once, for the lowest level.
#include "bind.hpp"

PYBIND11_MODULE(_cold, m) {
  m.doc() = "schuss: everything but the kernels";
  schuss::bind_cpu(m);
  schuss::bind_data(m);
  schuss::bind_batch(m);
  schuss::bind_memory(m);
  schuss::bind_store(m);
  schuss::bind_table(m);
  schuss::bind_added(m);
  schuss::bind_solvers(m);
  schuss::bind_objectives(m);
  schuss::bind_work(m);
  schuss::bind_learner(m);
  schuss::bind_word2vec(m);
  schuss::bind_word_tables(m);
  schuss::bind_text(m);
}

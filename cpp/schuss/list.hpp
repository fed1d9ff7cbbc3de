// THE list of rules, by family: each family is compiled as one unit per level (hot/<family>.cpp).
#pragma once
#include <array>
#include <cstdint>

#include "kernel.hpp"
#include "models/model.hpp"

namespace schuss {

struct Family {
  const Kernel* const* kernel;
  int size;
};

Family descent();
Family adagrad();
Family rmsprop();
Family adam();
Family exponentiated();
Family egdd();
Family ftrl();
Family plain();
Family moments();
Family trust();
Family learned();
Family adafactor();

inline std::array<Family, 12> families() {
  return {descent(), adagrad(), rmsprop(), adam(),  exponentiated(), egdd(),
          ftrl(),    plain(),   moments(), trust(), learned(),       adafactor()};
}

Trainer trainer();  // of CTR models
// What solvers need beside the rules, one unit each.
const Vectors* vectors();  // by Number
const Losses* losses();
const WordTrainer* words();

}  // namespace schuss

// What a rule is: the arithmetic of one update, on packs. It knows no memory, no threads and no Python.
//
//   template <class T> struct X : Elementwise {             // or GroupRule, see below
//     static constexpr const char* name = "x";              // with `variant`, the key under which Python finds it
//     static constexpr auto slots = names("m", "v");        // numbers kept per coordinate
//     static constexpr auto hyper = names("lr", ...);       // read from the Python rule by these names, into Hyper
//     struct Hyper { double lr, ...; };                     // all doubles, same order
//     struct Step { T rate, ...; };                         // one step's scalars
//     static Step at(const Hyper&, std::int64_t t);         // t = 1 for the first step; in double
//     template <class P> static void apply(P& w, std::array<P, 2>& s, const P& g, const Step&);
//     static void idle(const Step&, double keep, double decay, Gap&);   // a step without a gradient, for exact mode
//   };
//
// Zero is a fixed point: w = g = 0 with the slots of a fresh row gives finite numbers and w stays 0.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "gap.hpp"
#include "pack.hpp"

namespace schuss {

template <class... Strings>
constexpr std::array<const char*, sizeof...(Strings)> names(Strings... strings) {
  return {strings...};
}

// A group is what shares a number: a row (an axis-0 slice, or all of a one-dimensional array), or the whole array.
enum class Group { none, row, array };
enum class Fold { sum, max };

// What a step without a gradient does, see gap.hpp: a linear map of the weight and one slot, a drift, (once) what the
// rule's own formula gives for g = 0, however often it is taken, or (never) nothing that has a closed form.
enum class Idle { linear, drift, once, never };

// Most rules then move by decay alone.
struct Idler {
  static constexpr Idle idling = Idle::linear;
  static constexpr bool linear = false;   // with coupled decay too, where g = decay w
  static constexpr int carrier = -1;      // the slot that moves the weight
  static constexpr bool by_sign = false;  // its sign does, which stays while it fades
  static constexpr int lasting = -1;      // a slot whose sign counts, however small it is
  static constexpr int whole = -1;  // the term of look 0 that comes of the carrier alone, so absent rows have it too

  template <class Step>
  static void idle(const Step&, double keep, double, Gap& gap) {
    gap.ww = keep;
  }
};

// What a rule is compiled for beside the accesses that all have.
struct Compiled {
  static constexpr bool descends = false;  // is w -= step.rate g: word vectors take several such steps at once
  // For an ffm's pairs (access/field_pairs.hpp); of rules that share numbers in a row only those whose one look is the
  // sum of the gradient's squares.
  static constexpr bool paired = false;
  // bfloat16 rows have a loop of their own, where they are widened and rounded in registers. A look must not read them.
  static constexpr bool halves = false;
};

struct Elementwise : Idler, Compiled {
  static constexpr int variant = 0;
  static constexpr Group group = Group::none;
  static constexpr auto shared = names();
  static constexpr std::array<Fold, 0> looks{};
  static constexpr bool opens = false, whole_only = false, factored = false, moves = false, passing = false;
};

// A group rule looks over the group before it applies. Look k gives `terms` packs to be folded (sum or max) over the
// group; settle(k, folded, n, shared, step) then updates the group's shared numbers and the step's scalars.
//
// A dense array is read twice then, unless it fits into a cache. Two ways to move fewer bytes:
// `moves`: the only look makes the slots' new values, which the dense walk leaves in memory; finish(w, slots, step)
// does the rest of `apply` from them, without the gradient. `passing`: what the only look finds is for the next step,
// so it is taken of what a pack was before `apply`, in the same walk.
struct GroupRule : Idler, Compiled {
  static constexpr int variant = 0;
  static constexpr auto shared = names();
  static constexpr bool opens = false;       // settle(-1) gives the looks what is shared
  static constexpr bool factored = false;    // its shared numbers are one a row and one a column
  static constexpr bool whole_only = false;  // its sums have a meaning for whole arrays alone: dense gradients
  static constexpr bool moves = false, passing = false;
  static constexpr bool sees_weights = false;   // the look reads them; it is fetched ahead what it reads
  static constexpr std::size_t sees_slots = 0;  // how many of the first
};

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

}  // namespace schuss

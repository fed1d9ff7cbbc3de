"""States of frameworks into and out of a schuss.Optimizer, once their parts have been named."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..optimizer import Optimizer, _key, _weights
from ..rules import Rule
from .maps import Kept, kept, made_here, made_there

Array = NDArray[Any]


def leaves_of(opt: Any) -> list[Any]:
    """The parameters of a schuss optimizer; an error for anything else."""
    if not isinstance(opt, Optimizer):
        raise TypeError(f"opt: expected a schuss.Optimizer, got {type(opt).__name__}")
    return opt._leaves


def kept_by(rule: Rule, framework: str, step: int, w: Any, name: str) -> dict[str, Kept]:
    """As maps.kept, of one parameter; messages name it."""
    try:
        return kept(rule, framework, step, tuple(w.shape))
    except ValueError as error:
        raise ValueError(f"{error} (parameter '{name}')" if name else str(error)) from None


def take(
    opt: Optimizer, rules: Sequence[Rule], steps: int, states: Sequence[Mapping[str, Array] | None], framework: str
) -> None:
    """Loads slots that are named as in a framework; None: the parameter starts anew."""
    leaves_of(opt)
    opt.flush()
    arrays = dict(opt._own_arrays())
    for index, (rule, state) in enumerate(zip(rules, states, strict=True)):
        name, w, slots = opt._names[index], opt._leaves[index], opt._slots[index]
        if list(slots) != rule.info["slots"] + rule.info["shared"]:
            raise ValueError(
                f"state: parameter '{name}': it is that of {rule!r}, which keeps other slots than "
                f"{opt._rules[index]!r}; make the optimizer with the first"
            )
        if state is None:
            fresh = rule.start(_weights(w))
            arrays |= {_key("slots", name, s): np.broadcast_to(fresh.get(s, 0.0), a.shape).astype(a.dtype)
                       for s, a in slots.items()}  # fmt: skip
            continue
        known = kept_by(rule, framework, steps, w, name)
        arrays |= {_key("slots", name, s): a for s, a in _slots_of(rule, state, known, slots, name, w.shape).items()}
        for slot, value in made_here(rule, framework, steps).items():
            arrays[_key("slots", name, slot)] = np.full_like(slots[slot], value)
    header = opt._header()
    header |= {"steps": steps, "waiting": 0}
    header["rules"] = {name: rule.to_json() for name, rule in zip(opt._names, rules, strict=True)}
    opt.load_state_dict({"header": header, "arrays": {k: v for k, v in arrays.items() if not k.startswith("sum:")}})


def _slots_of(
    rule: Rule,
    state: Mapping[str, Array],
    known: Mapping[str, Kept],
    slots: Mapping[str, Array],
    name: str,
    shape: tuple[int, ...],
) -> dict[str, Array]:
    """A parameter's slots of the framework's numbers."""
    found = {}
    for slot, there in known.items():
        if there.name not in state:
            raise ValueError(
                f"state: parameter '{name}': expected {there.name!r} for {rule!r}, it has "
                f"{', '.join(map(repr, state)) or 'nothing'}; is it the state of another optimizer?"
            )
        value = np.asarray(state[there.name])
        if value.shape != there.shape:
            form = "" if there.shape == tuple(shape) else f", which is kept as {there.shape} for {rule!r}"
            raise ValueError(
                f"state: parameter '{name}': {there.name} has shape {value.shape}, the parameter {tuple(shape)}{form}"
            )
        found[slot] = there.here(value, slots[slot])
    return found


def give(opt: Optimizer, framework: str) -> list[dict[str, Array]]:
    """For each parameter its slots, copied, named and scaled as in the framework."""
    leaves_of(opt)
    opt.flush()
    found = []
    for rule, name, w, slots in zip(opt._rules, opt._names, opt._leaves, opt._slots, strict=True):
        if added := rule._changed_after():
            raise ValueError(f"opt: {framework}'s optimizers have no {' and no '.join(added)}, unlike {rule!r}")
        known = kept_by(rule, framework, opt.steps, w, name)
        found.append({there.name: there.there(slots[s]) for s, there in known.items()})
        found[-1] |= made_there(rule, framework, slots)
    return found


def whole_steps(values: Sequence[Any], what: str) -> int:
    """The step count that all parameters agree on."""
    counts = {float(v) for v in values}
    if len(counts) > 1:
        raise ValueError(
            f"state: {what} differ between parameters ({', '.join(f'{c:g}' for c in sorted(counts)[:4])}), and a "
            f"schuss.Optimizer has one count for all; give those parameters an optimizer of their own"
        )
    count = counts.pop()
    if not (count >= 0 and math.isfinite(count) and count == int(count)):
        raise ValueError(f"state: {what}: expected a whole number, got {count}")
    return int(count)

"""Rules written in Python: their checks, and how a step runs them on blocks that lie in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _cold

if TYPE_CHECKING:
    from .base import Rule

Array = NDArray[Any]
MOST = 4  # slots


def check_class(kind: type[Rule]) -> None:
    """Raises unless the class says how it steps."""
    from .base import Rule

    name, slots = kind.__name__, kind.slots
    if kind.apply is Rule.apply:
        raise TypeError(f"{name}: write apply(self, w, g, slots, t), which changes w and slots in place")
    if not isinstance(slots, tuple) or not all(isinstance(s, str) and s.isidentifier() for s in slots):
        raise TypeError(f"{name}: slots: expected a tuple of names, as in slots = ('m', 'v'), got {slots!r}")
    if len(slots) > MOST or len(set(slots)) < len(slots):
        raise ValueError(f"{name}: slots: expected at most {MOST} different names, got {slots!r}")


def info(rule: Rule) -> dict[str, Any]:
    """What a compiled kernel says of itself."""
    return {
        "name": "python",
        "variant": rule.variant,
        "group": "none",
        "slots": list(rule.slots),
        "shared": [],
        "hyper": ["lr"],
        "linear": False,
    }


class Blocks:
    """The memory that blocks are copied to, one set for each number type; it grows to the largest block."""

    def __init__(self) -> None:
        self._arrays: dict[str, list[Array]] = {}

    def of(self, dtype: str, size: int) -> list[Array]:
        """w, g and the slots, flat, of at least `size` numbers."""
        arrays = self._arrays.get(dtype)
        if arrays is None or len(arrays[0]) < size:
            arrays = self._arrays[dtype] = [np.empty(size, dtype) for _ in range(2 + MOST)]
        return arrays

    def step(self, work: _cold.Work, rules: list[Rule], dtypes: list[str], t: int) -> bool:
        """Runs all blocks of an open step. If a rule fails: whether blocks before it had been stepped, in its place.

        A block is put back only when its rule has returned as it should, so that a rule that always fails changes
        nothing.
        """
        now: dict[int, Rule] = {}
        changed = False
        try:
            for block, index, size in work.blocks():
                if index not in now:
                    rule = rules[index]
                    now[index] = rule.replaced(lr=rule.rate(t - 1)) if callable(rule.lr) else rule
                rule = now[index]
                arrays = self.of(dtypes[index], size)[: 2 + len(rule.slots)]
                work.open(block, arrays)
                apply(rule, [a[:size] for a in arrays], t)
                work.close(block, arrays)
                changed = True
        except BaseException:
            work.abandon(changed)
            raise
        return changed


def apply(rule: Rule, arrays: list[Array], t: int) -> None:
    """Lets the rule step one block, and raises if it did not do so in place."""
    w, g, *rest = arrays
    slots = dict(zip(rule.slots, rest, strict=True))
    step: Callable[..., object] = rule.apply
    returned = step(w, g, slots, t)
    name = type(rule).__name__
    if returned is not None:
        raise TypeError(
            f"{name}.apply: expected None, got {type(returned).__name__}; change w and slots in place (w -= ...)"
        )
    if list(slots) != list(rule.slots) or any(slots[s] is not a for s, a in zip(rule.slots, rest, strict=True)):
        raise ValueError(
            f"{name}.apply: slots were replaced or renamed; write into them, as in slots[{rule.slots[0]!r}][...] = x"
            if rule.slots
            else f"{name}.apply: it has no slots to write to; name them, as in slots = ('m',)"
        )
    for what, a in (("w", w), *slots.items()):
        if a.ndim != 1 or len(a) != len(g):
            raise ValueError(f"{name}.apply: {what} now has shape {a.shape}, was {g.shape}; leave shapes alone")


def check(rule: Rule, dtype: str, name: str) -> None:
    """Raises if the rule does not step a block of numbers as it should: tried on a copy, before any step is taken."""
    g = np.linspace(-1, 1, 8, dtype=dtype)
    w = np.linspace(0.5, 2, 8, dtype=dtype)
    arrays = [w, g, *(np.zeros(8, dtype) for _ in rule.slots)]
    for slot, value in rule.start(w).items():
        if slot not in rule.slots:
            raise ValueError(f"{type(rule).__name__}.start: {slot!r} is none of its slots {rule.slots!r}")
        arrays[2 + rule.slots.index(slot)][...] = value
    before = [a.copy() for a in arrays]
    now = rule.replaced(lr=rule.rate(0)) if callable(rule.lr) else rule
    with np.errstate(all="ignore"):
        apply(now, arrays, 1)
    if now.lr != 0 and all((a == b).all() for a, b in zip([w, *arrays[2:]], [before[0], *before[2:]], strict=True)):
        raise ValueError(
            f"{name}: {type(rule).__name__}.apply changes neither w nor slots; change them in place: w -= x, since "
            f"w = w - x makes another array"
        )

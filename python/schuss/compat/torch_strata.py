"""Parameters by how many steps they have taken: torch counts for each parameter, an optimizer of schuss for all of its.

A parameter without a gradient takes no step. So parameters that have taken the same number of steps have one optimizer
of schuss, a stratum; it is split in two when only a part of it has gradients. Mostly there is one stratum for all.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from .. import _cold, _level
from ..gradients import CoordGrad, RowGrad
from ..optimizer import RATE, Optimizer
from ..rules import Rule
from .torch_tensors import EXCHANGE, gradient, view

BLOCK = 65536  # numbers


class Stratum:
    """Parameters that have taken the same number of steps, and their slots.

    Parameters
    ----------
    members : list of int
        The parameters' places among all.
    tensors, states : lists
        Of these parameters; an empty state is a parameter that starts anew.
    groups : list of int
        Which parameter group each belongs to.
    rules : dict of Rule
        By group.
    steps : int
    options : dict
        Of the optimizer of schuss.
    """

    def __init__(
        self,
        members: list[int],
        tensors: list[torch.Tensor],
        states: Sequence[Mapping[str, Any]],
        groups: list[int],
        rules: Mapping[int, Rule],
        steps: int,
        options: Mapping[str, Any],
    ) -> None:
        self.members, self.tensors, self.groups = members, tensors, groups
        names = [str(i) for i in members]
        own = [rules[k] for k in groups]
        self.inner = Optimizer(dict(zip(names, map(view, tensors), strict=True)), dict(zip(names, own, strict=True)),
                               **options)  # fmt: skip
        self.inner._work.steps = steps
        self._at = [p.data_ptr() for p in tensors]
        self.owned = sorted((at, at + p.nbytes, i) for at, p, i in zip(self._at, tensors, members, strict=True))
        self.starts = [first for first, _, _ in self.owned]
        self.count = np.full(1, steps, np.float32)
        step = torch.from_numpy(self.count)[0]
        self.states: list[dict[str, Any]] = []
        for before, slots in zip(states, self.inner._slots, strict=True):
            for name, slot in slots.items():
                if before:
                    slot[...] = before[name].numpy()
            self.states.append({"step": step, **{name: torch.from_numpy(slot) for name, slot in slots.items()}})
        self.take_numbers(rules)

    @property
    def steps(self) -> int:
        """How many steps the parameters have taken."""
        return self.inner.steps

    def take_numbers(self, rules: Mapping[int, Rule]) -> None:
        """Gives C++ an array of numbers for each group, which a scheduler's rate is written to."""
        # A group's rule may come in several forms (Adafactor's by shape): one array of numbers for each.
        self._numbers: dict[tuple[int, int], Any] = {}
        fitted = [rules[k].fitted(w) for k, w in zip(self.groups, self.inner._leaves, strict=True)]
        for k, r in zip(self.groups, fitted, strict=True):
            self._numbers.setdefault((k, r.variant), np.array(r.options(self.steps), np.float64))
        self.inner._rules = fitted
        self.inner._work.bind(self.bindings())

    def bindings(self) -> list[Any]:
        """What C++ is told of the rules: kernel, form, numbers."""
        pairs = zip(self.groups, self.inner._rules, strict=True)
        return [(r.kernel, r.variant, self._numbers[k, r.variant]) for k, r in pairs]

    def take_rate(self, group: int, rule: Rule) -> None:
        """A group has another rate, and nothing else."""
        for (k, _), numbers in self._numbers.items():
            if k == group:
                numbers[RATE] = rule.rate(0)
        own = {r.variant: r for k, r in zip(self.groups, self.inner._rules, strict=True) if k == group}
        now = {variant: r.replaced(lr=rule.lr) for variant, r in own.items()}
        mine = zip(self.groups, self.inner._rules, strict=True)
        self.inner._rules = [now[r.variant] if k == group else r for k, r in mine]

    def missing(self) -> list[torch.Tensor]:
        """Those that have no gradient."""
        return [p for p in self.tensors if p.grad is None]

    def moved(self) -> bool:
        """Whether a parameter lies elsewhere now."""
        return any(p.data_ptr() != at for p, at in zip(self.tensors, self._at, strict=True))

    def plain(self) -> bool:
        """Whether every gradient is a dense array like its parameter."""
        for p in self.tensors:
            g = p.grad
            if g is None or g.layout is not torch.strided or g.dtype != p.dtype:
                return False
            if not (g.is_cpu and g.is_contiguous()):
                return False
        return True

    def step(self) -> bool:
        """One step of those that have a gradient; False, and nothing has changed, where a parameter has moved."""
        inner = self.inner
        threads = inner._thread_count()
        if not inner._work.step_tensors(self.tensors, EXCHANGE, threads):
            if self.moved():
                return False
            grads = {str(i): gradient(p, i) for i, p in zip(self.members, self.tensors, strict=True)}
            inner._work.step(grads, threads)
        inner._step_python()
        self.count[0] = inner.steps
        torch._C._increment_version(self.tensors)
        return True


def step_together(strata: Sequence[Stratum]) -> None:
    """One step of several strata, none of which has a parameter that moved; refused by one, none is stepped."""
    config = dict(strata[0].inner._config)
    plain = config["nonfinite"] == "propagate" and all(stratum.plain() for stratum in strata)
    if plain:
        _check_apart(strata)
    if plain and config["clip_norm"] is None:
        for stratum in strata:
            stratum.step()
        return
    pairs = [pair for stratum in strata for pair in zip(stratum.members, stratum.tensors, strict=True)]
    grads = {i: gradient(p, i) for i, p in pairs}
    seen = grads if plain else _gathered(strata, grads, config)
    if config["clip_norm"] is None:
        for stratum in strata:
            stratum.step()
        return
    limit = math.inf if config["clip_value"] is None else config["clip_value"]
    squares = [sum(_square(seen[i], limit) for i in stratum.members) for stratum in strata]
    norm = math.sqrt(sum(squares))
    for stratum, square in zip(strata, squares, strict=True):
        scaled = norm > config["clip_norm"] and square > 0
        own = config["clip_norm"] * math.sqrt(square) / norm if scaled else None
        stratum.inner._configure(**{**config, "clip_norm": own})
        try:
            stratum.step()
        finally:
            stratum.inner._configure(**config)


def _check_apart(strata: Sequence[Stratum]) -> None:
    """Raises if a gradient lies in a parameter of another stratum, whose step would change it before it is read."""
    for stratum in strata:
        for i, p in zip(stratum.members, stratum.tensors, strict=True):
            g = p.grad
            assert g is not None
            first = g.data_ptr()
            for other in strata:
                k = bisect.bisect_left(other.starts, first + g.nbytes) - 1
                if k >= 0 and other.owned[k][1] > first and g.nbytes:
                    raise ValueError(
                        f"gradient of params[{i}]: shares memory with params[{other.owned[k][2]}]; use .clone()"
                    )


def _gathered(strata: Sequence[Stratum], grads: Mapping[int, Any], config: Mapping[str, Any]) -> dict[int, Any]:
    """The gradients as C++ sees them. Raises what a step of all would raise, without taking it.

    One list of work over all of them gathers the gradients, as if a step took two, and is dropped.
    """
    leaves = {name: w for stratum in strata for name, w in stratum.inner.params.items()}
    work = _cold.Work(_level.table, leaves, RowGrad, CoordGrad)
    work.bind([binding for stratum in strata for binding in stratum.bindings()])
    limit = math.inf if config["clip_value"] is None else config["clip_value"]
    work.configure(math.inf, limit, 2, 0.0, config["nonfinite"])
    work.step({str(i): g for i, g in grads.items()}, strata[0].inner._thread_count())
    return {i: work.gathered(place) for place, i in enumerate(grads)}


def _square(g: Any, limit: float) -> float:
    """The sum of squares of a gradient, its duplicates merged and then cut to the limit."""
    if g is None:
        return 0.0
    if isinstance(g, tuple):
        ids, values, _ = g
        _, place = np.unique(ids, return_inverse=True)
        g = np.zeros((place.max(initial=-1) + 1, values.shape[1]), values.dtype)
        np.add.at(g, place, values)
    flat, found = g.reshape(-1), 0.0
    for first in range(0, flat.size, BLOCK):
        part = np.clip(flat[first : first + BLOCK], -limit, limit, dtype=np.float64)
        found += float(np.vdot(part, part))
    return found

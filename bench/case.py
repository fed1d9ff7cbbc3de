"""A measured rule: its streams, and the same step as NumPy and torch have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss import rules
from schuss.rules import Rule

Array = NDArray[Any]
ROW = 64


class State(SimpleNamespace):
    """What a NumPy step works on: w, the slots by name, t, and two scratch arrays x and y for the in-place form."""


Step = Callable[[State, Array], None]


@dataclass(frozen=True)
class Torch:
    """An optimizer of torch.optim with its options; fused: whether that form exists on CPUs."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    fused: bool = False

    def make(self, params: list[Any], variant: str) -> Any:
        """The optimizer in the form "for-loop", "foreach" or "fused"."""
        import torch

        forms: dict[str, dict[str, Any]] = {
            "for-loop": {"foreach": False},
            "foreach": {"foreach": True},
            "fused": {"fused": True},
        }
        return getattr(torch.optim, self.name)(params, **self.options, **forms[variant])

    @property
    def variants(self) -> list[str]:
        """The forms that exist."""
        return ["for-loop", "foreach", *(["fused"] if self.fused else [])]


@dataclass(frozen=True)
class Case:
    """One rule with its peers; slots counts those of the weight's size that change, so 1 + slots streams are written.

    passes: of a rule that needs a sum before it can write, what each pass writes and what it only reads, a letter an
    array: ("wb", "g") reads and writes w and b and reads g.
    """

    rule: Rule
    slots: int
    numpy: Step
    in_place: Step | None = None  # without temporary arrays; of the classical rules
    torch: Torch | None = None
    note: str = ""
    read: int = 1  # streams that are only read
    passes: tuple[tuple[str, str], ...] = ()

    @property
    def written(self) -> int:
        """Streams that are written (and read)."""
        return 1 + self.slots

    @property
    def bytes(self) -> int:
        """The least that one step must move for one float32 parameter."""
        return 4 * (self.read + 2 * self.written)

    def shape(self, n: int) -> tuple[int, ...]:
        """The array's shape for about n parameters."""
        return (max(1, n // ROW), ROW) if isinstance(self.rule, rules.RowWiseAdaGrad | rules.Adafactor) else (n,)

    def weights(self, n: int) -> Array:
        """Start weights that the rule accepts."""
        shape = self.shape(n)
        size = int(np.prod(shape))
        value = {rules.EG: 1 / size, rules.EGPM: 0.5 / size}.get(type(self.rule), 0.5)
        return np.full(shape, value, np.float32)

    def gradient(self, n: int, seed: int = 0) -> Array:
        """Normal numbers of spread 0.01."""
        g = np.random.default_rng(seed).standard_normal(self.shape(n), dtype=np.float32)
        g *= np.float32(0.01)
        return g

    def state(self, w: Array) -> State:
        """What the NumPy steps need, slots at their start."""
        s = State(w=w, t=0, x=np.ones_like(w), y=np.ones_like(w))
        start = self.rule.start(w)
        for name in self.rule.info["slots"]:
            slot = np.empty_like(w)
            slot[...] = start.get(name, 0.0)
            setattr(s, name, slot)
        for name, size in zip(self.rule.info["shared"], self.rule.shared_sizes(w), strict=True):
            setattr(s, name, np.full(size, start.get(name, 0.0), w.dtype))
        return s


# The same gradient is applied thousands of times: rates are so small that no weight leaves the normal floats. That of
# the exponentiated rules is as large as that allows, since exp of nearly nothing meets subnormal numbers too.
LR, EG_LR, DECAY = 1e-4, 1e-2, 0.01
MU, B1, B2, EPS = 0.9, 0.9, 0.999, 1e-8

TWICE = "reads twice, as it needs a sum before it can write; the bytes are those of one pass"

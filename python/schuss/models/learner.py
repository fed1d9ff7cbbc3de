"""The compiled learner of a model: the one place where it is made."""

from __future__ import annotations

from typing import Any

from .. import _cold, _level
from .part import Part


def new_learner(
    kind: str, bits: int, dim: int, fields: int, linear: Part, factors: Part | None, loss: str, seed: int, scale: float
) -> Any:
    """A learner on the parts' arrays, which it keeps and changes in place."""
    return _cold.Learner(
        _level.table,
        kind,
        bits,
        dim,
        fields,
        linear.memory,
        linear.offset,
        linear.kernel,
        linear.start(positive=False),
        factors.memory if factors else None,
        factors.kernel if factors else None,
        factors.start(positive=scale > 0) if factors else [],
        factors.pitch if factors else 0,
        loss,
        seed,
        scale,
    )

"""Weights as text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..checkpoint import replacing
from .file import parts

if TYPE_CHECKING:
    from .base import Model

STEP = 10_000  # ids


def export_text(model: Model, path: str | os.PathLike[str]) -> None:
    """Model.export_text."""
    found = parts(model)
    linear = found["linear"]
    bias = 1 << model.bits
    ids = [part.seen(slots=False) for part in found.values()]
    known = sorted({int(i) for some in ids for i in some} - {bias})
    with replacing(path) as temporary, open(temporary, "w", encoding="ascii") as file:
        file.write(f"bias\t{linear.array[bias, 0]:.9g}\n")
        for first in range(0, len(known), STEP):
            some = known[first : first + STEP]
            columns = [part.weights[some].tolist() for part in found.values()]
            for i, *rows in zip(some, *columns, strict=True):
                file.write("\t".join([str(i), *(f"{w:.9g}" for row in rows for w in row)]) + "\n")

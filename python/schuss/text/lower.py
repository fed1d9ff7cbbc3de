"""Lower case, character by character, by Python's own tables."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

PLANES = 0x20000  # no character beyond has another case


@functools.cache
def lower_table() -> npt.NDArray[Any]:
    """For each character the code of its lower case; code | second << 21 where that is two characters."""
    table = np.arange(PLANES, dtype=np.uint32)
    for code in range(PLANES):
        text = chr(code).lower()
        if len(text) > 1 or ord(text) != code:
            table[code] = sum(ord(c) << (21 * i) for i, c in enumerate(text))
    table.flags.writeable = False
    return table


def lowered(text: str) -> str:
    """A text as `lower=True` lowers it: str.lower(), but for a capital sigma at a word's end, which becomes σ."""
    return "".join([c.lower() for c in text])

"""Words as arrays, to be stored and handed over."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ARRAYS = ("words", "offsets", "counts", "phrases", "phrase_offsets", "facts")  # of a vocabulary


def packed(words: Sequence[str] | Sequence[bytes]) -> tuple[Array, Array]:
    """Words as bytes one behind the other, and the border of each."""
    parts = [w.encode() if isinstance(w, str) else w for w in words]
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(p) for p in parts], out=offsets[1:])
    return np.frombuffer(b"".join(parts), np.uint8), offsets


def unpacked(data: Array, offsets: Array) -> list[str]:
    """The words of `packed`."""
    text, borders = data.tobytes(), offsets.tolist()
    return [text[a:b].decode() for a, b in itertools.pairwise(borders)]


def checked(arrays: Mapping[str, Array]) -> list[Array]:
    """The arrays of a vocabulary in the order of ARRAYS; ValueError if they do not fit together."""
    try:
        found = [arrays[name] for name in ARRAYS]
    except KeyError as error:
        raise ValueError(f"arrays: expected {', '.join(ARRAYS)}; there is no {error}") from None
    for name, array in zip(ARRAYS, found, strict=True):
        kind = np.dtype("uint8" if name in ("words", "phrases") else "int64")
        if array.dtype != kind or array.ndim != 1:
            raise ValueError(f"arrays: {name}: expected one dimension of {kind}, got {array.dtype} {array.shape}")
    data, offsets, counts, phrases, borders, facts = found
    if len(facts) != 3 or len(offsets) != len(counts) + 1 or len(borders) % 2 == 0:
        raise ValueError("arrays: their lengths do not fit together")
    for text, ends in ((data, offsets), (phrases, borders)):
        if ends[0] != 0 or ends[-1] != len(text) or (np.diff(ends) < 1).any():
            raise ValueError("arrays: offsets do not fit the bytes")
    return found

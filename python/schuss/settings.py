"""What an optimizer and a table may be told: checks that name the setting, its value and the remedy."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable

from .threads import check_threads


def check_options(
    clip_norm: object,
    clip_value: object,
    nonfinite: object,
    threads: int | None = None,
    accumulate: object = 1,
    ema: object = None,
) -> None:
    """Raises unless all of them can be used."""
    for name, value in (("clip_norm", clip_norm), ("clip_value", clip_value)):
        if value is not None:
            check_number(name, value, lambda x: 0 < x < math.inf, "a number above 0, or None")
    if ema is not None:
        check_number("ema", ema, lambda x: 0 <= x < 1, "a number in [0, 1), or None")
    if isinstance(accumulate, bool) or not isinstance(accumulate, numbers.Integral):
        raise TypeError(f"accumulate: expected a whole number, got {type(accumulate).__name__}")
    if not 1 <= int(accumulate) < 2**31:
        raise ValueError(f"accumulate: expected at least 1, got {accumulate}")
    if nonfinite not in ("raise", "skip", "propagate"):
        raise ValueError(f"nonfinite: expected 'raise', 'skip' or 'propagate', got {nonfinite!r}")
    if threads is not None:
        check_threads(threads)


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """The value, if it is a whole number in that range."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if not least <= int(value) <= (2**53 if most is None else most):
        expected = f"at least {least}" if most is None and int(value) < least else f"{least} to {most or 2**53}"
        raise ValueError(f"{name}: expected {expected}, got {value}")
    return int(value)


def check_number(name: str, value: object, good: Callable[[float], bool], expected: str) -> None:
    """Raises unless value is a number that `good` accepts."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: expected {expected}, got {type(value).__name__}")
    if not good(float(value)):
        raise ValueError(f"{name}: expected {expected}, got {value!r}")

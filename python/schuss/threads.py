"""How many threads a step may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_MOST = 256
_threads = 0


def check_threads(n: int) -> int:
    """The number itself, if it can be one of threads."""
    if isinstance(n, bool) or not isinstance(n, int):
        raise TypeError(f"threads: expected a whole number, got {type(n).__name__}")
    if not 1 <= n <= _MOST:
        raise ValueError(f"threads: expected 1 to {_MOST}, got {n}")
    return n


def _allowed() -> int:
    """CPUs this process may use: its affinity, or less if its control group has a quota."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cpus = min(cpus, max(1, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):
        pass
    return min(cpus, _MOST)


def set_threads(n: int | None) -> None:
    """Sets how many threads later steps use; None goes back to the default.

    The default is SCHUSS_THREADS, else the CPUs this process may use. Results do not depend on it.

    Parameters
    ----------
    n : int or None
        1 to 256.

    Example
    -------
    >>> import schuss
    >>> schuss.set_threads(1)
    >>> schuss.get_threads()
    1
    >>> schuss.set_threads(None)
    """
    global _threads
    _threads = 0 if n is None else check_threads(n)


def get_threads() -> int:
    """How many threads a step uses unless it is told otherwise."""
    global _threads
    if _threads == 0:
        given = os.environ.get("SCHUSS_THREADS")
        if given is None:
            _threads = _allowed()
        elif given.isascii() and given.isdecimal() and 1 <= int(given) <= _MOST:
            _threads = int(given)
        else:
            raise ValueError(f"SCHUSS_THREADS: expected a whole number from 1 to {_MOST}, got {given!r}")
    return _threads

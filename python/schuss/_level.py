"""Picks the best kernels that this CPU and its operating system run."""

from __future__ import annotations

import importlib
import os
from typing import Any

from . import _cold

LEVELS = ("v4", "v3", "v2", "plain")


def module(level: str) -> Any:
    """The hot module of a level; ImportError if it was not built or cannot run here."""
    if level not in LEVELS:
        raise ImportError(f"schuss: SCHUSS_LEVEL={level!r} is no level; use one of {', '.join(LEVELS)}")
    if not _cold.runs(level):
        raise ImportError(f"schuss: this CPU cannot run level {level}; unset SCHUSS_LEVEL to use the best one it runs")
    try:
        return importlib.import_module(f"._hot_{level}", __package__)
    except ModuleNotFoundError as error:
        raise ImportError(f"schuss: level {level} was not built (CMake variable SCHUSS_LEVELS)") from error


def runnable() -> list[str]:
    """The levels that were built and run here, best first."""
    found = []
    for level in LEVELS:
        try:
            module(level)
        except ImportError:
            continue
        found.append(level)
    return found


def load() -> Any:
    """The module in use: the one SCHUSS_LEVEL names, which must run, else the best."""
    forced = os.environ.get("SCHUSS_LEVEL")
    if forced:
        return module(forced)
    for level in LEVELS:
        try:
            return module(level)
        except ImportError:
            continue
    raise ImportError(f"schuss: no kernels for this CPU; levels built for it must be one of {', '.join(LEVELS)}")


hot = load()
table = hot.table

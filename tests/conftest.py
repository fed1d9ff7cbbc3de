"""Shared by all tests: kernels of another level, and property tests that repeat themselves exactly."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from schuss import _level

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# A run in the background may have been started with Ctrl-C ignored, which Python keeps and children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def kernels_of(level: str) -> Iterator[None]:
    """Optimizers made inside run the kernels of that level, also after leaving it."""
    before = _level.table
    _level.table = _level.module(level).table
    try:
        yield
    finally:
        _level.table = before


@pytest.fixture
def at_level() -> Callable[[str], contextlib.AbstractContextManager[None]]:
    """``with at_level("v3"): opt = Optimizer(...)``"""
    return kernels_of

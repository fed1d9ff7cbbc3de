"""What is running: version, level, threads, memory."""

from __future__ import annotations

from pathlib import Path

from . import _cold, _level
from .threads import get_threads
from .version import __version__

_HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def _huge_pages() -> str:
    """The bracketed word of the kernel's setting."""
    try:
        return next((word[1:-1] for word in _HUGE.read_text().split() if word.startswith("[")), "unknown")
    except OSError:
        return "not available"


def info() -> dict[str, str]:
    """Version, level in use and levels that run here, threads, huge-page state, Eigen's version.

    Example
    -------
    >>> import schuss
    >>> sorted(schuss.info())
    ['eigen', 'huge pages', 'level', 'levels', 'threads', 'version']
    """
    return {
        "version": __version__,
        "level": _cold.level(_level.table),
        "levels": ", ".join(_level.runnable()),
        "threads": str(get_threads()),
        "huge pages": _huge_pages(),
        "eigen": _cold.eigen(_level.table),
    }


def get_include() -> str:
    """The folder of the C++ headers, for rules that are compiled outside the package (examples/custom_rule).

    Example
    -------
    >>> import pathlib, schuss
    >>> (pathlib.Path(schuss.get_include()) / "schuss/module.hpp").exists()
    True
    """
    here = Path(__file__).parent
    installed = here / "include"
    return str(installed if installed.exists() else here.parent.parent / "cpp")

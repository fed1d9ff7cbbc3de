"""Where the C++ headers are."""

from __future__ import annotations

from pathlib import Path


def get_include() -> str:
    """The folder to give to a C++ compiler (-I): `#include <schuss/predictor.hpp>` scores with a model file.

    Returns
    -------
    str
        The headers that were installed with the package; in a source tree that is not installed, its own.

    Example
    -------
    >>> import pathlib, schuss
    >>> (pathlib.Path(schuss.get_include()) / "schuss/predictor.hpp").exists()
    True
    """
    package = Path(__file__).resolve().parent
    installed = package / "include"
    return str(installed if installed.is_dir() else package.parents[1] / "cpp")

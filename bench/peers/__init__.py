"""Who is measured beside schuss: a file for each, with what is installed, what is needed, and the settings used."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """package: its name on PyPI; parts: the benchmarks it is in; settings: how it is called there, and why so.

    header: of a C++ library, the file that shows that it is there.
    """

    name: str
    package: str
    parts: tuple[str, ...]
    settings: str
    install: str = ""
    header: str = ""

    @property
    def version(self) -> str | None:
        """Of what is installed here; None if nothing is."""
        if self.header:
            return "Debian's" if Path(self.header).exists() else None
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

    @property
    def remedy(self) -> str:
        """How to get it."""
        return self.install or f"pip install {self.package}"


def everybody() -> list[Peer]:
    """All peers, by name."""
    found = [importlib.import_module(f"{__name__}.{m.name}").PEER for m in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda peer: peer.name.lower())

"""Where examples come from: files, readers, batches; once, or again for every epoch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _cold
from .progress import watching

if TYPE_CHECKING:
    from ..data import Batch, Counts, Format, Reader
    from .base import Model

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Data = Any  # Paths, Reader, CacheReader, Batch or another iterable of batches
SLICE = 16_384  # examples of a batch in memory that are learned between two looks at the clock
SUFFIXES = {
    ".tsv": "criteo",
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".vw": "vw",
    ".svm": "libsvm",
    ".libsvm": "libsvm",
    ".libfm": "libsvm",
    ".ffm": "libffm",
    ".libffm": "libffm",
}
COMPRESSED = (".gz", ".zst", ".bz2", ".xz")


class Source:
    """Batches, as often as asked; `skip` examples are left out at the start of an epoch."""

    def __init__(self, batches: Iterable[Batch], shuffled: Callable[[int], Iterable[Batch]] | None = None) -> None:
        self._batches = batches
        self._shuffled = shuffled  # of a seed

    def epoch(self, number: int = 0, skip: int = 0, seed: int = 0) -> Iterator[Batch]:
        """Epoch 0 in the order of the data, later ones shuffled where that can be done without reading again."""
        batches = self._shuffled(seed + number) if number and self._shuffled else self._batches
        if skip and hasattr(batches, "read"):
            batches, skip = batches.read(skip), 0
        for batch in batches:
            if skip >= len(batch):
                skip -= len(batch)
                continue
            yield batch[skip:] if skip else batch
            skip = 0

    @property
    def counts(self) -> Counts | None:
        """The reader's counts, if it keeps any."""
        return getattr(self._batches, "counts", None)

    @property
    def size(self) -> int | None:
        """Bytes on disk, where they are known."""
        return getattr(self._batches, "size", None)


class Slices:
    """A batch in memory, in pieces."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, len(self.batch), SLICE):
            yield self.batch[first : first + SLICE]

    def shuffled(self, seed: int) -> Slices:
        """The same examples in another order."""
        return Slices(self.batch.taken(_cold.permutation(len(self.batch), seed)))


def source_of(
    model: Model,
    data: Data,
    format: str | Format | None = None,
    cache: str | os.PathLike[str] | None = None,
    strict: bool = False,
    labelled: bool = True,
    progress: bool | None = False,
) -> Source:
    """The source of what the user gave; the model takes the format of files from its first one."""
    from ..data import Batch, CacheReader, Reader

    if isinstance(data, Batch):
        slices = Slices(data)
        return Source(slices, slices.shuffled)
    if is_paths(data):
        data = Reader(data, format_of(model, data, format), threads=model.threads, strict=strict, labelled=labelled)
    elif not isinstance(data, Iterable):
        raise TypeError(f"data: expected paths, a Reader or a Batch, got {type(data).__name__}")
    if isinstance(data, (Reader, CacheReader)):
        take_format(model, data.format)
    if cache is not None:
        data = CacheReader(cached(data, cache, progress))
    if isinstance(data, CacheReader):
        path = data.path
        return Source(data, lambda seed: CacheReader(path, shuffle=seed))
    return Source(data)


def is_paths(data: Any) -> bool:
    """Whether it names files: one path, several, or an open file."""
    if isinstance(data, (str, os.PathLike)) or (hasattr(data, "read") and not hasattr(data, "format")):
        return True
    return isinstance(data, Sequence) and all(is_paths(part) for part in data)


def format_of(model: Model, paths: Paths, format: str | Format | None) -> Format:
    """The format given, else the model's own, else that of the files' names."""
    from ..data import Format

    if format is None:
        format = model.format or guessed(paths)
    if isinstance(format, str):
        if model.format is not None and model.format.name == format:
            return model.format
        numbers = model.loss in ("squared", "poisson")
        format = Format(format, bits=model.bits, labels="regression" if numbers else "binary")
    if not isinstance(format, Format):
        raise TypeError(f"format: expected a name or a schuss.data.Format, got {type(format).__name__}")
    return format


def take_format(model: Model, format: Format) -> None:
    """Makes it the model's, if it has none; refused if their bits differ."""
    if format.bits != model.bits:
        raise ValueError(f"format: made with bits={format.bits}, the model with bits={model.bits}; give both the same")
    if model.format is None:
        model.format = format
    if model.fields is None and model.kind == "ffm" and format.fields:
        model.fields = format.fields


def guessed(paths: Any) -> str:
    """The format that the names of files tell."""
    first = paths[0] if isinstance(paths, Sequence) and not isinstance(paths, str) and paths else paths
    name = os.fspath(first) if isinstance(first, (str, os.PathLike)) else ""
    for suffix in reversed(Path(name).suffixes):
        if suffix in SUFFIXES:
            return SUFFIXES[suffix]
        if suffix not in COMPRESSED:
            break
    raise ValueError(
        f"format: cannot tell it from the name {name!r}; give one of criteo, libsvm, libffm, vw, csv, parquet"
    )


def cached(reader: Reader, path: str | os.PathLike[str], progress: bool | None) -> str:
    """The path of a cache of what the reader reads: the one that is there if it is newer than the files, else made."""
    from .. import data

    name = os.fspath(path)
    if os.path.exists(name):
        old = data.CacheReader(name)
        if old.format == reader.format and old.source.bytes == reader.size and not _changed(reader, name):
            return name
    with watching(reader, progress, "caching"):
        data.cache(reader, name)
    return name


def _changed(reader: Reader, cache: str) -> bool:
    """Whether a file is newer than the cache."""
    return any(os.stat(file).st_mtime > os.stat(cache).st_mtime for file in reader.files)

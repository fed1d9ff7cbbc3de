"""The reader: files in, batches out."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from .. import _cold
from ..threads import check_threads, get_threads
from .batch import Batch
from .format import Format
from .sources import BrokenFile, Source, ahead, sources
from .tables import table_names, tables

BATCH = 8192  # examples
CHUNK = 4 << 20  # bytes
LONGEST = 64 << 20  # bytes of a line
BOM = b"\xef\xbb\xbf"


@dataclass
class Counts:
    """What a pass over the files has seen so far.

    Parameters
    ----------
    lines, examples, malformed : int
        Lines of text or rows; those that became examples; those that could not. Blank lines and headers are neither.
    bytes, plain : int
        Read as stored, and decompressed.
    first : list of (file, line, reason)
        The first five malformed lines; lines count from 1.
    """

    lines: int = 0
    examples: int = 0
    malformed: int = 0
    bytes: int = 0
    plain: int = 0
    first: list[tuple[str, int, str]] = field(default_factory=list)


class Reader:
    """Iterates over the batches of files; the same ones for any number of threads and any size of chunk.

    Parameters
    ----------
    paths : str, path, binary file, or a list of these
        Files, globs, "-" for stdin, or URIs that pyarrow.fs knows (s3://, gs://, hdfs://, file://). Decompressed by
        suffix: .gz, .bz2, .xz, and .zst through pyarrow.
    format : Format
    batch : int, default 8192
        Examples in a batch; the last one may have fewer. Batches go on across files.
    threads : int, optional
        For parsing; default :func:`schuss.get_threads`. One more thread reads and decompresses.
    strict : bool, default False
        True: the first malformed line is a ValueError, after the examples before it.
    labelled : bool, default True
        False: labels are not read and may be missing, as may csv's column of the label; batch.labels is None.
    chunk, longest : int, default 4 MiB and 64 MiB
        Bytes that are read at a time; of a line, a longer one is malformed.

    Returns
    -------
    An iterable of :class:`Batch`; each pass starts anew, but for streams, which can be read once. Memory is bounded by
    a few chunks and one batch.

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        For an argument that does not fit.
    BrokenFile, an OSError
        While reading: a file that is truncated or damaged, after everything before the break. It names file and byte.
    ValueError
        While reading: a column that is missing; with `strict` a malformed line, named with its file and number.

    Example
    -------
    >>> import io
    >>> from schuss.data import Format, Reader
    >>> reader = Reader(io.BytesIO(b"1 3:1 5:0.5\\n-1 2:1\\n2 7:1\\n"), Format("libsvm"))
    >>> for batch in reader:
    ...     print(batch, batch.ids, batch.labels)
    Batch(2 examples, 3 entries) [3 5 2] [1. 0.]
    >>> reader.counts.first
    [('<stream>', 3, "label: expected 0, 1 or -1, got '2'; use labels='regression' for numbers")]
    """

    def __init__(
        self,
        paths: Any,
        format: Format,
        *,
        batch: int = BATCH,
        threads: int | None = None,
        strict: bool = False,
        labelled: bool = True,
        chunk: int = CHUNK,
        longest: int = LONGEST,
    ) -> None:
        if not isinstance(format, Format):
            raise TypeError(f'format: expected a Format, got {type(format).__name__}; use Format("criteo")')
        for name, value, most in (("batch", batch, 2**31), ("chunk", chunk, 2**30), ("longest", longest, 2**40)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
            if not 1 <= value <= most:
                raise ValueError(f"{name}: expected 1 to {most}, got {value}")
        for name, flag in (("strict", strict), ("labelled", labelled)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name}: expected True or False, got {flag!r}")
        if labelled and format.table and "label" not in [role for _, role in format.columns or ()]:
            raise ValueError("format: no column has the role label; name it in columns, or use labelled=False")
        self.format = format
        self.batch = batch
        self.threads = None if threads is None else check_threads(threads)
        self.strict = strict
        self.labelled = labelled
        self.counts = Counts()
        self._chunk = chunk
        self._longest = longest
        self._sources = sources(paths)

    @property
    def size(self) -> int | None:
        """Bytes of all files as stored; None if a stream is among them."""
        sizes = [s.size for s in self._sources]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def files(self) -> list[str]:
        """Names of the sources that are files."""
        return [s.name for s in self._sources if s.size is not None]

    def __iter__(self) -> Iterator[Batch]:
        return self.read()

    def read(self, skip: int = 0) -> Iterator[Batch]:
        """One pass, without the first `skip` examples, which are parsed but not delivered.

        Parameters
        ----------
        skip : int, default 0
            To go on where an earlier pass has ended.

        Returns
        -------
        An iterator of batches; `counts` is that of this pass.
        """
        self.counts = counts = Counts()
        options = self.format.options(labelled=self.labelled, strict=self.strict, longest=self._longest)
        stream = _cold.Stream(options, skip)
        threads = self.threads or get_threads()
        broken: BrokenFile | None = None
        before = 0
        for source in self._sources:
            try:
                for plain, stored in self._parse(stream, source, threads):
                    counts.plain += plain
                    counts.bytes = before + stored
                    self._note(counts, stream)
                    while stream.waiting >= self.batch:
                        yield Batch(*stream.take(self.batch))
                    if stream.stopped:
                        break
            except BrokenFile as error:
                broken = error
            before = counts.bytes
            stream.close(broken is not None)
            self._note(counts, stream)
            if broken or stream.stopped:
                break
        while stream.waiting:
            yield Batch(*stream.take(self.batch))
        if broken:
            raise broken
        if stream.stopped:
            name, line, reason = counts.first[0]
            raise ValueError(f"{name}:{line}: {reason}")

    def _parse(self, stream: _cold.Stream, source: Source, threads: int) -> Iterator[tuple[int, int]]:
        """Feeds one file; for each part of it, its plain bytes and the stored bytes so far."""
        if self.format.name == "parquet":
            wanted = [
                (name, role, field)
                for (name, _), (role, field) in zip(self.format.columns or (), self._listed(), strict=True)
                if role != "ignore" and (self.labelled or role not in ("label", "weight"))
            ]
            stream.open([], 0)
            before = 0
            with closing(ahead(tables(source, wanted, threads))) as blocks:  # type: ignore[type-var]
                for columns, rows, stored in blocks:
                    stream.feed_rows(columns, rows, threads)
                    yield stored - before, stored
                    before = stored
            return
        with closing(ahead(source.chunks(self._chunk))) as chunks:  # type: ignore[type-var]
            start, stored = _start(chunks, self._longest if self.format.table and self.format.header else len(BOM))
            plain = len(start)
            start = start.removeprefix(BOM)
            if self.format.table and self.format.header and start:
                line, _, start = start.partition(b"\n")
                stream.open(self._found(_cells(line, self.format.delimiter), source.name), 1)
            else:
                stream.open([] if not self.format.table else self._listed(), 0)
            stream.feed(start, threads)
            yield plain, stored
            for chunk, stored in chunks:
                stream.feed(chunk, threads)
                yield len(chunk), stored

    def _note(self, counts: Counts, stream: _cold.Stream) -> None:
        counts.lines, counts.examples, counts.malformed = stream.lines, stream.examples, stream.malformed
        if len(counts.first) < min(counts.malformed, 5):
            counts.first = [(self._sources[f].name, line, reason) for f, line, reason in stream.reports()]

    # ---- columns of tables ----------------------------------------------------------------------------------------

    def _listed(self) -> list[tuple[str, int]]:
        """Role and field of each of the format's columns."""
        roles = []
        fields = 0
        for _, role in self.format.columns or ():
            feature = role in ("numeric", "categorical")
            roles.append((role, fields if feature else 0))
            fields += feature
        return roles

    def _found(self, names: list[str], file: str) -> list[tuple[str, int]]:
        """Role and field of each column of a file, by their names."""
        listed = [name for name, _ in self.format.columns or ()]
        roles = dict(zip(listed, self._listed(), strict=True))
        for name, (role, _) in roles.items():
            needed = role != "ignore" and (self.labelled or role not in ("label", "weight"))
            if needed and names.count(name) != 1:
                times = "no" if name not in names else "more than one"
                raise ValueError(f"{file}: {times} column {name!r} in its header; it has {', '.join(names)}")
        return [roles.get(name, ("ignore", 0)) for name in names]


def _start(chunks: Iterable[tuple[bytes, int]], most: int) -> tuple[bytes, int]:
    """The first bytes of a file, up to the chunk that completes the first line or `most` bytes."""
    start, read = b"", 0
    for chunk, stored in chunks:
        start, read = start + chunk, stored
        if b"\n" in chunk or len(start) >= most:
            break
    return start, read


def _cells(line: bytes, delimiter: str) -> list[str]:
    text = line.decode("utf-8", errors="replace").removesuffix("\r")
    return next(csv.reader([text], delimiter=delimiter), [])


def column_names(path: str | os.PathLike[str], name: str, delimiter: str) -> list[str]:
    """The columns that a file names: in its first line, or in its schema."""
    [source] = sources(path)
    if name == "parquet":
        return table_names(source)
    with closing(source.chunks(CHUNK)) as chunks:  # type: ignore[type-var]
        start, _ = _start(chunks, LONGEST)
    return _cells(start.removeprefix(BOM).partition(b"\n")[0], delimiter)

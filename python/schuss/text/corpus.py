"""Where text comes from: files, compressed or not, streams, or sentences in memory; fed to whoever works on it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Protocol

from ..data.reader import BOM, CHUNK, Counts
from ..data.sources import Source, ahead, sources
from ..models.progress import watching
from ..threads import check_threads, get_threads

PIECE = 1 << 18  # bytes that a thread works on at a time
SENTENCES = 1024  # sentences in memory that are handed over at a time


class Reader(Protocol):
    """What takes text: chunks of bytes, or sentences; close() ends a file and its last line."""

    def feed(self, chunk: bytes, threads: int, /) -> None: ...
    def feed_sentences(self, sentences: list[Any], first: int, /) -> None: ...
    def close(self) -> None: ...


class Corpus:
    """A text that can be read as often as its source can.

    Parameters
    ----------
    source : path, list of paths, binary file, or iterable
        Of an iterable, each item is a sentence: a list of strings, or a string to be split.
    threads : int, optional
    progress : bool, optional
        A bar; None: where the error stream is a terminal.
    """

    def __init__(self, source: Any, threads: int | None = None, progress: bool | None = None) -> None:
        self.threads = get_threads() if threads is None else check_threads(threads)
        if progress is not None and not isinstance(progress, bool):
            raise TypeError(f"progress: expected True, False or None, got {progress!r}")
        self.progress = progress
        self.counts = Counts()
        self._sources: list[Source] = []
        self._sentences: Iterable[Any] = ()
        if _is_files(source):
            self._sources = _found(source)
        elif isinstance(source, Iterable):
            self._sentences = source
        else:
            raise TypeError(
                f"source: expected paths or an iterable of sentences, lists of strings, got {type(source).__name__}"
            )

    @property
    def once(self) -> bool:
        """Whether it can be read only once: an iterator, or a stream."""
        return any(s.once for s in self._sources) or isinstance(self._sentences, Iterator)

    @property
    def size(self) -> int | None:
        """Bytes of all files as stored; None if unknown."""
        sizes = [s.size for s in self._sources]
        return sum(s for s in sizes if s is not None) if sizes and None not in sizes else None

    def stamp(self) -> list[list[Any]] | None:
        """Name, size and time of change of each file; None where the text is not in local files."""
        stamps: list[list[Any]] = []
        for source in self._sources:
            if source.size is None:
                return None
            state = os.stat(source.name)
            stamps.append([os.path.abspath(source.name), state.st_size, state.st_mtime_ns])
        return stamps or None

    def read(self, reader: Reader, what: str) -> Iterator[None]:
        """Feeds all of it to a reader; a step for each part, so that somebody can take what has been made of it."""
        self.counts = Counts()
        with watching(self, self.progress, what):
            if self._sources:
                yield from self._files(reader)
            else:
                yield from self._items(reader)

    def _files(self, reader: Reader) -> Iterator[None]:
        before = 0
        for source in self._sources:
            with closing(ahead(_without_mark(source.chunks(CHUNK)))) as chunks:  # type: ignore[type-var]
                for chunk, stored in chunks:
                    reader.feed(chunk, self.threads)
                    self.counts.bytes = before + stored
                    yield
            before = self.counts.bytes
            reader.close()
            yield

    def _items(self, reader: Reader) -> Iterator[None]:
        lists: list[Any] = []
        lines: list[str] = []
        n = 0

        def hand_over() -> None:
            if lists:
                reader.feed_sentences(lists, n - len(lists))
                lists.clear()
            if lines:
                reader.feed(("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"), self.threads)
                lines.clear()

        for item in self._sentences:
            text = isinstance(item, str)
            if lists if text else lines:
                hand_over()
            if text:
                lines.append(item)
            else:
                lists.append(_tokens(item, n))
            n += 1
            if len(lists) + len(lines) == SENTENCES:
                hand_over()
                yield
        hand_over()
        reader.close()
        yield


def _tokens(item: Any, n: int) -> Sequence[Any]:
    if isinstance(item, (list, tuple)):
        return item
    if isinstance(item, (bytes, bytearray)) or not isinstance(item, Iterable):
        raise TypeError(f"source: expected sentences, lists of strings, got {type(item).__name__} as sentence {n}")
    return list(item)


def _is_files(source: Any) -> bool:
    """A path or a file, or a list of them, as the readers of schuss.data take them."""
    if isinstance(source, (str, bytes, os.PathLike)) or hasattr(source, "read"):
        return True
    return isinstance(source, (list, tuple)) and bool(source) and all(not _nested(s) and _is_files(s) for s in source)


def _nested(source: Any) -> bool:
    return isinstance(source, (list, tuple))


def _found(source: Any) -> list[Source]:
    try:
        return sources(source)
    except FileNotFoundError as error:
        message = str(error).replace("paths:", "source:", 1)
        if isinstance(source, (list, tuple)):
            message += "; for sentences in memory give lists of strings: [text.split() for text in texts]"
        raise FileNotFoundError(message) from error
    except (TypeError, OSError) as error:
        raise type(error)(str(error).replace("paths:", "source:", 1)) from error


def _without_mark(chunks: Iterator[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """The chunks of a file without a byte order mark at its start."""
    start, read = b"", 0
    for chunk, stored in chunks:
        start, read = start + chunk, stored
        if len(start) >= len(BOM):
            break
    if start := start.removeprefix(BOM):
        yield start, read
    yield from chunks

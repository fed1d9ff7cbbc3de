"""Where bytes come from: files, compressed or not, streams, stdin, remote stores; read ahead by a thread."""

from __future__ import annotations

import bz2
import glob
import importlib
import lzma
import os
import queue
import re
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import IO, Any, TypeVar

T = TypeVar("T")
INPUT = 1 << 18  # compressed bytes that are read at a time
ERRORS: tuple[type[Exception], ...] = (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError)


class BrokenFile(OSError):
    """A file ends or cannot be decompressed before its end; what was read before it counts."""


class Source:
    """One file or stream, read once from front to end."""

    def __init__(self, name: str, open_: Callable[[], Any], size: int | None, *, once: bool = False) -> None:
        self.name = name
        self.size = size  # bytes as stored, None: unknown
        self.once = once  # cannot be read again
        self.opened = False
        self._open = open_

    def open(self) -> IO[bytes]:
        """The bytes as stored."""
        if self.once and self.opened:
            raise ValueError(f"{self.name}: a stream can be read only once; use a file, or a cache")
        self.opened = True
        file: IO[bytes] = self._open()
        return file

    def chunks(self, size: int) -> Iterator[tuple[bytes, int]]:
        """The plain bytes in chunks of at most `size`, with the number of stored bytes read so far."""
        file = self.open()
        raw = _Counted(file)
        try:
            suffix = self.name.rpartition(".")[2].lower()
            if suffix in DECOMPRESSORS:
                yield from _decompressed(raw, DECOMPRESSORS[suffix], size, self.name)
            elif suffix in ("zst", "zstd"):
                yield from _zstd(raw, size, self.name)
            else:
                while chunk := raw.read(size):
                    yield chunk, raw.count
        finally:
            if not self.once:
                file.close()


class _Counted:
    """A file that knows how much of it was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._read = file.read
        self.count = 0
        self.closed = False
        self.mode = "rb"

    def read(self, size: int = -1) -> bytes:
        chunk = self._read(size) or b""
        if not isinstance(chunk, bytes):
            raise TypeError(
                f"paths: expected a binary file, which reads bytes, got {type(chunk).__name__}; open it 'rb'"
            )
        self.count += len(chunk)
        return chunk

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


class _Gunzip:
    """zlib with the manners of bz2 and lzma."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(31)
        self.needs_input = True

    def decompress(self, data: bytes, size: int) -> bytes:
        out = self._zlib.decompress(self._zlib.unconsumed_tail + data, size)
        self.needs_input = not self._zlib.unconsumed_tail and len(out) < size
        return out

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data


DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gz": _Gunzip,
    "bz2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
}


def _decompressed(raw: _Counted, make: Callable[[], Any], size: int, name: str) -> Iterator[tuple[bytes, int]]:
    """Any number of compressed streams one behind the other, zeros between them."""
    stream = None
    while data := raw.read(INPUT):
        while data or (stream is not None and not stream.needs_input):
            if stream is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                stream = make()
            try:
                chunk = stream.decompress(data, size)
            except ERRORS as error:
                raise BrokenFile(f"{name}: cannot be decompressed around byte {raw.count}: {error}") from error
            data = b""
            if stream.eof:
                data = stream.unused_data
                stream = None
            if chunk:
                yield chunk, raw.count
    if stream is not None:
        raise BrokenFile(f"{name}: truncated: its compressed data break off at byte {raw.count}")


def _zstd(raw: _Counted, size: int, name: str) -> Iterator[tuple[bytes, int]]:
    pyarrow = arrow("zstd files")
    with pyarrow.CompressedInputStream(pyarrow.PythonFile(raw, "r"), "zstd") as stream:
        while True:
            # A read that meets the break gives nothing of what it read before, so reads are small.
            parts: list[bytes] = []
            error: OSError | None = None
            while (rest := size - sum(map(len, parts))) > 0:
                try:
                    part = stream.read(min(rest, INPUT))
                except OSError as found:
                    error = found
                    break
                if not part:
                    break
                parts.append(part)
            if parts:
                yield b"".join(parts), raw.count
            if error:
                raise BrokenFile(f"{name}: truncated or damaged around byte {raw.count}: {error}") from error
            if not parts:
                return


def arrow(purpose: str) -> Any:
    """pyarrow, or an error that says where to get it."""
    try:
        for part in ("fs", "parquet", "dataset"):
            importlib.import_module(f"pyarrow.{part}")
    except ImportError as error:
        raise ImportError(f"{purpose} are read through pyarrow; pip install 'schuss[data]'") from error
    return importlib.import_module("pyarrow")


def sources(paths: Any) -> list[Source]:
    """Files, globs, "-", binary files and URIs, alone or in a list, each as a source; globs in sorted order."""
    alone = isinstance(paths, (str, bytes, os.PathLike)) or hasattr(paths, "read")
    if not alone and not isinstance(paths, Iterable):
        raise TypeError(f"paths: expected paths or binary files, got {type(paths).__name__}")
    found = [source for path in ([paths] if alone else paths) for source in _sources_of(path)]
    if not found:
        raise ValueError("paths: expected at least one, got an empty list")
    return found


def _sources_of(path: Any) -> list[Source]:
    if hasattr(path, "read"):
        name = getattr(path, "name", None)
        return [Source(name if isinstance(name, str) else "<stream>", lambda: path, None, once=True)]
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"paths: expected a path or a binary file, got {type(path).__name__}")
    name = os.fsdecode(path)
    if name == "-":
        return [Source("<stdin>", lambda: sys.stdin.buffer, None, once=True)]
    if re.match(r"[a-z][a-z0-9+.-]+://", name):
        return [Source(name, lambda: _remote(name), None)]
    if os.path.exists(name):
        return [_local(name)]
    if not glob.has_magic(name):
        raise FileNotFoundError(f"paths: there is no file {name!r}")
    matches = sorted(glob.glob(name, recursive=True))
    if not matches:
        raise FileNotFoundError(f"paths: no file fits {name!r}")
    return [_local(match) for match in matches]


def _local(name: str) -> Source:
    if os.path.isdir(name):
        raise IsADirectoryError(f"paths: {name!r} is a folder; use {os.path.join(name, '*')!r}")
    size = os.path.getsize(name) if os.path.isfile(name) else None
    return Source(name, lambda: open(name, "rb", buffering=0), size)


def _remote(uri: str) -> Any:
    files, path = arrow("remote files").fs.FileSystem.from_uri(uri)
    return files.open_input_stream(path, compression=None)


def ahead(items: Iterator[T], depth: int = 2) -> Iterator[T]:
    """The items, made by a thread of their own up to `depth` before they are asked for."""
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stop = threading.Event()

    def put(kind: str, item: Any) -> bool:
        while not stop.is_set():
            try:
                waiting.put((kind, item), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            with closing(items) as made:  # type: ignore[type-var]
                for item in made:
                    if not put("item", item):
                        return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=work, name="schuss-read", daemon=True)
    thread.start()
    try:
        while True:
            kind, item = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                raise item
            yield item
    finally:
        stop.set()
        thread.join(timeout=1)  # it may hang in a read of stdin

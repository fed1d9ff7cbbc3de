"""Text as numbers of words: in memory, or in a file that is mapped.

magic, version, length of the header     8 + 4 + 4 bytes
header                                   JSON: what the file was made from
ids, indptr                              each from a multiple of 64
numbers of ids and of sentences, checksum of the header, magic
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .. import _cold, checkpoint

Array = npt.NDArray[Any]

MAGIC, END = b"schuss.t", b".tokens\n"
VERSION = 1
HEAD = struct.Struct("<8sII")
FOOT = struct.Struct("<QQQ8s")
LINE = 64


@dataclass(frozen=True, eq=False, repr=False)
class Tokens:
    """Sentences of a text as numbers of words.

    Parameters
    ----------
    ids : uint32 array
        The words of all sentences, one behind the other.
    indptr : int64 array of sentences + 1
        Sentence i is ids[indptr[i]:indptr[i + 1]]; none is empty, none has more than 10,000 words.

    Example
    -------
    >>> from schuss.text import Vocabulary
    >>> sentences = [["to", "be", "or", "not", "to", "be"], ["be", "quick"]]
    >>> tokens = Vocabulary.count(sentences, min_count=2).encode(sentences)
    >>> tokens, len(tokens), tokens[0]
    (Tokens(2 sentences, 5 words), 2, array([1, 0, 1, 0], dtype=uint32))
    """

    ids: Array
    indptr: Array

    def __post_init__(self) -> None:
        for name, array, kind in (("ids", self.ids, np.uint32), ("indptr", self.indptr, np.int64)):
            if not isinstance(array, np.ndarray) or array.dtype != kind or array.ndim != 1:
                found = (
                    f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
                )
                raise TypeError(f"{name}: expected a one-dimensional array of {np.dtype(kind)}, got {found}")
        if not len(self.indptr) or self.indptr[0] != 0 or self.indptr[-1] != len(self.ids):
            raise ValueError(f"indptr: expected 0 to {len(self.ids)}, the number of ids")

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, i: int) -> Array:
        if not -len(self) <= i < len(self):
            raise IndexError(f"sentence: expected {-len(self)} to {len(self) - 1}, got {i}")
        i %= len(self)
        return self.ids[self.indptr[i] : self.indptr[i + 1]]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Tokens({len(self):,} sentences, {len(self.ids):,} words)"

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Tokens:
        """Maps what `Vocabulary.encode(..., cache=path)` has written; arrays are read-only and need no memory.

        Parameters
        ----------
        path : path

        Returns
        -------
        Tokens

        Raises
        ------
        OSError, ValueError
            For a file that is missing, truncated, damaged, of another kind or version.

        Example
        -------
        >>> import tempfile
        >>> from schuss.text import Tokens, Vocabulary
        >>> sentences = [["to", "be", "or", "not", "to", "be"]]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Vocabulary.count(sentences, min_count=2).encode(sentences, cache=folder + "/tokens")
        ...     Tokens.load(folder + "/tokens").ids
        array([1, 0, 1, 0], dtype=uint32)
        """
        return _load(path)[0]


Parts = Iterable[tuple[Array, Array]]  # ids and ends of sentences, these counted from the first id of all


def gathered(parts: Parts) -> Tokens:
    """Parts in memory."""
    ids, ends = _Growing(np.uint32), _Growing(np.int64)
    ends.append(np.zeros(1, np.int64))
    for some, borders in parts:
        ids.append(some)
        ends.append(borders)
    return Tokens(ids.array(), ends.array())


def cached(parts: Callable[[], Parts], path: str | os.PathLike[str], key: dict[str, Any]) -> Tokens:
    """Parts in a file: the one that is there if it was made from the same, else a new one."""
    if os.path.exists(path):
        try:
            tokens, before = _load(path)
        except ValueError as error:
            if not str(error).endswith(AGAIN):
                raise ValueError(f"cache: {error}; name another file") from error
        else:
            if key["files"] is not None and before == key:
                return tokens
    _write(parts(), path, key)
    return _load(path)[0]


AGAIN = "write it again"


def _write(parts: Parts, path: str | os.PathLike[str], key: dict[str, Any]) -> None:
    header = json.dumps(key).encode()
    folder = os.path.dirname(os.path.realpath(os.fsdecode(path)))
    with (
        checkpoint.replacing(path) as temporary,
        _naming(path),
        open(temporary, "wb") as out,
        tempfile.TemporaryFile(dir=folder) as borders,
    ):
        out.write(HEAD.pack(MAGIC, VERSION, len(header)) + header)
        _align(out)
        borders.write(bytes(8))
        n = sentences = 0
        for ids, ends in parts:
            out.write(np.ascontiguousarray(ids, "<u4").data)
            borders.write(np.ascontiguousarray(ends, "<i8").data)
            n, sentences = n + len(ids), sentences + len(ends)
        _align(out)
        borders.seek(0)
        shutil.copyfileobj(borders, out, 1 << 20)
        out.write(FOOT.pack(n, sentences, _cold.checksum(header), END))


@contextlib.contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Errors of writing, which know no name, get this one."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, os.fsdecode(path)) from error


def _load(path: str | os.PathLike[str]) -> tuple[Tokens, dict[str, Any]]:
    name = os.fsdecode(path)
    with open(name, "rb") as file:
        start = file.read(HEAD.size)
        if not start or not start.startswith(MAGIC[: len(start)]):
            raise ValueError(f"{name}: no file of tokens")
        if len(start) < HEAD.size:
            raise ValueError(f"{name}: truncated; {AGAIN}")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _, version, length = HEAD.unpack(start)
    if version != VERSION:
        raise ValueError(f"{name}: tokens of version {version}, this schuss reads {VERSION}; {AGAIN}")
    header = data[HEAD.size : HEAD.size + length]
    n, sentences, check, end = FOOT.unpack(data[-FOOT.size :]) if len(data) >= FOOT.size else (0, 0, 0, b"")
    first = _aligned(HEAD.size + length)
    second = _aligned(first + 4 * n)
    if end != END or second + 8 * (sentences + 1) + FOOT.size != len(data):
        raise ValueError(f"{name}: truncated; {AGAIN}")
    if _cold.checksum(header) != check:
        raise ValueError(f"{name}: damaged; {AGAIN}")
    key: dict[str, Any] = json.loads(header)
    ids = np.frombuffer(data, "<u4", n, first)
    return Tokens(ids, np.frombuffer(data, "<i8", sentences + 1, second)), key


def _align(out: IO[bytes]) -> None:
    out.write(bytes(_aligned(out.tell()) - out.tell()))


def _aligned(at: int) -> int:
    return -(-at // LINE) * LINE


class _Growing:
    """An array that grows in place where the system can."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._array: Array = np.empty(1024, dtype)
        self._size = 0

    def append(self, part: Array) -> None:
        needed = self._size + len(part)
        if needed > len(self._array):
            self._array.resize(max(needed, len(self._array) * 3 // 2), refcheck=False)
        self._array[self._size : needed] = part
        self._size = needed

    def array(self) -> Array:
        self._array.resize(self._size, refcheck=False)
        return self._array

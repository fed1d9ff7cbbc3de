"""Files of vectors: word2vec's text and binary formats, safetensors."""

from __future__ import annotations

import json
import mmap
import os
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .. import checkpoint
from ..data.reader import BOM, CHUNK
from ..data.sources import sources
from ..text.arrays import packed, unpacked

Array = npt.NDArray[Any]
SUFFIXES = {".txt": "text", ".vec": "text", ".bin": "binary"}
FORMATS = ("text", "binary", "safetensors")
KIND = "vectors"
WHITE = re.compile("[ \t\n\r\v\f]")
NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)


def save(words: Sequence[str], matrix: Array, path: str | os.PathLike[str], format: str | None) -> None:
    """Replaces a file as a whole, in a format or in that of its name."""
    format = format or SUFFIXES.get(Path(os.fsdecode(path)).suffix, "safetensors")
    if format not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    if format == "safetensors":
        data, offsets = packed(words)
        header = {"kind": KIND, "words": len(words), "dim": int(matrix.shape[1])}
        return checkpoint.save(path, {"matrix": matrix, "offsets": offsets, "words": data}, header)
    odd = next((word for word in words if not word or WHITE.search(word)), None)
    if odd is not None:
        raise ValueError(
            f"format: {format} cannot hold the word {odd!r}, which is empty or has white space; use safetensors"
        )
    with checkpoint.replacing(path) as temporary:
        try:
            with open(temporary, "wb") as file:
                _write(file, words, matrix, format)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), os.fsdecode(path)) from error
    return None


def _write(file: IO[bytes], words: Sequence[str], matrix: Array, format: str) -> None:
    dim = matrix.shape[1]
    file.write(b"%d %d\n" % (len(words), dim))
    form = " ".join(["%.9g"] * dim)  # nine digits give each float32 back
    for word, row in zip(words, matrix, strict=True):
        if format == "text":
            file.write(f"{word} {form % tuple(row.tolist())}\n".encode())
        else:
            file.write(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")


def load(path: str | os.PathLike[str], map_it: bool, limit: int | None) -> tuple[list[str], Array]:
    """Words and matrix of a file, whose format its content tells."""
    name = os.fsdecode(path)
    if is_safetensors(name):
        return _safetensors(name, map_it, limit)
    if map_it:
        raise ValueError(
            f"mmap: {name} is not in the format 'safetensors': its rows lie between words and cannot be mapped; "
            "load it and save it as safetensors"
        )
    words, matrix = _word2vec(_Bytes(name), name, limit)
    first = {word: i for i, word in reversed(list(enumerate(words)))}
    if len(first) < len(words):
        kept = sorted(first.values())
        words, matrix = [words[i] for i in kept], matrix[kept]
    return words, matrix


def is_safetensors(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as one: the length of its header, then the header."""
    with open(path, "rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and struct.unpack("<Q", start[:8])[0] < 1 << 32


# ---- safetensors --------------------------------------------------------------------------------------------------


def _safetensors(name: str, map_it: bool, limit: int | None) -> tuple[list[str], Array]:
    with checkpoint.opened(name) as (file, header):
        if header.get("kind") != KIND:
            raise ValueError(f"{name}: a file of schuss, but not of vectors: kind {header.get('kind')!r}")
        offsets = file.get_tensor("offsets")[: None if limit is None else limit + 1]
        words = unpacked(file.get_tensor("words"), offsets)
        if not map_it:
            part = file.get_slice("matrix")[: len(words)]
            return words, np.ascontiguousarray(part, np.float32)
    with open(name, "rb") as stored:
        (length,) = struct.unpack("<Q", stored.read(8))
        entry = json.loads(stored.read(length))["matrix"]
        data = mmap.mmap(stored.fileno(), 0, access=mmap.ACCESS_READ)
    rows, dim = entry["shape"]
    at = 8 + length + entry["data_offsets"][0]
    return words, np.frombuffer(data, "<f4", rows * dim, at).reshape(rows, dim)[: len(words)]


# ---- word2vec -----------------------------------------------------------------------------------------------------


class _Bytes:
    """The plain bytes of a file, taken from its front."""

    def __init__(self, name: str) -> None:
        [source] = sources(Path(name))
        self._chunks: Iterator[tuple[bytes, int]] = source.chunks(CHUNK)
        self._data = b""
        self._at = 0
        self.fill(len(BOM))
        self._data = self._data.removeprefix(BOM)

    def fill(self, n: int) -> bool:
        """Whether n more bytes are there."""
        while len(self._data) - self._at < n:
            chunk, _ = next(self._chunks, (b"", 0))
            if not chunk:
                return False
            self._data = self._data[self._at :] + chunk
            self._at = 0
        return True

    def take(self, n: int) -> bytes | None:
        """The next n bytes, None if there are fewer."""
        if not self.fill(n):
            return None
        self._at += n
        return self._data[self._at - n : self._at]

    def until(self, mark: bytes, most: int = 1 << 26) -> bytes | None:
        """What stands in front of the next mark, which is passed; the rest if there is none; None at the end."""
        seen = 0
        while (end := self._data.find(mark, self._at + seen)) < 0:
            seen = len(self._data) - self._at
            if seen > most or not self.fill(seen + 1):
                break
        if end < 0:
            end = len(self._data)
        if end == self._at == len(self._data):
            return None
        part = self._data[self._at : end]
        self._at = min(end + 1, len(self._data))
        return part

    def text(self, dim: int) -> bool:
        """Whether a word and `dim` numbers stand in a line here."""
        self.fill(1 << 16)
        line, end, _ = self._data[self._at : self._at + (1 << 16)].partition(b"\n")
        numbers = line.split()[-dim:]
        return (len(numbers) == dim or not end) and all(NUMBER.fullmatch(x) for x in numbers[:-1] or numbers)


def _word2vec(data: _Bytes, name: str, limit: int | None) -> tuple[list[str], Array]:
    line = data.until(b"\n")
    if not line:
        raise ValueError(f"{name}: empty, no vectors")
    head = line.split()
    if len(head) == 2 and all(x.isdigit() for x in head):
        rows, dim = int(head[0]), int(head[1])
        if dim < 1:
            raise ValueError(f"{name}: its vectors have 0 dimensions")
        wanted = rows if limit is None else min(rows, limit)
        words, vectors = (_text if data.text(dim) else _binary)(data, name, wanted, dim, [])
        if len(words) < wanted:
            raise ValueError(f"{name}: truncated: {len(words):,} of {rows:,} words")
        return words, vectors
    if len(head) < 3 or not all(NUMBER.fullmatch(x) for x in head[1:]):
        raise ValueError(f"{name}: no file of vectors: expected the numbers of words and dimensions, got {line[:60]!r}")
    wanted = 1 << 62 if limit is None else limit
    return _text(data, name, wanted, len(head) - 1, [line])


def _text(data: _Bytes, name: str, rows: int, dim: int, lines: list[bytes]) -> tuple[list[str], Array]:
    words: list[str] = []
    vectors: list[Array] = []
    while len(words) < rows:
        line = lines.pop() if lines else data.until(b"\n")
        if line is None:
            break
        parts = line.rstrip().rsplit(b" ", dim)
        if not line.strip():
            continue
        try:
            if len(parts) != dim + 1:
                raise ValueError
            vectors.append(np.array(parts[1:], dtype=np.float32))
        except ValueError:
            raise ValueError(
                f"{name}: vector {len(words) + 1}: expected a word and {dim} numbers, got {line[:60]!r}"
            ) from None
        words.append(_word(parts[0]))
    return words, np.stack(vectors) if vectors else np.empty((0, dim), np.float32)


def _binary(data: _Bytes, name: str, rows: int, dim: int, lines: list[bytes]) -> tuple[list[str], Array]:
    words: list[str] = []
    vectors = np.empty((0, dim), np.float32)
    while len(words) < rows:
        word = data.until(b" ", 1 << 16)
        row = data.take(4 * dim)
        if word is None or row is None:
            break
        if len(words) == len(vectors):  # a header may lie about their number
            vectors = np.resize(vectors, (min(rows, 2 * len(vectors) + 1024), dim))
        vectors[len(words)] = np.frombuffer(row, "<f4")
        words.append(_word(word.lstrip(b"\n")))
    return words, vectors[: len(words)]


def _word(word: bytes) -> str:
    return word.decode("utf-8", "replace")

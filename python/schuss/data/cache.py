"""Caches: batches in a file of their own, read again at the speed of memory.

magic, version, length of the header     8 + 4 + 4 bytes
header                                   JSON: format, examples in a batch
blocks, each from a multiple of 64       its arrays, each from a multiple of 64
index                                    JSON: of each block its place, sizes, arrays, checksum; counts
place of the index, its length and checksum, magic
"""

from __future__ import annotations

import dataclasses
import json
import mmap
import os
import struct
from collections.abc import Iterable, Iterator
from typing import IO, Any

import numpy as np

from .. import _cold, checkpoint
from .batch import Batch
from .format import Format
from .reader import Counts, Reader

MAGIC, END = b"schuss.b", b".schuss\n"
VERSION = 1
HEAD = struct.Struct("<8sII")
FOOT = struct.Struct("<QQQ8s")
LINE = 64
TYPES = {
    "indptr": "<i8",
    "ids": "<u4",
    "values": "<f4",
    "fields": "<u2",
    "labels": "<f4",
    "weights": "<f4",
    "repeats": "u1",
}


def cache(reader: Reader | CacheReader, path: str | os.PathLike[str], *, block: int | None = None) -> CacheReader:
    """Reads all batches once and writes them to a file, from which they come again without parsing.

    Parameters
    ----------
    reader : Reader
    path : str or path
        Is replaced as a whole when all is written; an error, such as a full disk, leaves the old file and no other.
    block : int, optional
        Examples that are stored, checked and shuffled together; default the reader's batch.

    Returns
    -------
    The reader of the new file.

    Raises
    ------
    OSError, ValueError
        What the reader raises, and what the disk says.

    Example
    -------
    >>> import io, tempfile
    >>> from schuss.data import Format, Reader, cache
    >>> reader = Reader(io.BytesIO(b"1 3:1 5:0.5\\n-1 2:1\\n"), Format("libsvm"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [batch.ids.tolist() for batch in cache(reader, folder + "/train.cache")]
    [[3, 5, 2]]
    """
    if not isinstance(reader, (Reader, CacheReader)):
        raise TypeError(f"reader: expected a Reader, got {type(reader).__name__}")
    size = reader.batch if block is None else _positive("block", block)
    header = json.dumps({"format": reader.format.to_json(), "batch": reader.batch, "block": size}).encode()
    with checkpoint.replacing(path) as temporary, _Writer(temporary, path) as out:
        out.write(HEAD.pack(MAGIC, VERSION, len(header)) + header)
        index = [out.block(batch) for batch in rebatched(reader, size)]
        trailer = json.dumps({"blocks": index, "counts": dataclasses.asdict(reader.counts)}).encode()
        at = out.align()
        out.write(trailer + FOOT.pack(at, len(trailer), _cold.checksum(trailer), END))
    return CacheReader(path)


class CacheReader:
    """Iterates over the batches of a cache, as the reader that it was made from.

    Parameters
    ----------
    path : str or path
        What :func:`cache` has written.
    batch : int, optional
        Examples in a batch; default that of the reader.
    shuffle : int, optional
        A seed: blocks come in another order, and the examples within each too. The same for the same seed.

    Returns
    -------
    An iterable of :class:`Batch`. Without `shuffle` and with the blocks' own size, batches are views of the file and
    read-only. `len(reader)` is the number of examples.

    Raises
    ------
    OSError, ValueError
        For a file that is missing, truncated, damaged, no cache, or of another version.

    Example
    -------
    See :func:`cache`.
    """

    def __init__(self, path: str | os.PathLike[str], *, batch: int | None = None, shuffle: int | None = None) -> None:
        self.path = os.fspath(path)
        name = os.fsdecode(path)
        with open(name, "rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            if self.size < HEAD.size + FOOT.size:
                raise ValueError(f"{name}: truncated, or no cache of schuss")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, length = HEAD.unpack(self._map[: HEAD.size])
        if magic != MAGIC:
            raise ValueError(f"{name}: no cache of schuss")
        if version != VERSION:
            raise ValueError(f"{name}: a cache of version {version}, this schuss reads {VERSION}; write it again")
        at, size, check, end = FOOT.unpack(self._map[-FOOT.size :])
        if end != END or at + size + FOOT.size != self.size:
            raise ValueError(f"{name}: truncated; write the cache again")
        trailer = self._map[at : at + size]
        if _cold.checksum(trailer) != check:
            raise ValueError(f"{name}: its index is damaged; write the cache again")
        header, index = json.loads(self._map[HEAD.size : HEAD.size + length]), json.loads(trailer)
        self.format = Format.from_json(header["format"])
        self.batch: int = header["batch"] if batch is None else _positive("batch", batch)
        self.block: int = header["block"]
        self.source = Counts(**index["counts"])  # of the reader that the cache was made from
        self.source.first = [(file, line, reason) for file, line, reason in self.source.first]
        self.counts = Counts()
        self._shuffle = _seed(shuffle)
        self._blocks: list[dict[str, Any]] = index["blocks"]
        self._checked: set[int] = set()

    def __len__(self) -> int:
        return sum(block["n"] for block in self._blocks)

    def __iter__(self) -> Iterator[Batch]:
        return self.read()

    def read(self, skip: int = 0, *, shuffle: int | None = None) -> Iterator[Batch]:
        """One pass without the first `skip` examples, in the order of this seed if one is given.

        Parameters
        ----------
        skip : int, default 0
        shuffle : int, optional
            A seed for this pass alone; default that of the reader.
        """
        seed = self._shuffle if shuffle is None else _seed(shuffle)
        counts = self.counts = Counts()
        for batch in rebatched(self._pass(seed, skip, counts), self.batch):
            counts.examples += len(batch)
            counts.lines = counts.examples
            yield batch

    def _pass(self, seed: int | None, skip: int, counts: Counts) -> Iterator[Batch]:
        n = len(self._blocks)
        for i in range(n) if seed is None else _cold.permutation(n, seed).tolist():
            counts.bytes += self._blocks[i]["bytes"]
            if skip >= self._blocks[i]["n"]:
                skip -= self._blocks[i]["n"]
                continue
            batch = self._read(i)
            if seed is not None:
                batch = batch.taken(_cold.permutation(len(batch), (seed + i + 1) % 2**64))
            yield batch[skip:] if skip else batch
            skip = 0

    def _read(self, i: int) -> Batch:
        """A block as views of the file, checked when it is first read."""
        block = self._blocks[i]
        at, end = block["at"], block["at"] + block["bytes"]
        if i not in self._checked:
            if _cold.checksum(memoryview(self._map)[at:end]) != block["checksum"]:
                raise ValueError(f"{os.fsdecode(self.path)}: damaged in block {i}; write the cache again")
            self._checked.add(i)
        arrays: dict[str, Any] = dict.fromkeys(TYPES)
        for name in block["arrays"]:
            entries = {"indptr": block["n"] + 1}.get(name, block["entries" if name in PER_ENTRY else "n"])
            arrays[name] = np.frombuffer(self._map, TYPES[name], entries, at)
            at = _aligned(at + arrays[name].nbytes)
        return Batch(**arrays)


PER_ENTRY = ("ids", "values", "fields")


def rebatched(batches: Iterable[Batch], size: int) -> Iterator[Batch]:
    """The same examples in batches of another size; those that fit are passed on as they are."""
    waiting: list[Batch] = []
    n = 0
    for batch in batches:
        while n + len(batch) >= size:
            cut = size - n
            whole = batch if cut == len(batch) else batch[:cut]
            yield Batch.join([*waiting, whole]) if waiting else whole
            batch = batch[cut:]
            waiting, n = [], 0
        if len(batch):
            waiting.append(batch)
            n += len(batch)
    if waiting:
        yield Batch.join(waiting) if len(waiting) > 1 else waiting[0]


class _Writer:
    """A file that names the target in its errors and knows its place."""

    def __init__(self, temporary: str, path: str | os.PathLike[str]) -> None:
        self._file: IO[bytes] = open(temporary, "wb")  # noqa: SIM115
        self._path = os.fsdecode(path)
        self._at = 0

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._file.close()
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, self._path) from problem

    def write(self, data: Any) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, self._path) from error
        self._at += memoryview(data).nbytes

    def align(self) -> int:
        self.write(bytes(_aligned(self._at) - self._at))
        return self._at

    def block(self, batch: Batch) -> dict[str, Any]:
        at = self.align()
        given = {name: a for name in TYPES if (a := getattr(batch, name)) is not None}
        payload = bytearray()
        for name, array in given.items():
            payload += bytes(_aligned(len(payload)) - len(payload))
            payload += np.ascontiguousarray(array, TYPES[name]).data
        self.write(payload)
        return {
            "at": at,
            "bytes": len(payload),
            "n": len(batch),
            "entries": len(batch.ids),
            "arrays": list(given),
            "checksum": _cold.checksum(payload),
        }


def _aligned(at: int) -> int:
    return -(-at // LINE) * LINE


def _positive(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected a whole number, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}: expected at least 1, got {value}")
    return value


def _seed(seed: int | None) -> int | None:
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"shuffle: expected a seed, a whole number, got {type(seed).__name__}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"shuffle: expected 0 to 2**64 - 1, got {seed}")
    return seed

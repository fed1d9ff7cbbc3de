"""Checkpoints: named arrays and a JSON header in one safetensors file, replaced as a whole or not at all.

The header sits beside the format's number under one metadata key: {"schuss": '{"format": 1, "header": ...}'}.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import secrets
import stat
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

FORMAT = 1
KEY = "schuss"
DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
KINDS = {"i": "I", "u": "U", "f": "F"}  # safetensors' names, before the bits

Array = npt.NDArray[Any]


def save(path: str | os.PathLike[str], arrays: Mapping[str, Array], header: Mapping[str, Any]) -> None:
    """Write arrays and header to `path` such that a crash leaves either the old file or the new one, never half of it.

        write temporary -> fsync -> rename over path -> fsync directory

    Parameters:
        path: file to write or to replace. Its mode is kept; a symbolic link stays a link.
        arrays: NumPy arrays by name, any shape and layout, stored in C order and native byte order.
        header: what JSON can hold; read back as JSON has it, tuples as lists.

    Returns: nothing. A refused call or an OSError leaves the old file as it was and no temporary; only when the last
    step fails, the sync of the directory, the new file is there, complete. Only a killed process leaves a temporary:
    `.schuss-*.tmp` or safetensors' own `.tmp*`, beside the target and safe to delete.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(folder + "/state", {"w": np.arange(3)}, {"steps": 7})
        ...     load(folder + "/state")
        ({'w': array([0, 1, 2])}, {'steps': 7})

    Reference: Pillai et al., All File Systems Are Not Created Equal, OSDI 2014 (what a rename needs to be safe).
    Differs from: torch.save and numpy.savez, which write in place and may pickle; safetensors' save_file, which
    does not sync and (in 0.8) stores wrong numbers for an array that is not contiguous.
    """
    tensors = {name: _plain(name, array) for name, array in arrays.items()}
    metadata = {KEY: _text(header)}
    safetensors = _safetensors()

    with replacing(path) as temporary:
        try:
            safetensors.numpy.save_file(tensors, temporary, metadata)  # straight from the arrays, without a copy
        except safetensors.SafetensorError as error:  # has the system's error in its text only
            found = re.search(r"(?:os error|code:) (\d+)", str(error))
            raise OSError(int(found[1]) if found else errno.EIO, str(error), os.fsdecode(path)) from error
        except OSError as error:
            raise _naming(path, error) from error


@dataclass(frozen=True)
class Stream:
    """An array that is never whole in memory: its dtype, its shape, a function that gives its blocks in order."""

    dtype: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterable[Array]]


def save_streams(path: str | os.PathLike[str], streams: Mapping[str, Stream], header: Mapping[str, Any]) -> None:
    """As `save`, for arrays that are written block by block, so that the file may be larger than free memory.

    Parameters:
        path, header: as in `save`.
        streams: `Stream`s by name; the blocks of each hold as many numbers as its shape.

    Returns: nothing; errors are those of `save`, and ValueError where blocks do not fill their shape.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_streams(folder + "/state", {"w": Stream("int64", (4,), lambda: [np.arange(2)] * 2)}, {})
        ...     load(folder + "/state")[0]
        {'w': array([0, 1, 0, 1])}
    """
    entries: dict[str, Any] = {"__metadata__": {KEY: _text(header)}}
    end = 0
    for name, stream in streams.items():
        first, end = end, end + math.prod(stream.shape) * np.dtype(stream.dtype).itemsize
        kind = KINDS[np.dtype(stream.dtype).kind] + str(np.dtype(stream.dtype).itemsize * 8)
        entries[name] = {"dtype": kind, "shape": list(stream.shape), "data_offsets": [first, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as temporary:
        try:
            with open(temporary, "wb") as file:
                file.write(struct.pack("<Q", len(text)) + text)
                for name, stream in streams.items():
                    first, last = entries[name]["data_offsets"]
                    _write(file, name, stream, last - first)
        except OSError as error:
            raise _naming(path, error) from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """The name of an empty temporary file, which takes the place of `path` as a whole if the block ends well.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(folder + "/text") as temporary:
        ...         _ = pathlib.Path(temporary).write_text("whole")
        ...     os.listdir(folder)
        ['text']
    """
    target = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".schuss-{secrets.token_hex(8)}.tmp")
    try:
        try:
            if os.path.exists(target) and not os.path.isfile(target):  # a rename would replace even /dev/null
                raise OSError(errno.EINVAL, "not a regular file")
            with open(temporary, "xb") as file:
                mode = os.fstat(file.fileno()).st_mode  # 0666 and the umask
            if os.path.exists(target):
                mode = os.stat(target).st_mode
        except OSError as error:
            raise _naming(path, error) from error
        yield temporary
        try:
            os.chmod(temporary, stat.S_IMODE(mode))
            _sync(temporary)
            os.replace(temporary, target)
            _sync(folder)
        except OSError as error:
            raise _naming(path, error) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read back what `save` wrote.

    Parameters:
        path: file to read.

    Returns: the arrays, writable and independent of the file, in the order of their names; and the header.
    A file that is damaged, foreign or written by a newer schuss is a ValueError; bits flipped within the numbers
    are not noticed, for the format has no checksum.

    Example: see `save`.

    Differs from: torch.load and numpy.load, which may unpickle, that is run, what the file says.
    """
    with opened(path) as (file, header):
        return {key: file.get_tensor(key) for key in sorted(file.keys())}, header


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A safetensors file, open, whose arrays can be read in parts (`get_slice`), and its header; errors as `load`."""
    safetensors = _safetensors()
    name = os.fsdecode(path)
    with open(name, "rb"):  # a missing file, a folder or a lack of rights: Python's own error
        pass
    try:
        with safetensors.safe_open(name, framework="numpy") as file:
            yield file, _header(name, (file.metadata() or {}).get(KEY))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{name}: truncated, damaged or not a safetensors file ({error})") from error


def _naming(path: str | os.PathLike[str], error: OSError) -> OSError:
    return OSError(error.errno, error.strerror or str(error), os.fsdecode(path))


def _write(file: IO[bytes], name: str, stream: Stream, size: int) -> None:
    written = 0
    for block in stream.blocks():
        written += file.write(np.ascontiguousarray(block, np.dtype(stream.dtype).newbyteorder("<")).data)
    if written != size:
        raise ValueError(f"streams[{name!r}]: its blocks have {written} bytes, its shape {size}")


def _plain(name: Any, array: Any) -> Array:
    if not isinstance(name, str):
        raise TypeError(f"arrays: names must be strings, got {name!r}")
    if name == "__metadata__":
        raise ValueError("arrays: '__metadata__' is a name of the file format; use another name")
    if not isinstance(array, np.ndarray):
        raise TypeError(f"arrays[{name!r}]: expected a NumPy array, got {type(array).__name__}; use numpy.asarray")
    if array.dtype.name not in DTYPES:
        raise TypeError(f"arrays[{name!r}]: {array.dtype} cannot be stored; use one of {', '.join(DTYPES)}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="), order="C")


def _text(header: Mapping[str, Any]) -> str:
    if not isinstance(header, Mapping):
        raise TypeError(f"header: expected a dict, got {type(header).__name__}")
    try:
        return json.dumps({"format": FORMAT, "header": dict(header)})
    except TypeError as error:
        raise TypeError(f"header: {error}; use plain numbers, strings, lists and dicts") from error


def _header(name: str, text: str | None) -> dict[str, Any]:
    if text is None:
        raise ValueError(f"{name}: a safetensors file, but without the header of a schuss checkpoint")
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    version = data.get("format") if isinstance(data, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(f"{name}: written by a newer schuss (format {version}, this one reads {FORMAT})")
    if version != FORMAT or not isinstance(data.get("header"), dict):
        raise ValueError(f"{name}: the header of this schuss checkpoint is damaged")
    header: dict[str, Any] = data["header"]
    return header


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # which says that the file system has no sync, as some network ones for folders
            raise
    finally:
        os.close(descriptor)


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("checkpoints are safetensors files; pip install safetensors") from error
    return safetensors

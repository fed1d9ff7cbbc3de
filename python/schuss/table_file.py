"""Files of mapped tables: one page of header, then the rows as they lie in memory.

The header: 16 bytes of magic, at byte 64 the ledger that every step keeps up to date (steps, torn, owed: int64 each),
at byte 128 the length of a JSON text and the text.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import struct
from typing import Any

from .rules import ALL, Rule

BYTES = 4096
MAGIC = b"schuss table 1\n\0"
LEDGER, TEXT = 64, 128
SHARED = 96  # a number that the whole table shares
PARTS = {
    "rows": int,
    "dim": int,
    "stride": int,
    "seed": int,
    "dtype": str,
    "rounding": str,
    "slots": list,
    "rule": dict,
    "init": dict | None,
}
COMPLETE = 40  # one byte: start values have been written


def create(path: str, text: dict[str, Any]) -> None:
    """A new file with its header; it counts as incomplete until its rows have start values."""
    page = _page(text)
    with open(path, "xb", buffering=0) as file:
        try:
            while page:
                page = page[file.write(page) :]
        except OSError as error:
            os.unlink(path)
            raise OSError(error.errno, error.strerror, path) from error


def _page(text: dict[str, Any]) -> bytes:
    plain = json.dumps(text).encode()
    if TEXT + 8 + len(plain) > BYTES:
        raise ValueError(f"rule: its description is too long for a table file ({len(plain)} bytes)")
    page = bytearray(BYTES)
    page[: len(MAGIC)] = MAGIC
    page[TEXT : TEXT + 8] = struct.pack("<q", len(plain))
    page[TEXT + 8 : TEXT + 8 + len(plain)] = plain
    return bytes(page)


def complete(store: Any) -> None:
    """Start values are there."""
    store.view("uint8", [1], [1], COMPLETE)[0] = 1


def write(store: Any, text: dict[str, Any]) -> None:
    """The text anew, after the table has grown."""
    page = _page(text)[TEXT:]
    store.view("uint8", [len(page)], [1], TEXT)[...] = list(page)


def read(path: str) -> dict[str, Any]:
    """The header of a table file, checked for what can be wrong with it."""
    with open(path, "rb") as file:
        page = file.read(BYTES)
        size = os.fstat(file.fileno()).st_size
    if len(page) < BYTES or page[: len(MAGIC)] != MAGIC:
        raise ValueError(f"{path}: truncated, or no schuss table")
    (length,) = struct.unpack_from("<q", page, TEXT)
    header: Any = None
    if 0 < length <= BYTES - TEXT - 8:
        with contextlib.suppress(ValueError):
            header = json.loads(page[TEXT + 8 : TEXT + 8 + length])
    if not isinstance(header, dict) or any(not isinstance(header.get(k), kind) for k, kind in PARTS.items()):
        raise ValueError(f"{path}: the header of this table is damaged")
    if header["rows"] < 0 or header["dim"] < 1 or header["stride"] < 1 or "rule" not in header["rule"]:
        raise ValueError(f"{path}: the header of this table is damaged")
    need = BYTES + header["rows"] * header["stride"]
    if size < need:
        raise ValueError(f"{path}: truncated: {header['rows']} rows need {need} bytes, the file has {size}")
    header["steps"], header["torn"], header["owed"] = struct.unpack_from("<qqq", page, LEDGER)
    if not page[COMPLETE]:
        raise ValueError(f"{path}: its start values were never finished; delete it")
    return header


def check(path: str, mine: dict[str, Any]) -> tuple[int, int]:
    """Rows and steps of an existing file that is to be opened as this table; refused where they differ."""
    theirs = read(path)
    if theirs["rule"]["rule"] != mine["rule"]["rule"]:
        raise ValueError(f"{path}: rule: the file has {theirs['rule']['rule']}, this table {mine['rule']['rule']}")
    for key in ("dim", "dtype", "slots", "stride", "rounding", "seed"):
        if theirs[key] != mine[key]:
            raise ValueError(f"{path}: {key}: the file has {theirs[key]!r}, this table {mine[key]!r}")
    if theirs["rows"] != mine["rows"]:
        raise ValueError(f"{path}: rows: the file has {theirs['rows']}, this table {mine['rows']}; use Table.open")
    if theirs["torn"]:
        raise ValueError(
            f"{path}: step {theirs['steps'] + 1} was broken off, so that some rows have it and some not; "
            "go on from a copy made before"
        )
    if theirs["owed"]:
        raise ValueError(
            f"{path}: rows still owe steps (exact mode) that only the process which trained it knew; "
            "call flush() or sync() before it ends; go on from a copy made before"
        )
    if not os.stat(path).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(
            errno.EACCES, "read-only: a table is trained where it lies; use chmod +w or copy it", path
        )
    return theirs["rows"], theirs["steps"]


def rule_of(header: dict[str, Any], path: str) -> Rule:
    """The rule a table was made with."""
    from . import schedules

    values = dict(header["rule"])
    kind = ALL.get(values.pop("rule"))
    if kind is None:
        raise ValueError(f"{path}: rule: the file has {header['rule']['rule']}, which this version lacks")
    if isinstance(values.get("lr"), dict):
        if values["lr"].get("schedule") == "callable":
            raise ValueError(f"{path}: its learning rate was a function, which a file cannot hold; give rule=")
        values["lr"] = schedules.from_json(values["lr"])
    return kind(**values)

"""Parquet and Arrow files, through pyarrow, as columns of numbers and strings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from .sources import BrokenFile, Source, arrow

ROWS = 1 << 16  # at a time
ARROW = (".arrow", ".feather", ".ipc")
Column = tuple[str, int, Any, Any, Any, Any]  # role, field, valid, numbers, offsets, bytes


def table_names(source: Source) -> list[str]:
    """The columns of a file."""
    pyarrow = arrow("parquet and Arrow files")
    with closing(source.open()) as file:
        return list(_file(pyarrow, source, file).schema_arrow.names)


def tables(
    source: Source, columns: list[tuple[str, str, int]], threads: int
) -> Iterator[tuple[list[Column], int, int]]:
    """Blocks of rows: their columns, how many rows, and the stored bytes read so far, in proportion.

    Parameters
    ----------
    columns : list of (name, role, field)
        Those that are read.
    """
    pyarrow = arrow("parquet and Arrow files")
    with closing(source.open()) as file:
        table = _file(pyarrow, source, file)
        names = [name for name, _, _ in columns]
        found = list(table.schema_arrow.names)
        for name in names:
            if found.count(name) != 1:
                times = "no" if name not in found else "more than one"
                raise ValueError(f"{source.name}: {times} column {name!r}; it has {', '.join(found)}")
        done, total = 0, table.metadata.num_rows
        batches = table.iter_batches(batch_size=ROWS, columns=names, use_threads=threads > 1)
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise BrokenFile(f"{source.name}: damaged after row {done}: {error}") from error
            if batch is None:
                return
            done += batch.num_rows
            stored = (source.size or 0) * done // max(total, 1)
            yield [_column(pyarrow, source, batch, *c) for c in columns], batch.num_rows, stored


class _Ipc:
    """An Arrow file with the manners of a parquet file."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.schema_arrow = reader.schema
        self.metadata = self

    @property
    def num_rows(self) -> int:
        return sum(self._reader.get_batch(i).num_rows for i in range(self._reader.num_record_batches))

    def iter_batches(self, batch_size: int, columns: list[str], use_threads: bool) -> Iterator[Any]:
        for i in range(self._reader.num_record_batches):
            batch = self._reader.get_batch(i).select(columns)
            for first in range(0, batch.num_rows, batch_size):
                yield batch.slice(first, batch_size)


def _file(pyarrow: Any, source: Source, file: Any) -> Any:
    try:
        if source.name.endswith(ARROW):
            return _Ipc(pyarrow.ipc.open_file(file))
        return pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        raise BrokenFile(f"{source.name}: truncated, damaged or no parquet file: {error}") from error


def _column(pyarrow: Any, source: Source, batch: Any, name: str, role: str, field: int) -> Column:
    column = batch.column(name)
    kind = pyarrow.large_binary() if pyarrow.types.is_binary(column.type) else pyarrow.large_string()
    try:
        column = column.cast(kind if role == "categorical" else pyarrow.float64())
    except pyarrow.ArrowException as error:
        raise ValueError(f"{source.name}: column {name!r} cannot be {role}: {error}") from error
    valid = column.is_valid().to_numpy(zero_copy_only=False).view(np.uint8) if column.null_count else None
    if role != "categorical":
        return role, field, valid, column.fill_null(0.0).to_numpy(zero_copy_only=False), None, None
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return role, field, valid, None, starts, np.frombuffer(data or b"\0", np.uint8)

"""What a line of a file means: all that prediction needs to turn text into features."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

from .. import _cold
from .batch import check_bits
from .columns import Role, checked_columns, checked_crosses, field_number

NAMES = ("criteo", "libsvm", "libffm", "vw", "csv", "parquet")
CRITEO = (*(f"I{i}" for i in range(1, 14)), *(f"C{i}" for i in range(1, 27)))
MOST_FIELDS = 2**16


@dataclass(frozen=True)
class Format:
    """What a line means, and how its values become ids; plain data, part of every model file.

    id = schuss64-1(field, value) >> (64 - bits)

    Parameters
    ----------
    name : "criteo", "libsvm", "libffm", "vw", "csv" or "parquet"
        criteo: label, 13 whole numbers, 26 categories between tabs; fields 0 to 38. An empty column is a category.
        libsvm: `label id:value ...`, no fields; what follows # is a comment. libffm: `label field:id:value ...`.
        vw: `label importance 'tag|namespace:weight feature:value ...`. A tag starts with ' or touches the bar.
        csv, parquet: tables; fields are the columns with role numeric or categorical, in the order of `columns`.
    bits : int, default 20
        ids are below 2**bits; 1 to 32.
    seed : int, default 0
        Of the hash, 0 to 2**64 - 1.
    numeric : "log", "raw" or "plain", default "log"
        What a number x of criteo, csv or parquet becomes. "log": the category of its bin, floor(x) up to 2 and
        floor(log(x)**2) above, hashed as the bin's decimal text. "raw": one id a field, hashed as the text "x", with
        value log1p(x), or -log1p(-x) below 0. "plain": the same id with value x. A missing number is a category.
    crosses : pairs of fields, default ()
        Each adds a field, whose features are the pairs of the two fields' features; values are multiplied. A field is
        its number from 1, or its name. Not for libsvm and libffm, whose fields have no names.
    hash : "auto" or "all", default "auto"
        libsvm and libffm: "auto" takes ids as they are, "all" hashes their text, in field 0. Others always hash.
    labels : "binary" or "regression", default "binary"
        "binary": 0, 1 or -1, which becomes 0; anything else is malformed. "regression": any finite number.
    columns : optional
        csv, parquet: {name: role} in the order of the fields; roles are label, weight, numeric, categorical, ignore.
        With header=False: all columns, in the file's order. Else found by name; columns not listed are ignored.
        vw: names of namespaces; those listed are fields 0, 1, ... and others are left out. Without it all are read
        and features have no fields. The ids are the same either way.
    delimiter : str, default ","
        csv: one ASCII character. Cells may be quoted by ", but hold no line end.
    header : bool, default True
        csv: each file starts with the names of its columns.

    Returns
    -------
    The format: immutable, comparable, with :meth:`to_json` and :meth:`from_json`.

    Raises
    ------
    TypeError, ValueError
        For an argument of the wrong kind or value; the message names it.

    Example
    -------
    >>> from schuss.data import Format
    >>> Format("criteo", bits=24, crosses=[(1, 5), ("I1", "C2")]).fields
    41
    >>> Format("csv", columns={"click": "label", "price": "numeric", "site": "categorical"}).field_names
    ('price', 'site')

    Reference
    ---------
    The hash schuss64-1 of a value (bytes) in a field (number), with fold(a, b) = high ^ low half of the 128-bit product
    and mix the finalizer of splitmix64, all modulo 2**64::

        h = mix(mix(seed + 0x9E3779B97F4A7C15) + field)
        for each 16 bytes, zeros appended to the last (at least one such block), as little-endian words a, b:
            h = fold(h ^ a, b ^ 0xA0761D6478BD642F)
        hash = fold(h ^ number of bytes, 0xE7037ED1A0B428DB)

    A cross of two features is the value of 16 bytes made of their hashes, little-endian, in the cross's field: their
    number is that of the fields, plus that of the cross from 0. In vw the hash of the namespace's name, in field 0, is
    the field's number.

    Differs from
    ------------
    Vowpal Wabbit, which takes a feature that is a number as its id; libffm, which has no hash.
    """

    name: str
    bits: int = 20
    seed: int = 0
    numeric: str = "log"
    crosses: tuple[tuple[int | str, int | str], ...] = ()
    hash: str = "auto"
    labels: str = "binary"
    columns: tuple[Any, ...] | None = None
    delimiter: str = ","
    header: bool = True

    def __post_init__(self) -> None:
        for option, known in {
            "name": NAMES,
            "numeric": ("log", "raw", "plain"),
            "hash": ("auto", "all"),
            "labels": ("binary", "regression"),
        }.items():
            if getattr(self, option) not in known:
                raise ValueError(f"{option}: expected one of {', '.join(known)}, got {getattr(self, option)!r}")
        check_bits(self.bits)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise TypeError(f"seed: expected a whole number, got {type(self.seed).__name__}")
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"seed: expected 0 to 2**64 - 1, got {self.seed}")
        if not isinstance(self.header, bool):
            raise TypeError(f"header: expected True or False, got {self.header!r}")
        if not (isinstance(self.delimiter, str) and len(self.delimiter) == 1 and self.delimiter.isascii()):
            raise ValueError(f"delimiter: expected one ASCII character, got {self.delimiter!r}")
        if self.delimiter in '"\r\n':
            raise ValueError(f"delimiter: {self.delimiter!r} is a quote or a line end; use another character")
        object.__setattr__(self, "columns", checked_columns(self.name, self.columns))
        object.__setattr__(self, "crosses", checked_crosses(self.name, self.crosses, self._own_fields))
        if len(self.field_names) > MOST_FIELDS:
            raise ValueError(f"columns: expected at most {MOST_FIELDS} fields, got {len(self.field_names)}")

    # ---- what others ask ------------------------------------------------------------------------------------------

    @property
    def table(self) -> bool:
        """Whether the format has columns with roles."""
        return self.name in ("csv", "parquet")

    @property
    def _own_fields(self) -> tuple[str, ...]:
        if self.name == "criteo":
            return CRITEO
        if self.table:
            return tuple(c for c, role in self.columns or () if role in ("numeric", "categorical"))
        return self.columns or ()

    @property
    def _crossed(self) -> list[tuple[int, int]]:
        own = self._own_fields
        return [(field_number(a, own), field_number(b, own)) for a, b in self.crosses]

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields' names, crosses last, as "I1*C2"; empty for libsvm and libffm, and for vw without columns."""
        own = self._own_fields
        crosses = (f"{own[a]}*{own[b]}" for a, b in self._crossed)
        return (*own, *crosses)

    @property
    def fields(self) -> int | None:
        """How many fields examples have, with crosses; 0: none; None: the file says (libffm)."""
        return None if self.name == "libffm" else len(self.field_names)

    def options(self, *, labelled: bool, strict: bool, longest: int) -> dict[str, Any]:
        """What the parser in C++ is told."""
        return {
            "name": self.name,
            "bits": self.bits,
            "seed": self.seed,
            "numeric": self.numeric,
            "hashed": self.hash == "all",
            "binary": self.labels == "binary",
            "labelled": labelled,
            "strict": strict,
            "delimiter": self.delimiter,
            "longest": longest,
            "fields": len(self._own_fields),
            "crosses": self._crossed,
            "namespaces": list(self.columns or ()) if self.name == "vw" else [],
        }

    def replaced(self, **changes: Any) -> Self:
        """A copy with other options."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """The format as plain data, with the name of the hash."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["crosses"] = [list(pair) for pair in self.crosses]
        if self.columns is not None:
            plain["columns"] = [list(c) if isinstance(c, tuple) else c for c in self.columns]
        return {**plain, "function": _cold.hash_name()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The format that `to_json` has written.

        Raises
        ------
        ValueError
            If it has another hash or options that are not known here.

        Example
        -------
        >>> from schuss.data import Format
        >>> Format.from_json(Format("vw", columns=["user", "ad"]).to_json())
        Format(name='vw', bits=20, seed=0, numeric='log', crosses=(), hash='auto', labels='binary', \
columns=('user', 'ad'), delimiter=',', header=True)
        """
        own = dict(data)
        function = own.pop("function", None)
        if function != _cold.hash_name():
            raise ValueError(
                f"format: expected the hash {_cold.hash_name()}, got {function!r}; use the schuss that has it"
            )
        unknown = set(own) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"format: unknown option {min(unknown)!r}; written by a newer schuss?")
        return cls(**own)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        roles: Mapping[str, Role],
        *,
        rest: Role = "categorical",
        name: Literal["csv", "parquet"] = "csv",
        **options: Any,
    ) -> Self:
        """The format of a table whose file names its columns.

        Parameters
        ----------
        path : str or path
            A csv file with a header, compressed or not, or a parquet file.
        roles : {column: role}
            Of the columns that differ from the rest.
        rest : role, default "categorical"
            Of the other columns.
        name, options
            As in :class:`Format`.

        Raises
        ------
        OSError, ValueError
            If the file cannot be read or has no such column.

        Example
        -------
        >>> import tempfile
        >>> from schuss.data import Format
        >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        ...     _ = file.write("click,site,price\\n1,a.com,3\\n")
        ...     file.flush()
        ...     Format.from_file(file.name, {"click": "label", "price": "numeric"}).columns
        (('click', 'label'), ('site', 'categorical'), ('price', 'numeric'))
        """
        from .reader import column_names

        found = column_names(path, name, str(options.get("delimiter", ",")))
        missing = [column for column in roles if column not in found]
        if missing:
            raise ValueError(f"{os.fspath(path)}: no column {missing[0]!r}; it has {', '.join(found)}")
        return cls(name, columns=tuple((column, roles.get(column, rest)) for column in found), **options)

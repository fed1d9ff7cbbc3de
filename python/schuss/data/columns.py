"""What a format lists: columns with roles, namespaces, crosses of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

ROLES = ("label", "weight", "numeric", "categorical", "ignore")
Role = Literal["label", "weight", "numeric", "categorical", "ignore"]
Cross = tuple[int | str, int | str]


def checked_columns(format: str, columns: Any) -> tuple[Any, ...] | None:
    """Pairs of name and role of a table, or names of namespaces."""
    if columns is None:
        if format in ("csv", "parquet"):
            raise ValueError(f"columns: {format} needs the columns with their roles; see Format.from_file")
        return None
    if format == "vw":
        if isinstance(columns, str) or not all(isinstance(c, str) for c in columns):
            raise TypeError(f"columns: expected names of namespaces, got {columns!r}")
        _unique(list(columns))
        return tuple(columns)
    if format not in ("csv", "parquet"):
        raise ValueError(f"columns: {format} has none to choose; leave it out")
    listed = columns.items() if isinstance(columns, Mapping) else columns
    try:
        pairs = tuple((column, role) for column, role in listed)
    except (TypeError, ValueError):
        raise TypeError("columns: expected {name: role} or pairs of these") from None
    for column, role in pairs:
        if not isinstance(column, str):
            raise TypeError(f"columns: expected names, got {column!r}")
        if role not in ROLES:
            raise ValueError(f"columns: {column!r}: expected one of the roles {', '.join(ROLES)}, got {role!r}")
    _unique([column for column, _ in pairs])
    for role in ("label", "weight"):
        if sum(r == role for _, r in pairs) > 1:
            raise ValueError(f"columns: expected at most one {role}, got {[c for c, r in pairs if r == role]}")
    return pairs


def checked_crosses(format: str, crosses: Any, names: tuple[str, ...]) -> tuple[Cross, ...]:
    """Pairs of fields as they were given, each of which exists."""
    if isinstance(crosses, str):
        raise TypeError(f"crosses: expected pairs of fields, got {crosses!r}")
    pairs: list[Cross] = []
    for pair in crosses:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"crosses: expected pairs of fields, got {pair!r}")
        if not names:
            remedy = '; list the namespaces with columns=["...", ...]' if format == "vw" else ""
            raise ValueError(f"crosses: {format} has no named fields to cross{remedy}")
        if field_number(pair[0], names) == field_number(pair[1], names):
            raise ValueError(f"crosses: expected two different fields, got {pair!r}")
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)


def field_number(field: int | str, names: tuple[str, ...]) -> int:
    """A field by its name, or by its number from 1, as a number from 0."""
    if isinstance(field, str):
        if field not in names:
            raise ValueError(f"crosses: there is no field {field!r}; there are {', '.join(names)}")
        return names.index(field)
    if isinstance(field, bool) or not isinstance(field, int):
        raise TypeError(f"crosses: expected numbers or names of fields, got {field!r}")
    if not 1 <= field <= len(names):
        raise ValueError(f"crosses: expected fields 1 to {len(names)}, got {field}")
    return field - 1


def _unique(names: list[str]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"columns: {name!r} is there twice")

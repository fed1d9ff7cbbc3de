"""Model files: safetensors with the rows that are not all zero and, as JSON, all that prediction needs.

    linear.ids    int64 (k,)       ascending; the last may be 2**bits, the bias
    linear.rows   float32 (k, c)   weight, slots, shared numbers
    factors.ids   int64 (m,)
    factors.rows  float32 (m, d)   factors, slots, shared numbers; FFM: field by field
    best.*                         the same of the best model so far, while early stopping is at work

The header is {"kind": "ctr", "version": 1, "model": "fm", "bits": ...}; see `header`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import checkpoint
from ..version import __version__
from .history import History
from .part import BLOCK, Part
from .rules import rule_from_json

if TYPE_CHECKING:
    from .base import Model

Array = NDArray[Any]
Rows = dict[str, tuple[Array, Array]]  # part -> ids, rows
VERSION = 1
OPTIONS = ("loss", "mode", "seed", "normalise")
SHAPE = ("bits", "dim", "fields", "scale")
SETTINGS = SHAPE + OPTIONS


def save(model: Model, path: str | os.PathLike[str], slots: bool, training: dict[str, Any] | None, best: Rows) -> None:
    """Writes the model; `training` and `best` are what a resumed fit needs."""
    slots = slots and model.slots
    streams: dict[str, checkpoint.Stream] = {}
    for name, part in parts(model).items():
        ids = part.seen(slots)
        width = part.used if slots else part.numbers
        streams[f"{name}.ids"] = checkpoint.Stream("int64", (len(ids),), lambda ids=ids: [ids])  # type: ignore[misc]
        streams[f"{name}.rows"] = checkpoint.Stream(
            "float32",
            (len(ids), width),
            lambda part=part, ids=ids: part.take(ids, slots),  # type: ignore[misc]
        )
    for name, (ids, rows) in best.items():
        streams[f"best.{name}.ids"] = checkpoint.Stream("int64", ids.shape, lambda ids=ids: [ids])  # type: ignore[misc]
        streams[f"best.{name}.rows"] = checkpoint.Stream("float32", rows.shape, lambda rows=rows: [rows])  # type: ignore[misc]
    checkpoint.save_streams(path, streams, {**header(model, slots), "training": training})


def header(model: Model, slots: bool) -> dict[str, Any]:
    """The JSON part of a file."""
    return {
        "kind": "ctr",
        "version": VERSION,
        "library": __version__,
        "model": model.kind,
        **{name: getattr(model, name) for name in SETTINGS},
        "auto": list(model.auto),
        "rules": {part: rule.to_json() for part, rule in model.rules.items()},
        "slots": slots,
        "format": None if model.format is None else model.format.to_json(),
        "seen": model.seen,
        "position": model.position,
        "history": model.history.to_json(),
    }


def load(path: str | os.PathLike[str], kinds: dict[str, type[Model]]) -> Model:
    """The model of a file, if it is of one of the kinds."""
    name = os.fsdecode(path)
    with checkpoint.opened(path) as (file, found):
        if found.get("kind") != "ctr":
            raise ValueError(f"{name}: holds {found.get('kind', 'something')!r}, not a click model")
        if found.get("version") != VERSION:
            raise ValueError(
                f"{name}: a model file of version {found.get('version')}, written by schuss {found.get('library')}; "
                f"this schuss reads version {VERSION}"
            )
        if found["model"] not in kinds:
            raise ValueError(f"{name}: holds the model {found['model']!r}; use schuss.models.load, which takes any")
        kind = kinds[found["model"]]
        model = kind.__new__(kind)
        set_header(model, found, name)
        for part_name, part in parts(model).items():
            _fill(part, file, part_name, name)
        keys = set(file.keys())
        model._resume = (
            found.get("training"),
            {
                part_name: (file.get_tensor(f"best.{part_name}.ids"), file.get_tensor(f"best.{part_name}.rows"))
                for part_name in parts(model)
                if f"best.{part_name}.ids" in keys
            },
        )
    return model


def parts(model: Model) -> dict[str, Part]:
    """The parts by name; tables are made if there are none yet."""
    model._ready()
    found = {"linear": model._linear, "factors": model._factors}
    return {name: part for name, part in found.items() if part is not None}


def rows_of(model: Model) -> Rows:
    """Copies of all rows that are not zero."""
    copies: Rows = {}
    for name, part in parts(model).items():
        ids = part.seen()
        copies[name] = ids, np.concatenate(list(part.take(ids)) or [np.empty((0, part.used), np.float32)])
    return copies


def put_rows(model: Model, rows: Rows) -> None:
    """Makes these rows the only ones that are not zero."""
    for name, part in parts(model).items():
        part.array[part.seen()] = 0
        ids, values = rows[name]
        part.put(ids, values)


def set_header(model: Model, found: dict[str, Any], name: str) -> None:
    """Makes a bare object the model that a header describes, its tables still zero."""
    from ..data import Format

    try:
        rules = {part: rule_from_json(found["rules"][part]) for part in model.parts}
        options: Any = {"rule": rules, **{key: found[key] for key in OPTIONS}}
        model._set(options, **{key: found[key] for key in SHAPE})
        model.auto = tuple(part for part in model.parts if part in found["auto"])
        model.slots = found["slots"] is True
        model.format = None if found["format"] is None else Format.from_json(found["format"])
        model.seen = int(found["seen"])
        model.position = {key: int(found["position"][key]) for key in ("epoch", "examples")}
        model.history = History.from_json(found["history"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{name}: the header of this model is damaged ({error!r})") from error


def _fill(part: Part, file: Any, part_name: str, name: str) -> None:
    """Rows of a file, block by block."""
    keys = file.keys()
    if f"{part_name}.ids" not in keys or f"{part_name}.rows" not in keys:
        raise ValueError(f"{name}: '{part_name}' is missing; the model is incomplete")
    ids, rows = file.get_tensor(f"{part_name}.ids"), file.get_slice(f"{part_name}.rows")
    shape, dtype = list(rows.get_shape()), rows.get_dtype()
    if ids.dtype != np.int64 or ids.ndim != 1 or shape != [len(ids), part.used] or dtype != "F32":
        raise ValueError(f"{name}: '{part_name}': expected rows of {part.used} float32, got {dtype} {shape}")
    if len(ids) and not (ids[0] >= 0 and ids[-1] < part.rows and (np.diff(ids) > 0).all()):
        raise ValueError(f"{name}: '{part_name}.ids': expected ascending ids below {part.rows}; the file is damaged")
    step = max(BLOCK // part.used, 1)
    for first in range(0, len(ids), step):
        last = min(first + step, len(ids))
        part.put(ids[first:last], rows[first:last])

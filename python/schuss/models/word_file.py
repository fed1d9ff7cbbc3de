"""Files of word models: safetensors with all that is needed to go on bit for bit.

    in.rows, out.rows   float32   rows [vector | slot | slot ... | shared], each padded to whole packs
    vocabulary.*                  words and counts, see `schuss.text.Vocabulary.to_arrays`

The header is {"kind": "word2vec", "version": 1, "settings": {...}, "position": {...}, ...}.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import checkpoint
from ..version import __version__
from .rules import rule_from_json
from .word_rows import WordRows

if TYPE_CHECKING:
    from .word2vec import Word2Vec

Model = TypeVar("Model", bound="Word2Vec")
KIND, VERSION = "word2vec", 1


def save(model: Word2Vec, path: str | os.PathLike[str]) -> None:
    """Word2Vec.save."""
    arrays = {}
    if model.vocabulary is not None:
        assert model._in is not None and model._out is not None
        arrays = {f"vocabulary.{name}": array for name, array in model.vocabulary.to_arrays().items()}
        arrays |= {"in.rows": model._in.array, "out.rows": model._out.array}
        if model.hs:
            arrays |= dict(zip(("tree.start", "tree.path"), model._choice, strict=True))
    checkpoint.save(path, arrays, header(model))


def header(model: Word2Vec) -> dict[str, Any]:
    """The JSON part of a file."""
    rule = None if model.rule is None else model.rule.to_json()
    return {
        "kind": KIND,
        "version": VERSION,
        "library": __version__,
        "settings": {**model.settings, "rule": rule},
        "seen": model.seen,
        "losses": model.losses,
        "position": model.position,
    }


def load(kind: type[Model], path: str | os.PathLike[str]) -> Model:
    """Word2Vec.load."""
    from ..text import Vocabulary

    name = os.fsdecode(path)
    arrays, found = checkpoint.load(path)
    if found.get("kind") != KIND:
        raise ValueError(f"{name}: holds {found.get('kind', 'something')!r}, not a model of words")
    if found.get("version") != VERSION:
        raise ValueError(
            f"{name}: a model file of version {found.get('version')}, written by schuss {found.get('library')}; "
            f"this schuss reads version {VERSION}"
        )
    try:
        settings = {"power": 0.75, **found["settings"]}  # of files before it was a setting
        settings["rule"] = None if settings["rule"] is None else rule_from_json(settings["rule"])
        model = kind(**settings)
        model.seen = int(found["seen"])
        model.losses = [float(x) for x in found["losses"]]
        model.position = dict(found["position"])
        own = {key.removeprefix("vocabulary."): a for key, a in arrays.items() if key.startswith("vocabulary.")}
        if own:
            model.vocabulary = Vocabulary.from_arrays(own)
            model._in, model._out = (_rows(model, arrays[f"{part}.rows"]) for part in ("in", "out"))
            model._tell((arrays["tree.start"], arrays["tree.path"]) if model.hs else None)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{name}: this model of words is damaged ({error!r})") from error
    return model


def _rows(model: Word2Vec, array: Any) -> WordRows:
    rows = WordRows(model._rule(), len(array), model.dim)
    if array.shape != rows.array.shape or array.dtype != np.float32:
        raise ValueError(f"rows: expected float32 {rows.array.shape}, got {array.dtype} {array.shape}")
    rows.array[:] = array
    return rows

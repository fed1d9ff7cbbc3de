"""Scores of files as lines of text."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .losses import probability
from .progress import watching
from .sources import source_of

if TYPE_CHECKING:
    from .base import Model


def write_scores(model: Model, data: Any, format: Any, file: IO[bytes], margins: bool, strict: bool) -> Any:
    """Writes a number a line for each example: probability, number or rate, or its margin; the reader's counts."""
    source = source_of(model, data, format, strict=strict, labelled=False)
    with watching(source, None, "scoring"):
        for batch in source.epoch():
            scores = model._margins(batch)
            if not margins and model.loss == "logistic":
                scores = probability(scores)
            elif not margins and model.loss == "poisson":
                scores = np.exp(scores)
            if len(scores):
                file.write(("%.7g\n" * len(scores) % tuple(scores.tolist())).encode("ascii"))
    return source.counts

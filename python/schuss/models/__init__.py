"""Click models: LR, FM, FFM on batches of sparse examples. Word vectors: Word2Vec on text."""

from __future__ import annotations

import os

from . import metrics
from .base import Model
from .kinds import FFM, FM, KINDS, LR
from .report import Report
from .word2vec import Word2Vec

__all__ = ["FFM", "FM", "LR", "Model", "Report", "Word2Vec", "load", "metrics"]


def load(path: str | os.PathLike[str]) -> Model:
    """Reads a model file of any kind: an LR, FM or FFM, ready to predict and to learn on.

    Raises
    ------
    OSError, ValueError
        If the file is missing; if it is truncated, foreign, or of another version.
    """
    from .file import load

    return load(path, KINDS)

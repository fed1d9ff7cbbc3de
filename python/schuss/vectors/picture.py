"""Words as points of a plane."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def plane(rows: Array) -> Array:
    """Coordinates along the two directions in which rows differ most; the farthest point has positive ones."""
    centred = rows - rows.mean(0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(rows), 2))
    some = min(2, len(lengths))
    points[:, :some] = left[:, :some] * lengths[:some]
    farthest = points[np.abs(points).argmax(0), [0, 1]]
    return np.asarray(points * np.where(farthest < 0, -1, 1))


def draw(
    words: Sequence[str], groups: Sequence[int], bold: Collection[str], rows: Array, path: str | os.PathLike[str]
) -> None:
    """One point a word, coloured by group, those that were asked for in bold."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib; install the extra: pip install 'schuss[plot]'") from error
    points = plane(rows)
    figure = Figure(figsize=(8, 6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(points[:, 0], points[:, 1], c=[f"C{k % 10}" for k in groups], s=16)
    for word, group, (x, y) in zip(words, groups, points, strict=True):
        axes.annotate(
            word.replace("$", r"\$"),
            (x, y),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=9,
            color=f"C{group % 10}",
            fontweight="bold" if word in bold else "normal",
        )
    axes.set(xticks=[], yticks=[])
    axes.margins(0.12)
    figure.savefig(os.fspath(path))

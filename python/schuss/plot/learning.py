"""Learning curves as pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .canvas import COLORS, canvas, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _points(name: str, history: Any) -> tuple[list[float], list[float], list[tuple[float, float]]]:
    """Examples, losses, and (examples, validation loss) of a model, its history, or a list of losses."""
    history = getattr(history, "history", history)
    if isinstance(history, str) or not (isinstance(history, Sequence) or hasattr(history, "__array__")):
        raise TypeError(
            f"history {name!r}: expected a fitted model, its history or a sequence of losses, "
            f"got {type(history).__name__}"
        )
    if len(history) == 0:
        raise ValueError(f"history {name!r}: expected at least one point, got none; fit the model first")
    if hasattr(history[0], "loss"):
        held = [(float(p.examples), float(p.valid)) for p in history if p.valid is not None]
        return [float(p.examples) for p in history], [float(p.loss) for p in history], held
    return list(map(float, range(1, len(history) + 1))), [float(x) for x in history], []


def curves(
    history: Any, path: str | os.PathLike[str] | None = None, lines: Mapping[str, float] | None = None
) -> Figure:
    """Draws the loss over the examples learned, validation losses as dots.

    Parameters
    ----------
    history : model, history, sequence of losses, or a dict of name to such
        A model's history holds the progressive loss: of each example before it was learned.
    path : path, optional
        Where the picture is written (PNG, SVG, PDF).
    lines : dict of name to loss, optional
        Horizontal lines, such as the best attainable loss.

    Returns
    -------
    The matplotlib Figure.

    Raises
    ------
    ImportError
        Without matplotlib (the extra 'plot').
    TypeError, ValueError
        For a history that is none, or is empty.
    OSError
        If the picture cannot be written.

    Example
    -------
    >>> import os, tempfile
    >>> from schuss.models.history import History
    >>> from schuss.plot import curves
    >>> h = History()
    >>> h.add(10_000, 6000.0, 10_000.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figure = curves({"LR": h}, folder + "/curves.png", {"truth": 0.5})
    ...     os.listdir(folder)
    ['curves.png']
    """
    histories = dict(history) if isinstance(history, Mapping) else {"": history}
    found = {name: _points(name, one) for name, one in histories.items()}
    figure, axes = canvas(height=3.8)
    for k, (name, (x, y, held)) in enumerate(found.items()):
        color = COLORS[k % len(COLORS)]
        label = f"{name}, progressive" if name else "progressive"
        axes.plot(x, y, "o-" if len(x) == 1 else "-", color=color, linewidth=1.6, label=label)
        if held:
            label = f"{name}, validation" if name else "validation"
            axes.plot(*zip(*held, strict=True), "o", color=color, markeredgecolor="white", markersize=7, label=label)
    for k, (name, loss) in enumerate((lines or {}).items()):
        axes.axhline(loss, color="0.2", linewidth=1.2, linestyle=("dashed", "dotted", "dashdot")[k % 3], label=name)
    whole = any(x != list(range(1, len(x) + 1)) for x, _, _ in found.values())
    axes.set_xlabel("examples learned" if whole else "step")
    axes.set_ylabel("loss")
    if whole:
        axes.xaxis.set_major_formatter(lambda x, _: f"{x / 1e6:g} M" if x >= 1e6 else f"{x / 1e3:g} k" if x else "0")
    axes.legend(frameon=False, fontsize=9)
    if path is not None:
        save(figure, path)
    return figure

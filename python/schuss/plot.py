"""Learning curves as pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models.history import History


def curves(histories: Mapping[str, History], path: str | os.PathLike[str], lines: Mapping[str, float] = {}) -> None:
    """Draws the progressive loss over the examples learned, validation losses as dots, to a picture (PNG, SVG, PDF).

    Parameters
    ----------
    histories : dict of name to schuss.models history
    path : path
    lines : dict of name to loss, optional
        Horizontal lines, such as the best attainable loss.

    Raises
    ------
    ImportError
        Without matplotlib (the extra 'plot').
    OSError
        If the picture cannot be written.

    Example
    -------
    >>> import os, tempfile
    >>> from schuss.models.history import History
    >>> h = History()
    >>> h.add(10_000, 6000.0, 10_000.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     curves({"LR": h}, folder + "/curves.png", {"truth": 0.5})
    ...     os.listdir(folder)
    ['curves.png']
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("curves need matplotlib; install the extra: pip install 'schuss[plot]'") from error
    figure = Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="examples learned", ylabel="loss")
    for k, (name, history) in enumerate(histories.items()):
        color = f"C{k}"
        axes.plot([p.examples for p in history], [p.loss for p in history], color=color, label=f"{name}, progressive")
        held = [p for p in history if p.valid is not None]
        if held:
            axes.plot(
                [p.examples for p in held],
                [p.valid or 0.0 for p in held],
                "o",
                color=color,
                label=f"{name}, validation",
            )
    for name, loss in lines.items():
        axes.axhline(loss, color="black", linewidth=1, linestyle="dashed", label=name)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(os.fspath(path))

"""The look of all pictures: readable at the width of a phone, colours that the colour-blind tell apart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's palette, darkest contrasts first; lines differ by marker or dash as well where more than a few meet.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
INK, GRID = "0.25", "0.9"


def canvas(
    rows: int = 1, columns: int = 1, *, width: float = 5.6, height: float | None = None, share: bool = False
) -> tuple[Figure, Any]:
    """A figure of the common look with its axes, a single one or an array of them.

    Parameters
    ----------
    rows, columns : int, default 1
    width : float, default 5.6
        Inches; letters stay readable when a phone shows it.
    height : float, optional
        Inches; 0.68 of a panel's width for each row unless given.
    share : bool, default False
        Whether the panels share both axes.

    Returns
    -------
    matplotlib Figure, and an Axes or a flat array of Axes. No window is opened.

    Raises
    ------
    ImportError
        Without matplotlib (the extra 'plot').

    Example
    -------
    >>> from schuss import plot
    >>> figure, (left, right) = plot.canvas(1, 2)
    >>> line = left.plot([1, 2, 3])
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("schuss.plot needs matplotlib; install the extra: pip install 'schuss[plot]'") from error
    height = 0.68 * width / columns * rows if height is None else height
    figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]
    panels = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    for axes in panels.flat:
        axes.set_prop_cycle(color=COLORS)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("0.6")
        axes.tick_params(labelsize=9, colors=INK)
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.title.set_size(10.5)
    return figure, panels[0, 0] if rows == columns == 1 else np.ravel(panels)


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Writes a figure as PNG, SVG or PDF, by the path's suffix.

    >>> import os, tempfile
    >>> from schuss import plot
    >>> figure, axes = plot.canvas()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot.save(figure, folder + "/empty.png")
    ...     os.listdir(folder)
    ['empty.png']
    """
    figure.savefig(os.fspath(path))

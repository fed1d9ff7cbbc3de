"""Learning curves as PNG by NumPy alone: for the command line, which needs no matplotlib."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..checkpoint import replacing

if TYPE_CHECKING:
    from ..models.history import History
    from .picture import Canvas, Colour

WIDTH, HEIGHT = 900, 560
LEFT, RIGHT, TOP, BOTTOM = 84, WIDTH - 24, 24, HEIGHT - 66
COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75))
GRID = (225, 225, 225)


def curves(histories: Mapping[str, History], path: str | os.PathLike[str], lines: Mapping[str, float] = {}) -> None:
    """Draws the progressive loss over the examples learned, validation losses as dots, to a PNG.

    Parameters
    ----------
    histories : dict of name to schuss.models history
    path : path
    lines : dict of name to loss, optional
        Horizontal lines, such as the best attainable loss.

    Raises
    ------
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
    from .picture import BLACK, Canvas

    points = [(p.examples, loss) for h in histories.values() for p in h for loss in (p.loss, p.valid)]
    losses = [loss for _, loss in points if loss is not None and math.isfinite(loss)] + list(lines.values()) or [0.0]
    most = max((examples for examples, _ in points), default=1)
    low, high = min(losses), max(losses)
    low, high = low - 0.05 * ((high - low) or 1.0), high + 0.05 * ((high - low) or 1.0)

    def x(examples: float) -> float:
        return LEFT + (RIGHT - LEFT) * examples / most

    def y(loss: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (loss - low) / (high - low)

    canvas = Canvas(WIDTH, HEIGHT)
    for tick in ticks(0, most):
        canvas.line(np.full(2, x(tick)), np.array([TOP, BOTTOM]), GRID, 1)
        canvas.text(_short(tick), x(tick), BOTTOM + 18, across=0.5)
    for tick in ticks(low, high):
        canvas.line(np.array([LEFT, RIGHT]), np.full(2, y(tick)), GRID, 1)
        canvas.text(f"{tick:.4g}", LEFT - 10, y(tick), across=1)
    canvas.line(np.array([LEFT, LEFT, RIGHT]), np.array([TOP, BOTTOM, BOTTOM]), BLACK, 1)
    canvas.text("examples learned", (LEFT + RIGHT) / 2, HEIGHT - 22, across=0.5)
    canvas.text("loss", 16, (TOP + BOTTOM) / 2, upright=True)

    legend: list[tuple[str, Colour, str]] = []
    for k, (name, history) in enumerate(histories.items()):
        colour = COLOURS[k % len(COLOURS)]
        curve = [p for p in history if math.isfinite(p.loss)]
        held = [p for p in history if p.valid is not None and math.isfinite(p.valid)]
        if curve:
            canvas.line(np.array([x(p.examples) for p in curve]), np.array([y(p.loss) for p in curve]), colour)
            legend.append((f"{name}, progressive", colour, "line"))
        for p in held:
            canvas.line(np.array([x(p.examples)]), np.array([y(p.valid or 0.0)]), colour, 9)
        legend += [(f"{name}, validation", colour, "dot")] if held else []
    for name, loss in lines.items():
        canvas.dashes(LEFT, RIGHT, y(loss), BLACK)
        legend.append((name, BLACK, "dashes"))
    _legend(canvas, legend)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(canvas.png())


def _legend(canvas: Canvas, entries: list[tuple[str, Colour, str]]) -> None:
    """What is what, in a box at the upper right."""
    if not entries:
        return
    widest = max(canvas.mask(name).shape[1] for name, _, _ in entries)
    left, top, high = RIGHT - widest - 66, TOP + 10, 26 * len(entries) + 8
    canvas.blend(np.full((high, RIGHT - 10 - left), 0.85), left, top, (255, 255, 255))
    box = np.array([left, RIGHT - 10, RIGHT - 10, left, left]), np.array([top, top, top + high, top + high, top])
    canvas.line(*box, GRID, 1)
    for k, (name, colour, kind) in enumerate(entries):
        at = top + 17 + 26 * k
        if kind == "dashes":
            canvas.dashes(left + 10, left + 38, at, colour)
        else:
            start = left + 10 if kind == "line" else left + 24
            end = left + 38 if kind == "line" else left + 24
            canvas.line(np.array([start, end]), np.array([at, at]), colour, 2 if kind == "line" else 9)
        canvas.text(name, left + 48, at)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, four to nine of them.

    >>> ticks(0, 1000)
    [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]
    """
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next((m for m in (5, 2) if (high - low) / (step * m) >= 4), 1)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def _short(x: float) -> str:
    """1200 as 1.2k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if x >= size:
            return f"{x / size:.4g}{letter}"
    return f"{x:.4g}"

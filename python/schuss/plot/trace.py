"""Paths of rules in the plane, on the contours of what they minimize."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..optimizer import Optimizer
from ..rules import Rule
from .canvas import COLORS, canvas, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Fun = Callable[[Array], tuple[float, Array]]
MARKERS = "osD^vPX"
GRID_POINTS = 90


def path_of(fun: Fun, rule: Rule, start: Sequence[float] | Array, steps: int) -> Array:
    """All points of a rule on its way: x_0 = start, x_{k+1} = rule(x_k, gradient at x_k).

    Parameters
    ----------
    fun : x -> (value, gradient)
    rule : Rule
    start : float64 array of any length
    steps : int

    Returns
    -------
    Array of shape (steps + 1, len(start)).

    Raises
    ------
    TypeError, ValueError
        For arguments that the optimizer refuses; also if the path leaves all bounds (a gradient that is not finite).

    Example
    -------
    >>> import numpy as np, schuss
    >>> from schuss.plot import path_of
    >>> path_of(lambda x: (x @ x / 2, x), schuss.SGD(lr=0.5), [4.0, -8.0], 2)
    array([[ 4., -8.],
           [ 2., -4.],
           [ 1., -2.]])
    """
    x = np.array(start, np.float64)
    opt = Optimizer(x, rule, threads=1)
    points = [x.copy()]
    for _ in range(steps):
        for _ in range(getattr(rule, "evaluations", 1)):  # some rules take two gradients for a step
            opt.step(np.array(fun(x)[1], np.float64))
        points.append(x.copy())
    return np.array(points)


def _named(rules: Any) -> dict[str, Any]:
    """Rules (or ready paths) by name."""
    if isinstance(rules, Mapping):
        return dict(rules)
    found: dict[str, Any] = {}
    for rule in [rules] if isinstance(rules, Rule) else rules:
        name = type(rule).__name__
        found[name if name not in found else repr(rule)] = rule
    return found


def trace_2d(
    fun: Fun,
    rules: Any,
    start: Sequence[float] | Array,
    steps: int = 20,
    lr: float | None = None,
    *,
    box: tuple[float, float, float, float] | None = None,
    minimum: Sequence[float] | None = None,
    panels: bool = False,
    columns: int = 3,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draws the paths of rules in the plane on contours of the function.

    Parameters
    ----------
    fun : x -> (value, gradient)
        x is an array of two numbers; as for :func:`schuss.minimize`.
    rules : a rule, a sequence of rules, or a dict of name to rule
        In a dict an array of shape (points, 2) is a ready path, such as a solver's.
    start : two numbers
    steps : int, default 20
    lr : float, optional
        In place of each rule's own.
    box : (left, right, bottom, top), optional
        What is seen; all paths unless given.
    minimum : two numbers, optional
        Marked by a cross.
    panels : bool, default False
        A panel for each rule; otherwise all in one.
    columns : int, default 3
        Of panels.
    path : path, optional
        Where the picture is written.

    Returns
    -------
    The matplotlib Figure.

    Raises
    ------
    ImportError
        Without matplotlib (the extra 'plot').
    TypeError, ValueError
        For something that is neither rule nor path, or a start that is not two numbers.

    Example
    -------
    >>> import schuss
    >>> from schuss.plot import trace_2d
    >>> bowl = lambda x: (0.1 * x[0] ** 2 + 2 * x[1] ** 2, [0.2 * x[0], 4 * x[1]])
    >>> figure = trace_2d(bowl, [schuss.SGD(lr=0.4), schuss.AdaGrad(lr=0.4)], (-5, -2), steps=20)
    """
    begin = np.array(start, np.float64)
    if begin.shape != (2,):
        raise ValueError(f"start: expected two numbers, got shape {begin.shape}")
    paths: dict[str, Array] = {}
    for name, rule in _named(rules).items():
        if isinstance(rule, Rule):
            paths[name] = path_of(fun, rule if lr is None else rule.replaced(lr=lr), begin, steps)
        else:
            paths[name] = np.asarray(rule, np.float64)
            if paths[name].ndim != 2 or paths[name].shape[1] != 2:
                raise ValueError(f"rules: {name!r}: expected a rule or a path of shape (n, 2), got {rule!r}")
    if not paths:
        raise ValueError("rules: expected at least one, got none")
    box = box or _around(np.concatenate([*paths.values(), *([np.array([minimum])] if minimum is not None else [])]))
    x, y, z = _landscape(fun, box)
    if panels:
        rows = math.ceil(len(paths) / columns)
        figure, grid = canvas(rows, columns, height=1.9 * rows if columns > 2 else None, share=True)
    else:
        figure, grid = canvas(height=4.4)
    for k, (name, points) in enumerate(paths.items()):
        axes = grid[k] if panels else grid
        if panels or k == 0:
            _contours(axes, x, y, z, box, minimum)
        color, marker = COLORS[0 if panels else k % len(COLORS)], MARKERS[0 if panels else k % len(MARKERS)]
        size = 3.2 if panels else 4
        axes.plot(*points.T, "-", marker=marker, markersize=size, linewidth=1.3, color=color, label=name, zorder=3 + k)
        axes.plot(*points[-1], marker, markersize=size + 4, color=color, markeredgecolor="white", zorder=30)
        if panels:
            axes.set_title(name, fontsize=min(10.5, 150 / len(name)))
    if panels:
        for axes in grid[len(paths) :]:
            axes.set_visible(False)
        for k in range(len(paths)):
            grid[k].tick_params(labelbottom=k + columns >= len(paths))
    else:
        figure.legend(loc="outside lower center", ncols=min(3, len(paths)), frameon=False, fontsize=9.5)
    if path is not None:
        save(figure, path)
    return figure


def _around(points: Array) -> tuple[float, float, float, float]:
    """The box of all points, with a margin."""
    low, high = points.min(0), points.max(0)
    edge = 0.08 * np.maximum(high - low, 0.15 * (high - low).max() + 1e-12) + 1e-12
    (left, bottom), (right, top) = (low - edge).tolist(), (high + edge).tolist()
    return left, right, bottom, top


def _landscape(fun: Fun, box: tuple[float, float, float, float]) -> tuple[Array, Array, Array]:
    """Values on a grid; the function need not know arrays of points."""
    x, y = np.linspace(*box[:2], GRID_POINTS), np.linspace(*box[2:], GRID_POINTS)
    z = np.array([[float(fun(np.array([a, b]))[0]) for a in x] for b in y])
    return x, y, z


def _contours(axes: Any, x: Array, y: Array, z: Array, box: Any, minimum: Any) -> None:
    """Levels at equal distances of the fourth root above the lowest value, so that valleys show."""
    low, high = float(np.nanmin(z)), float(np.nanmax(z))
    levels = low + np.linspace(0, 1, 15)[1:] ** 4 * (high - low or 1.0)
    axes.contourf(x, y, z, [low, *levels], cmap="Blues", alpha=0.32)
    axes.contour(x, y, z, levels, colors="0.55", linewidths=0.6)
    axes.set(xlim=box[:2], ylim=box[2:])
    axes.grid(False)
    if minimum is not None:
        axes.plot(*minimum, "+", color="black", markersize=11, markeredgewidth=1.8, zorder=2.5)

"""Effective rates: what each coordinate's gradient, or its running average, is multiplied by in a step."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import trees
from ..optimizer import Optimizer
from ..table import Table
from .canvas import COLORS, canvas, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Formula = Callable[[Any, Array, dict[str, Array], float, int], Any]


def _root(s: Array, eps: float, place: str) -> Array:
    return np.sqrt(s + eps) if place == "inside" else np.sqrt(s) + eps


def _adam(r: Any, w: Array, s: dict[str, Array], lr: float, t: int) -> Any:
    square = 1 - r.beta2 ** max(t, 1) if r.bias_correction else 1.0
    largest = s["x"] if "x" in s else s["v"]
    if r.hat:
        return lr * np.sqrt(square) / (np.sqrt(largest) + r.eps)
    return lr / (np.sqrt(largest / square) + r.eps)


def _adamax(r: Any, w: Array, s: dict[str, Array], lr: float, t: int) -> Any:
    return lr / (np.maximum(s["u"], r.eps) if r.eps_place == "max" else s["u"] + r.eps)


def _rmsprop(r: Any, w: Array, s: dict[str, Array], lr: float, t: int) -> Any:
    square = s["v"] - s["a"] ** 2 if r.centered else s["v"]
    return lr / _root(np.maximum(square, 0), r.eps, r.eps_place)


def _row(r: Any, w: Array, s: dict[str, Array], lr: float, t: int) -> Any:
    column = lr / _root(s["s"], r.eps, r.eps_place)
    return column.reshape(-1, *[1] * (w.ndim - 1)) if w.ndim > 1 else column


def _radam(r: Any, w: Array, s: dict[str, Array], lr: float, t: int) -> Any:
    square = 1 - r.beta2 ** max(t, 1)
    long = 2 / (1 - r.beta2) - 1
    now = long - 2 * t * r.beta2**t / square
    if now <= 5:
        return lr
    rectified = lr * np.sqrt((now - 4) * (now - 2) * long / ((long - 4) * (long - 2) * now))
    if r.hat:
        return rectified * np.sqrt(square) / (np.sqrt(s["v"]) + r.eps)
    return rectified / (np.sqrt(s["v"] / square) + r.eps)


def _yogi(r: Any, w: Array, s: dict[str, Array], lr: float, t: int) -> Any:
    return lr / (np.sqrt(s["v"] / (1 - r.beta2 ** max(t, 1) if r.bias_correction else 1)) + r.eps)


def _corrected(slot: str, beta: str) -> Formula:
    """lr / (sqrt(slot / (1 - beta^t)) + eps)"""
    return lambda r, w, s, lr, t: lr / (np.sqrt(s[slot] / (1 - getattr(r, beta) ** max(t, 1))) + r.eps)


FORMULAS: dict[str, Formula] = {  # by the kernel's name: rule, weights, slots, lr, steps taken
    "sgd": lambda r, w, s, lr, t: lr,
    "momentum": lambda r, w, s, lr, t: lr,
    "nesterov": lambda r, w, s, lr, t: lr,
    "counter_clock": lambda r, w, s, lr, t: lr / np.sqrt(s["count"] + r.c),
    "adagrad": lambda r, w, s, lr, t: lr / (1 + max(t - 1, 0) * r.lr_decay) / _root(s["s"], r.eps, r.eps_place),
    "row_wise_adagrad": _row,
    "adadelta": lambda r, w, s, lr, t: lr * np.sqrt(s["d"] + r.eps) / np.sqrt(s["e"] + r.eps),
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamax": _adamax,
    "nadam": _corrected("v", "beta2"),
    "radam": _radam,
    "yogi": _yogi,
    "adabelief": _corrected("s", "beta2"),
    "adan": _corrected("n", "beta3"),
    "asgd": lambda r, w, s, lr, t: lr / (1 + r.lambd * lr * max(t - 1, 0)) ** r.alpha,
    "schedule_free_sgd": lambda r, w, s, lr, t: lr,
    "schedule_free_adamw": _corrected("v", "beta2"),
    "hypergradient": lambda r, w, s, lr, t: s["a"],
    "heun": lambda r, w, s, lr, t: lr,
    "egu": lambda r, w, s, lr, t: lr * w,
    "eg": lambda r, w, s, lr, t: lr * w,
    "egpm": lambda r, w, s, lr, t: lr * (s["p"] + s["n"]),
    "egdd": lambda r, w, s, lr, t: lr * s["p"] * s["s"],
    "ftrl": lambda r, w, s, lr, t: 1 / ((r.beta + s["n"] ** r.power) / lr + r.l2),
}


def effective_rates(optimizer: Optimizer) -> dict[str, Array]:
    """The effective rate of every coordinate: rate_i = -step_i / g_i for a gradient that stays as it was.

    AdaGrad: lr / (sqrt(s) + eps). Adam: lr / (sqrt(v / c2) + eps), the factor of the averaged gradient. Rules with
    momentum alone: lr. Rules that multiply: lr w.

    Parameters
    ----------
    optimizer : Optimizer

    Returns
    -------
    dict of parameter name to array of the parameter's shape ("" for a single array). After no step: of the start
    values of the slots, which may be huge.

    Raises
    ------
    TypeError, ValueError
        For something else, or a rule without such a factor.

    Example
    -------
    >>> import numpy as np, schuss
    >>> from schuss.plot import effective_rates
    >>> opt = schuss.Optimizer(np.zeros(2), schuss.AdaGrad(lr=1.0))
    >>> opt.step(np.array([4.0, 0.5]))
    >>> effective_rates(opt)[""].round(6)
    array([0.25, 2.  ])
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: expected a schuss.Optimizer, got {type(optimizer).__name__}")
    leaves, slots = trees.leaves(optimizer.params), optimizer._slots
    optimizer.flush()
    found: dict[str, Array] = {}
    for name, w, own, rule in zip(optimizer._names, leaves, slots, optimizer._rules, strict=True):
        if rule.kernel not in FORMULAS:
            raise ValueError(f"{type(rule).__name__} has no effective rate; rules that have: {', '.join(FORMULAS)}")
        weights = np.asarray(w.weights if isinstance(w, Table) else w, np.float64)
        numbers = {key: np.asarray(s, np.float64) for key, s in own.items()}
        with np.errstate(divide="ignore"):
            rate = FORMULAS[rule.kernel](rule, weights, numbers, rule.rate(optimizer.steps), optimizer.steps)
        found[name] = np.broadcast_to(rate, weights.shape).copy()
    return found


def rates(optimizer: Optimizer, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draws how the effective rates of each parameter's coordinates are spread.

    Parameters
    ----------
    optimizer : Optimizer
    path : path, optional
        Where the picture is written.

    Returns
    -------
    The matplotlib Figure: coordinates sorted by rate, one line a parameter, both axes from lowest to highest.

    Raises
    ------
    ImportError
        Without matplotlib (the extra 'plot').
    TypeError, ValueError
        See :func:`effective_rates`.

    Example
    -------
    >>> import numpy as np, schuss
    >>> from schuss.plot import rates
    >>> opt = schuss.Optimizer({"w": np.zeros(100), "b": np.zeros(9)}, schuss.AdaGrad(lr=1.0))
    >>> opt.step({"w": np.arange(1.0, 101.0), "b": np.ones(9)})
    >>> figure = rates(opt)
    """
    found = effective_rates(optimizer)
    figure, axes = canvas(height=3.8)
    dashes = ("-", "--", "-.", ":")
    for k, (name, rate) in enumerate(found.items()):
        y = np.sort(rate, axis=None)
        y = y[:: max(1, len(y) // 2000)]  # enough for a line
        x = np.linspace(0, 100, len(y))
        axes.plot(x, y, dashes[k % 4], color=COLORS[k % len(COLORS)], linewidth=1.8, label=name or "rate")
    axes.set(xlabel="coordinates, % with a lower rate", ylabel="effective rate", yscale="log")
    if len(found) > 1:
        axes.legend(frameon=False, fontsize=9)
    if path is not None:
        save(figure, path)
    return figure

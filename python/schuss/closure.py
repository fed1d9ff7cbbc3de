"""Steps that ask for their gradients: once, or as often as the rule takes gradients of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import trees
from .gradients import CoordGrad, RowGrad
from .table import Table

if TYPE_CHECKING:
    from .optimizer import Optimizer

Array = NDArray[Any]
Undo = list[tuple[Array, Any, Array]]  # an array, a place in it, what stood there


def step(opt: Optimizer, gradients: Callable[[], Any]) -> None:
    """One step with the gradients that the function returns; if a later one fails, the earlier ones are undone."""
    times = {r.evaluations for r in opt._rules}
    if len(times) > 1:
        raise ValueError("step: a function serves rules that take as many gradients each; give Heun its own Optimizer")
    if times == {1}:
        opt.step(_asked(gradients))
        return
    if opt.steps % 2 or opt._config["accumulate"] > 1:
        raise ValueError("step: a function takes whole steps: finish the half step first, and leave accumulate at 1")
    if any(isinstance(w, Table) for w in opt._leaves):
        raise TypeError("step: a function cannot train tables, whose rows could not be set back; use arrays")
    first = _asked(gradients)
    before, steps, skipped = _copies(opt, first), opt.steps, opt.skipped
    opt.step(first)
    try:
        opt.step(_asked(gradients))
    except BaseException:
        for array, place, old in before:
            array[place] = old
        opt._work.steps, opt._work.skipped = steps, skipped
        raise


def _asked(gradients: Callable[[], Any]) -> Any:
    found = gradients()
    if callable(found):
        raise TypeError("step: the function returned a function; return the gradients")
    return found


def _copies(opt: Optimizer, grads: Any) -> Undo:
    """What a step of these gradients can change, as it is now."""
    given = trees.match(opt._params, grads, lambda g: not isinstance(g, dict | list | tuple))
    found: Undo = []
    for index, w in enumerate(opt._leaves):
        g = given[index] if given is not None else None
        means = opt._means[index]
        for a in (w, *opt._slots[index].values(), *([] if means is None else [means])):
            ids = _touched(g, w)
            if ids is None or a.shape != w.shape:
                found.append((a, ..., a.copy()))
            else:
                view = a.reshape(-1) if isinstance(g, CoordGrad) else a
                found.append((view, ids, view[ids]))
    return found


def _touched(g: Any, w: Array) -> Array | None:
    """Rows or coordinates of a sparse gradient that exist; None: all."""
    if not isinstance(g, RowGrad | CoordGrad):
        return None
    ids = np.unique(g.ids if isinstance(g, RowGrad) else g.index)
    return ids[(ids >= 0) & (ids < (len(w) if isinstance(g, RowGrad) else w.size))]

"""optax: its states in and out, as plain tuples of arrays; optax itself is not needed.

>>> from collections import namedtuple
>>> import numpy as np, schuss
>>> from schuss.compat import optax as compat
>>> ScaleByAdamState = namedtuple("ScaleByAdamState", "count mu nu")
>>> state = (ScaleByAdamState(np.int32(3), {"w": np.full(2, 0.1)}, {"w": np.full(2, 0.2)}), ())
>>> opt = schuss.Optimizer({"w": np.ones(2)}, schuss.Adam.like("optax", lr=0.01))
>>> compat.load_state(opt, state)
>>> opt.steps, opt.slots["w"]["m"]
(3, array([0.1, 0.1]))
>>> compat.to_state(opt, state)[0].count
array(3, dtype=int32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import trees
from ..optimizer import Optimizer
from .exchange import give, kept, leaves_of, same_convention, take, whole_steps


def load_state(opt: Optimizer, state: Any, *, steps: int | None = None) -> None:
    """Goes on from an optax state: moments, traces, step count. Hyper-parameters are not in it; they are the rule's.

    Parameters
    ----------
    opt : schuss.Optimizer
        Its parameters are a tree like optax', in nested dicts and lists; its rule is optax' own
        (`Rule.like("optax", ...)`).
    state : tuple
        What `tx.init` and `tx.update` return: nested tuples and named tuples, found by their fields.
    steps : int, optional
        How many steps were taken, where the state has no `count`; 1 by default. Only schedules depend on it.

    Raises
    ------
    TypeError, ValueError
        For a state of another transformation, tree or shape, or a rule whose convention is not optax'. Nothing has
        changed then.

    Example
    -------
    See :mod:`schuss.compat.optax`.
    """
    names = _names(opt)
    found: dict[str, list[Any]] = {}
    counts = []
    for part in _parts(state):
        counts += [part.count] if "count" in part._fields else []
        for field in set(part._fields) & names:
            if field in found:
                raise ValueError(f"state: {field!r} is in it twice; give the part of one transformation")
            found[field] = _leaves(opt, getattr(part, field), field)
    missing = sorted(names - set(found))
    if missing:
        raise ValueError(
            f"state: it has no {missing[0]!r}, which {opt._rules[0]!r} goes on from; it has "
            f"{', '.join(f for part in _parts(state) for f in part._fields) or 'nothing'}"
        )
    count = whole_steps([np.asarray(c) for c in counts], "counts") if counts else 1 if steps is None else steps
    per_leaf = [{field: leaves[i] for field, leaves in found.items()} for i in range(len(opt._leaves))]
    take(opt, opt._rules, count, list(per_leaf), "optax")


def to_state(opt: Optimizer, like: Any) -> Any:
    """The state as optax has it.

    Parameters
    ----------
    opt : schuss.Optimizer
    like : tuple
        A state of the transformation, as `tx.init(params)` returns it; its shape and dtypes are kept, its numbers
        replaced.

    Returns
    -------
    A state with NumPy arrays, which optax takes as they are.

    Raises
    ------
    TypeError, ValueError
        As in :func:`load_state`.
    """
    names = _names(opt)
    per_leaf = give(opt, "optax")
    missing = names - {field for part in _parts(like) for field in part._fields}
    if missing:
        raise ValueError(f"like: it has no {sorted(missing)[0]!r}, so it is not the state of {opt._rules[0]!r}")

    def fill(part: Any) -> Any:
        changes: dict[str, Any] = {}
        for field in part._fields:
            old = getattr(part, field)
            if field == "count":
                changes[field] = np.asarray(opt.steps, np.asarray(old).dtype)
            elif field in names:
                olds = _leaves(opt, old, field)
                new = iter([s[field].astype(np.asarray(o).dtype) for s, o in zip(per_leaf, olds, strict=True)])
                changes[field] = _refill(old, new)
        return part._replace(**changes)

    return _map(like, fill)


def _names(opt: Any) -> set[str]:
    """The fields that hold the slots; one rule for all parameters, since a state has one transformation for all."""
    leaves_of(opt)
    if any(rule != opt._rules[0] for rule in opt._rules):
        raise ValueError("opt: its parameters have different rules; optax keeps one state for one rule")
    same_convention(opt._rules[0], "optax")
    return {there.name for there in kept(opt._rules[0], "optax", opt.steps).values()}


def _map(state: Any, f: Callable[[Any], Any]) -> Any:
    """The state with every named tuple of arrays replaced by f of it; wrappers keep their fields."""
    if hasattr(state, "_fields"):
        if "inner_state" in state._fields:
            return state._replace(inner_state=_map(state.inner_state, f))
        return f(state)
    if isinstance(state, tuple | list):
        return type(state)(_map(part, f) for part in state)
    return state


def _parts(state: Any) -> list[Any]:
    """All named tuples of a state."""
    if hasattr(state, "_fields"):
        return _parts(state.inner_state) if "inner_state" in state._fields else [state]
    return [found for part in state for found in _parts(part)] if isinstance(state, tuple | list) else []


def _leaves(opt: Optimizer, tree: Any, field: str) -> list[Any]:
    """The arrays of a tree, in the order of the parameters."""
    leaves = trees.match(opt.params, tree, lambda x: not isinstance(x, dict | list | tuple))
    if leaves is None or trees.size(tree) != len(opt._leaves):
        raise ValueError(f"state: {field} is a tree of another shape than the parameters")
    return leaves


def _refill(tree: Any, leaves: Any) -> Any:
    """As trees.fill, but tuples stay tuples and dicts keep their type."""
    if isinstance(tree, dict):
        return {key: _refill(value, leaves) for key, value in tree.items()}
    if isinstance(tree, tuple):
        return tuple(_refill(value, leaves) for value in tree)
    if isinstance(tree, list):
        return [_refill(value, leaves) for value in tree]
    return next(leaves)

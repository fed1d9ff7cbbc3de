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
from .exchange import give, kept_by, leaves_of, take, whole_steps
from .maps import NAMES, same_convention


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
    rule = _rule(opt)
    parts = _parts(state)
    _check_parts(rule, parts, "state")
    counts = [np.asarray(getattr(part, field)) - first for part in parts for field, first in COUNTS.items()
              if field in part._fields]  # fmt: skip
    count = whole_steps(counts, "counts") if counts else 1 if steps is None else steps
    wanted = _wanted(opt, count)
    found: dict[str, list[Any]] = {}
    for part in parts:
        for field in [f for f in part._fields if f in wanted]:
            if field in found:
                raise ValueError(f"state: {field!r} is in it twice; give the part of one transformation")
            found[field] = _leaves(opt, getattr(part, field), field)
    missing = sorted(wanted - set(found))
    if missing:
        raise ValueError(
            f"state: it has no {missing[0]!r}, which {rule!r} goes on from; it has "
            f"{', '.join(f for part in parts for f in part._fields) or 'nothing'}"
        )
    per_leaf = [{field: leaves[i] for field, leaves in found.items()} for i in range(len(opt._leaves))]
    take(opt, opt._rules, count, per_leaf, "optax")


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
    rule = _rule(opt)
    per_leaf = give(opt, "optax")
    wanted = _wanted(opt, opt.steps)
    parts = _parts(like)
    _check_parts(rule, parts, "like")
    missing = wanted - {field for part in parts for field in part._fields}
    if missing:
        raise ValueError(f"like: it has no {sorted(missing)[0]!r}, so it is not the state of {rule!r}")

    def fill(part: Any) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for field in part._fields:
            old = getattr(part, field)
            if field in COUNTS:
                changes[field] = np.asarray(opt.steps + COUNTS[field], np.asarray(old).dtype)
            elif field == "max_lr":
                changes[field] = np.asarray(rule.rate(opt.steps) if opt.steps else 0.0, np.asarray(old).dtype)
            elif field in ONE_FOR_ALL and field in wanted:
                changes[field] = _common(field, [s[field] for s in per_leaf]).astype(np.asarray(old).dtype)
            elif field in wanted:
                olds = _leaves(opt, old, field)
                new = [np.asarray(s.get(field, o)) for s, o in zip(per_leaf, olds, strict=True)]
                for now, before, name in zip(new, olds, opt._names, strict=True):
                    if now.shape != np.shape(before):
                        raise ValueError(
                            f"like: parameter '{name}': {field} has shape {np.shape(before)}, {rule!r} has {now.shape}"
                        )
                kinds = [np.asarray(o).dtype for o in olds]
                filled = trees.fill(opt.params, iter([a.astype(k) for a, k in zip(new, kinds, strict=True)]))
                changes[field] = _formed(filled, old)
        return changes

    return _map(like, fill)


# Fields that count steps, with what they start from.
COUNTS = {"count": 0, "t": 0, "step_count": 1}
ONE_FOR_ALL = ("weight_sum",)
INNER = ("inner_state", "base_optimizer_state")
# Of schedule-free rules: numbers of the rule, which are compared.
OF_THE_RULE = ("b1", "max_lr")


def _rule(opt: Any) -> Any:
    """The one rule of all parameters, since a state has one transformation for all; Adafactor's form is by shape."""
    leaves_of(opt)
    first = opt._rules[0]
    if any(_unfitted(rule) != _unfitted(first) for rule in opt._rules):
        raise ValueError("opt: its parameters have different rules; optax keeps one state for one rule")
    same_convention(first, "optax")
    return first


def _unfitted(rule: Any) -> Any:
    return rule.replaced(factored=True) if type(rule).__name__ == "Adafactor" else rule


def _wanted(opt: Optimizer, step: int) -> set[str]:
    """The fields that hold the slots."""
    pairs = zip(opt._rules, opt._leaves, opt._names, strict=True)
    return {there.name for rule, w, name in pairs for there in kept_by(rule, "optax", step, w, name).values()}


def _check_parts(rule: Any, parts: list[Any], what: str) -> None:
    """Raises for parts that the rule would not go on from."""
    known = {*NAMES[type(rule).__name__]["optax"].values(), *COUNTS, *OF_THE_RULE, *INNER}
    for part in parts:
        fields = part._fields
        if strange := [f for f in fields if f not in known]:
            raise ValueError(
                f"{what}: {type(part).__name__} has {strange[0]!r}, which {rule!r} does not go on from; is it that of "
                f"another transformation?"
            )
        if type(rule).__name__ == "RMSprop" and "count" in fields and "nu" in fields:
            raise ValueError(f"{what}: it is that of rmsprop with bias_correction, which {rule!r} has not")
        if "max_lr" in fields:
            beta = rule.beta if hasattr(rule, "beta") else rule.beta1
            _check_number(f"{what}: b1", float(part.b1), beta, rule)
            if float(part.max_lr) > 0:
                _check_number(f"{what}: max_lr", float(part.max_lr), rule.rate(0), rule)


def _check_number(what: str, theirs: float, mine: float, rule: Any) -> None:
    if abs(theirs - mine) > 1e-6 * abs(mine):
        raise ValueError(f"{what} is {theirs:g}, that of {rule!r} {mine:g}; they must agree to go on the same way")


def _common(field: str, values: list[Any]) -> Any:
    """The number that all parameters have."""
    if any(abs(value - values[0]) > 1e-6 * abs(values[0]) for value in values):
        raise ValueError(
            f"opt: optax keeps one {field} for all parameters, here they differ, since some had no gradient in a step"
        )
    return values[0]


def _map(state: Any, f: Callable[[Any], dict[str, Any]]) -> Any:
    """The state with the fields of every named tuple replaced by what f says."""
    if hasattr(state, "_fields"):
        inner = {field: _map(getattr(state, field), f) for field in state._fields if field in INNER}
        return state._replace(**inner) if "inner_state" in inner else state._replace(**f(state), **inner)
    if isinstance(state, tuple | list):
        return type(state)(_map(part, f) for part in state)
    return state


def _parts(state: Any) -> list[Any]:
    """All named tuples of a state; of a wrapper what is in it."""
    if hasattr(state, "_fields"):
        inner = [found for field in state._fields if field in INNER for found in _parts(getattr(state, field))]
        return inner if "inner_state" in state._fields else [state, *inner]
    return [found for part in state for found in _parts(part)] if isinstance(state, tuple | list) else []


def _leaves(opt: Optimizer, tree: Any, field: str) -> list[Any]:
    """The arrays of a tree, in the order of the parameters."""
    if field in ONE_FOR_ALL:
        return [tree] * len(opt._leaves)
    leaves = trees.match(opt.params, tree, lambda x: not isinstance(x, dict | list | tuple))
    if leaves is None or trees.size(tree) != len(opt._leaves):
        raise ValueError(f"state: {field} is a tree of another shape than the parameters")
    return leaves


def _formed(tree: Any, like: Any) -> Any:
    """A tree of dicts and lists with the containers of another, in its order: jax sorts the keys of dicts."""
    if isinstance(like, dict):
        return {key: _formed(tree[key], value) for key, value in like.items()}
    if isinstance(like, tuple | list):
        return type(like)(_formed(part, value) for part, value in zip(tree, like, strict=True))
    return tree

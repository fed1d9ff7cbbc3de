"""Keras: the variables of its optimizers in and out, as plain arrays; Keras itself is not needed.

>>> import numpy as np, schuss
>>> from schuss.compat import keras as compat
>>> variables = [np.int64(2), np.float32(0.1), np.full(3, -0.5, np.float32)]  # iteration, learning_rate, momentum
>>> opt = schuss.Optimizer([np.zeros(3, np.float32)], schuss.Momentum(momentum=0.9))
>>> compat.load_state(opt, variables)
>>> opt.steps, opt.rule.lr.__round__(6), opt.slots[0]["b"]  # v = -lr b
(2, 0.1, array([5., 5., 5.], dtype=float32))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..optimizer import Optimizer
from ..rules import Rule
from .exchange import give, kept, leaves_of, same_convention, take, whole_steps

Array = NDArray[Any]

# What Keras makes parameter by parameter; the rest it makes slot by slot, for all parameters.
TOGETHER = (("momentum", "velocity"), ("momentum", "norm"), ("accumulated_grad", "accumulated_delta_var"),
            ("accumulator", "linear"))  # fmt: skip


def load_state(opt: Optimizer, variables: Sequence[Any]) -> None:
    """Goes on from a Keras optimizer: slots, step count and learning rate. Other numbers are the rule's.

    Parameters
    ----------
    opt : schuss.Optimizer
        Its parameters are the model's trainable variables, in their order; its rule follows Keras' conventions
        (`Rule.like("keras", ...)`), but that `form` of a momentum may be "torch": velocities are converted. A rule
        whose lr is a schedule keeps it.
    variables : sequence of arrays or Keras variables
        `optimizer.variables`: iteration, learning_rate, then the slots.

    Raises
    ------
    TypeError, ValueError
        For other variables than those of the rule, or a rule whose convention is not Keras'. Nothing has changed then.

    Example
    -------
    See :mod:`schuss.compat.keras`.
    """
    leaves_of(opt)
    arrays = [np.asarray(v) for v in variables]
    if len(arrays) < 2 or arrays[0].ndim or arrays[1].ndim:
        raise ValueError("variables: expected those of a Keras optimizer: iteration, learning_rate, then its slots")
    steps = whole_steps([arrays[0]], "iteration")
    rules = [r if callable(r.lr) else r.replaced(lr=float(arrays[1])) for r in opt._rules]
    for rule in rules:
        same_convention(rule, "keras")
    places = _places(rules, steps)
    if len(places) != len(arrays) - 2:
        raise ValueError(
            f"variables: expected {len(places)} slots after iteration and learning_rate for {rules[0]!r} and "
            f"{len(rules)} parameters, got {len(arrays) - 2}"
        )
    states: list[dict[str, Array]] = [{} for _ in rules]
    for (i, name), array in zip(places, arrays[2:], strict=True):
        states[i][name] = array
    take(opt, rules, steps, states, "keras")


def to_variables(opt: Optimizer) -> list[Array]:
    """The state as the variables of a Keras optimizer, for `variable.assign` one by one.

    Returns
    -------
    Arrays: iteration, learning_rate, then the slots in Keras' order.

    Raises
    ------
    ValueError
        As in :func:`load_state`.
    """
    leaves_of(opt)
    for rule in opt._rules:
        same_convention(rule, "keras")
    states = give(opt, "keras")
    rate = np.asarray(opt._rules[0].rate(opt.steps), np.float32)
    return [np.asarray(opt.steps, np.int64), rate, *(states[i][name] for i, name in _places(opt._rules, opt.steps))]


def _places(rules: Sequence[Rule], steps: int) -> list[tuple[int, str]]:
    """Parameter and name of each slot, in the order of `optimizer.variables`."""
    if any(type(r) is not type(rules[0]) or r.variant != rules[0].variant for r in rules):
        raise ValueError("opt: its parameters have different rules; a Keras optimizer has one")
    names = [there.name for there in kept(rules[0], "keras", steps).values()]
    first = next((pair for pair in TOGETHER if tuple(names[:2]) == pair), ())
    count = range(len(rules))
    together = [(i, name) for i in count for name in first]
    return together + [(i, name) for name in names if name not in first for i in count]

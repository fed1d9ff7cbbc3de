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
from .exchange import give, leaves_of, take, whole_steps
from .maps import NAMES, check_momenta, momenta, same_convention

Array = NDArray[Any]

# What Keras makes parameter by parameter; the rest it makes slot by slot, for all parameters.
TOGETHER = (("momentum", "velocity"), ("momentum", "norm"), ("accumulated_grad", "accumulated_delta_var"),
            ("accumulator", "linear"), ("r", "c", "velocity"))  # fmt: skip
PRODUCT = "u_product"  # of Nadam's momenta, one for all parameters, behind their slots


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
    places = _places(rules)
    if len(places) != len(arrays) - 2:
        raise ValueError(
            f"variables: expected {len(places)} slots after iteration and learning_rate for {rules[0]!r} and "
            f"{len(rules)} parameters, got {len(arrays) - 2}"
        )
    states: list[dict[str, Array]] = [{} for _ in rules]
    for (i, name), array in zip(places, arrays[2:], strict=True):
        states[i][name] = array
    if PRODUCT in states[0]:
        check_momenta(rules[0], steps, states[0][PRODUCT], f"variables: {PRODUCT}")
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
    places = _places(opt._rules)
    for i, name in places:
        if name not in states[i]:
            states[i][name] = np.asarray(momenta(opt._rules[i], opt.steps) if name == PRODUCT else 0.0)
    rate = np.asarray(opt._rules[0].rate(opt.steps), np.float64)
    return [np.asarray(opt.steps, np.int64), rate, *(states[i][name] for i, name in places)]


def _places(rules: Sequence[Rule]) -> list[tuple[int, str]]:
    """Parameter and name of each slot, in the order of `optimizer.variables`."""
    first = rules[0]
    kind = type(first).__name__
    if any(type(r) is not type(first) or (r.variant != first.variant and kind != "Adafactor") for r in rules):
        raise ValueError("opt: its parameters have different rules; a Keras optimizer has one")
    known = NAMES[kind]["keras"]
    # Adafactor has all of them for every parameter, though it leaves some unused.
    names = [name for slot, name in known.items() if kind == "Adafactor" or slot in first.info["slots"]]
    joined = next((group for group in TOGETHER if tuple(names[: len(group)]) == group), ())
    count = range(len(rules))
    together = [(i, name) for i in count for name in joined]
    apart = [(i, name) for name in names if name not in joined for i in count]
    return together + apart + ([(0, PRODUCT)] if kind == "NAdam" else [])

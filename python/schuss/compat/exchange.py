"""How the states of torch, Keras and optax map to slots: one table, and what converts with it.

Most slots are the same numbers under another name. Velocities differ: with the rate inside (form "keras") they are
-lr b of torch's; optax' trace behind the rate is minus Keras' momentum in RMSprop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..optimizer import Optimizer, _key, _weights
from ..rules import Rule

Array = NDArray[Any]

# What rule keeps under which name; None: the framework lacks the rule. Slots that a variant lacks are left out.
ADAM = {"torch": ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"), "optax": ("mu", "nu", "nu_max"),
        "keras": ("momentum", "velocity", "velocity_hat")}  # fmt: skip
NAMES: dict[str, dict[str, dict[str, str]]] = {
    "SGD": {"torch": {}, "optax": {}, "keras": {}},
    **{
        rule: {"torch": {"b": "momentum_buffer"}, "optax": {"b": "trace"}, "keras": {"b": "momentum"}}
        for rule in ("Momentum", "Nesterov", "SGDW")
    },
    "AdaGrad": {"torch": {"s": "sum"}, "optax": {"s": "sum_of_squares"}, "keras": {"s": "accumulator"}},
    "AdaDelta": {
        "torch": {"e": "square_avg", "d": "acc_delta"},
        "optax": {"e": "e_g", "d": "e_x"},
        "keras": {"e": "accumulated_grad", "d": "accumulated_delta_var"},
    },
    "RMSprop": {
        "torch": {"v": "square_avg", "a": "grad_avg", "b": "momentum_buffer"},
        "optax": {"v": "nu", "a": "mu", "b": "trace"},
        "keras": {"v": "velocity", "b": "momentum", "a": "average_gradient"},
    },
    **{
        rule: {f: dict(zip("mvx", names, strict=True)) for f, names in ADAM.items()}
        for rule in ("Adam", "AdamW", "AMSGrad")
    },
    **{rule: {"torch": {"m": "exp_avg", "v": "exp_avg_sq"}} for rule in ("NAdam", "RAdam")},
    "AdaMax": {
        "torch": {"m": "exp_avg", "u": "exp_inf"},
        "optax": {"m": "mu", "u": "nu"},
        "keras": {"m": "momentum", "u": "norm"},
    },
    "FTRL": {"keras": {"n": "accumulator", "z": "linear"}},
}
FORM = {"torch": "torch", "optax": "torch", "keras": "keras"}  # of a plain velocity


@dataclass(frozen=True)
class Kept:
    """One slot as a framework keeps it: there = factor * here."""

    name: str
    factor: float


def kept(rule: Rule, framework: str, step: int) -> dict[str, Kept]:
    """For each slot of the rule the framework's name and factor, in the framework's order.

    Raises
    ------
    ValueError
        Where no exact map exists; says why.
    """
    kind = type(rule).__name__
    names = NAMES.get(kind, {}).get(framework)
    if names is None:
        have = ", ".join(k for k, known in NAMES.items() if framework in known)
        raise ValueError(f"opt: no state of {framework} fits {kind}; there are maps for {have}")
    slots = rule.info["slots"]
    return {s: Kept(name, _factor(rule, s, framework, step)) for s, name in names.items() if s in slots}


def _factor(rule: Rule, slot: str, framework: str, step: int) -> float:
    if slot != "b":
        return 1.0
    kind, form = type(rule).__name__, getattr(rule, "form", "torch")
    if kind == "RMSprop":  # both frameworks' forms with the rate inside step by w -= b; optax' trace has the sign of w
        theirs = "torch" if framework == "torch" else "keras"
        sign = -1.0 if framework == "optax" else 1.0
    else:  # the form with the rate inside steps by w += b
        theirs, sign = FORM[framework], 1.0
    if form == theirs:
        return sign
    if callable(rule.lr):
        raise ValueError(
            f"opt: form {form!r} with a schedule is not {framework}'s form {theirs!r} with it: the velocities hold "
            f"different rates; make the rule with form={theirs!r}"
        )
    lr = rule.rate(step)
    if lr == 0:
        raise ValueError(f"opt: at lr 0 a velocity of form {form!r} does not map to form {theirs!r}")
    inside = lr if kind == "RMSprop" else -lr  # b with the rate inside = inside * b with it outside
    return sign * (1 / inside if form == "keras" else inside)


def leaves_of(opt: Any) -> list[Any]:
    """The parameters of a schuss optimizer; an error for anything else."""
    if not isinstance(opt, Optimizer):
        raise TypeError(f"opt: expected a schuss.Optimizer, got {type(opt).__name__}")
    return opt._leaves


def take(
    opt: Optimizer, rules: Sequence[Rule], steps: int, states: Sequence[Mapping[str, Array] | None], framework: str
) -> None:
    """Loads slots that are named as in a framework; None: the parameter starts anew."""
    leaves_of(opt)
    opt.flush()
    arrays = dict(opt._own_arrays())
    for index, (rule, state) in enumerate(zip(rules, states, strict=True)):
        name, w, slots = opt._names[index], opt._leaves[index], opt._slots[index]
        if list(slots) != rule.info["slots"] + rule.info["shared"]:
            raise ValueError(
                f"state: parameter '{name}': it is that of {rule!r}, which keeps other slots than "
                f"{opt._rules[index]!r}; make the optimizer with the first"
            )
        if state is None:
            fresh = rule.start(_weights(w))
            arrays |= {_key("slots", name, s): np.broadcast_to(fresh.get(s, 0.0), a.shape).astype(a.dtype)
                       for s, a in slots.items()}  # fmt: skip
            continue
        for slot, there in kept(rule, framework, steps).items():
            if there.name not in state:
                raise ValueError(
                    f"state: parameter '{name}': expected {there.name!r} for {rule!r}, it has "
                    f"{', '.join(map(repr, state)) or 'nothing'}; is it the state of another optimizer?"
                )
            value = np.asarray(state[there.name])
            if value.shape != tuple(w.shape):
                raise ValueError(
                    f"state: parameter '{name}': {there.name} has shape {value.shape}, the parameter {tuple(w.shape)}"
                )
            mine = arrays[_key("slots", name, slot)]
            arrays[_key("slots", name, slot)] = (
                value.astype(mine.dtype) if there.factor == 1 else (value / there.factor).astype(mine.dtype)
            )
    header = opt._header()
    header |= {"steps": steps, "waiting": 0}
    header["rules"] = {name: rule.to_json() for name, rule in zip(opt._names, rules, strict=True)}
    opt.load_state_dict({"header": header, "arrays": {k: v for k, v in arrays.items() if not k.startswith("sum:")}})


def give(opt: Optimizer, framework: str) -> list[dict[str, Array]]:
    """For each parameter its slots, copied, named and scaled as in the framework."""
    leaves_of(opt)
    opt.flush()
    found = []
    for rule, slots in zip(opt._rules, opt._slots, strict=True):
        if added := rule._changed_after():
            raise ValueError(f"opt: {framework}'s optimizers have no {' and no '.join(added)}, unlike {rule!r}")
        known = kept(rule, framework, opt.steps)
        found.append({there.name: np.array(slots[s] * there.factor, slots[s].dtype) for s, there in known.items()})
    return found


def whole_steps(values: Sequence[Any], what: str) -> int:
    """The step count that all parameters agree on."""
    counts = {float(v) for v in values}
    if len(counts) > 1:
        raise ValueError(
            f"state: {what} differ between parameters ({', '.join(f'{c:g}' for c in sorted(counts)[:4])}), and a "
            f"schuss.Optimizer has one count for all; give those parameters an optimizer of their own"
        )
    count = counts.pop()
    if not (count >= 0 and math.isfinite(count) and count == int(count)):
        raise ValueError(f"state: {what}: expected a whole number, got {count}")
    return int(count)


def same_convention(rule: Rule, framework: str) -> None:
    """Raises unless the rule is the framework's own, but for the form of its velocity, which is converted."""
    from ..rules.conventions import convention

    found = convention(type(rule), framework)
    if why := found.differs(rule):
        raise ValueError(f"opt: {rule!r} is not that of {framework}: {why}")
    places = ("eps_place", "decoupled") if rule.weight_decay > 0 else ("eps_place",)
    if not getattr(rule, "bias_correction", True) and not (framework == "optax" and rule.info["slots"][-1] == "x"):
        raise ValueError(f"opt: {rule!r} would not go on as {framework} did, which corrects for the start at zero")
    for field in places:
        want = found.values.get(field, getattr(rule, field, None))
        if field == "decoupled" and field not in rule._init_fields():
            continue
        if getattr(rule, field, None) != want:
            raise ValueError(
                f"opt: {rule!r} would not go on as {framework} did, which has {field}={want!r}; make the optimizer "
                f"with schuss.{type(rule).__name__}.like({framework!r}, ...)"
            )

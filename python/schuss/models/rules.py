"""Which rule trains which part of a model, at which rate, from what the user gave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .. import schedules
from ..rules import ALL, FTRL, Rule
from ..settings import check_number

PARTS = ("linear", "factors")
Given = Rule | str | Mapping[str, Rule | str] | None

# Of rules that come by name: the rate for examples whose absolute values sum to 1, and other numbers. Rates are divided
# by the mean of that sum, for the first steps of these rules change a margin in its proportion.
# Chosen on Criteo, Avazu, iPinYou, Frappe, TalkingData, a9a, w8a and rcv1, and a log with planted pairs. An FFM has so
# many numbers for an id that without decay its second pass only learns the examples by heart.
NAMED: dict[tuple[str, str], tuple[float, dict[str, float]]] = {
    ("AdaGrad", "linear"): (2.0, {}),
    ("AdaGrad", "fm"): (1.0, {"initial_accumulator": 0.1}),
    ("AdaGrad", "ffm"): (2.0, {"initial_accumulator": 1.0, "weight_decay": 0.002}),
    ("RowWiseAdaGrad", "ffm"): (2.0, {"initial_accumulator": 1.0, "weight_decay": 0.002}),
    ("FTRL", "linear"): (4.0, {}),
    ("FTRL", "fm"): (2.0, {}),
    ("FTRL", "ffm"): (2.0, {}),
}
SCALE = 2.0  # of the factors' start values, likewise


def rules_of(
    given: Given, kind: str, parts: tuple[str, ...], l1: float | None, l2: float | None
) -> tuple[dict[str, Rule], tuple[str, ...]]:
    """A rule for each part, with the penalties in it; and the parts whose rate follows from the first batch."""
    if isinstance(given, Mapping):
        for part in given:
            if part not in parts:
                raise ValueError(f"rule: expected rules for {' and '.join(parts)}, got one for {part!r}")
        chosen: dict[str, Any] = {part: given.get(part) for part in parts}
    else:
        chosen = dict.fromkeys(parts, given)
    found, auto = {}, []
    for part, rule in chosen.items():
        if rule is None or isinstance(rule, str):
            rule = rule_named(rule or usual(kind, part), kind, part)
            if _place(rule, kind, part) in NAMED:
                auto.append(part)
        if not isinstance(rule, Rule):
            got = f"the class; use {rule.__name__}(...)" if isinstance(rule, type) else type(rule).__name__
            raise TypeError(
                f"rule: expected a rule, its name, or a dict with one for each of {', '.join(parts)}, got {got}"
            )
        if rule.kernel == "python":
            raise TypeError(f"rule: {type(rule).__name__} is written in Python; models train with rules in C++ only")
        found[part] = _penalised(rule, l1, l2)
    return found, tuple(auto)


def usual(kind: str, part: str) -> str:
    """The name of the rule for a part, where none is asked for.

    One sum for a row of an FFM halves what comes from memory, at about the same held-out loss (bench/README.md).
    """
    return "RowWiseAdaGrad" if (kind, part) == ("ffm", "factors") else "AdaGrad"


def at_rate(rule: Rule, kind: str, part: str, size: float) -> Rule:
    """The rule at its rate for examples whose absolute values sum to `size`."""
    return rule.replaced(lr=_short(NAMED[_place(rule, kind, part)][0] / size))


def start_scale(size: float) -> float:
    """Of factors, for such examples."""
    return _short(min(SCALE / size, 1.0))


def _short(x: float) -> float:
    """Two digits: rates are read by people."""
    return float(f"{x:.2g}") if math.isfinite(x) else x


def _penalised(rule: Rule, l1: float | None, l2: float | None) -> Rule:
    """The rule with l1 and l2 where given: FTRL's own, or weight decay of the touched rows."""
    for name, value in (("l1", l1), ("l2", l2)):
        if value is not None:
            check_number(name, value, lambda x: 0 <= x < math.inf, "a finite number >= 0, or None")
    if isinstance(rule, FTRL):
        return rule.replaced(**{k: float(v) for k, v in (("l1", l1), ("l2", l2)) if v is not None})
    if l1:
        raise ValueError(
            f"l1: {type(rule).__name__} has no l1 of a model; use FTRL(l1=...), or give {type(rule).__name__}(l1=...)"
        )
    return rule if l2 is None else rule.replaced(weight_decay=float(l2))


def _place(rule: Rule, kind: str, part: str) -> tuple[str, str]:
    return type(rule).__name__, kind if part == "factors" else part


def rule_named(name: str, kind: str, part: str, lr: float | None = None) -> Rule:
    """A rule by its name, in any case, as it suits a part of a kind of model.

    >>> rule_named("adagrad", "fm", "factors", 0.05).initial_accumulator
    0.1
    """
    found = {known.lower(): kind for known, kind in ALL.items()}.get(name.lower())
    if found is None:
        raise ValueError(f"rule: expected one of {', '.join(ALL)}, got {name!r}")
    rule = found() if lr is None else found(lr)
    return rule.replaced(**NAMED.get(_place(rule, kind, part), (0.0, {}))[1])


def rule_from_json(data: Any) -> Rule:
    """What Rule.to_json wrote."""
    values = dict(data)
    kind = ALL.get(values.pop("rule", ""))
    if kind is None:
        raise ValueError(f"rule: {data.get('rule')!r} is unknown to this version of schuss")
    if isinstance(values.get("lr"), dict):
        values["lr"] = schedules.from_json(values["lr"])
    return kind(**values)

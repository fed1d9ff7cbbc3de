"""Which rule trains which part of a model, from what the user gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import schedules
from ..rules import ALL, FTRL, Rule
from ..settings import check_number

PARTS = ("linear", "factors")
# Rates of rules that are named without one: of the linear part, of the factors.
RATES = {"AdaGrad": (0.1, 0.05), "FTRL": (0.1, 0.05), "Adam": (0.001, 0.001), "AdamW": (0.001, 0.001)}


def rules_of(
    given: Rule | Mapping[str, Rule] | None, parts: tuple[str, ...], l1: float | None, l2: float | None
) -> dict[str, Rule]:
    """A rule for each of the parts, with the penalties in it."""
    if given is None:
        found = {part: rule_named("AdaGrad", part) for part in parts}
    elif isinstance(given, Rule):
        found = dict.fromkeys(parts, given)
    elif isinstance(given, Mapping):
        for part in given:
            if part not in parts:
                raise ValueError(f"rule: expected rules for {' and '.join(parts)}, got one for {part!r}")
        found = {part: given.get(part, rule_named("AdaGrad", part)) for part in parts}
    else:
        got = f"the class; use {given.__name__}(...)" if isinstance(given, type) else type(given).__name__
        raise TypeError(f"rule: expected a rule, or a dict with one for each of {', '.join(parts)}, got {got}")
    for part, rule in found.items():
        if not isinstance(rule, Rule):
            got = f"the class; use {rule.__name__}(...)" if isinstance(rule, type) else type(rule).__name__
            raise TypeError(f"rule[{part!r}]: expected a rule, got {got}")
    return {part: _penalised(rule, l1, l2) for part, rule in found.items()}


def _penalised(rule: Rule, l1: float | None, l2: float | None) -> Rule:
    """The rule with l1 and l2 where given: FTRL's own, or weight decay of the touched rows."""
    for name, value in (("l1", l1), ("l2", l2)):
        if value is not None:
            check_number(name, value, lambda x: 0 <= x < float("inf"), "a finite number >= 0, or None")
    if isinstance(rule, FTRL):
        return rule.replaced(**{k: float(v) for k, v in (("l1", l1), ("l2", l2)) if v is not None})
    if l1:
        raise ValueError(f"l1: {type(rule).__name__} has no l1; use FTRL(l1=...)")
    return rule if l2 is None else rule.replaced(weight_decay=float(l2))


def rule_from_json(data: Any) -> Rule:
    """What Rule.to_json wrote."""
    values = dict(data)
    kind = ALL.get(values.pop("rule", ""))
    if kind is None:
        raise ValueError(f"rule: {data.get('rule')!r} is unknown to this version of schuss")
    if isinstance(values.get("lr"), dict):
        values["lr"] = schedules.from_json(values["lr"])
    return kind(**values)


def rule_named(name: str, part: str, lr: float | None = None) -> Rule:
    """A rule by its name, in any case, at its usual rate for this part of a model.

    >>> rule_named("ftrl", "linear").lr
    0.1
    """
    found = {known.lower(): kind for known, kind in ALL.items()}.get(name.lower())
    if found is None:
        raise ValueError(f"rule: expected one of {', '.join(ALL)}, got {name!r}")
    if lr is None and found.__name__ in RATES:
        lr = RATES[found.__name__][PARTS.index(part)]
    return found() if lr is None else found(lr)

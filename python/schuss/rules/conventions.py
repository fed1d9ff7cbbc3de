"""Where torch, Keras, optax and the papers disagree: what each calls a rule, its conventions and its defaults.

`python -m schuss.rules.conventions` prints the differences as a table in Markdown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Rule

FRAMEWORKS = ("torch", "keras", "optax", "paper")
NO_EPS = 1e-30  # where a paper has none: 0 / 0 is then 0, and nothing else changes


@dataclass(frozen=True)
class Convention:
    """One framework's way with one rule.

    Parameters
    ----------
    name : str
        What the rule is called there.
    values : mapping, default {}
        Its conventions and defaults, as fields of the rule. A framework without a default for lr leaves the rule's.
    note : str
        What to mind when numbers are taken over.
    differs : function of the rule, optional
        Why this rule, with the user's changes, is not that framework's; empty if it is.
    """

    name: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    note: str = ""
    differs: Callable[[Any], str] = lambda rule: ""


def _late_maximum(rule: Any) -> str:
    return (
        "optax takes the maximum after the bias correction, schuss (as torch and Keras) before; "
        "bias_correction=False is the same in both"
        if rule.amsgrad and rule.bias_correction
        else ""
    )


def _scheduled_decay(rule: Any) -> str:
    return (
        f"the paper multiplies decay by the schedule alone, schuss by lr too: use "
        f"{type(rule).__name__}(lr=a, weight_decay=decay / a) for its lr a"
        if rule.weight_decay > 0
        else ""
    )


_KERAS = {"decoupled": True}  # Keras' weight_decay is w -= lr weight_decay w, before the step, for every rule
_FORM = {"form": "keras"}  # lr scales what enters the velocity
_HAT = {"lr": 1e-3, "eps": 1e-7, "eps_place": "hat"}

CONVENTIONS: dict[str, dict[str, Convention]] = {
    "SGD": {
        "torch": Convention("SGD", {"lr": 1e-3}),
        "keras": Convention("SGD", {"lr": 0.01, **_KERAS}),
        "optax": Convention("sgd"),
        "paper": Convention("Robbins & Monro 1951"),
    },
    "Momentum": {
        "torch": Convention("SGD(momentum=)", {"lr": 1e-3, "form": "torch"}, "momentum is 0 by default there"),
        "keras": Convention("SGD(momentum=)", {"lr": 0.01, **_FORM, **_KERAS}, "momentum is 0 by default there"),
        "optax": Convention("sgd(momentum=)", {"form": "torch"}, "no default for momentum"),
        "paper": Convention("Sutskever et al. 2013, equation 1", _FORM),
    },
    "Nesterov": {
        "torch": Convention("SGD(nesterov=True)", {"lr": 1e-3, "form": "torch"}, "momentum has to be given there"),
        "keras": Convention("SGD(nesterov=True)", {"lr": 0.01, **_FORM, **_KERAS}, "momentum is 0 by default there"),
        "optax": Convention("sgd(nesterov=True)", {"form": "torch"}, "no default for momentum"),
        "paper": Convention("Sutskever et al. 2013, equation 3", _FORM, "w is the paper's look-ahead point"),
    },
    "SGDW": {
        "keras": Convention("SGD(weight_decay=)", {"lr": 0.01, **_FORM}, "weight_decay is None by default there"),
        "paper": Convention("Loshchilov & Hutter 2019, Algorithm 1", _FORM, differs=_scheduled_decay),
    },
    "CounterClock": {"paper": Convention("Dive into Deep Learning, 12.7.1")},
    "AdaGrad": {
        "torch": Convention("Adagrad", {"lr": 0.01, "eps": 1e-10, "eps_place": "outside", "initial_accumulator": 0.0}),
        "keras": Convention(
            "Adagrad", {"lr": 1e-3, "eps": 1e-7, "eps_place": "inside", "initial_accumulator": 0.1, **_KERAS}
        ),
        "optax": Convention("adagrad", {"eps": 1e-7, "eps_place": "inside", "initial_accumulator": 0.1}),
        "paper": Convention(
            "Duchi et al. 2011, Figure 1", {"eps_place": "outside", "initial_accumulator": 0.0}, "eps is its delta"
        ),
    },
    "RowWiseAdaGrad": {
        "paper": Convention("Mudigere et al. 2022", {"eps": 1e-8, "eps_place": "outside"}, "eps is FBGEMM's"),
    },
    "AdaDelta": {
        "torch": Convention("Adadelta", {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
        "keras": Convention("Adadelta", {"lr": 1e-3, "rho": 0.95, "eps": 1e-7, **_KERAS}),
        "optax": Convention("adadelta", {"rho": 0.9, "eps": 1e-6}),
        "paper": Convention("Zeiler 2012, Algorithm 1", {"lr": 1.0, "rho": 0.95, "eps": 1e-6}),
    },
    "RMSprop": {
        "torch": Convention(
            "RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "eps_place": "outside", "form": "torch"}
        ),
        "keras": Convention(
            "RMSprop", {"lr": 1e-3, "alpha": 0.9, "eps": 1e-7, "eps_place": "inside", **_FORM, **_KERAS}
        ),
        "optax": Convention("rmsprop", {"alpha": 0.9, "eps": 1e-8, "eps_place": "inside", **_FORM}),
        "paper": Convention(
            "Tieleman & Hinton 2012", {"lr": 1e-3, "alpha": 0.9, "eps": NO_EPS, **_FORM}, "the lecture has no eps"
        ),
    },
    "Adam": {
        "torch": Convention("Adam", {"lr": 1e-3, "eps": 1e-8, "eps_place": "outside"}),
        "keras": Convention("Adam", {**_HAT, **_KERAS}),
        "optax": Convention("adam", {"eps": 1e-8, "eps_place": "outside"}, differs=_late_maximum),
        "paper": Convention("Kingma & Ba 2015, Algorithm 1", {"lr": 1e-3, "eps": 1e-8, "eps_place": "outside"}),
    },
    "AdamW": {
        "torch": Convention("AdamW", {"lr": 1e-3, "eps": 1e-8, "eps_place": "outside", "weight_decay": 0.01}),
        "keras": Convention("AdamW", {**_HAT, "weight_decay": 0.004}),
        "optax": Convention(
            "adamw", {"eps": 1e-8, "eps_place": "outside", "weight_decay": 1e-4}, differs=_late_maximum
        ),
        "paper": Convention(
            "Loshchilov & Hutter 2019, Algorithm 2", {"eps": 1e-8, "eps_place": "outside"}, differs=_scheduled_decay
        ),
    },
    "AMSGrad": {
        "torch": Convention("Adam(amsgrad=True)", {"lr": 1e-3, "eps": 1e-8, "eps_place": "outside"}),
        "keras": Convention("Adam(amsgrad=True)", {**_HAT, **_KERAS}),
        "optax": Convention("amsgrad", {"eps": 1e-8, "eps_place": "outside"}, differs=_late_maximum),
        "paper": Convention(
            "Reddi et al. 2018, Algorithm 2", {"eps": NO_EPS, "bias_correction": False}, "the paper has no eps"
        ),
    },
    "AdaMax": {
        "torch": Convention("Adamax", {"lr": 2e-3, "eps": 1e-8, "eps_place": "max"}),
        "keras": Convention("Adamax", {"lr": 1e-3, "eps": 1e-7, "eps_place": "outside", **_KERAS}),
        "optax": Convention("adamax", {"eps": 1e-8, "eps_place": "max"}),
        "paper": Convention(
            "Kingma & Ba 2015, Algorithm 2", {"lr": 2e-3, "eps": NO_EPS, "eps_place": "outside"}, "the paper has no eps"
        ),
    },
    "EGU": {"paper": Convention("Kivinen & Warmuth 1997, EGU")},
    "EG": {"paper": Convention("Kivinen & Warmuth 1997, EG")},
    "EGPM": {"paper": Convention("Kivinen & Warmuth 1997, EG+-")},
    "EGDD": {"paper": Convention("Amid et al. 2022")},
    "FTRL": {
        "keras": Convention(
            "Ftrl",
            {"lr": 1e-3, "beta": 0.0, "initial_accumulator": 0.1, "keep_start": False},
            "l2 here is 2 l2_regularization_strength there, power is -learning_rate_power; no weight_decay",
        ),
        "paper": Convention("McMahan et al. 2013, Algorithm 1", {"beta": 1.0, "initial_accumulator": 0.0}),
    },
}


def convention(rule: type[Rule], framework: str) -> Convention:
    """The framework's way with a rule.

    Raises
    ------
    ValueError
        For a framework that is not known or lacks the rule; names those that have it.

    Example
    -------
    >>> import schuss
    >>> convention(schuss.AdaMax, "keras").values["eps_place"]
    'outside'
    """
    known = CONVENTIONS.get(rule.__name__, {})
    if framework in known:
        return known[framework]
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework: expected one of {', '.join(map(repr, FRAMEWORKS))}, got {framework!r}")
    have = ", ".join(map(repr, known)) or "none of them"
    raise ValueError(
        f"framework: {framework!r} has no {rule.__name__}; {have} {'have' if len(known) > 1 else 'has'} it"
    )


def markdown() -> str:
    """The differences: a row for every option in which the frameworks differ, or differ from the default here."""
    from . import ALL

    lines = ["| rule | | schuss | " + " | ".join(FRAMEWORKS) + " |", "|---|---|---|" + "---|" * len(FRAMEWORKS)]
    for name, rule in ALL.items():
        known = CONVENTIONS.get(name, {})
        names = [known[f].name if f in known else "-" for f in FRAMEWORKS]
        lines.append(f"| `{name}` | called | | {' | '.join(names)} |")
        default = {f.name: f.default for f in dataclasses.fields(rule)}
        fields = dict.fromkeys(field for f in known.values() for field in f.values)
        for field in fields:
            cells = [_cell(known.get(f), field, default[field]) for f in FRAMEWORKS]
            if any(cell not in ("", "-", _text(default[field])) for cell in cells):
                lines.append(f"| | {field} | {_text(default[field])} | {' | '.join(cells)} |")
        for framework, c in known.items():
            if c.note:
                lines.append(f"| | *{framework}: {c.note}* | | | | | |")
            if why := c.differs(rule()):
                lines.append(f"| | *{framework} is refused: {why}* | | | | | |")
    return "\n".join(lines)


def _cell(c: Convention | None, field: str, default: object) -> str:
    if c is None:
        return ""
    if field == "lr" and field not in c.values:
        return "-"
    return _text(c.values.get(field, default))


def _text(value: object) -> str:
    return "none" if value == NO_EPS else f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(markdown())

"""The numbers of torch's parameter groups as those of a rule, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..rules import Rule
from ..rules.conventions import convention

# Which rules can go on from which of torch's optimizers.
FITTING = {
    "SGD": ("SGD", "Momentum", "Nesterov", "SGDW"),
    "Adagrad": ("AdaGrad",),
    "Adadelta": ("AdaDelta",),
    "RMSprop": ("RMSprop",),
    "Adam": ("Adam", "AdamW", "AMSGrad"),
    "SparseAdam": ("Adam", "AdamW"),
    "Adamax": ("AdaMax",),
    "NAdam": ("NAdam",),
    "RAdam": ("RAdam",),
    "Rprop": ("Rprop",),
    "ASGD": ("ASGD",),
    "Adafactor": ("Adafactor",),
}
NUMBERS = ("eps", "rho", "alpha", "lr_decay", "momentum_decay", "lambd", "t0")  # that have the same name here

# A number that only this optimizer's groups have, the surest first.
MARKS = (
    ("Muon", "ns_steps"),
    ("LBFGS", "line_search_fn"),
    ("SGD", "nesterov"),
    ("Adagrad", "initial_accumulator_value"),
    ("Adadelta", "rho"),
    ("RMSprop", "centered"),
    ("NAdam", "momentum_decay"),
    ("Adam", "amsgrad"),
    ("RAdam", "decoupled_weight_decay"),
    ("Rprop", "etas"),
    ("ASGD", "lambd"),
    ("Adafactor", "beta2_decay"),
)


def kind_of(group: Mapping[str, Any]) -> str:
    """Which of torch's optimizers a group belongs to, by the names of its numbers."""
    for kind, mark in MARKS:
        if mark in group:
            return kind
    if "betas" in group:
        return "Adamax" if "weight_decay" in group else "SparseAdam"
    raise ValueError(f"state: no optimizer of torch has groups with {', '.join(map(str, group))}")


def rule_of(group: Mapping[str, Any], mine: Rule, dtype: Any) -> Rule:
    """The optimizer's rule with the numbers and the convention of one of torch's groups; dtype is its parameter's."""
    kind, own = kind_of(group), type(mine).__name__
    if own not in FITTING.get(kind, ()):
        fitting = " or ".join(f"schuss.{name}" for name in FITTING.get(kind, ())) or "no rule of schuss"
        raise ValueError(f"state: it is that of torch.optim.{kind}, which {fitting} goes on with, not {own}")
    decay = float(group.get("weight_decay", 0.0))
    changes: dict[str, Any] = {"weight_decay": decay, "maximize": bool(group.get("maximize", False))}
    if not callable(mine.lr):
        changes["lr"] = float(group["lr"])
    if "decoupled" in mine._init_fields():
        changes["decoupled"] = bool(group.get("decoupled_weight_decay", False))
    elif own == "AdamW" and decay > 0 and not group.get("decoupled_weight_decay", True):
        raise ValueError("state: its weight decay is coupled (torch.optim.Adam), which AdamW is not; use schuss.Adam")
    if kind == "SGD":
        _check_sgd(group, own, decay)
    if "betas" in group:
        changes |= {"beta1": float(group["betas"][0]), "beta2": float(group["betas"][1])}
    if kind == "Rprop":
        changes |= dict(zip(("eta_minus", "eta_plus"), map(float, group["etas"]), strict=True))
        changes |= dict(zip(("step_min", "step_max"), map(float, group["step_sizes"]), strict=True))
    elif kind == "Adafactor":
        least, smallest = group["eps"]
        changes |= {"eps1": float(np.finfo(dtype).eps if least is None else least), "eps2": float(smallest)}
        changes |= {"decay_power": -float(group["beta2_decay"]), "limit": float(group["d"])}
    else:
        changes |= {k: float(group[k]) for k in NUMBERS if k in group}
        changes |= {k: float(group[k]) for k in ("momentum", "dampening") if k in group and k in mine._init_fields()}
    if kind in ("Adam", "SparseAdam"):
        changes |= {"eps_place": "outside" if kind == "Adam" else "hat", "bias_correction": True}
        amsgrad = bool(group.get("amsgrad", False))
        if own != "AMSGrad":
            changes["amsgrad"] = amsgrad
        elif not amsgrad:
            raise ValueError("state: it is that of torch.optim.Adam without amsgrad; use schuss.Adam")
    else:
        formula = convention(type(mine), "torch").only
        changes |= {field: value for field, value in formula.items() if field != "decoupled"}
    if kind == "RMSprop":
        changes["centered"] = bool(group["centered"])
    elif kind == "Adagrad":
        changes["initial_accumulator"] = float(group["initial_accumulator_value"])
    return mine.replaced(**changes)


def _check_sgd(group: Mapping[str, Any], own: str, decay: float) -> None:
    want = "Nesterov" if group["nesterov"] else "Momentum" if group["momentum"] else "SGD"
    if own == want or (own == "SGDW" and want == "Momentum" and decay == 0):
        return
    why = " with coupled decay" if own == "SGDW" and decay > 0 else ""
    raise ValueError(f"state: it is that of torch.optim.SGD as schuss.{want}{why}, not {own}")


def group_of(rule: Rule, step: int) -> tuple[str, dict[str, Any]]:
    """Torch's optimizer for a rule, and its numbers there."""
    own = type(rule).__name__
    kinds = [kind for kind, fitting in FITTING.items() if own in fitting]
    if not kinds:
        raise ValueError(f"opt: torch has no {own}")
    o: Any = rule
    options: dict[str, Any] = {"lr": rule.rate(step), "maximize": rule.maximize, "weight_decay": rule.weight_decay}
    kind = kinds[0]
    if kind == "Adam":
        if not o.bias_correction:
            raise ValueError(f"opt: torch.optim.Adam has no form without bias correction, as in {rule!r}")
        options |= {"betas": (o.beta1, o.beta2), "eps": o.eps}
        if o.eps_place == "hat":
            if o.amsgrad or rule.weight_decay > 0:
                raise ValueError(f"opt: torch has 'hat' in SparseAdam only, without decay and amsgrad: {rule!r}")
            del options["weight_decay"]
            return "SparseAdam", options
        return kind, {**options, "amsgrad": o.amsgrad, "decoupled_weight_decay": rule.decoupled}
    _check_formula(rule, kind)
    if kind in ("NAdam", "RAdam"):
        momentum = {"momentum_decay": o.momentum_decay} if kind == "NAdam" else {}
        own_options = {"betas": (o.beta1, o.beta2), "eps": o.eps, "decoupled_weight_decay": rule.decoupled}
        return kind, {**options, **own_options, **momentum}
    if kind == "SGD":
        momentum = {k: getattr(rule, k) for k in ("momentum", "dampening") if hasattr(rule, k)}
        return kind, {**options, **momentum, "nesterov": own == "Nesterov"}
    if kind == "Rprop":
        del options["weight_decay"]
        return kind, {**options, "etas": (o.eta_minus, o.eta_plus), "step_sizes": (o.step_min, o.step_max)}
    if kind == "ASGD":
        return kind, {**options, "lambd": o.lambd, "alpha": o.alpha, "t0": o.t0}
    if kind == "Adafactor":
        return kind, {**options, "beta2_decay": -o.decay_power, "eps": (o.eps1, o.eps2), "d": o.limit}
    if kind == "Adamax":
        options["betas"] = (o.beta1, o.beta2)
    elif kind == "RMSprop":
        options |= {"alpha": o.alpha, "centered": o.centered, "momentum": o.momentum}
    elif kind == "Adadelta":
        options["rho"] = o.rho
    else:
        options |= {"initial_accumulator_value": o.initial_accumulator, "lr_decay": o.lr_decay}
    return kind, {**options, "eps": o.eps}


def _check_formula(rule: Rule, kind: str) -> None:
    """Raises unless the rule is torch's but for its numbers."""
    found = convention(type(rule), "torch")
    if rule.weight_decay > 0 and rule.decoupled and (kind == "SGD" or found.only.get("decoupled") is False):
        raise ValueError(f"opt: torch.optim.{kind} has coupled weight decay only, unlike {rule!r}")
    if why := found.differs(rule):
        raise ValueError(f"opt: {rule!r} has no exact map to torch's {found.name}: {why}")
    for field, want in found.only.items():
        if field != "decoupled" and getattr(rule, field) != want:
            raise ValueError(f"opt: torch.optim.{kind} has {field} {want!r} only, unlike {rule!r}")

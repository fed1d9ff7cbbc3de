"""torch: its optimizers' states in and out, and a drop-in for torch.optim (needs torch: the extra `torch`).

>>> import numpy as np, schuss, torch
>>> from schuss.compat import torch as compat
>>> model = torch.nn.Linear(3, 1)
>>> theirs = torch.optim.Adam(model.parameters())
>>> model(torch.ones(3)).sum().backward()
>>> theirs.step()
>>> opt = schuss.Optimizer([p.detach().numpy() for p in model.parameters()], schuss.Adam())
>>> compat.load_state(opt, theirs.state_dict())
>>> opt.steps, bool((opt.slots[0]["m"] == theirs.state[model.weight]["exp_avg"].numpy()).all())
(1, True)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

try:
    import torch
except ImportError as error:
    raise ImportError("schuss.compat.torch needs torch; pip install 'schuss[torch]'") from error

from ..optimizer import Optimizer as _Optimizer
from ..rules import Rule
from .exchange import give, leaves_of, take, whole_steps
from .torch_optimizer import Optimizer

__all__ = ["Optimizer", "load_state", "to_state_dict"]

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
}


NUMBERS = ("eps", "rho", "alpha", "lr_decay", "momentum", "momentum_decay")  # that have the same name here


def load_state(opt: Any, state: Mapping[str, Any], *, steps: int | None = None) -> None:
    """Goes on from where an optimizer of torch stopped: its slots, step count and hyper-parameters.

    Parameters
    ----------
    opt : schuss.Optimizer or schuss.compat.torch.Optimizer
        Its parameters are torch's, in torch's order; its rule is that of the state (see `Rule.like`). A rule whose
        lr is a schedule keeps it. `form` of momentum is kept, and the velocity converted.
    state : dict
        What `torch_optimizer.state_dict()` returned.
    steps : int, optional
        How many steps were taken, where torch does not count them (SGD); 1 by default where it has a velocity. Only
        schedules and dampening depend on it.

    Raises
    ------
    TypeError, ValueError
        For a state of another optimizer, shape or number of parameters, or one without an exact map: parameters that
        have taken different numbers of steps, or a rule whose formula torch does not have. Nothing has changed then.
        A parameter that torch has no state for starts anew.

    Example
    -------
    See :mod:`schuss.compat.torch`.

    Differs from
    ------------
    torch counts steps for each parameter; a schuss.Optimizer has one count.
    """
    if not isinstance(state, Mapping) or not {"state", "param_groups"} <= set(state):
        raise TypeError("state: expected what torch_optimizer.state_dict() returned, a dict with 'param_groups'")
    if isinstance(opt, Optimizer):
        opt._check_groups(state["param_groups"])
        inner = opt._inner_now()
        load_state(inner, state, steps=steps)
        opt._take_rules(inner._rules)
        return
    leaves = leaves_of(opt)
    ids = [i for group in state["param_groups"] for i in group["params"]]
    if len(ids) != len(leaves):
        raise ValueError(
            f"state: it has {len(ids)} parameters, the optimizer {len(leaves)}; give them in torch's order"
        )
    groups = [group for group in state["param_groups"] for _ in group["params"]]
    rules = [_rule_of(group, mine) for group, mine in zip(groups, opt._rules, strict=True)]
    kept = [_arrays(state["state"].get(i)) for i in ids]
    counts = [s["step"] for s in kept if s and "step" in s]
    uncounted = (1 if steps is None else steps) if any(kept) else 0
    take(opt, rules, whole_steps(counts, "step counts") if counts else uncounted, kept, "torch")


def to_state_dict(opt: Any) -> dict[str, Any]:
    """The state as torch's optimizer of the same rule would have it, for its `load_state_dict`.

    Parameters
    ----------
    opt : schuss.Optimizer or schuss.compat.torch.Optimizer
        One of torch's parameter groups for each run of neighbouring parameters with the same rule; of the drop-in, its
        groups.

    Returns
    -------
    {"state": ..., "param_groups": ...} with tensors of its own.

    Raises
    ------
    ValueError
        Where torch has no such rule, or not in this form; says which.

    Example
    -------
    >>> import numpy as np, schuss, torch
    >>> w = torch.nn.Parameter(torch.ones(2))
    >>> opt = schuss.Optimizer([w.detach().numpy()], schuss.AdaGrad(lr=0.5))
    >>> opt.step([np.ones(2, np.float32)])
    >>> theirs = torch.optim.Adagrad([w])
    >>> theirs.load_state_dict(to_state_dict(opt))
    >>> theirs.state[w]["sum"], theirs.param_groups[0]["lr"]
    (tensor([1., 1.]), 0.5)
    """
    sizes: list[int] | None = None
    if isinstance(opt, Optimizer):
        sizes = [len(group["params"]) for group in opt.param_groups]
        opt = opt._inner_now()
    leaves_of(opt)
    made = [_theirs(rule, opt.steps) for rule in opt._rules]
    state: dict[int, dict[str, Any]] = {}
    if opt.steps:
        for i, slots in enumerate(give(opt, "torch")):
            kind = made[i][0]
            count = (
                {} if kind == "SGD" else {"step": opt.steps if kind == "SparseAdam" else torch.tensor(float(opt.steps))}
            )
            state[i] = {**count, **{name: torch.from_numpy(a) for name, a in slots.items()}}
            if kind == "NAdam":
                state[i]["mu_product"] = torch.tensor(_momenta(opt._rules[i], opt.steps))
    groups: list[dict[str, Any]] = []
    for first, last in _runs(opt, sizes):
        kind, options = made[first]
        group = getattr(torch.optim, kind)([torch.zeros(1)], **options).state_dict()["param_groups"][0]
        groups.append({**group, "params": list(range(first, last))})
    return {"state": {i: s for i, s in state.items() if s}, "param_groups": groups}


def _momenta(rule: Any, steps: int) -> float:
    """NAdam's product of momenta, which torch keeps."""
    return float(math.prod(rule.beta1 * (1 - 0.5 * 0.96 ** (k * rule.momentum_decay)) for k in range(1, steps + 1)))


def _runs(opt: _Optimizer, sizes: list[int] | None) -> list[tuple[int, int]]:
    """First and last parameter of each group."""
    borders = [0]
    if sizes is not None:
        for size in sizes:
            borders.append(borders[-1] + size)
    else:
        borders += [i for i in range(1, len(opt._rules)) if opt._rules[i] != opt._rules[i - 1]] + [len(opt._rules)]
    return list(itertools.pairwise(borders))


def _arrays(state: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Tensors as arrays; what is None in torch (a velocity before the first step) is left out."""
    if state is None:
        return None
    found = {
        k: v.detach().cpu().numpy() if isinstance(v, torch.Tensor) else v for k, v in state.items() if v is not None
    }
    return found or None


def _kind_of(group: Mapping[str, Any]) -> str:
    """Which of torch's optimizers a group belongs to, by the names of its numbers."""
    marks = (
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
    for kind, mark in marks:
        if mark in group:
            return kind
    if "betas" in group:
        return "Adamax" if "weight_decay" in group else "SparseAdam"
    raise ValueError(f"state: no optimizer of torch has groups with {', '.join(map(str, group))}")


def _rule_of(group: Mapping[str, Any], mine: Rule) -> Rule:
    """The optimizer's rule with the numbers and the convention of one of torch's groups."""
    kind, own = _kind_of(group), type(mine).__name__
    if own not in FITTING.get(kind, ()):
        fitting = " or ".join(f"schuss.{name}" for name in FITTING.get(kind, ())) or "no rule of this version"
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
        changes |= {k: float(group[k]) for k in ("momentum", "dampening") if k in mine._init_fields()}
    else:
        changes |= {k: float(group[k]) for k in NUMBERS if k in group}
    if "betas" in group:
        changes |= {"beta1": float(group["betas"][0]), "beta2": float(group["betas"][1])}
    if kind in ("Adam", "SparseAdam"):
        changes |= {"eps_place": "outside" if kind == "Adam" else "hat", "bias_correction": True}
        amsgrad = bool(group.get("amsgrad", False))
        if own != "AMSGrad":
            changes["amsgrad"] = amsgrad
        elif not amsgrad:
            raise ValueError("state: it is that of torch.optim.Adam without amsgrad; use schuss.Adam")
    elif kind == "Adamax":
        changes["eps_place"] = "max"
    elif kind == "RAdam":
        changes["eps_place"] = "hat"
    elif kind == "RMSprop":
        changes |= {"eps_place": "outside", "centered": bool(group["centered"])}
    elif kind == "Adagrad":
        changes |= {"eps_place": "outside", "initial_accumulator": float(group["initial_accumulator_value"])}
    return mine.replaced(**changes)


def _check_sgd(group: Mapping[str, Any], own: str, decay: float) -> None:
    want = "Nesterov" if group["nesterov"] else "Momentum" if group["momentum"] else "SGD"
    if own == want or (own == "SGDW" and want == "Momentum" and decay == 0):
        return
    why = " with coupled decay" if own == "SGDW" and decay > 0 else ""
    raise ValueError(f"state: it is that of torch.optim.SGD as schuss.{want}{why}, not {own}")


def _theirs(rule: Rule, step: int) -> tuple[str, dict[str, Any]]:
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
    if kind in ("NAdam", "RAdam"):
        if kind == "RAdam" and o.eps_place != "hat":
            raise ValueError(f"opt: torch.optim.RAdam has eps_place 'hat' only, unlike {rule!r}")
        momentum = {"momentum_decay": o.momentum_decay} if kind == "NAdam" else {}
        own_options = {"betas": (o.beta1, o.beta2), "eps": o.eps, "decoupled_weight_decay": rule.decoupled}
        return kind, {**options, **own_options, **momentum}
    if rule.weight_decay > 0 and rule.decoupled:
        raise ValueError(f"opt: torch.optim.{kind} has coupled weight decay only, unlike {rule!r}")
    if kind == "SGD":
        momentum = {k: getattr(rule, k) for k in ("momentum", "dampening") if hasattr(rule, k)}
        return kind, {**options, **momentum, "nesterov": own == "Nesterov"}
    if own == "AdaMax":
        options["betas"] = (o.beta1, o.beta2)
    elif own == "RMSprop":
        options |= {"alpha": o.alpha, "centered": o.centered, "momentum": o.momentum}
    elif own == "AdaDelta":
        options["rho"] = o.rho
    else:
        options |= {"initial_accumulator_value": o.initial_accumulator, "lr_decay": o.lr_decay}
    place = {"AdaMax": "max", "AdaDelta": None}.get(own, "outside")
    if place and o.eps_place != place:
        raise ValueError(f"opt: torch.optim.{kind} has eps_place {place!r} only, unlike {rule!r}")
    return kind, {**options, "eps": o.eps}

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
from collections.abc import Mapping, Sequence
from typing import Any

try:
    import torch
except ImportError as error:
    raise ImportError("schuss.compat.torch needs torch; pip install 'schuss[torch]'") from error

import numpy as np

from ..optimizer import Optimizer as _Optimizer
from ..optimizer import _number
from ..rules import Rule
from .exchange import give, leaves_of, take, whole_steps
from .maps import check_momenta, momenta
from .torch_groups import group_of, rule_of
from .torch_optimizer import Optimizer
from .torch_tensors import view

__all__ = ["Optimizer", "load_state", "to_state_dict"]


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
        For a state of another optimizer, shape or number of parameters, or one without an exact map, such as a rule
        whose formula torch does not have. Nothing has changed then. A parameter without a state there starts anew.

    Example
    -------
    See :mod:`schuss.compat.torch`.

    Differs from
    ------------
    torch counts steps for each parameter, as the drop-in does; a schuss.Optimizer has one count, so parameters that
    have taken different numbers of steps are refused there.
    """
    if not isinstance(state, Mapping) or not {"state", "param_groups"} <= set(state):
        raise TypeError("state: expected what torch_optimizer.state_dict() returned, a dict with 'param_groups'")
    drop_in = isinstance(opt, Optimizer)
    if drop_in:
        opt._check_groups(state["param_groups"])
        params = [p for group in opt.param_groups for p in group["params"]]
        leaves = [view(p) for p in params]
        mine = [opt._rule_of(group) for group in opt.param_groups for _ in group["params"]]
    else:
        leaves, mine = leaves_of(opt), opt._rules
    ids = [i for group in state["param_groups"] for i in group["params"]]
    if len(ids) != len(leaves):
        raise ValueError(
            f"state: it has {len(ids)} parameters, the optimizer {len(leaves)}; give them in torch's order"
        )
    rules = _rules(state["param_groups"], mine, leaves)
    kept = [_arrays(state["state"].get(i)) for i in ids]
    counts = [_count(s, steps) for s in kept]
    for rule, count, s in zip(rules, counts, kept, strict=True):
        _check_beside(rule, count, s or {})
    if drop_in:
        _load_apart(opt, params, leaves, rules, counts, kept)
        return
    known = [count for count, s in zip(counts, kept, strict=True) if s and "step" in s]
    count = whole_steps(known, "step counts") if known else max(counts, default=0)
    take(opt, [r.fitted(w) for r, w in zip(rules, leaves, strict=True)], count, kept, "torch")


def _rules(groups: Sequence[Mapping[str, Any]], mine: Sequence[Rule], leaves: Sequence[Any]) -> list[Rule]:
    """The rules with the numbers of torch's groups. What depends on a type goes by a group's first tensor."""
    found: list[Rule] = []
    for group in groups:
        first = len(found)
        for _ in group["params"]:
            found.append(rule_of(group, mine[len(found)], _number(leaves[first])))
    return found


def _count(state: Mapping[str, Any] | None, steps: int | None) -> int:
    """How many steps a parameter has taken."""
    if not state:
        return 0
    if "step" in state:
        return whole_steps([state["step"]], "step")
    return 1 if steps is None else steps


def _check_beside(rule: Any, count: int, state: Mapping[str, Any]) -> None:
    """Raises unless what torch keeps beside the slots is what schuss makes of the step."""
    if "mu_product" in state:
        check_momenta(rule, count, state["mu_product"], "state: mu_product")
    if "eta" in state and "mu" in state:
        for name, want in _rates(rule, count).items():
            if not abs(float(state[name]) - want) <= 1e-5 * abs(want):
                raise ValueError(
                    f"state: {name}: expected {want:.6g} after {count} steps of {rule!r}, got "
                    f"{float(state[name]):.6g}: torch's rates follow a change of lr one step late; step once more"
                )


def _rates(rule: Any, count: int) -> dict[str, float]:
    """What ASGD of torch keeps for its next step: the rate, and the weight of the next point in the average."""
    lr = rule.rate(count)
    return {"eta": lr / (1 + rule.lambd * lr * count) ** rule.alpha, "mu": 1 / max(1.0, count - rule.t0)}


def _load_apart(
    opt: Optimizer,
    params: Sequence[torch.Tensor],
    leaves: Sequence[Any],
    rules: Sequence[Rule],
    counts: Sequence[int],
    kept: Sequence[Mapping[str, Any] | None],
) -> None:
    """Loads states into a drop-in, each parameter with its own count; all are made before any is put in its place."""
    made: list[Any] = []
    for i, (rule, w, count, state) in enumerate(zip(rules, leaves, counts, kept, strict=True)):
        fitted = rule.fitted(w)
        one = _Optimizer({str(i): w}, fitted)
        take(one, [fitted], count, [state], "torch")
        made.append({"step": torch.tensor(float(count)), **{n: torch.from_numpy(a) for n, a in one._slots[0].items()}})
    opt._put(params, made, rules)


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
    if isinstance(opt, Optimizer):
        sizes: list[int] | None = [len(group["params"]) for group in opt.param_groups]
        parts = [(stratum.members, stratum.inner) for stratum in opt._strata_now()]
    else:
        leaves_of(opt)
        sizes, parts = None, [(list(range(len(opt._leaves))), opt)]
    made: dict[int, tuple[str, dict[str, Any]]] = {}
    state: dict[int, dict[str, Any]] = {}
    for members, inner in parts:
        made |= {i: group_of(rule, inner.steps) for i, rule in zip(members, inner._rules, strict=True)}
        if inner.steps:
            for i, rule, slots in zip(members, inner._rules, give(inner, "torch"), strict=True):
                state[i] = {**_beside(made[i][0], rule, inner.steps), **_tensors(slots)}
    groups: list[dict[str, Any]] = []
    for first, last in _runs([made[i] for i in range(len(made))], sizes):
        kind, options = made[first]
        group = getattr(torch.optim, kind)([torch.zeros(1)], **options).state_dict()["param_groups"][0]
        groups.append({**group, "params": list(range(first, last))})
    return {"state": {i: state[i] for i in sorted(state) if state[i]}, "param_groups": groups}


def _tensors(slots: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.asarray(a)) for name, a in slots.items()}


def _beside(kind: str, rule: Rule, steps: int) -> dict[str, Any]:
    """What torch keeps beside the slots."""
    if kind == "SGD":
        return {}
    beside: dict[str, Any] = {"step": steps if kind == "SparseAdam" else torch.tensor(float(steps))}
    if kind == "NAdam":
        beside["mu_product"] = torch.tensor(momenta(rule, steps))
    elif kind == "ASGD":
        beside |= {name: torch.tensor(value) for name, value in _rates(rule, steps).items()}
    return beside


def _runs(made: Sequence[Any], sizes: list[int] | None) -> list[tuple[int, int]]:
    """First and last parameter of each group."""
    if sizes is not None:
        borders = [0, *itertools.accumulate(sizes)]
    else:
        borders = [0, *(i for i in range(1, len(made)) if made[i] != made[i - 1]), len(made)]
    return list(itertools.pairwise(borders))


def _arrays(state: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Tensors as arrays; what is None in torch (a velocity before the first step) is left out."""
    if state is None:
        return None
    found = {
        k: v.detach().cpu().numpy() if isinstance(v, torch.Tensor) else v for k, v in state.items() if v is not None
    }
    return found or None

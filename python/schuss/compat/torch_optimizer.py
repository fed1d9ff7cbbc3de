"""A torch.optim.Optimizer whose steps are those of schuss: parameters, gradients and state stay torch's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..gradients import CoordGrad, RowGrad
from ..optimizer import NonFinite, _make_slots
from ..optimizer import Optimizer as _Optimizer
from ..rules import Rule
from ..rules.base import check_range
from ..settings import check_options

DTYPES = {torch.float32: "float32", torch.float64: "float64"}


class Optimizer(torch.optim.Optimizer):
    """A drop-in for torch's optimizers on CPU tensors: any rule of schuss, dense and sparse gradients, no copies.

    Parameters
    ----------
    params : iterable of tensors, or of dicts with "params" and fields of the rule
        As in torch; contiguous float32 or float64 tensors on the CPU.
    rule : Rule
        Its fields are the numbers of the parameter groups, under the names they have in schuss: lr, beta1, ...
        `Rule.like("torch")` has torch's conventions. lr is a number: torch's schedulers change it.
    clip_norm, clip_value, threads
        As in :class:`schuss.Optimizer`.
    nonfinite : "raise", "skip" or "propagate", default "propagate"
        As there; the default is what torch does.

    Returns
    -------
    The optimizer. `state` holds a tensor for each slot, over the slot's own memory, from the first step on, and one
    step count for all.

    Raises
    ------
    TypeError, ValueError
        For a tensor on another device, of another dtype or not contiguous; for a rule or number that does not fit.

    Example
    -------
    >>> import schuss, torch
    >>> from schuss.compat.torch import Optimizer
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = Optimizer(model.parameters(), schuss.Adam.like("torch", lr=0.1))
    >>> scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    >>> model(torch.ones(2)).sum().backward()
    >>> optimizer.step()
    >>> scheduler.step()
    >>> optimizer.param_groups[0]["lr"]
    0.05

    Differs from
    ------------
    torch.optim counts steps for each parameter, this one for all: a parameter that gets its first gradient late is
    corrected for its start as if it had been there. Sparse gradients work with every rule that has lazy steps.
    """

    def __init__(
        self,
        params: Any,
        rule: Rule,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        nonfinite: NonFinite = "propagate",
        threads: int | None = None,
    ) -> None:
        if not isinstance(rule, Rule):
            got = f"the class; use {rule.__name__}(...)" if isinstance(rule, type) else type(rule).__name__
            raise TypeError(f"rule: expected a rule, got {got}")
        if callable(rule.lr):
            raise TypeError("rule: lr: expected a number, got a schedule; use one of torch.optim.lr_scheduler")
        check_options(clip_norm, clip_value, nonfinite, threads)
        self._rule = rule
        self._options: dict[str, Any] = {
            "clip_norm": clip_norm,
            "clip_value": clip_value,
            "nonfinite": nonfinite,
            "threads": threads,
        }
        self._fields = rule._init_fields()
        self._inner: _Optimizer | None = None
        super().__init__(params, {n: getattr(rule, n) for n in self._fields})

    # ---- what torch asks --------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all parameters that have a gradient; the closure, if any, is called before and its loss returned.

        Raises
        ------
        TypeError, ValueError
            For a gradient that is not contiguous, or a rule that does not take a sparse one. Nothing has changed then.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        inner = self._inner_now()
        threads = inner._thread_count()
        if not inner._work.step_tensors(self._tensors, _EXCHANGE, threads):
            if any(p.data_ptr() != w.ctypes.data for p, w in zip(self._tensors, inner._leaves, strict=True)):
                self._inner = None  # a parameter lies elsewhere now
                inner = self._inner_now()
            inner._work.step([_gradient(p, i) for i, p in enumerate(self._tensors)], threads)
        inner._step_python()
        self._count[0] = inner.steps
        torch.autograd.graph.increment_version(self._tensors)
        return loss

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch's; the group's tensors and numbers are checked first."""
        group = dict(param_group)
        given = group.get("params", ())
        group["params"] = [given] if isinstance(given, torch.Tensor) else list(given)
        if isinstance(given, set):
            raise TypeError("params: expected an ordered collection, got a set")
        for i, p in enumerate(group["params"]):
            _check_tensor(p[1] if isinstance(p, tuple) else p, f"params[{i}]")
        self._rule_of({**self.defaults, **group})
        super().add_param_group(group)
        self._inner = None

    def state_dict(self) -> dict[str, Any]:
        """As torch's: tensors of slots by their names in schuss, and the groups' numbers."""
        self._inner_now()  # numbers in groups are checked, tensors are the present ones
        return super().state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what `state_dict` of this class returned; for torch's own see schuss.compat.torch.load_state.

        Raises
        ------
        TypeError, ValueError
            For the state of another rule, shape or number of parameters. Nothing has changed then.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise TypeError("state_dict: expected what state_dict() returned, a dict with 'state' and 'param_groups'")
        self._check_groups(state_dict["param_groups"])
        mine = [p for group in self.param_groups for p in group["params"]]
        groups = [group for group in state_dict["param_groups"] for _ in group["params"]]
        ids = [i for group in state_dict["param_groups"] for i in group["params"]]
        for i, p, group in zip(ids, mine, groups, strict=True):
            missing = [n for n in self._fields if n not in group]
            if missing:
                raise ValueError(
                    f"state_dict: a group has no {missing[0]!r}, so it is not of schuss' {type(self._rule).__name__}; "
                    f"schuss.compat.torch.load_state takes those of torch.optim"
                )
            _check_state(state_dict["state"].get(i), p, self._rule_of(group), i)
        steps = {float(s["step"]) for s in state_dict["state"].values()}
        if len(steps) > 1:
            raise ValueError("state_dict: its parameters have taken different numbers of steps; one count serves all")
        super().load_state_dict(state_dict)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_rule": self._rule, "_options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._fields = self._rule._init_fields()
        self._inner = None

    # ---- inside -----------------------------------------------------------------------------------------------

    def _inner_now(self) -> _Optimizer:
        """The optimizer of schuss over these tensors, with the groups' present numbers."""
        inner = self._bound() if self._inner is None else self._inner
        for i, group in enumerate(self.param_groups):
            if [group[n] for n in self._fields] != self._seen[i]:
                self._follow(i, group)
        return inner

    def _bound(self) -> _Optimizer:
        """Binds the tensors as they are, with what `state` holds for them."""
        groups = self.param_groups
        self._tensors = [p for group in groups for p in group["params"]]
        for i, p in enumerate(self._tensors):
            _check_tensor(p, f"params[{i}]")
        group_of = [k for k, group in enumerate(groups) for _ in group["params"]]
        rules = [self._rule_of(group) for group in groups]
        inner = _Optimizer([_view(p) for p in self._tensors], [rules[k] for k in group_of], **self._options)
        counts = [float(self.state[p]["step"]) for p in self._tensors if self.state.get(p)]
        self._count = np.full(1, max(counts, default=0.0), np.float32)
        count = torch.from_numpy(self._count)[0]
        for p, slots in zip(self._tensors, inner._slots, strict=True):
            before = self.state.get(p)
            for name, slot in slots.items():
                if before:
                    slot[...] = before[name].numpy()
            self.state[p] = {"step": count, **{name: torch.from_numpy(slot) for name, slot in slots.items()}}
        inner._work.steps = int(self._count[0])
        self._group_of = group_of
        self._inner = inner
        self._take_numbers(rules)
        return inner

    def _take_numbers(self, rules: Sequence[Rule]) -> None:
        """Gives C++ an array of numbers for each group, which a scheduler's rate is written to."""
        assert self._inner is not None
        inner = self._inner
        self._rules = list(rules)
        self._numbers = [np.array(r.options(inner.steps), np.float64) for r in rules]
        self._seen = [[group[n] for n in self._fields] for group in self.param_groups]
        inner._rules = [rules[k] for k in self._group_of]
        inner._work.bind([(rules[k].kernel, rules[k].variant, self._numbers[k]) for k in self._group_of])

    def _follow(self, index: int, group: Mapping[str, Any]) -> None:
        """A group's numbers have changed."""
        now, seen = [group[n] for n in self._fields], self._seen[index]
        at = self._fields.index("lr")
        rule = self._rule_of(group)
        if rule.info["slots"] != self._rules[index].info["slots"]:
            raise ValueError(
                f"param_groups[{index}]: {rule!r} keeps other slots than {self._rules[index]!r}; make a new Optimizer"
            )
        if now[:at] + now[at + 1 :] == seen[:at] + seen[at + 1 :]:
            self._numbers[index][3] = rule.rate(0)
            self._rules[index] = rule
            self._seen[index] = now
            assert self._inner is not None
            self._inner._rules = [self._rules[k] for k in self._group_of]
        else:
            self._take_numbers([rule if k == index else r for k, r in enumerate(self._rules)])

    def _rule_of(self, group: Mapping[str, Any]) -> Rule:
        """The rule with a group's numbers; lr may be a tensor of one number."""
        changes = {n: group[n] for n in self._fields}
        if isinstance(changes["lr"], torch.Tensor):
            changes["lr"] = float(changes["lr"])
        check_range(type(self._rule).__name__, "lr", changes["lr"], self._rule.ranges.get("lr", "[0, inf)"))
        return self._rule.replaced(**changes)

    def _take_rules(self, rules: Sequence[Rule]) -> None:
        """The groups get the numbers of these rules, one for each parameter."""
        first = 0
        for group in self.param_groups:
            rule = rules[first]
            group |= {n: getattr(rule, n) for n in self._fields}
            first += len(group["params"])
        assert self._inner is not None
        self._take_numbers([rules[self._group_of.index(k)] for k in range(len(self.param_groups))])
        self._count[0] = self._inner.steps

    def _check_groups(self, groups: Sequence[Mapping[str, Any]]) -> None:
        theirs, mine = ([len(g["params"]) for g in some] for some in (groups, self.param_groups))
        if theirs != mine:
            raise ValueError(f"state_dict: its groups have {theirs} parameters, those of the optimizer {mine}")


_EXCHANGE = torch.Tensor.__dlpack_c_exchange_api__


def _check_tensor(p: Any, what: str) -> None:
    if not isinstance(p, torch.Tensor):
        raise TypeError(f"{what}: expected a tensor, got {type(p).__name__}")
    if p.device.type != "cpu":
        raise ValueError(f"{what}: expected a tensor on the CPU, got one on {p.device}; move it there with .cpu()")
    if p.dtype not in DTYPES:
        raise TypeError(f"{what}: expected float32 or float64, got {p.dtype}; use .float()")
    if p.layout is not torch.strided:
        raise TypeError(f"{what}: expected a dense parameter, got {p.layout}; use .to_dense()")
    if not p.is_contiguous():
        raise ValueError(f"{what}: expected a contiguous tensor, got strides {p.stride()}; use .contiguous()")


def _view(p: torch.Tensor) -> Any:
    """A tensor's memory as an array."""
    return p.detach().numpy()


def _gradient(p: torch.Tensor, index: int) -> Any:
    """A tensor's gradient as schuss takes it."""
    g, what = p.grad, f"gradient of params[{index}]"
    if g is None:
        return None
    if not g.is_sparse:
        _check_tensor(g, what)
        return _view(g)
    ids, values = g._indices(), g._values()
    if values.dtype != p.dtype:
        raise TypeError(f"{what}: expected {p.dtype}, got {values.dtype}")
    if g.sparse_dim() == 1:
        return RowGrad(ids[0].contiguous().numpy(), _view(values.contiguous()))
    if g.dense_dim() == 0:
        flat = np.ravel_multi_index(tuple(ids.numpy()), tuple(g.shape))
        return CoordGrad(flat, _view(values.contiguous()))
    raise ValueError(f"{what}: expected one sparse dimension or all of them, got {g.sparse_dim()} of {g.dim()}")


def _check_state(state: Mapping[str, Any] | None, p: torch.Tensor, rule: Rule, index: Any) -> None:
    """Raises unless a parameter's state is that of this rule."""
    if state is None:
        return
    slots = {name: a.shape for name, a in _make_slots(_view(p), rule).items()}
    for name, shape in {"step": (), **slots}.items():
        if name not in state:
            raise ValueError(f"state_dict: parameter {index} has no {name!r}; it is not of {rule!r}")
        if name != "step" and tuple(state[name].shape) != shape:
            raise ValueError(f"state_dict: parameter {index}: {name} has shape {tuple(state[name].shape)}, not {shape}")

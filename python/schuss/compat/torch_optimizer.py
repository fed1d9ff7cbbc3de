"""A torch.optim.Optimizer whose steps are those of schuss: parameters, gradients and state stay torch's memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.optim.optimizer import _global_optimizer_post_hooks as _post_hooks
from torch.optim.optimizer import _global_optimizer_pre_hooks as _pre_hooks

from ..optimizer import NonFinite
from ..rules import Rule
from ..rules.base import check_range
from ..settings import check_options
from .torch_strata import Stratum, step_together
from .torch_tensors import check_state, check_tensor


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
    The optimizer. `state` holds a tensor for each slot, over the slot's own memory, from the first step on, and the
    step count, which as in torch is that of the parameter: without a gradient it takes no step.

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
    Sparse gradients work with every rule that has lazy steps. Parameters that have taken different numbers of steps are
    stepped one count after the other; clip_norm is of them all.
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
        self._strata: list[Stratum] | None = None
        super().__init__(params, {n: getattr(rule, n) for n in self._fields})

    # ---- what torch asks --------------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all parameters that have a gradient; the closure, if any, is called before and its loss returned.

        Raises
        ------
        TypeError, ValueError
            For a gradient that is not contiguous, or a rule that does not take a sparse one. Nothing has changed then.
        """
        # torch's wrapper around every step costs as much as 20,000 numbers of Adam; only hooks and profilers need it.
        if self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks or _watched():
            return self._step_seen(closure)
        return self._step(closure)

    step.hooked = True  # type: ignore[attr-defined]

    def _step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        strata = self._strata_now()
        active = strata if len(strata) == 1 and not strata[0].missing() else self._active()
        if len(active) > 1:
            step_together(active)
        elif active and not active[0].step():  # a parameter lies elsewhere now
            self._strata = None
            self._active()[0].step()
        return loss

    _step_seen = torch.optim.Optimizer.profile_hook_step(_step)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch's; the group's tensors and numbers are checked first."""
        group = dict(param_group)
        given = group.get("params", ())
        group["params"] = [given] if isinstance(given, torch.Tensor) else list(given)
        if isinstance(given, set):
            raise TypeError("params: expected an ordered collection, got a set")
        for i, p in enumerate(group["params"]):
            check_tensor(p[1] if isinstance(p, tuple) else p, f"params[{i}]")
        self._rule_of({**self.defaults, **group})
        super().add_param_group(group)
        self._strata = None

    def state_dict(self) -> dict[str, Any]:
        """As torch's: tensors of slots by their names in schuss, and the groups' numbers."""
        self._strata_now()  # numbers in groups are checked, tensors are the present ones
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
            check_state(state_dict["state"].get(i), p, self._rule_of(group), i)
        super().load_state_dict(state_dict)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_rule": self._rule, "_options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._fields = self._rule._init_fields()
        self._strata = None

    # ---- inside -----------------------------------------------------------------------------------------------

    def _strata_now(self) -> list[Stratum]:
        """The tensors by how many steps they have taken, with the groups' present numbers."""
        strata = self._bound() if self._strata is None else self._strata
        for i, group in enumerate(self.param_groups):
            if [group[n] for n in self._fields] != self._seen[i]:
                self._follow(i, group)
        return strata

    def _bound(self) -> list[Stratum]:
        """Binds the tensors as they are, with what `state` holds for them."""
        groups = self.param_groups
        tensors = [p for group in groups for p in group["params"]]
        for i, p in enumerate(tensors):
            check_tensor(p, f"params[{i}]")
        self._tensors = tensors
        self._group_of = [k for k, group in enumerate(groups) for _ in group["params"]]
        self._rules = [self._rule_of(group) for group in groups]
        self._seen = [[group[n] for n in self._fields] for group in groups]
        by_steps: dict[int, list[int]] = {}
        for i, p in enumerate(tensors):
            before = self.state.get(p)
            by_steps.setdefault(int(before["step"]) if before else 0, []).append(i)
        self._strata = self._made(list(by_steps.items()))
        return self._strata

    def _made(self, parts: Sequence[tuple[int, list[int]]]) -> list[Stratum]:
        """Strata of these numbers of steps and members; all of them are made before `state` is theirs."""
        made = []
        for steps, members in parts:
            tensors = [self._tensors[i] for i in members]
            groups = [self._group_of[i] for i in members]
            states = [self.state.get(p, {}) for p in tensors]
            rules = dict(enumerate(self._rules))
            made.append(Stratum(members, tensors, states, groups, rules, steps, self._options))
        for stratum in made:
            for p, state in zip(stratum.tensors, stratum.states, strict=True):
                self.state[p] = state
        return made

    def _active(self) -> list[Stratum]:
        """Those with gradients, split where only a part of one has them."""
        strata = self._strata_now()
        if any(stratum.moved() for stratum in strata):
            self._strata = None
            strata = self._strata_now()
        active, now = [], []
        for stratum in strata:
            missing = stratum.missing()
            if len(missing) == len(stratum.members):
                now.append(stratum)
                continue
            parts = [stratum]
            if missing:
                absent = [i for i in stratum.members if self._tensors[i].grad is None]
                present = [i for i in stratum.members if self._tensors[i].grad is not None]
                parts = self._made([(stratum.steps, present), (stratum.steps, absent)])
            active.append(parts[0])
            now += parts
        self._strata = now
        return active

    def _follow(self, index: int, group: Mapping[str, Any]) -> None:
        """A group's numbers have changed."""
        now, seen = [group[n] for n in self._fields], self._seen[index]
        at = self._fields.index("lr")
        rule = self._rule_of(group)
        if rule.info["slots"] != self._rules[index].info["slots"]:
            raise ValueError(
                f"param_groups[{index}]: {rule!r} keeps other slots than {self._rules[index]!r}; make a new Optimizer"
            )
        self._rules[index], self._seen[index] = rule, now
        assert self._strata is not None
        for stratum in self._strata:
            if now[:at] + now[at + 1 :] == seen[:at] + seen[at + 1 :]:
                stratum.take_rate(index, rule)
            else:
                stratum.take_numbers(dict(enumerate(self._rules)))

    def _rule_of(self, group: Mapping[str, Any]) -> Rule:
        """The rule with a group's numbers; lr may be a tensor of one number."""
        changes = {n: group[n] for n in self._fields}
        if isinstance(changes["lr"], torch.Tensor):
            changes["lr"] = float(changes["lr"])
        check_range(type(self._rule).__name__, "lr", changes["lr"], self._rule.ranges.get("lr", "[0, inf)"))
        return self._rule.replaced(**changes)

    def _put(self, params: Sequence[Any], states: Sequence[dict[str, Any]], rules: Sequence[Rule]) -> None:
        """Goes on from these states; the groups get the numbers of these rules, one for each parameter."""
        first = 0
        for group in filter(lambda g: g["params"], self.param_groups):
            group |= {n: getattr(rules[first], n) for n in self._fields}
            first += len(group["params"])
        for p, state in zip(params, states, strict=True):
            self.state[p] = state
        self._strata = None

    def _check_groups(self, groups: Sequence[Mapping[str, Any]]) -> None:
        theirs, mine = ([len(g["params"]) for g in some] for some in (groups, self.param_groups))
        if theirs != mine:
            raise ValueError(f"state_dict: its groups have {theirs} parameters, those of the optimizer {mine}")


def _watched() -> bool:
    """Whether hooks of all optimizers or a profiler are on."""
    return bool(_pre_hooks or _post_hooks or torch.autograd.profiler._is_profiler_enabled)

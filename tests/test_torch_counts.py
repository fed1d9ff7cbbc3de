"""The drop-in counts steps for each parameter, as torch does: one without a gradient takes no step."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from cases import gradients

import schuss
from schuss.compat import torch as compat
from schuss.compat.torch import Optimizer
from schuss.rules import Rule

# The drop-in's rule, torch's own.
PAIRS: dict[str, tuple[Rule, Callable[..., torch.optim.Optimizer]]] = {
    "adamw": (schuss.AdamW.like("torch", lr=0.02), lambda p: torch.optim.AdamW(p, lr=0.02)),
    "adam": (
        schuss.Adam.like("torch", lr=0.02, amsgrad=True, weight_decay=0.1),
        lambda p: torch.optim.Adam(p, lr=0.02, amsgrad=True, weight_decay=0.1),
    ),
    "momentum": (
        schuss.Momentum.like("torch", lr=0.02, dampening=0.3),
        lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, dampening=0.3),
    ),
    "adagrad": (
        schuss.AdaGrad.like("torch", lr_decay=0.3),
        lambda p: torch.optim.Adagrad(p, lr_decay=0.3),
    ),
    "adamax": (schuss.AdaMax.like("torch"), torch.optim.Adamax),
    "nadam": (schuss.NAdam.like("torch"), torch.optim.NAdam),
    "radam": (schuss.RAdam.like("torch", beta2=0.9), lambda p: torch.optim.RAdam(p, betas=(0.9, 0.9))),
    "rprop": (schuss.Rprop.like("torch"), torch.optim.Rprop),
    "asgd": (
        schuss.ASGD.like("torch", lambd=0.2, t0=3.0),
        lambda p: torch.optim.ASGD(p, lambd=0.2, t0=3.0),
    ),
    "adafactor": (schuss.Adafactor.like("torch"), torch.optim.Adafactor),
    "adadelta": (schuss.AdaDelta.like("torch"), torch.optim.Adadelta),
    "rmsprop": (schuss.RMSprop.like("torch", momentum=0.8), lambda p: torch.optim.RMSprop(p, momentum=0.8)),
}
ADAM = schuss.Adam.like("torch", lr=0.02)
SHAPES = [(7, 5), (11,), (3, 2), ()]


def params(shapes: Any = SHAPES) -> list[torch.nn.Parameter]:
    rng = np.random.default_rng(0)
    return [torch.nn.Parameter(torch.tensor(rng.normal(size=s), dtype=torch.float32)) for s in shapes]


def give_gradients(tensors: Any, step: int, absent: Any = ()) -> None:
    for i, p in enumerate(tensors):
        g = np.array(gradients(tuple(p.shape), "float32", 10 * step + i), np.float32)
        p.grad = None if i in absent else torch.from_numpy(g)


def assert_near(ours: Any, theirs: Any) -> None:
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-6 * max(1.0, float(q.detach().abs().max())))


@pytest.mark.parametrize("pair", PAIRS)
def test_one_of_two_frozen_for_5_of_20_steps(pair: str) -> None:
    rule, theirs = PAIRS[pair]
    ours, other = params(SHAPES[:2]), params(SHAPES[:2])
    both = Optimizer(ours, rule), theirs(other)
    for step in range(20):
        for tensors, optimizer in zip((ours, other), both, strict=True):
            give_gradients(tensors, step, absent=(1,) if 4 <= step < 9 else ())
            optimizer.step()
    assert_near(ours, other)
    assert [int(both[0].state[p]["step"]) for p in ours] == [20, 15]


@pytest.mark.parametrize("pair", ["adamw", "nadam", "asgd", "adafactor"])
def test_any_parameters_may_be_absent_in_any_step(pair: str) -> None:
    rule, theirs = PAIRS[pair]
    ours, other = params(SHAPES * 2), params(SHAPES * 2)
    both = Optimizer(ours, rule), theirs(other)
    rng = np.random.default_rng(5)
    for step in range(12):
        absent = np.flatnonzero(rng.random(8) < 0.4)
        for tensors, optimizer in zip((ours, other), both, strict=True):
            give_gradients(tensors, step, absent)
            optimizer.step()
    assert_near(ours, other)


def uneven(rule: Rule = ADAM, **options: Any) -> tuple[list[Any], Optimizer]:
    """Parameters with 5, 3, 5 and 0 steps."""
    tensors = params()
    optimizer = Optimizer(tensors, rule, **options)
    for step in range(5):
        give_gradients(tensors, step, absent=(3,) if step > 1 else (1, 3))
        optimizer.step()
    return tensors, optimizer


def counts(optimizer: Any, tensors: Any) -> list[int]:
    return [int(optimizer.state[p]["step"]) for p in tensors]


def test_counts() -> None:
    tensors, optimizer = uneven()
    assert counts(optimizer, tensors) == [5, 3, 5, 0]
    for p in tensors:
        p.grad = None
    optimizer.step()
    assert counts(optimizer, tensors) == [5, 3, 5, 0]


def test_one_without_a_gradient_is_not_marked_as_changed() -> None:
    tensors, optimizer = uneven()
    version = tensors[3]._version
    give_gradients(tensors, 5, absent=(3,))
    optimizer.step()
    assert tensors[3]._version == version


@pytest.mark.parametrize(
    "clip", [{"clip_norm": 0.5}, {"clip_norm": 1.0, "clip_value": 0.3}, {"clip_norm": 1e9}], ids=str
)
@pytest.mark.parametrize("nonfinite", ["propagate", "raise"])
def test_clipping_is_of_all_parameters_together(clip: dict[str, float], nonfinite: Any) -> None:
    tensors, optimizer = uneven(nonfinite=nonfinite, **clip)
    other, theirs = params(), None
    theirs = torch.optim.Adam(other, lr=0.02)
    for step in range(8):
        absent = (3,) if 1 < step < 5 else (1, 3) if step < 2 else ()
        give_gradients(other, step, absent)
        present = [p.grad for p in other if p.grad is not None]
        limit = clip.get("clip_value", np.inf)
        for g in present:
            g.clamp_(-limit, limit)
        norm = sum(float(g.double().square().sum()) for g in present) ** 0.5
        for g in present:
            g.mul_(min(1.0, clip["clip_norm"] / norm))
        theirs.step()
        if step >= 5:
            give_gradients(tensors, step)
            optimizer.step()
    assert_near(tensors, other)


def test_sparse_gradients_of_several_counts() -> None:
    table, other = params([(6, 3), (4,)]), params([(6, 3), (4,)])
    ours = Optimizer(table, schuss.SGD(lr=0.1), clip_norm=0.5)
    plain = Optimizer(other, schuss.SGD(lr=0.1), clip_norm=0.5)
    ids = torch.tensor([[1, 4, 1]])
    for step in range(4):
        rows = torch.tensor(gradients((3, 3), "float32", step))
        for tensors, optimizer in ((table, ours), (other, plain)):
            give_gradients(tensors, step, absent=(1,) if step == 0 else ())
            sparse = torch.sparse_coo_tensor(ids, rows, (6, 3), check_invariants=True)
            tensors[0].grad = sparse if tensors is table else sparse.to_dense()
            optimizer.step()
    assert_near(table, other)


@pytest.mark.parametrize("kind", ["not finite", "strides", "memory", "sparse"])
def test_a_step_that_one_count_refuses_changes_no_other(kind: str) -> None:
    rule = schuss.Adafactor.like("torch") if kind == "sparse" else ADAM
    tensors, optimizer = uneven(rule, nonfinite="raise" if kind == "not finite" else "propagate")
    give_gradients(tensors, 5)
    before = [p.detach().clone() for p in tensors]
    if kind == "not finite":
        tensors[1].grad[4] = torch.nan
        message = r"gradient of '1'"
    elif kind == "strides":
        tensors[2].grad = torch.ones(2, 3).t()
        message = r"gradient of params\[2\]: expected a contiguous tensor"
    elif kind == "memory":
        tensors[1].grad = tensors[0].data.view(-1)[:11]
        message = r"gradient of params\[1\]: shares memory with params\[0\]"
    else:
        tensors[1].grad = torch.sparse_coo_tensor([[2]], torch.ones(1), (11,), check_invariants=True)
        message = r"gradient of '1': adafactor needs sums"
    error = TypeError if kind == "sparse" else ValueError
    with pytest.raises(error, match=message):
        optimizer.step()
    assert counts(optimizer, tensors) == [5, 3, 5, 0]
    for p, q in zip(tensors, before, strict=True):
        assert torch.equal(p, q)


def go_on(tensors: Any, optimizer: Any, steps: range = range(5, 9)) -> None:
    for step in steps:
        give_gradients(tensors, step)
        optimizer.step()


@pytest.mark.parametrize("how", ["state_dict", "deepcopy"])
def test_counts_are_in_the_state(how: str) -> None:
    tensors, optimizer = uneven()
    if how == "deepcopy":
        twins, copied = copy.deepcopy((tensors, optimizer))
    else:
        twins = copy.deepcopy(tensors)
        copied = Optimizer(twins, ADAM)
        saved = io.BytesIO()
        torch.save(optimizer.state_dict(), saved)
        saved.seek(0)
        copied.load_state_dict(torch.load(saved, weights_only=True))
    go_on(tensors, optimizer)
    go_on(twins, copied)
    assert counts(copied, twins) == [9, 7, 9, 4]
    for p, q in zip(tensors, twins, strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("pair", ["adamw", "adagrad", "nadam", "asgd", "adafactor"])
def test_uneven_states_go_to_torch_and_back(pair: str) -> None:
    rule, theirs = PAIRS[pair]
    tensors, optimizer = uneven(rule)
    other = copy.deepcopy(tensors)
    reference = theirs(other)
    reference.load_state_dict(compat.to_state_dict(optimizer))
    go_on(tensors, optimizer)
    go_on(other, reference)
    assert_near(tensors, other)
    third = copy.deepcopy(other)
    back = Optimizer(third, rule)
    compat.load_state(back, reference.state_dict())
    assert counts(back, third) == [9, 7, 9, 4]
    go_on(third, back, range(9, 12))
    go_on(other, reference, range(9, 12))
    assert_near(third, other)


def test_refuses_an_uneven_state_in_an_optimizer_with_one_count() -> None:
    tensors, optimizer = uneven()
    opt = schuss.Optimizer([p.detach().numpy() for p in tensors], ADAM)
    with pytest.raises(ValueError, match=r"step counts differ between parameters \(3, 5\)"):
        compat.load_state(opt, compat.to_state_dict(optimizer))
    assert opt.steps == 0


def test_a_state_that_one_parameter_refuses_changes_nothing() -> None:
    tensors, optimizer = uneven()
    state = compat.to_state_dict(optimizer)
    state["state"][2]["exp_avg"] = torch.zeros(5)
    with pytest.raises(ValueError, match=r"parameter '2': exp_avg has shape \(5,\), the parameter \(3, 2\)"):
        compat.load_state(optimizer, state)
    assert counts(optimizer, tensors) == [5, 3, 5, 0]
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["step"] = torch.tensor(2.5)
    with pytest.raises(ValueError, match=r"parameter 0: step: expected a whole number, got 2.5"):
        optimizer.load_state_dict(state)


def test_schedulers_groups_and_numbers_reach_all_counts() -> None:
    ours, other = params(), params()
    groups = [lambda t: [{"params": t[:2]}, {"params": t[2:], "lr": 0.05}]]
    both = Optimizer(groups[0](ours), ADAM), torch.optim.Adam(groups[0](other), lr=0.02)
    plans = [torch.optim.lr_scheduler.StepLR(o, 2, 0.5) for o in both]
    for step in range(10):
        for tensors, optimizer, plan in zip((ours, other), both, plans, strict=True):
            give_gradients(tensors, step, absent=(1, 2) if step == 3 else ())
            if step == 6:
                changed = {"beta1": 0.5} if optimizer is both[0] else {"betas": (0.5, 0.999)}
                optimizer.param_groups[0] |= changed
            optimizer.step()
            plan.step()
    assert_near(ours, other)


def test_rules_in_python_get_the_count_of_the_parameter() -> None:
    seen: list[tuple[int, int]] = []

    class Counting(schuss.Rule):
        def apply(self, w: Any, g: Any, slots: Any, t: int) -> None:
            seen.append((len(w), t))
            w -= self.lr * g

    tensors = params([(2,), (3,)])
    optimizer = Optimizer(tensors, Counting(lr=0.1))
    for step in range(3):
        give_gradients(tensors, step, absent=(1,) if step == 1 else ())
        optimizer.step()
    assert [t for n, t in seen if n == 3] == [1, 2]
    assert [t for n, t in seen if n == 2][-1] == 3


def test_a_parameter_that_moved_is_found_in_any_count() -> None:
    tensors, optimizer = uneven(schuss.SGD(lr=1.0))
    tensors[1].data = torch.full((11,), 10.0)
    for p in tensors:
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert torch.equal(tensors[1], torch.full((11,), 9.0))

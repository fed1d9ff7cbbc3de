"""schuss.compat.torch.Optimizer in torch's place: the ideas of torch's own optimizer tests."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import schuss
from schuss.compat import torch as compat
from schuss.compat.torch import Optimizer
from schuss.rules import Rule

PAIRS: dict[str, tuple[Rule, Callable[..., torch.optim.Optimizer]]] = {
    "sgd": (schuss.SGD.like("torch", lr=0.05), lambda p: torch.optim.SGD(p, lr=0.05)),
    "momentum": (
        schuss.Momentum.like("torch", lr=0.05, weight_decay=0.01),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    ),
    "adam": (schuss.Adam.like("torch", lr=0.02), lambda p: torch.optim.Adam(p, lr=0.02)),
    "adamw": (schuss.AdamW.like("torch", lr=0.02), lambda p: torch.optim.AdamW(p, lr=0.02)),
    "adagrad": (schuss.AdaGrad.like("torch", lr=0.05), lambda p: torch.optim.Adagrad(p, lr=0.05)),
    "rmsprop": (schuss.RMSprop.like("torch"), torch.optim.RMSprop),
}
each_pair = pytest.mark.parametrize("pair", PAIRS)
ADAM = schuss.Adam.like("torch", lr=0.02)


def model(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(7, 19), torch.nn.Tanh(), torch.nn.Linear(19, 1, dtype=torch.float32))


def train(net: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: range, set_to_none: bool = True) -> None:
    for step in steps:
        x = torch.tensor(np.random.default_rng(step).normal(size=(16, 7)), dtype=torch.float32)
        optimizer.zero_grad(set_to_none=set_to_none)
        net(x).square().mean().backward()
        optimizer.step()


def weights(net: torch.nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in net.parameters()]


def assert_near(a: torch.nn.Module, b: torch.nn.Module) -> None:
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=2e-6)


def assert_same(a: torch.nn.Module, b: torch.nn.Module) -> None:
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize("set_to_none", [True, False])
@each_pair
def test_trains_as_torch_does(pair: str, set_to_none: bool) -> None:
    rule, theirs = PAIRS[pair]
    ours, other = model(), model()
    train(ours, Optimizer(ours.parameters(), rule), range(20), set_to_none)
    train(other, theirs(other.parameters()), range(20), set_to_none)
    assert_near(ours, other)


def test_changes_the_tensors_where_they_lie() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Optimizer([p], schuss.SGD(lr=1.0))
    before, version = p.data_ptr(), p._version
    p.grad = torch.ones(3)
    optimizer.step()
    assert p.data_ptr() == before
    assert p._version > version
    assert torch.equal(p, torch.zeros(3))


def test_backward_after_a_step_that_changed_what_it_needs_is_an_error() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    loss = (p * p).sum()
    p.grad = torch.ones(3)
    Optimizer([p], schuss.SGD(lr=1.0)).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_holds_no_gradient_between_steps() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Optimizer([p], schuss.SGD())
    p.grad = torch.ones(3)
    optimizer.step()
    holders = [o for o in gc.get_referrers(p.grad) if isinstance(o, list | dict)]
    optimizer.zero_grad()
    assert p.grad is None
    assert not holders


@each_pair
def test_state_dict_round_trip(pair: str) -> None:
    rule, _ = PAIRS[pair]
    ours, other = model(), model(1)
    optimizer = Optimizer(ours.parameters(), rule)
    train(ours, optimizer, range(5))
    other.load_state_dict(ours.state_dict())
    fresh = Optimizer(other.parameters(), rule.replaced(lr=0.5))
    saved = io.BytesIO()
    torch.save(optimizer.state_dict(), saved)
    saved.seek(0)
    fresh.load_state_dict(torch.load(saved, weights_only=True))
    assert fresh.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    train(ours, optimizer, range(5, 10))
    train(other, fresh, range(5, 10))
    assert_same(ours, other)


def test_state_dict_of_a_used_optimizer_is_replaced() -> None:
    net = model()
    optimizer = Optimizer(net.parameters(), ADAM)
    train(net, optimizer, range(3))
    start, state = copy.deepcopy(net.state_dict()), copy.deepcopy(optimizer.state_dict())
    train(net, optimizer, range(3, 6))
    end = weights(net)
    net.load_state_dict(start)
    optimizer.load_state_dict(state)
    train(net, optimizer, range(3, 6))
    for p, q in zip(net.parameters(), end, strict=True):
        assert torch.equal(p, q)


def test_state_holds_the_slots_themselves() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Optimizer([p], ADAM)
    for steps in (1, 2):
        p.grad = torch.full((3,), 2.0)
        optimizer.step()
        assert optimizer.state[p]["step"].item() == steps
    assert set(optimizer.state[p]) == {"step", "m", "v"}
    torch.testing.assert_close(optimizer.state[p]["m"], torch.full((3,), 0.38))
    optimizer.state[p]["m"].zero_()
    optimizer.state[p]["v"].zero_()
    before = p.detach().clone()
    p.grad = torch.zeros(3)
    optimizer.step()
    assert torch.equal(p, before)


@each_pair
def test_parameter_groups(pair: str) -> None:
    rule, theirs = PAIRS[pair]
    ours, other = model(), model()

    def groups(net: Any) -> list[dict[str, Any]]:
        return [{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.001, "weight_decay": 0.1}]

    optimizer = Optimizer(groups(ours), rule)
    assert [g["lr"] for g in optimizer.param_groups] == [rule.lr, 0.001]
    train(ours, optimizer, range(10))
    train(other, theirs(groups(other)), range(10))
    assert_near(ours, other)


def test_a_group_is_added_later() -> None:
    ours, other = model(), model()
    optimizer, theirs = Optimizer(ours[0].parameters(), ADAM), torch.optim.Adam(other[0].parameters(), lr=0.02)
    late = {"params": list(ours[2].parameters()), "lr": 0.5}
    optimizer.add_param_group(late)
    theirs.add_param_group({"params": other[2].parameters(), "lr": 0.5})
    train(ours, optimizer, range(4))
    train(other, theirs, range(4))
    assert_near(ours, other)
    extra = torch.nn.Parameter(torch.ones(2))
    m = optimizer.state[ours[0].weight]["m"].clone()
    optimizer.add_param_group({"params": extra})
    extra.grad = torch.ones(2)
    optimizer.zero_grad()
    extra.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(optimizer.state[ours[0].weight]["m"], m)
    assert not torch.equal(extra, torch.ones(2))


SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "step": lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5),
    "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
    "lambda": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda k: 1 / (k + 1)),
    "one-cycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=12, cycle_momentum=False),
    "chained": lambda o: torch.optim.lr_scheduler.SequentialLR(
        o,
        [torch.optim.lr_scheduler.LinearLR(o, 0.1, total_iters=4), torch.optim.lr_scheduler.ExponentialLR(o, 0.9)],
        [4],
    ),
}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedulers(scheduler: str) -> None:
    ours, other = model(), model()
    pair = Optimizer(ours.parameters(), ADAM), torch.optim.Adam(other.parameters(), lr=0.02)
    plans = [SCHEDULERS[scheduler](o) for o in pair]
    for step in range(10):
        for net, optimizer, plan in zip((ours, other), pair, plans, strict=True):
            train(net, optimizer, range(step, step + 1))
            plan.step()
    assert pair[0].param_groups[0]["lr"] == pytest.approx(pair[1].param_groups[0]["lr"])
    assert_near(ours, other)


def test_plateau_and_momentum_cycles() -> None:
    net = model()
    optimizer = Optimizer(net.parameters(), schuss.Momentum.like("torch"))
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
    plateau.step(1.0)
    plateau.step(2.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-4)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    train(net, optimizer, range(1))
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.95)


def test_numbers_of_a_group_may_change_live() -> None:
    ours, other = model(), model()
    optimizer, theirs = Optimizer(ours.parameters(), ADAM), torch.optim.Adam(other.parameters(), lr=0.02)
    train(ours, optimizer, range(3))
    train(other, theirs, range(3))
    optimizer.param_groups[0] |= {"beta1": 0.5, "weight_decay": 0.1, "lr": torch.tensor(0.01)}
    theirs.param_groups[0] |= {"betas": (0.5, 0.999), "weight_decay": 0.1, "lr": 0.01}
    train(ours, optimizer, range(3, 6))
    train(other, theirs, range(3, 6))
    assert_near(ours, other)


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
@pytest.mark.parametrize("trained", [0, 3])
def test_copies(how: str, trained: int) -> None:
    net = model()
    optimizer = Optimizer(net.parameters(), ADAM, clip_norm=5.0)
    train(net, optimizer, range(trained))
    both = (net, optimizer)
    twin, copied = copy.deepcopy(both) if how == "deepcopy" else pickle.loads(pickle.dumps(both))
    train(twin, copied, range(3, 6))
    assert weights(net)[0].ne(weights(twin)[0]).any()
    train(net, optimizer, range(3, 6))
    assert_same(net, twin)


def test_closure() -> None:
    net = model()
    optimizer = Optimizer(net.parameters(), ADAM)
    x = torch.ones(4, 7)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss: torch.Tensor = net(x).square().mean()
        loss.backward()
        return loss

    with torch.no_grad():
        first, second = optimizer.step(closure), optimizer.step(closure)
    assert second.item() < first.item()


def test_hooks() -> None:
    net = model()
    optimizer = Optimizer(net.parameters(), ADAM)
    seen: list[str] = []
    optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("pre"))
    handle = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("post"))
    optimizer.register_state_dict_post_hook(lambda o, state: seen.append("state"))
    train(net, optimizer, range(1))
    optimizer.state_dict()
    handle.remove()
    train(net, optimizer, range(1))
    assert seen == ["pre", "post", "state", "pre"]


def test_sparse_gradients() -> None:
    """Rows with duplicates beside a dense parameter, as nn.Embedding(sparse=True) gives them."""
    table = torch.nn.Embedding(50, 4, sparse=True)
    other = copy.deepcopy(table)
    ours = Optimizer(table.parameters(), schuss.Adam(lr=0.1, eps_place="hat"))
    theirs = torch.optim.SparseAdam(other.parameters(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch's, of its own invariants
        for step in range(5):
            ids = torch.tensor(np.random.default_rng(step).integers(50, size=20))
            for emb, optimizer in ((table, ours), (other, theirs)):
                optimizer.zero_grad()
                emb(ids).square().sum().backward()
                optimizer.step()
    torch.testing.assert_close(table.weight, other.weight)


def test_sparse_coordinates_and_dense_together() -> None:
    w, b = torch.nn.Parameter(torch.zeros(3, 4, dtype=torch.float64)), torch.nn.Parameter(torch.zeros(2))
    optimizer = Optimizer([w, b], schuss.SGD(lr=1.0))
    index = torch.tensor([[0, 2, 2], [1, 3, 3]])
    w.grad = torch.sparse_coo_tensor(index, torch.ones(3, dtype=torch.float64), (3, 4), check_invariants=True)
    b.grad = torch.ones(2)
    optimizer.step()
    want = torch.zeros(3, 4, dtype=torch.float64)
    want[0, 1], want[2, 3] = -1.0, -2.0
    assert torch.equal(w, want)
    assert torch.equal(b, -torch.ones(2))


def test_parameters_without_gradient_are_left_alone() -> None:
    a, b = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = Optimizer([a, b], ADAM)
    b.grad = torch.ones(2)
    optimizer.step()
    assert torch.equal(a, torch.ones(2))
    assert not torch.equal(b, torch.ones(2))


def test_a_parameter_whose_memory_was_replaced() -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = Optimizer([p], schuss.Momentum(lr=1.0, momentum=0.5))
    p.grad = torch.ones(3)
    optimizer.step()
    p.data = torch.full((3,), 10.0)
    optimizer.step()
    assert torch.equal(p, torch.full((3,), 8.5))


def test_named_parameters() -> None:
    net = model()
    optimizer = Optimizer(net.named_parameters(), ADAM)
    train(net, optimizer, range(2))
    assert optimizer.state_dict()["param_groups"][0]["param_names"][0] == "0.weight"


def test_rules_that_share_numbers_and_rules_in_python() -> None:
    class Plain(schuss.Rule):
        def apply(self, w: Any, g: Any, slots: Any, t: int) -> None:
            w -= self.lr * g

    ours, other = model(), model()
    train(ours, Optimizer(ours.parameters(), Plain(lr=0.05)), range(5))
    train(other, Optimizer(other.parameters(), schuss.SGD(lr=0.05)), range(5))
    assert_near(ours, other)
    net = model()
    optimizer = Optimizer(net.parameters(), schuss.EGDD(lr=0.05))
    train(net, optimizer, range(3))
    saved = copy.deepcopy(optimizer.state_dict())
    train(net, optimizer, range(3, 5))
    optimizer.load_state_dict(saved)
    assert optimizer.state[net[0].weight]["s"].shape == (1,)


def test_states_of_torch_come_in_and_go_out() -> None:
    net, other = model(), model()
    theirs = torch.optim.Adam(other.parameters(), lr=0.03, betas=(0.8, 0.99))
    train(other, theirs, range(20))
    net.load_state_dict(other.state_dict())
    optimizer = Optimizer(net.parameters(), schuss.Adam.like("torch"))
    compat.load_state(optimizer, theirs.state_dict())
    assert optimizer.param_groups[0]["beta1"] == 0.8
    train(net, optimizer, range(20, 40))
    last = torch.optim.Adam(net.parameters())
    last.load_state_dict(compat.to_state_dict(optimizer))
    train(net, last, range(40, 50))
    train(other, theirs, range(20, 50))
    assert_near(net, other)


def meta() -> Any:
    return torch.nn.Parameter(torch.zeros(3, device="meta"))


BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "device": (lambda: Optimizer([meta()], ADAM), ValueError, r"params\[0\]: .* on the CPU, got one on meta.*\.cpu"),
    "strides": (
        lambda: Optimizer([torch.nn.Parameter(torch.zeros(2, 3).t())], ADAM),
        ValueError,
        r"params\[0\]: expected a contiguous tensor, got strides \(1, 3\); use .contiguous\(\)",
    ),
    "half": (lambda: Optimizer([torch.nn.Parameter(torch.zeros(2).half())], ADAM), TypeError, r"got torch.float16"),
    "class": (lambda: Optimizer([torch.zeros(2)], schuss.Adam), TypeError, r"the class; use Adam"),
    "schedule": (
        lambda: Optimizer([torch.zeros(2)], schuss.Adam(lr=lambda step: 0.1)),
        TypeError,
        r"torch.optim.lr_scheduler",
    ),
    "tensor": (lambda: Optimizer(["w"], ADAM), TypeError, r"params\[0\]: expected a tensor, got str"),
    "number": (lambda: Optimizer([{"params": [torch.zeros(2)], "lr": -1.0}], ADAM), ValueError, r"Adam: lr: expected"),
    "option": (lambda: Optimizer([torch.zeros(2)], ADAM, clip_norm=-1.0), ValueError, r"clip_norm: expected"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(case: str) -> None:
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_refuses_a_bad_group_and_changes_nothing() -> None:
    optimizer = Optimizer([torch.nn.Parameter(torch.zeros(2))], ADAM)
    with pytest.raises(ValueError, match="on meta"):
        optimizer.add_param_group({"params": [meta()]})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("kind", ["strides", "numbers"])
def test_refuses_a_bad_step_and_changes_nothing(kind: str) -> None:
    a, b = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3, 2))
    optimizer = Optimizer([a, b], ADAM)
    a.grad, b.grad = torch.ones(2), torch.ones(3, 2)
    optimizer.step()
    before = [p.detach().clone() for p in (a, b)]
    if kind == "strides":
        b.grad = torch.ones(2, 3).t()
        match = r"gradient of params\[1\]: expected a contiguous tensor"
    else:
        optimizer.param_groups[0]["beta1"] = 2.0
        match = r"Adam: beta1: expected"
    with pytest.raises(ValueError, match=match):
        optimizer.step()
    assert optimizer.state[a]["step"].item() == 1
    for p, q in zip((a, b), before, strict=True):
        assert torch.equal(p, q)


def test_refuses_other_slots_in_the_midst() -> None:
    net = model()
    optimizer = Optimizer(net.parameters(), ADAM)
    train(net, optimizer, range(1))
    optimizer.param_groups[0]["amsgrad"] = True
    with pytest.raises(ValueError, match=r"param_groups\[0\]: .* keeps other slots"):
        optimizer.step()


def test_refuses_states_of_others() -> None:
    p = torch.nn.Parameter(torch.ones(2))
    optimizer = Optimizer([p], ADAM)
    p.grad = torch.ones(2)
    optimizer.step()
    theirs = torch.optim.Adam([p])
    with pytest.raises(ValueError, match=r"a group has no 'decoupled'.*load_state takes those of torch.optim"):
        optimizer.load_state_dict(theirs.state_dict())
    q = torch.nn.Parameter(torch.ones(3))
    other = Optimizer([q], ADAM)
    q.grad = torch.ones(3)
    other.step()
    with pytest.raises(ValueError, match=r"parameter 0: m has shape \(3,\), not \(2,\)"):
        optimizer.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match=r"groups have \[2\] parameters, those of the optimizer \[1\]"):
        optimizer.load_state_dict(Optimizer([p, q], ADAM).state_dict())
    with pytest.raises(TypeError, match=r"state_dict: expected what state_dict\(\) returned"):
        optimizer.load_state_dict({})
    broken = copy.deepcopy(optimizer.state_dict())
    del broken["state"][0]["v"]
    with pytest.raises(ValueError, match=r"parameter 0 has no 'v'"):
        optimizer.load_state_dict(broken)
    assert optimizer.state[p]["step"].item() == 1

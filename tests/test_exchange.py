"""States moved between schuss and torch (live), optax and Keras (their formulas): the trajectory goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from cases import gradients

import schuss
from schuss.compat import keras
from schuss.compat import torch as compat
from schuss.compat.maps import NAMES
from schuss.rules import Rule
from schuss.rules.conventions import CONVENTIONS

RTOL = {"float32": 1e-6, "float64": 1e-12}
each_dtype = pytest.mark.parametrize("dtype", RTOL)
SHAPES = [(13, 17), (5,), ()]

# rule, torch's optimizer, its numbers
TORCH: dict[str, tuple[Rule, type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (schuss.SGD(), torch.optim.SGD, {"lr": 0.03}),
    "momentum": (schuss.Momentum(), torch.optim.SGD, {"lr": 0.03, "momentum": 0.8, "dampening": 0.2}),
    "momentum-keras": (schuss.Momentum(form="keras"), torch.optim.SGD, {"lr": 0.03, "momentum": 0.8}),
    "nesterov": (schuss.Nesterov(), torch.optim.SGD, {"lr": 0.03, "momentum": 0.8, "nesterov": True}),
    "sgdw": (schuss.SGDW(), torch.optim.SGD, {"lr": 0.03, "momentum": 0.8}),
    "adagrad": (schuss.AdaGrad(eps_place="inside"), torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1}),
    "adadelta": (schuss.AdaDelta(), torch.optim.Adadelta, {"weight_decay": 0.1, "maximize": True}),
    "rmsprop": (schuss.RMSprop(), torch.optim.RMSprop, {"lr": 0.03}),
    "rmsprop-momentum": (
        schuss.RMSprop(centered=True, momentum=0.5),
        torch.optim.RMSprop,
        {"lr": 0.03, "centered": True, "momentum": 0.7},
    ),
    "rmsprop-keras": (
        schuss.RMSprop(momentum=0.5, form="keras"),
        torch.optim.RMSprop,
        {"lr": 0.03, "momentum": 0.7},
    ),
    "adam": (schuss.Adam(), torch.optim.Adam, {"lr": 0.03, "betas": (0.8, 0.99), "weight_decay": 0.1}),
    "adam-of-keras": (schuss.Adam.like("keras"), torch.optim.Adam, {"lr": 0.03}),
    "adam-amsgrad": (schuss.Adam(amsgrad=True), torch.optim.Adam, {"lr": 0.03, "amsgrad": True}),
    "amsgrad": (schuss.AMSGrad(), torch.optim.Adam, {"lr": 0.03, "amsgrad": True}),
    "adamw": (schuss.AdamW(), torch.optim.AdamW, {"lr": 0.03, "weight_decay": 0.2}),
    "adam-decoupled": (schuss.Adam(), torch.optim.AdamW, {"lr": 0.03, "weight_decay": 0.2}),
    "adamax": (schuss.AdaMax(), torch.optim.Adamax, {"lr": 0.03}),
    "nadam": (schuss.NAdam(), torch.optim.NAdam, {"lr": 0.03, "momentum_decay": 0.01, "weight_decay": 0.1}),
    "nadam-decoupled": (
        schuss.NAdam(),
        torch.optim.NAdam,
        {"lr": 0.03, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
    "rprop": (schuss.Rprop(), torch.optim.Rprop, {"lr": 0.03, "etas": (0.4, 1.3), "step_sizes": (1e-4, 0.1)}),
    "rprop-maximize": (schuss.Rprop(), torch.optim.Rprop, {"maximize": True}),
    "asgd": (schuss.ASGD(), torch.optim.ASGD, {"lr": 0.03, "lambd": 0.1, "alpha": 0.6, "t0": 10.0}),
    "asgd-decay": (schuss.ASGD(), torch.optim.ASGD, {"lambd": 0.1, "weight_decay": 0.1}),
    "adafactor": (schuss.Adafactor(), torch.optim.Adafactor, {}),
    "adafactor-numbers": (
        schuss.Adafactor.like("keras"),
        torch.optim.Adafactor,
        {"lr": 0.3, "beta2_decay": -0.6, "eps": (1e-3, 0.1), "d": 1.5, "weight_decay": 0.1},
    ),
    "radam": (schuss.RAdam(), torch.optim.RAdam, {"lr": 0.03, "weight_decay": 0.1}),
    "radam-optax": (schuss.RAdam(eps_place="outside"), torch.optim.RAdam, {"lr": 0.03, "betas": (0.8, 0.99)}),
}


def weights(dtype: str) -> list[Any]:
    rng = np.random.default_rng(3)
    return [np.array(rng.normal(size=shape), dtype) for shape in SHAPES]


def grads_of(step: int, dtype: str) -> list[Any]:
    return [np.array(gradients(shape, dtype, 10 * step + i), dtype) for i, shape in enumerate(SHAPES)]


def train_torch(optimizer: torch.optim.Optimizer, steps: range, dtype: str) -> None:
    params = [p for group in optimizer.param_groups for p in group["params"]]
    for step in steps:
        for p, g in zip(params, grads_of(step, dtype), strict=True):
            p.grad = torch.tensor(g)
        optimizer.step()


def train(opt: schuss.Optimizer, steps: range, dtype: str) -> None:
    for step in steps:
        opt.step(grads_of(step, dtype))


def assert_near(ours: Any, theirs: Any, dtype: str) -> None:
    for w, x in zip(ours, theirs, strict=True):
        x = x.detach().numpy() if isinstance(x, torch.Tensor) else x
        np.testing.assert_allclose(w, x, rtol=0, atol=RTOL[dtype] * max(1.0, np.abs(x).max()))


def twins(dtype: str) -> tuple[list[Any], list[torch.nn.Parameter]]:
    w = weights(dtype)
    return w, [torch.nn.Parameter(torch.tensor(x)) for x in w]


# ---- torch -----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def double_numbers(request: pytest.FixtureRequest) -> Any:
    """torch keeps some numbers beside its tensors in its default type."""
    if "float64" in request.node.name:
        torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("option", [{"l1": 0.1}, {"lower": 0.0}], ids=str)
@pytest.mark.parametrize("give", [compat.to_state_dict, keras.to_variables], ids=["torch", "keras"])
def test_what_frameworks_lack_is_not_dropped_in_silence(give: Any, option: dict[str, float]) -> None:
    opt = schuss.Optimizer([np.ones(3)], schuss.Momentum(**option))
    opt.step([np.ones(3)])
    with pytest.raises(ValueError, match=f"no {next(iter(option))}, unlike Momentum"):
        give(opt)


@each_dtype
@pytest.mark.parametrize("case", TORCH)
def test_20_steps_in_torch_and_20_here_are_40_in_torch(case: str, dtype: str) -> None:
    rule, theirs, options = TORCH[case]
    _, params = twins(dtype)
    optimizer = theirs(params, **options)
    train_torch(optimizer, range(20), dtype)
    moved = [p.detach().numpy().copy() for p in params]
    opt = schuss.Optimizer(moved, rule)
    compat.load_state(opt, optimizer.state_dict())
    train(opt, range(20, 40), dtype)
    train_torch(optimizer, range(20, 40), dtype)
    assert_near(moved, params, dtype)


@each_dtype
@pytest.mark.parametrize("case", TORCH)
def test_20_steps_here_and_20_in_torch_are_40_in_torch(case: str, dtype: str) -> None:
    rule, theirs, options = TORCH[case]
    w, params = twins(dtype)
    reference = theirs(params, **options)
    opt = schuss.Optimizer(w, rule)
    compat.load_state(opt, reference.state_dict())  # the numbers
    train(opt, range(20), dtype)
    moved = [torch.nn.Parameter(torch.tensor(x)) for x in w]
    optimizer = theirs(moved)
    optimizer.load_state_dict(compat.to_state_dict(opt))
    train_torch(optimizer, range(20, 40), dtype)
    train_torch(reference, range(40), dtype)
    assert_near([p.detach().numpy() for p in moved], params, dtype)


def test_torch_sparse_adam() -> None:
    w = np.random.default_rng(0).normal(size=(6, 3))
    p = torch.nn.Parameter(torch.tensor(w))
    optimizer = torch.optim.SparseAdam([p], lr=0.1)
    ids = np.array([1, 4, 1])

    def sparse(step: int) -> np.ndarray[Any, Any]:
        return np.array(gradients((3, 3), "float64", step))

    def step_torch(step: int) -> None:
        p.grad = torch.sparse_coo_tensor(ids[None], sparse(step), w.shape, check_invariants=True)
        optimizer.step()

    for step in range(5):
        step_torch(step)
    moved = p.detach().numpy().copy()
    opt = schuss.Optimizer(moved, schuss.Adam())
    compat.load_state(opt, optimizer.state_dict())
    assert opt.rule.eps_place == "hat"
    for step in range(5, 10):
        opt.step(schuss.RowGrad(ids, sparse(step)))
        step_torch(step)
    assert_near([moved], [p], "float64")
    again = torch.optim.SparseAdam([p])
    again.load_state_dict(compat.to_state_dict(opt))
    assert again.state[p]["step"] == 10


def test_torch_groups_and_schedules() -> None:
    w, params = twins("float64")
    optimizer = torch.optim.Adam([{"params": params[:2]}, {"params": params[2:], "lr": 0.5}], lr=0.1)
    train_torch(optimizer, range(3), "float64")
    opt = schuss.Optimizer(w, {"2": schuss.Adam(), "*": schuss.Adam(lr=schuss.schedules.Constant(0.2))})
    compat.load_state(opt, optimizer.state_dict())
    assert [rule.rate(3) for rule in opt.rule] == [0.2, 0.2, 0.5]
    groups = compat.to_state_dict(opt)["param_groups"]
    assert [g["params"] for g in groups] == [[0, 1], [2]]
    assert [g["lr"] for g in groups] == [0.2, 0.5]


def test_torch_parameter_that_never_had_a_gradient_starts_anew() -> None:
    w, params = twins("float64")
    optimizer = torch.optim.Adam(params)
    params[0].grad = torch.ones_like(params[0])
    optimizer.step()
    opt = schuss.Optimizer(w, schuss.Adam())
    train(opt, range(2), "float64")
    compat.load_state(opt, optimizer.state_dict())
    assert opt.steps == 1
    assert opt.slots[0]["m"].all()
    assert not opt.slots[1]["m"].any()


def uneven() -> dict[str, Any]:
    _, params = twins("float64")
    optimizer = torch.optim.Adam(params)
    for k in (1, 2):
        for p in params[:k]:
            p.grad = torch.ones_like(p)
        optimizer.step()
    return optimizer.state_dict()


def state_of(kind: str, **options: Any) -> dict[str, Any]:
    _, params = twins("float64")
    optimizer = getattr(torch.optim, kind)(params, **options)
    train_torch(optimizer, range(2), "float64")
    state: dict[str, Any] = optimizer.state_dict()
    return state


def changed_rate() -> dict[str, Any]:
    state = state_of("ASGD", lr=0.1)
    state["param_groups"][0]["lr"] = 0.05
    return state


def changed_momentum() -> dict[str, Any]:
    state = state_of("NAdam")
    state["param_groups"][0]["momentum_decay"] = 0.5
    return state


BAD_TORCH: dict[str, tuple[Rule, Callable[[], Any], str]] = {
    "another rule": (schuss.AdaGrad(), lambda: state_of("Adam"), r"torch.optim.Adam, which schuss.Adam.*not AdaGrad"),
    "unknown": (
        schuss.Adam(),
        lambda: torch.optim.LBFGS(twins("float64")[1]).state_dict(),
        r"torch.optim.LBFGS, which no rule of schuss",
    ),
    "adafactor": (schuss.Adam(), lambda: state_of("Adafactor"), r"torch.optim.Adafactor, which schuss.Adafactor"),
    "not factored": (
        schuss.Adafactor(factored=False),
        lambda: state_of("Adafactor"),
        r"torch's Adafactor: torch factors every array.*\(parameter '0'\)",
    ),
    "late rate": (schuss.ASGD(), changed_rate, r"eta: expected .*follow a change of lr one step late"),
    "momenta": (schuss.NAdam(), changed_momentum, r"mu_product: expected .*the product of 2 momenta"),
    "scheduled": (
        schuss.ASGD(lr=lambda step: 0.1),
        lambda: state_of("ASGD", lr=0.1),
        r"no exact map to torch's ASGD: torch's rates follow a schedule one step late",
    ),
    "nesterov": (schuss.Momentum(), lambda: state_of("SGD", momentum=0.9, nesterov=True), r"schuss.Nesterov"),
    "coupled": (schuss.AdamW(), lambda: state_of("Adam", weight_decay=0.1), r"coupled.*use schuss.Adam"),
    "sgdw": (schuss.SGDW(), lambda: state_of("SGD", momentum=0.9, weight_decay=0.1), r"coupled decay"),
    "plain": (schuss.AMSGrad(), lambda: state_of("Adam"), r"without amsgrad; use schuss.Adam"),
    "slots": (schuss.Adam(), lambda: state_of("Adam", amsgrad=True), r"keeps other slots"),
    "uneven": (schuss.Adam(), uneven, r"step counts differ between parameters \(1, 2\)"),
    "number": (
        schuss.Adam(),
        lambda: torch.optim.Adam([torch.zeros(3)]).state_dict(),
        r"has 1 parameters, the optimizer 3",
    ),
    "schedule": (
        schuss.Momentum(lr=lambda step: 0.1, form="keras"),
        lambda: state_of("SGD", momentum=0.9),
        r"form 'keras' with a schedule",
    ),
}


@pytest.mark.parametrize("case", BAD_TORCH)
def test_refuses_a_state_of_torch(case: str) -> None:
    rule, state, message = BAD_TORCH[case]
    w = weights("float64")
    opt = schuss.Optimizer(w, rule)
    train(opt, range(3), "float64")
    before = opt.state_dict()
    with pytest.raises(ValueError, match=message):
        compat.load_state(opt, state())
    after = opt.state_dict()
    assert before["header"] == after["header"]
    for name, array in before["arrays"].items():
        np.testing.assert_array_equal(array, after["arrays"][name])


def test_refuses_another_shape_and_kind() -> None:
    state = state_of("Adam")
    opt = schuss.Optimizer([np.zeros((13, 16)), np.zeros(5), np.zeros(())], schuss.Adam())
    with pytest.raises(ValueError, match=r"parameter '0': exp_avg has shape \(13, 17\), the parameter \(13, 16\)"):
        compat.load_state(opt, state)
    with pytest.raises(TypeError, match=r"state: expected what torch_optimizer.state_dict\(\) returned"):
        compat.load_state(opt, [])
    with pytest.raises(TypeError, match=r"opt: expected a schuss.Optimizer, got list"):
        compat.load_state([], state)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (schuss.EGDD(), r"torch has no EGDD"),
        (schuss.Adam(bias_correction=False), r"without bias correction"),
        (schuss.Adam(eps_place="hat", amsgrad=True), r"SparseAdam only"),
        (schuss.AdaGrad(eps_place="inside"), r"Adagrad has eps_place 'outside' only"),
        (schuss.AdaMax(eps_place="outside"), r"Adamax has eps_place 'max' only"),
        (schuss.SGDW(), r"SGD has coupled weight decay only"),
        (schuss.Rprop(weight_decay=0.1), r"torch's Rprop: torch's Rprop has no decay"),
        (schuss.ASGD(lr=schuss.schedules.Constant(0.1)), r"torch's rates follow a schedule one step late"),
        (schuss.Adafactor(), r"Adafactor has eps_place 'clamp' only"),
        (schuss.Lion(), r"torch has no Lion"),
        (schuss.Momentum(lr=0.0, form="keras"), r"at lr 0"),
    ],
    ids=repr,
)
def test_refuses_what_torch_lacks(rule: Rule, message: str) -> None:
    opt = schuss.Optimizer(np.ones(3), rule)
    opt.step(np.ones(3))
    with pytest.raises(ValueError, match=message):
        compat.to_state_dict(opt)


def test_every_pair_is_run() -> None:
    run = {type(case[0]).__name__ for case in TORCH.values()}
    assert run == {name for name, known in CONVENTIONS.items() if "torch" in known}
    assert run == {name for name, known in NAMES.items() if "torch" in known and name not in ("Yogi", "LAMB")}

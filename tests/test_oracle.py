"""The oracle against what is known without it: printed numbers, live torch, closed forms, invariants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import ORACLES, Oracle, clip_by_norm

Hyper = dict[str, Any]


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def simplex(seed: int, *shape: int) -> np.ndarray:
    w = np.abs(random(seed, *shape)) + 0.1
    return w / w.sum(axis=-1, keepdims=True)


def start_weights(rule: str, *shape: int) -> np.ndarray:
    """Weights that every rule accepts: a simplex for the exponentiated gradients, signed ones elsewhere."""
    w = simplex(1, *shape)
    return w if rule in ("EG", "EGU") else w * np.sign(random(2, *shape))


def run(oracle: Oracle, gradients: np.ndarray) -> Oracle:
    for g in gradients:
        oracle.step(g)
    return oracle


def assert_same(a: Oracle, b: Oracle, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(a.w, b.w, rtol=rtol)
    assert a.slots.keys() == b.slots.keys()
    for name in a.slots:
        np.testing.assert_allclose(a.slots[name], b.slots[name], rtol=rtol, err_msg=name)
    assert a.t == b.t


# --- printed numbers ---


def plain(x: np.ndarray) -> np.ndarray:
    """Gradient of 0.1 x1^2 + 2 x2^2."""
    return np.array([0.2 * x[0], 4 * x[1]])


def rotated(x: np.ndarray) -> np.ndarray:
    """Gradient of 0.1 (x1 + x2)^2 + 2 (x1 - x2)^2."""
    along, across = 0.2 * (x[0] + x[1]), 4 * (x[0] - x[1])
    return np.array([along + across, along - across])


@pytest.mark.parametrize(
    ("gradient", "hyper", "expected"),
    [
        (plain, {"lr": 0.4, "eps": 1e-6, "eps_place": "inside"}, ["-2.382563", "-0.158591"]),
        (plain, {"lr": 2.0, "eps": 1e-6, "eps_place": "inside"}, ["-0.002295", "-0.000000"]),
        (rotated, {"lr": 0.4, "eps": 1e-6, "eps_place": "inside"}, ["-3.180865", "-3.062780"]),
        (rotated, {"lr": 2.0, "eps": 1e-6, "eps_place": "inside"}, ["-1.054791", "-1.046482"]),
        (plain, {"lr": 0.4, "eps": 1e-10}, ["-2.382562", "-0.158591"]),
        (
            plain,
            {"lr": 0.4, "eps": 1e-7, "eps_place": "inside", "initial_accumulator": 0.1},
            ["-2.418646", "-0.158821"],
        ),
    ],
    ids=["inside", "inside-fast", "rotated", "rotated-fast", "outside", "accumulator"],
)
def test_adagrad_trajectory(gradient: Callable[[np.ndarray], np.ndarray], hyper: Hyper, expected: list[str]) -> None:
    oracle = ORACLES["AdaGrad"](hyper, np.array([-5.0, -2.0]))
    for _ in range(20):
        oracle.step(gradient(oracle.w))
    assert [f"{x:.6f}" for x in oracle.w] == expected


@pytest.mark.parametrize(
    ("signs", "w", "gains"),
    [
        (True, ["0.58007", "1.24665"], ["0.99005", "1.01005"]),
        (False, ["0.58096", "1.24627"], ["0.99900", "1.00753"]),
    ],
    ids=["signs", "products"],
)
def test_egdd_two_steps(signs: bool, w: list[str], gains: list[str]) -> None:
    hyper = {"lr": 0.1, "momentum": 0.9, "beta": 0.1, "gain_rate": 1e-2, "scale_rate": 1e-3, "signs": signs}
    oracle = ORACLES["EGDD"](hyper, np.array([0.5, 1.0]))
    run(oracle, np.array([[0.1, -0.5], [-1.0, -1.5]]))
    assert [f"{x:.5f}" for x in oracle.w] == w
    assert [f"{x:.5f}" for x in oracle.slots["p"]] == gains
    assert [f"{x:.6f}" for x in oracle.slots["s"]] == ["1.000707"]


# --- live torch ---

TORCH: dict[str, tuple[str, Hyper, str, Hyper]] = {
    "sgd": (
        "SGD",
        {"lr": 0.1},
        "SGD",
        {"lr": 0.1},
    ),
    "sgd-decay": (
        "SGD",
        {"lr": 0.1, "weight_decay": 0.03},
        "SGD",
        {"lr": 0.1, "weight_decay": 0.03},
    ),
    "sgd-maximize": (
        "SGD",
        {"lr": 0.1, "weight_decay": 0.03, "maximize": True},
        "SGD",
        {"lr": 0.1, "weight_decay": 0.03, "maximize": True},
    ),
    "momentum": (
        "Momentum",
        {"lr": 0.1, "momentum": 0.8},
        "SGD",
        {"lr": 0.1, "momentum": 0.8},
    ),
    "momentum-dampening": (
        "Momentum",
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.03, "maximize": True},
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.03, "maximize": True},
    ),
    "momentum-keras": (
        "Momentum",
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.03, "form": "keras"},
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.03},
    ),
    "nesterov": (
        "Nesterov",
        {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.03, "maximize": True},
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.03, "maximize": True},
    ),
    "nesterov-keras": (
        "Nesterov",
        {"lr": 0.1, "momentum": 0.8, "form": "keras"},
        "SGD",
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    ),
    "adagrad": (
        "AdaGrad",
        {"lr": 0.1, "eps": 1e-10, "lr_decay": 0.02},
        "Adagrad",
        {"lr": 0.1, "eps": 1e-10, "lr_decay": 0.02},
    ),
    "adagrad-decay": (
        "AdaGrad",
        {"lr": 0.1, "initial_accumulator": 0.2, "lr_decay": 0.02, "weight_decay": 0.03, "maximize": True},
        "Adagrad",
        {"lr": 0.1, "initial_accumulator_value": 0.2, "lr_decay": 0.02, "weight_decay": 0.03, "maximize": True},
    ),
    "adadelta": (
        "AdaDelta",
        {"lr": 1.0, "rho": 0.95, "eps": 1e-6},
        "Adadelta",
        {"lr": 1.0, "rho": 0.95, "eps": 1e-6},
    ),
    "adadelta-decay": (
        "AdaDelta",
        {"lr": 0.5, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.03, "maximize": True},
        "Adadelta",
        {"lr": 0.5, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.03, "maximize": True},
    ),
    "rmsprop": (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-8},
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-8},
    ),
    "rmsprop-centered": (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-8, "centered": True, "weight_decay": 0.03},
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-8, "centered": True, "weight_decay": 0.03},
    ),
    "rmsprop-momentum": (
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "momentum": 0.7, "maximize": True},
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "momentum": 0.7, "maximize": True},
    ),
    "rmsprop-all": (
        "RMSprop",
        {"lr": 0.01, "centered": True, "momentum": 0.7, "weight_decay": 0.03, "maximize": True},
        "RMSprop",
        {"lr": 0.01, "centered": True, "momentum": 0.7, "weight_decay": 0.03, "maximize": True},
    ),
    "rmsprop-keras": (
        "RMSprop",
        {"lr": 0.01, "centered": True, "momentum": 0.7, "form": "keras"},
        "RMSprop",
        {"lr": 0.01, "centered": True, "momentum": 0.7},
    ),
    "adam": (
        "Adam",
        {"lr": 0.01, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6},
        "Adam",
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6},
    ),
    "adam-decay": (
        "Adam",
        {"lr": 0.01, "weight_decay": 0.03, "maximize": True},
        "Adam",
        {"lr": 0.01, "weight_decay": 0.03, "maximize": True},
    ),
    "adam-decoupled": (
        "Adam",
        {"lr": 0.01, "weight_decay": 0.03, "decoupled": True},
        "AdamW",
        {"lr": 0.01, "weight_decay": 0.03},
    ),
    "amsgrad": (
        "AMSGrad",
        {"lr": 0.01, "beta2": 0.9, "weight_decay": 0.03, "maximize": True},
        "Adam",
        {"lr": 0.01, "betas": (0.9, 0.9), "amsgrad": True, "weight_decay": 0.03, "maximize": True},
    ),
    "adamw": (
        "AdamW",
        {"lr": 0.01},
        "AdamW",
        {"lr": 0.01, "weight_decay": 0.01},
    ),
    "adamw-amsgrad": (
        "AdamW",
        {"lr": 0.01, "beta2": 0.9, "weight_decay": 0.1, "amsgrad": True, "maximize": True},
        "AdamW",
        {"lr": 0.01, "betas": (0.9, 0.9), "weight_decay": 0.1, "amsgrad": True, "maximize": True},
    ),
    "adamax": (
        "AdaMax",
        {"lr": 0.01, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6},
        "Adamax",
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6},
    ),
    "adamax-decay": (
        "AdaMax",
        {"lr": 0.01, "weight_decay": 0.03, "maximize": True},
        "Adamax",
        {"lr": 0.01, "weight_decay": 0.03, "maximize": True},
    ),
    "nadam": (
        "NAdam",
        {"lr": 0.01, "momentum_decay": 0.3, "weight_decay": 0.03, "decoupled": True},
        "NAdam",
        {"lr": 0.01, "momentum_decay": 0.3, "weight_decay": 0.03, "decoupled_weight_decay": True},
    ),
    "radam": (
        "RAdam",
        {"lr": 0.01, "beta2": 0.9, "weight_decay": 0.03, "maximize": True},
        "RAdam",
        {"lr": 0.01, "betas": (0.9, 0.9), "weight_decay": 0.03, "maximize": True},
    ),
    "rprop": (
        "Rprop",
        {"lr": 0.01, "eta_minus": 0.3, "eta_plus": 1.5, "step_min": 1e-3, "step_max": 0.1},
        "Rprop",
        {"lr": 0.01, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)},
    ),
    "asgd": (
        "ASGD",
        {"lr": 0.1, "lambd": 0.01, "alpha": 0.6, "t0": 5.0, "weight_decay": 0.03},
        "ASGD",
        {"lr": 0.1, "lambd": 0.01, "alpha": 0.6, "t0": 5.0, "weight_decay": 0.03},
    ),
    "adafactor": (
        "Adafactor",
        {"lr": 0.1, "eps1": 1e-6, "eps_place": "clamp", "weight_decay": 0.03},
        "Adafactor",
        {"lr": 0.1, "eps": (1e-6, 1e-3), "weight_decay": 0.03},
    ),
}


def sparse_looking(seed: int, steps: int, *shape: int) -> np.ndarray:
    """Gradients of growing and shrinking size, a tenth of them exactly zero."""
    g = random(seed, steps, *shape) * np.exp(random(seed + 1, steps, *shape))
    g[np.random.default_rng(seed + 2).random(g.shape) < 0.1] = 0
    return g


@pytest.mark.parametrize("case", TORCH)
def test_same_as_torch(case: str, request: pytest.FixtureRequest) -> None:
    import torch

    torch.set_default_dtype(torch.float64)  # for the numbers that torch keeps beside tensors
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    rule, hyper, torch_rule, torch_hyper = TORCH[case]
    oracle = ORACLES[rule](hyper, random(0, 4, 5))
    parameter = torch.nn.Parameter(torch.tensor(random(0, 4, 5), dtype=torch.float64))
    optimizer = getattr(torch.optim, torch_rule)([parameter], **torch_hyper)
    for g in sparse_looking(10, 50, 4, 5):
        oracle.step(g)
        parameter.grad = torch.tensor(g)
        optimizer.step()
        np.testing.assert_allclose(oracle.w, parameter.detach().numpy(), rtol=1e-10)
    if rule == "ASGD":
        np.testing.assert_allclose(oracle.slots["a"], optimizer.state[parameter]["ax"].numpy(), rtol=1e-10)
    if rule == "RMSprop" and "a" in oracle.slots:  # only squares of the mean reach w
        np.testing.assert_allclose(oracle.slots["a"], optimizer.state[parameter]["grad_avg"].numpy(), rtol=1e-10)


@pytest.mark.parametrize(
    ("rule", "torch_rule", "torch_hyper"),
    [
        ("SGDW", "SGD", {"momentum": 0.9}),
        ("AdamW", "AdamW", {"weight_decay": 0.01}),
    ],
    ids=["sgdw", "adamw"],
)
def test_schedule_and_decoupled_decay_as_in_torch(rule: str, torch_rule: str, torch_hyper: Hyper) -> None:
    import torch

    def schedule(k: int) -> float:
        return 0.1 / (k + 1)

    scheduled = ORACLES[rule]({"lr": schedule, "weight_decay": 0.01}, random(0, 7))
    told = ORACLES[rule]({"lr": 123.0, "weight_decay": 0.01}, random(0, 7))
    parameter = torch.nn.Parameter(torch.tensor(random(0, 7), dtype=torch.float64))
    optimizer = getattr(torch.optim, torch_rule)([parameter], lr=0.0, **torch_hyper)
    for k, g in enumerate(random(1, 50, 7)):
        scheduled.step(g)
        told.step(g, lr=0.1 / (k + 1))
        optimizer.param_groups[0]["lr"] = 0.1 / (k + 1)
        if torch_rule == "SGD":  # torch has no SGDW: decay by hand
            parameter.data.mul_(1 - 0.1 / (k + 1) * 0.01)
        parameter.grad = torch.tensor(g)
        optimizer.step()
    np.testing.assert_allclose(scheduled.w, parameter.detach().numpy(), rtol=1e-10)
    assert_same(scheduled, told, rtol=0)


@pytest.mark.parametrize("norm", [0.5, 2.0])
def test_clip_by_norm_as_in_torch(norm: float) -> None:
    import torch

    grads = [random(0, 3), random(1, 2, 2)]
    length = np.sqrt(sum(np.sum(g**2) for g in grads))
    parameters = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in grads]
    for parameter, g in zip(parameters, grads, strict=True):
        parameter.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(parameters, norm * length)
    for parameter, clipped in zip(parameters, clip_by_norm(grads, norm * length), strict=True):
        # torch divides by norm + 1e-6
        np.testing.assert_allclose(clipped, parameter.grad.numpy(), rtol=1e-6)


# --- closed forms and relatives ---


@pytest.mark.parametrize("form", ["torch", "keras"])
@pytest.mark.parametrize("rule", ["Momentum", "Nesterov"])
def test_momentum_when_lr_changes(rule: str, form: str) -> None:
    """From (0, 0), g = 1 twice, lr 1 then 2, momentum 0.5: by hand."""
    oracle = ORACLES[rule]({"momentum": 0.5, "form": form}, np.zeros(1))
    oracle.step(np.ones(1), lr=1.0)
    oracle.step(np.ones(1), lr=2.0)
    expected = {
        ("Momentum", "torch"): -(1.0 + 2 * 1.5),
        ("Momentum", "keras"): -(1.0 + 2.5),
        ("Nesterov", "torch"): -(1.5 + 2 * 1.75),
        ("Nesterov", "keras"): -(1.5 + 3.25),
    }
    assert oracle.w[0] == expected[rule, form]


@pytest.mark.parametrize("form", ["torch", "keras"])
def test_rmsprop_momentum_when_lr_changes(form: str) -> None:
    """alpha = 0.75 and g = 1, then the g = sqrt(13)/2 that makes v = 1: g/r = 2, then sqrt(13)/2."""
    oracle = ORACLES["RMSprop"]({"alpha": 0.75, "momentum": 0.5, "eps": 0.0, "form": form}, np.zeros(1))
    second = np.sqrt(13) / 2
    oracle.step(np.ones(1), lr=1.0)
    oracle.step(np.full(1, second), lr=2.0)
    np.testing.assert_allclose(oracle.w, -(2.0 + {"torch": 2 * (1 + second), "keras": 1 + 2 * second}[form]))


def test_counterclock_counts_what_is_not_zero() -> None:
    oracle = run(ORACLES["CounterClock"]({"lr": 0.1, "c": 2.0}, np.zeros(2)), np.array([[1, 0], [1, 0], [1, 4.0]]))
    np.testing.assert_array_equal(oracle.slots["count"], [3, 1])
    np.testing.assert_allclose(oracle.w, [-0.1 * (3**-0.5 + 4**-0.5 + 5**-0.5), -0.4 * 3**-0.5])


@pytest.mark.parametrize("place", ["outside", "inside"])
def test_rows_of_one_number_make_rowwise_adagrad_adagrad(place: str) -> None:
    hyper = {"lr": 0.1, "eps": 1e-3, "eps_place": place, "initial_accumulator": 0.1}
    rows = run(ORACLES["RowWiseAdaGrad"](hyper, random(0, 6, 1)), random(1, 20, 6, 1))
    single = run(ORACLES["AdaGrad"](hyper, random(0, 6, 1)), random(1, 20, 6, 1))
    np.testing.assert_allclose(rows.w, single.w, rtol=1e-14)
    np.testing.assert_allclose(rows.slots["s"], single.slots["s"][:, 0], rtol=1e-14)


def test_rowwise_adagrad_by_hand() -> None:
    oracle = ORACLES["RowWiseAdaGrad"]({"lr": 1.0, "eps": 0.0}, np.zeros((2, 2)))
    oracle.step(np.array([[1.0, 7.0], [3.0, -3.0]]))
    np.testing.assert_allclose(oracle.slots["s"], [25, 9])
    np.testing.assert_allclose(oracle.w, [[-0.2, -1.4], [-1, 1]])
    vector = ORACLES["RowWiseAdaGrad"]({"lr": 1.0, "eps": 0.0}, np.zeros(2))
    vector.step(np.array([1.0, 7.0]))
    np.testing.assert_allclose(vector.w, [-0.2, -1.4])


def test_adam_hat_is_outside_with_a_larger_eps() -> None:
    """eps inside the correction is eps/sqrt(1 - beta2^t) outside it; without correction the two are one."""
    hat = ORACLES["Adam"]({"eps": 1e-3, "eps_place": "hat"}, random(0, 5))
    outside = ORACLES["Adam"]({"eps": 1e-3}, random(0, 5))
    for t, g in enumerate(random(1, 20, 5), start=1):
        outside.o.eps = 1e-3 / np.sqrt(1 - 0.999**t)
        hat.step(g)
        outside.step(g)
    assert_same(hat, outside)
    bare = [
        run(ORACLES["Adam"]({"bias_correction": False, "eps": 1e-3, "eps_place": p}, random(0, 5)), random(1, 20, 5))
        for p in ("hat", "outside")
    ]
    assert_same(*bare)


@pytest.mark.parametrize("rule", ["RMSprop", "AdaMax"])
def test_places_of_eps_agree_without_it(rule: str) -> None:
    places = {"RMSprop": ["outside", "inside"], "AdaMax": ["max", "outside"]}[rule]
    a, b = (run(ORACLES[rule]({"eps": 0.0, "eps_place": p}, random(0, 5)), random(1, 20, 5)) for p in places)
    assert_same(a, b)


def test_places_of_eps_by_hand() -> None:
    """One step of g = 4: RMSprop has v = 4, AdaMax m/c1 = 4."""
    one, g = np.zeros(1), np.array([4.0])
    inside = run(ORACLES["RMSprop"]({"lr": 1.0, "alpha": 0.75, "eps": 5.0, "eps_place": "inside"}, one), [g])
    outside = run(ORACLES["RMSprop"]({"lr": 1.0, "alpha": 0.75, "eps": 6.0}, one), [g])
    greatest = run(ORACLES["AdaMax"]({"lr": 1.0, "eps": 4.0}, one), [g])
    added = run(ORACLES["AdaMax"]({"lr": 1.0, "eps": 4.0, "eps_place": "outside"}, one), [g])
    np.testing.assert_allclose([inside.w[0], outside.w[0], greatest.w[0], added.w[0]], [-4 / 3, -0.5, -0.5, -0.5])
    assert (greatest.slots["u"][0], added.slots["u"][0]) == (8, 4)


@pytest.mark.parametrize("power", [0.5, 0.8])
def test_ftrl_without_penalties_is_gradient_descent(power: float) -> None:
    """McMahan et al. 2013, section 3.1: the steps of descent with the rate lr/(beta + n^power) of each coordinate."""
    hyper = {"lr": 0.1, "beta": 0.7, "power": power, "initial_accumulator": 0.3}
    ftrl = ORACLES["FTRL"](hyper, random(0, 8))
    w, n = random(0, 8), 0.3
    for g in sparse_looking(1, 50, 8):
        ftrl.step(g)
        n = n + g**2
        w = w - 0.1 / (0.7 + n**power) * g
    np.testing.assert_allclose(ftrl.w, w, rtol=1e-10)


def test_exponentiated_gradients_have_closed_forms() -> None:
    gradients = random(1, 30, 3, 4)
    total = gradients.sum(axis=0)
    w = simplex(0, 3, 4)
    grown = w * np.exp(-0.1 * total)
    np.testing.assert_allclose(run(ORACLES["EGU"]({}, w), gradients).w, grown)
    np.testing.assert_allclose(run(ORACLES["EG"]({}, w), gradients).w, grown / grown.sum(axis=1, keepdims=True))
    whole = run(ORACLES["EG"]({}, w[0]), gradients[:, 0])
    np.testing.assert_allclose(whole.w, grown[0] / grown[0].sum())

    signed = random(2, 3, 4)
    pair = run(ORACLES["EGPM"]({"total": None, "spread": 0.5}, signed), gradients)
    np.testing.assert_allclose(pair.w, np.sinh(np.arcsinh(signed) - 0.1 * total), rtol=1e-9)

    # Signed weights of total 2 are EG on the simplex of twice the size, with gradients 2 (g, -g).
    half = ORACLES["EGPM"]({"total": 2.0}, w * np.sign(signed))
    doubled = np.concatenate([half.slots["p"], half.slots["n"]], axis=1) / 2
    simple = run(ORACLES["EG"]({}, doubled), 2 * np.concatenate([gradients, -gradients], axis=2))
    run(half, gradients)
    np.testing.assert_allclose(half.slots["p"], 2 * simple.w[:, :4])
    np.testing.assert_allclose(half.slots["n"], 2 * simple.w[:, 4:])


def test_egdd_with_rates_zero_is_heavy_ball() -> None:
    hyper = {"lr": 0.05, "momentum": 0.8}
    egdd = ORACLES["EGDD"]({**hyper, "gain_rate": 0.0, "scale_rate": 0.0}, random(0, 6))
    momentum = ORACLES["Momentum"](hyper, random(0, 6))
    np.testing.assert_allclose(run(egdd, random(1, 30, 6)).w, run(momentum, random(1, 30, 6)).w, rtol=1e-10)


def test_egdd_stays_within_its_bounds() -> None:
    """A gradient that never turns drives gains and scale up, one that always turns drives the gains down."""
    hyper = {"gain_rate": 1.0, "scale_rate": 1.0, "beta": 0.0}
    constant = run(ORACLES["EGDD"](hyper, np.zeros(2)), np.ones((20, 2)))
    np.testing.assert_array_equal(constant.slots["p"], [100, 100])
    np.testing.assert_array_equal(constant.slots["s"], [10])
    turning = run(ORACLES["EGDD"]({**hyper, "momentum": 0.0}, np.zeros(2)), [(-1) ** k * np.ones(2) for k in range(20)])
    np.testing.assert_array_equal(turning.slots["p"], [0.01, 0.01])
    np.testing.assert_array_equal(turning.slots["s"], [0.1])


def test_egdd_raw_inner_product() -> None:
    oracle = ORACLES["EGDD"]({"lr": 0.5, "directions": False, "scale_rate": 0.1}, np.zeros(2))
    run(oracle, np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_allclose(oracle.slots["s"], np.exp(0.1 * 0.5 * (1 * 3 + 2 * 4)))


def test_egdd_directions_of_tiny_vectors_are_short() -> None:
    """|g| = |h| = 1e-10, the guard against 0/0: the directions have length 1/2, their inner product is 1/4."""
    oracle = run(ORACLES["EGDD"]({"lr": 1.0, "scale_rate": 0.1}, np.zeros(1)), np.full((2, 1), 1e-10))
    np.testing.assert_allclose(oracle.slots["s"], np.exp(0.1 / 4))


# --- invariants ---


@pytest.mark.parametrize("shape", [(6,), (3, 4), (2, 3, 2)], ids=str)
def test_eg_stays_on_the_simplex(shape: tuple[int, ...]) -> None:
    w = simplex(0, shape[0], int(np.prod(shape[1:]))).reshape(shape) if len(shape) > 1 else simplex(0, *shape)
    oracle = run(ORACLES["EG"]({"lr": 0.5, "weight_decay": 0.1}, w), random(1, 50, *shape))
    assert (oracle.w >= 0).all()
    np.testing.assert_allclose(oracle.w.sum() if len(shape) == 1 else oracle.w.reshape(shape[0], -1).sum(axis=1), 1)


def test_egu_keeps_the_sign() -> None:
    w = np.abs(random(0, 8))
    w[3] = 0
    oracle = run(ORACLES["EGU"]({"lr": 0.5}, w), random(1, 50, 8))
    np.testing.assert_array_equal(np.sign(oracle.w), np.sign(w))


@pytest.mark.parametrize("total", [1.0, 2.5])
def test_egpm_keeps_its_total(total: float) -> None:
    w = start_weights("EGPM", 3, 4)
    oracle = ORACLES["EGPM"]({"total": total}, w)
    np.testing.assert_allclose(oracle.slots["p"] - oracle.slots["n"], w, atol=1e-15)
    for g in random(1, 50, 3, 4):
        np.testing.assert_allclose((oracle.slots["p"] + oracle.slots["n"]).sum(axis=1), total)
        np.testing.assert_array_equal(oracle.w, oracle.slots["p"] - oracle.slots["n"] if oracle.t else w)
        oracle.step(g)
    with pytest.raises(ValueError, match="total"):
        ORACLES["EGPM"]({"total": 0.5}, w)


def test_ftrl_l1_makes_zeros() -> None:
    """Every small coordinate is exactly zero, every large one is not and leans against its gradients."""
    gradients = np.tile([0.01, -0.01, 1.0, -1.0], (10, 1))
    oracle = run(ORACLES["FTRL"]({"l1": 0.5}, np.zeros(4)), gradients)
    np.testing.assert_array_equal(np.sign(oracle.w), [0, 0, -1, 1])


@pytest.mark.parametrize("hyper", [{}, {"l1": 0.5, "l2": 2.0, "power": 0.7, "initial_accumulator": 0.1}], ids=str)
def test_ftrl_starts_at_its_weights(hyper: Hyper) -> None:
    w = random(0, 6)
    w[2] = 0
    oracle = ORACLES["FTRL"](hyper, w)
    oracle.step(np.zeros(6))
    np.testing.assert_allclose(oracle.w, w)


def test_ftrl_solves_its_own_problem() -> None:
    """w minimises z w + l1 |w| + (quadratic/2) w^2 (the argmin that Algorithm 1 solves), seen on a fine grid."""
    hyper = {"lr": 0.3, "beta": 0.5, "l1": 0.4, "l2": 0.2}
    oracle = run(ORACLES["FTRL"](hyper, np.zeros(5)), random(1, 20, 5))
    grid = np.linspace(-3, 3, 60001)
    for z, n, w in zip(oracle.slots["z"], oracle.slots["n"], oracle.w, strict=True):
        quadratic = (0.5 + np.sqrt(n)) / 0.3 + 0.2
        best = grid[np.argmin(z * grid + 0.4 * np.abs(grid) + quadratic / 2 * grid**2)]
        assert abs(best - w) <= 1e-4


def test_refusals() -> None:
    for rule in ("FTRL", "EGPM"):
        with pytest.raises(ValueError, match="decoupled"):
            ORACLES[rule]({"decoupled": True}, np.zeros(2))
    for rule, field in (("SGDW", "decoupled"), ("AdamW", "decoupled"), ("AMSGrad", "amsgrad"), ("SGD", "momentum")):
        with pytest.raises(TypeError, match=field):
            ORACLES[rule]({field: True}, np.zeros(2))


# --- rules that become others ---


def same_way(a: str, a_hyper: Hyper, b: str, b_hyper: Hyper, scale: float = 1.0) -> None:
    """Both end at the same weights, the second with gradients of another scale."""
    w, g = random(0, 4, 5), sparse_looking(1, 30, 4, 5)
    np.testing.assert_allclose(run(ORACLES[a](a_hyper, w), g).w, run(ORACLES[b](b_hyper, w), scale * g).w, rtol=1e-9)


def test_limits_of_the_later_rules() -> None:
    same_way("Lion", {"lr": 0.01, "beta1": 0.0}, "SignSGD", {"lr": 0.01})
    same_way("Adan", {"beta1": 0.9, "beta2": 0.0, "beta3": 0.99}, "Adam", {"beta1": 0.9, "beta2": 0.99})
    same_way("Hypergradient", {"lr": 0.1, "hyper_rate": 0.0}, "SGD", {"lr": 0.1})
    same_way("ASGD", {"lr": 0.1, "lambd": 0.0}, "SGD", {"lr": 0.1})


def test_trust_ratios_do_not_see_the_gradients_scale() -> None:
    same_way("LARS", {"lr": 0.3, "trust": 0.1}, "LARS", {"lr": 0.3, "trust": 0.1}, scale=1000)
    same_way("LAMB", {"lr": 0.3, "eps": 1e-30}, "LAMB", {"lr": 0.3, "eps": 1e-30}, scale=1000)
    for rule, hyper in (("LARS", {"lr": 0.3, "trust": 0.1, "momentum": 0.0}), ("LAMB", {"lr": 0.03})):
        w = random(0, 4, 5)
        moved = run(ORACLES[rule](hyper, w), random(1, 1, 4, 5)).w - w
        np.testing.assert_allclose(np.linalg.norm(moved), 0.03 * np.linalg.norm(w))


def test_yogi_and_adabelief_by_hand() -> None:
    yogi = run(ORACLES["Yogi"]({"beta2": 0.9, "initial_accumulator": 1.0}, np.zeros(2)), np.array([[2.0, 0.5]]))
    np.testing.assert_allclose(yogi.slots["v"], [1 + 0.1 * 4, 1 - 0.1 * 0.25])
    hyper = {"beta1": 0.5, "beta2": 0.9, "eps_inside": 0.01}
    belief = run(ORACLES["AdaBelief"](hyper, np.zeros(1)), np.array([[2.0], [2.0]]))
    np.testing.assert_allclose(belief.slots["s"], [0.9 * (0.1 * 1**2 + 0.01) + 0.1 * 0.5**2 + 0.01])


def test_prodigy_finds_the_distance_from_below() -> None:
    """|w - 3| from 0: the estimate rises from a millionth to the order of 3 and never above, and w arrives."""
    oracle = ORACLES["Prodigy"]({}, np.zeros(4))
    for _ in range(400):
        oracle.step(np.sign(oracle.w - 3))
    assert 0.5 < oracle.slots["d"][0] <= 3
    assert np.abs(oracle.w - 3).max() < 0.5


# --- lazy steps ---

LAZY: list[tuple[str, Hyper]] = [(name, {}) for name, kind in ORACLES.items() if not kind.dense_only] + [
    ("Momentum", {"dampening": 0.3, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1, "decoupled": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("EGPM", {"total": None}),
    ("EGDD", {"signs": False, "directions": False, "weight_decay": 0.1}),
    ("FTRL", {"l1": 0.1, "l2": 0.1}),
]
DENSE: list[tuple[str, Hyper]] = [(name, {}) for name, kind in ORACLES.items() if kind.dense_only]
each_case = pytest.mark.parametrize(
    ("rule", "hyper"), LAZY + DENSE, ids=["-".join([rule, *hyper]) for rule, hyper in LAZY + DENSE]
)
lazy_cases = pytest.mark.parametrize(("rule", "hyper"), LAZY, ids=["-".join([rule, *hyper]) for rule, hyper in LAZY])


@lazy_cases
@pytest.mark.parametrize("shape", [(6, 4), (5, 2, 3), (7,)], ids=str)
def test_lazy_step_of_everything_is_the_dense_step(rule: str, hyper: Hyper, shape: tuple[int, ...]) -> None:
    w = start_weights(rule, *shape)
    if w.ndim > 2 and rule in ("EG", "EGPM"):
        w = w / shape[1]
    dense, rows, coords = (ORACLES[rule](hyper, w) for _ in range(3))
    one_group = dense.couples_a_group()
    order = np.random.default_rng(3)
    for g in sparse_looking(4, 10, *shape):
        dense.step(g)
        if not (one_group and len(shape) == 1):
            ids = order.permutation(shape[0])
            rows.step_lazy(ids, g[ids])
            assert_same(dense, rows)
        if not one_group:
            ids = order.permutation(g.size)
            coords.step_lazy(ids, g.reshape(-1)[ids], coords=True)
            assert_same(dense, coords)


@lazy_cases
def test_lazy_step_sees_only_what_it_touches(rule: str, hyper: Hyper) -> None:
    """Touching always the same rows is a dense run of an array that has no others; duplicates add up."""
    w = start_weights(rule, 6, 4)
    whole, part = ORACLES[rule](hyper, w), ORACLES[rule](hyper, w[[4, 1]])
    before = {name: slot.copy() for name, slot in whole.slots.items()}
    for g in random(5, 10, 3, 4):
        whole.step_lazy([4, 1, 4], g)
        part.step(np.array([g[0] + g[2], g[1]]))
    np.testing.assert_allclose(whole.w[[4, 1]], part.w, rtol=1e-12)
    np.testing.assert_array_equal(whole.w[[0, 2, 3, 5]], w[[0, 2, 3, 5]])
    for name, slot in whole.slots.items():
        if name in whole.per_array:
            np.testing.assert_allclose(slot, part.slots[name], rtol=1e-12)
            continue
        np.testing.assert_allclose(slot[[4, 1]], part.slots[name], rtol=1e-12)
        np.testing.assert_array_equal(slot[[0, 2, 3, 5]], before[name][[0, 2, 3, 5]])
    assert whole.t == 10


@lazy_cases
def test_lazy_step_of_nothing_only_counts(rule: str, hyper: Hyper) -> None:
    oracle = ORACLES[rule](hyper, start_weights(rule, 3, 4))
    same = ORACLES[rule](hyper, start_weights(rule, 3, 4))
    oracle.step_lazy([], np.zeros((0, 4)))
    same.t = 1
    if rule.startswith("ScheduleFree"):  # an average weighs steps, whatever they touch
        same.slots["s"] = oracle.slots["s"]
    assert_same(oracle, same, rtol=0)


def test_lazy_step_of_coordinates() -> None:
    oracle = ORACLES["AdaGrad"]({"lr": 1.0}, np.zeros((2, 2)))
    oracle.step_lazy([3, 0, 3], [1.0, -2.0, 2.0], coords=True)
    np.testing.assert_array_equal(oracle.slots["s"], [[4, 0], [0, 9]])
    np.testing.assert_allclose(oracle.w, [[1, 0], [0, -1]])


@pytest.mark.parametrize("rule", ["RowWiseAdaGrad", "EG", "EGPM"])
def test_lazy_step_cannot_split_a_group(rule: str) -> None:
    with pytest.raises(ValueError, match="group"):
        ORACLES[rule]({}, start_weights(rule, 2, 2)).step_lazy([0], [1.0], coords=True)
    with pytest.raises(ValueError, match="group"):
        ORACLES[rule]({}, start_weights(rule, 2)).step_lazy([0], [1.0])


@pytest.mark.parametrize("rule", [name for name, _ in DENSE])
def test_lazy_step_of_whole_sums(rule: str) -> None:
    with pytest.raises(ValueError, match="need a dense gradient"):
        ORACLES[rule]({}, np.ones((2, 2))).step_lazy([0], [[1.0, 1.0]])


@pytest.mark.parametrize("ids", [[-1], [3]], ids=str)
def test_lazy_step_out_of_range(ids: list[int]) -> None:
    with pytest.raises(IndexError, match="out of range"):
        ORACLES["SGD"]({}, np.zeros(3)).step_lazy(ids, [1.0])


# --- shapes ---


@each_case
@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (3, 0), (2, 3, 2)], ids=str)
def test_shapes_survive_a_step(rule: str, hyper: Hyper, shape: tuple[int, ...]) -> None:
    w = np.full(shape, 0.125, dtype=np.float32)
    oracle = ORACLES[rule](hyper, w)
    shapes = {name: slot.shape for name, slot in oracle.slots.items()}
    for _ in range(2):
        oracle.step(np.ones(shape, dtype=np.float32))
    assert isinstance(oracle.w, np.ndarray)
    assert (oracle.w.shape, oracle.w.dtype) == (shape, np.float64)
    assert {name: slot.shape for name, slot in oracle.slots.items()} == shapes
    assert all(isinstance(slot, np.ndarray) and slot.dtype == np.float64 for slot in oracle.slots.values())
    assert (w == np.float32(0.125)).all()

"""Where models are evaluated, and steps that ask for their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from cases import gradients
from oracle import ORACLES

import schuss
from schuss.models.part import Part

SCHEDULE_FREE = [
    schuss.ScheduleFreeSGD(lr=0.1, beta=0.8, power=2.0),
    schuss.ScheduleFreeAdamW(lr=schuss.schedules.WarmUp(schuss.schedules.Constant(0.1), steps=3), weight_decay=0.1),
]


@pytest.mark.parametrize("rule", SCHEDULE_FREE, ids=lambda r: type(r).__name__)
def test_schedule_free_evaluates_at_the_average_of_its_steps(rule: Any) -> None:
    w = np.random.default_rng(0).normal(size=7)
    opt = schuss.Optimizer(w, rule)
    total, weights = np.zeros(7), 0.0
    for t in range(1, 9):
        lr = rule.rate(t - 1)
        opt.step(gradients(7, "float64", t))
        weight = t**rule.power * lr**2
        weights += weight
        total += weight * opt.slots["z"]
    np.testing.assert_allclose(opt.eval_params(), total / weights, rtol=1e-10)


def test_asgd_evaluates_at_torchs_average(request: pytest.FixtureRequest) -> None:
    torch.set_default_dtype(torch.float64)  # of its eta and mu
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    w = np.random.default_rng(0).normal(size=7)
    parameter = torch.nn.Parameter(torch.tensor(w))
    theirs = torch.optim.ASGD([parameter], lr=0.1, t0=3)
    opt = schuss.Optimizer(w, schuss.ASGD(lr=0.1, t0=3.0))
    for seed in range(10):
        g = gradients(7, "float64", seed)
        opt.step(g)
        parameter.grad = torch.tensor(g)
        theirs.step()
    np.testing.assert_allclose(opt.eval_params(), theirs.state[parameter]["ax"].numpy(), rtol=1e-12)


def test_evaluating_puts_the_bits_back() -> None:
    model = {"a": np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32), "b": np.ones(2)}
    opt = schuss.Optimizer(model, {"a": schuss.ScheduleFreeSGD(lr=0.3), "b": schuss.SGD()})
    for seed in range(4):
        opt.step({"a": gradients((3, 2), "float32", seed), "b": np.ones(2)})
    before, point = model["a"].copy(), opt.eval_params()
    with pytest.raises(KeyError), opt.evaluating():
        assert (model["a"] == point["a"]).all()
        assert (model["a"] != before).any()
        with pytest.raises(ValueError, match=r"leave `with opt\.evaluating"):
            opt.step({"a": None, "b": None})
        with pytest.raises(ValueError, match="those for evaluation already"), opt.evaluating():
            pass
        raise KeyError
    assert model["a"].tobytes() == before.tobytes()
    opt.step({"a": gradients((3, 2), "float32", 9), "b": np.ones(2)})


def test_tables_are_evaluated_too() -> None:
    table = schuss.Table(4, 2, schuss.ScheduleFreeSGD(lr=0.1), dtype="float64", init=schuss.init.constant(1.0))
    opt = schuss.Optimizer(table, table.rule)
    for _ in range(3):
        opt.step(schuss.RowGrad(np.array([1]), np.ones((1, 2))))
    x = opt.eval_params()
    assert (x[[0, 2, 3]] == 1).all()
    np.testing.assert_allclose(x[1], 1 - 0.1 * (1 + 2 + 3) / 3)


@pytest.mark.parametrize("t", [1, 10, 1000, 200_000])
def test_nadams_product_needs_no_state(t: int) -> None:
    for psi in (4e-3, 1.0):
        w = np.ones(3)
        rule = schuss.NAdam(lr=0.1, momentum_decay=psi)
        opt, oracle = schuss.Optimizer(w, rule), ORACLES["NAdam"]({"lr": 0.1, "momentum_decay": psi}, w)
        opt._work.steps = oracle.t = t - 1
        for _ in range(2):
            opt.step(np.ones(3))
            oracle.step(np.ones(3))
        np.testing.assert_allclose(w, oracle.w, rtol=1e-13)


# --- functions that return gradients ---


def test_heun_is_of_second_order() -> None:
    """w' = -w from 1: an error that falls with the square of the step, Euler's with the step."""

    def end(rule: Any, steps: int) -> float:
        w = np.ones(1)
        opt = schuss.Optimizer(w, rule)
        for _ in range(steps):
            opt.step(lambda: w.copy())
        return abs(float(w[0]) - np.exp(-1))

    assert 3.8 < end(schuss.Heun(lr=0.02), 50) / end(schuss.Heun(lr=0.01), 100) < 4.2
    assert 1.9 < end(schuss.SGD(lr=0.02), 50) / end(schuss.SGD(lr=0.01), 100) < 2.1


def test_heun_asks_a_schedule_for_whole_steps() -> None:
    asked: list[int] = []

    def lr(step: int) -> float:
        asked.append(step)
        return 0.1 / (step + 1)

    w = np.ones(1)
    opt = schuss.Optimizer(w, schuss.Heun(lr=lr))
    asked.clear()
    for _ in range(2):
        opt.step(lambda: w.copy())
    assert asked == [0, 0, 1, 1]
    assert opt.steps == 4


@pytest.mark.parametrize("kind", ["dense", "rows", "coords"])
@pytest.mark.parametrize("fails", ["raises", "not finite", "shape"])
def test_a_failed_second_gradient_undoes_the_first(kind: str, fails: str) -> None:
    w = np.random.default_rng(0).normal(size=(5, 2) if kind != "coords" else 5)
    opt = schuss.Optimizer(w, schuss.Heun(lr=0.1), ema=0.9)

    def gradient(size: float, rows: int = 3) -> Any:
        if kind == "dense":
            return np.full((5 if rows == 3 else rows, 2), size)
        ids = np.array([1, 4, 1][:rows])
        return schuss.RowGrad(ids, np.full((3, 2), size)) if kind == "rows" else schuss.CoordGrad(ids, np.full(3, size))

    opt.step(lambda: gradient(1.0))
    before = [a.tobytes() for a in (w, opt.slots["p"], opt.averages)]
    calls = []

    def asked() -> Any:
        calls.append(None)
        if len(calls) == 1:
            return gradient(2.0)
        if fails == "raises":
            raise KeyError
        return gradient(np.nan) if fails == "not finite" else gradient(1.0, 2)

    with pytest.raises((KeyError, ValueError)):
        opt.step(asked)
    assert len(calls) == 2
    assert [a.tobytes() for a in (w, opt.slots["p"], opt.averages)] == before
    assert opt.steps == 2


def test_functions_are_refused_where_they_cannot_serve() -> None:
    heun = schuss.Heun(lr=0.1)
    mixed = schuss.Optimizer([np.ones(1), np.ones(1)], [heun, schuss.SGD()])
    with pytest.raises(ValueError, match="give Heun its own Optimizer"):
        mixed.step(lambda: [np.ones(1), np.ones(1)])
    table = schuss.Table(3, 2, heun)
    with pytest.raises(TypeError, match="cannot train tables"):
        schuss.Optimizer(table, heun).step(lambda: None)
    half = schuss.Optimizer(np.ones(1), heun)
    half.step(np.ones(1))
    with pytest.raises(ValueError, match="finish the half step first"):
        half.step(lambda: np.ones(1))
    with pytest.raises(TypeError, match="returned a function"):
        schuss.Optimizer(np.ones(1), schuss.SGD()).step(lambda: lambda: np.ones(1))


@pytest.mark.parametrize("rule", [schuss.Heun(), schuss.LAMB(), schuss.Prodigy()], ids=lambda r: type(r).__name__)
def test_click_models_refuse_what_cannot_learn_by_example(rule: schuss.Rule) -> None:
    with pytest.raises(ValueError, match=f"rule: {type(rule).__name__} "):
        Part(rule, 4, 1)


def test_prodigy_takes_no_table() -> None:
    with pytest.raises(ValueError, match="dense gradients only"):
        schuss.Table(4, 2, schuss.Prodigy())

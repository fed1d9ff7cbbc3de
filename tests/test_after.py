"""What happens to weights after the rule: the proximal step of l1 and the projection onto a box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import CASES, gradients, hyper, start
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import ORACLES

import schuss
from schuss.rules import Rule

FIRST: dict[str, Rule] = {}
for _, case in CASES:
    FIRST.setdefault(type(case).__name__, case)
CHANGED = {name: rule for name, rule in FIRST.items() if not rule.no_after}
FIXED = {name: rule for name, rule in FIRST.items() if rule.no_after}
RTOL = {"float32": 2e-5, "float64": 1e-11}


def after(rule: Rule) -> Rule:
    return rule.replaced(l1=0.3, lower=-0.625, upper=0.75)


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("access", ["span", "rows", "coords"])
@pytest.mark.parametrize("name", CHANGED)
def test_oracle(name: str, access: str, dtype: str) -> None:
    rule = after(CHANGED[name])
    if access != "span" and (rule.info["whole"] or (access == "coords" and rule.info["group"] == "row")):
        return
    shape = (53, 3) if access != "coords" else (153,)
    w = start(rule, shape, dtype, 1)
    oracle = ORACLES[name](hyper(rule), w)
    opt = schuss.Optimizer(w, rule)
    rng = np.random.default_rng(0)
    for seed in range(5):
        ids = rng.integers(shape[0], size=40)
        g = gradients(shape if access == "span" else (40, *shape[1:]), dtype, seed)
        if access == "span":
            oracle.step(g)
            opt.step(g)
        else:
            oracle.step_lazy(ids.tolist(), g, coords=access == "coords")
            opt.step(schuss.RowGrad(ids, g) if access == "rows" else schuss.CoordGrad(ids, g))
    np.testing.assert_allclose(w, oracle.w, rtol=0, atol=RTOL[dtype])
    if access == "span":
        assert w.min() >= -0.625
        assert w.max() <= 0.75


@pytest.mark.parametrize("change", [{"l1": 0.1}, {"lower": 0.0}, {"upper": 1.0}], ids=str)
@pytest.mark.parametrize("name", FIXED)
def test_weights_that_are_made_of_slots_are_left_alone(name: str, change: dict[str, float]) -> None:
    if name == "FTRL" and "l1" in change:
        assert FIXED[name].replaced(l1=0.1).options(0)[3] == 0  # its own, in its formula
        return
    with pytest.raises(ValueError, match=f"{name}: {next(iter(change))}: its weights"):
        FIXED[name].replaced(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"l1": -1.0}, "l1: expected a number in"),
        ({"l1": float("inf")}, "l1: expected a number in"),
        ({"lower": float("nan")}, "lower: expected a number in"),
        ({"lower": 1.0, "upper": 0.5}, "lower: expected at most upper=0.5, got 1.0"),
    ],
    ids=str,
)
def test_bad_values(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        schuss.SGD(**change)
    with pytest.raises(TypeError, match="upper: expected a number"):
        schuss.SGD(upper="1")  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"l1": 0.1}, {"lower": 0.0}], ids=str)
def test_no_exact_form(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"no exact form with {next(iter(change))}"):
        schuss.Table(4, 2, schuss.AdamW(**change), sparse="exact")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 3), st.sampled_from(["float32", "float64"]))
def test_proximal_step_minimises(seed: int, n: int, strength: float, dtype: str) -> None:
    """The result has the least |v - u|^2 / 2 + lr l1 |v| in the box, u being the rule's own: no neighbour is better."""
    rng = np.random.default_rng(seed)
    w, g = rng.normal(size=n).astype(dtype), rng.normal(size=n).astype(dtype)
    free, kept = w.copy(), w.copy()
    schuss.Optimizer(free, schuss.SGD(lr=0.5)).step(g)
    schuss.Optimizer(kept, schuss.SGD(lr=0.5, l1=strength, lower=-1.0, upper=0.5)).step(g)

    def cost(v: Any) -> Any:
        return (v - free.astype(float)) ** 2 / 2 + 0.5 * strength * np.abs(v)

    for other in (np.clip(kept + d, -1, 0.5) for d in (-0.1, -0.001, 0.001, 0.1)):
        assert (cost(kept.astype(float)) <= cost(other.astype(float)) + 1e-6).all()


def test_tables_and_models_have_it() -> None:
    table = schuss.Table(5, 3, schuss.AdaGrad(lr=0.5, lower=0.0), init=schuss.init.constant(0.2))
    table.update(np.array([1, 1, 4]), np.ones((3, 3), np.float32))
    assert table.weights.min() == 0
    assert (table.weights[[0, 2, 3]] == np.float32(0.2)).all()
    half = schuss.Table(5, 3, schuss.SGD(lr=0.5, upper=0.25), init=schuss.init.constant(0.2), dtype="bfloat16")
    half.update(np.array([1]), -np.ones((1, 3), np.float32))
    assert half.lookup(np.array([1])).max() == 0.25


def test_a_state_without_these_options_still_loads() -> None:
    w = np.ones(3)
    opt = schuss.Optimizer(w, schuss.SGD(lr=0.1, lower=0.0))
    state = opt.state_dict()
    for rule in state["header"]["rules"].values():
        for name in ("l1", "lower", "upper"):
            del rule[name]
    opt.load_state_dict(state)
    assert opt.rule == schuss.SGD(lr=0.1, lower=0.0)

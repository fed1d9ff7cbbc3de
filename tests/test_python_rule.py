"""Rules that are written in Python: wherever a rule of schuss works, with the same bits as the same rule in C++."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from cases import gradients

import schuss
from schuss.rules import Rule

Array = Any


@dataclass(frozen=True)
class Ball(Rule):
    """schuss.Momentum, form "torch"."""

    momentum: float = 0.8
    slots = ("b",)

    def apply(self, w: Array, g: Array, slots: dict[str, Array], t: int) -> None:
        b = slots["b"]
        b *= self.momentum
        b += g
        w -= self.lr * b


def pair(**options: Any) -> tuple[Rule, Rule]:
    return Ball(**options), schuss.Momentum(momentum=0.8, **options)


def assert_same(opts: list[schuss.Optimizer]) -> None:
    ours, theirs = (opt.state_dict() for opt in opts)
    assert ours["header"]["steps"] == theirs["header"]["steps"]
    for name, array in theirs["arrays"].items():
        np.testing.assert_array_equal(ours["arrays"][name], array, err_msg=name)


def both(w: Array, optimizer: dict[str, Any], options: dict[str, Any]) -> tuple[list[Array], list[schuss.Optimizer]]:
    weights = [w.copy(), w.copy()]
    return weights, [schuss.Optimizer(x, r, **optimizer) for x, r in zip(weights, pair(**options), strict=True)]


OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "decay": ({}, {"weight_decay": 0.1, "maximize": True}),
    "decoupled": ({}, {"weight_decay": 0.1, "decoupled": True}),
    "schedule": ({}, {"lr": schuss.schedules.Cosine(0.1, steps=5)}),
    "clip": ({"clip_norm": 1.0, "clip_value": 0.5}, {}),
    "accumulate": ({"accumulate": 2}, {}),
    "ema": ({"ema": 0.9}, {}),
    "threads": ({"threads": 2, "nonfinite": "propagate"}, {}),
}
each_option = pytest.mark.parametrize("option", OPTIONS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


@each_dtype
@each_option
@pytest.mark.parametrize("shape", [(0,), (1,), (40_003,), (300, 70), ()], ids=str)
def test_span(shape: tuple[int, ...], option: str, dtype: str) -> None:
    weights, opts = both(np.array(gradients(shape, dtype, 9), dtype), *OPTIONS[option])
    for step in range(4):
        for opt in opts:
            opt.step(np.array(gradients(shape, dtype, step), dtype))
    np.testing.assert_array_equal(*weights)
    assert_same(opts)
    if option == "ema":
        np.testing.assert_array_equal(opts[0].averages, opts[1].averages)


@each_dtype
@each_option
@pytest.mark.parametrize("access", ["rows", "coords", "scipy"])
def test_sparse(access: str, option: str, dtype: str) -> None:
    """Duplicates, absent rows, more than one block."""
    shape = (4000, 21)
    weights, opts = both(gradients(shape, dtype, 9), *OPTIONS[option])
    rng = np.random.default_rng(1)
    for step in range(4):
        values = gradients((3000, 21) if access == "rows" else (3000,), dtype, step)
        ids = rng.integers(4000, size=3000)
        flat = rng.integers(4000 * 21, size=3000)
        g: Any = schuss.RowGrad(ids, values)
        if access == "coords":
            g = schuss.CoordGrad(flat, values)
        elif access == "scipy":
            g = scipy.sparse.csr_array((values, np.divmod(flat, 21)), shape=shape)
        for opt in opts:
            opt.step(g)
    np.testing.assert_array_equal(*weights)
    assert_same(opts)


@pytest.mark.parametrize("dim", [1, 7, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_table(dtype: Any, dim: int) -> None:
    tables = [schuss.Table(5000, dim, rule, dtype=dtype, seed=3) for rule in pair(lr=0.1, weight_decay=0.01)]
    rng = np.random.default_rng(1)
    number = "float64" if dtype == "float64" else "float32"
    for step in range(3):
        ids, values = rng.integers(5000, size=4000), gradients((4000, dim), number, step)
        for table in tables:
            table.update(ids, values)
    np.testing.assert_array_equal(tables[0].weights, tables[1].weights)
    np.testing.assert_array_equal(tables[0].slots["b"], tables[1].slots["b"])


def test_table_file(tmp_path: Any) -> None:
    ids, g = np.array([1, 3]), np.ones((2, 4), np.float32)
    table = schuss.Table(5, 4, Ball(lr=0.1), path=tmp_path / "t")
    table.update(ids, g)
    table.sync()
    want = table.weights.copy()
    del table
    again = schuss.Table.open(tmp_path / "t", Ball(lr=0.1))
    np.testing.assert_array_equal(again.weights, want)
    again.update(ids, g)
    assert again.steps == 2


def test_beside_rules_in_c() -> None:
    params = {"a": np.ones(3), "b": np.ones(3)}
    opt = schuss.Optimizer(params, {"a": Ball(lr=0.5), "b": schuss.SGD(lr=0.5)})
    opt.step({"a": np.ones(3), "b": None})
    opt.step({"a": None, "b": np.ones(3)})
    np.testing.assert_array_equal(params["a"], params["b"])
    assert opt.steps == 2


def test_state_goes_on_and_is_saved(tmp_path: Any) -> None:
    w = np.ones(100)
    opt = schuss.Optimizer(w, Ball(lr=0.1), accumulate=2)
    for step in range(5):
        opt.step(gradients((100,), "float64", step))
    opt.save(tmp_path / "s")
    fresh = schuss.Optimizer(np.zeros(100), Ball(lr=0.7), accumulate=2)
    fresh.load(tmp_path / "s")
    assert fresh.rule == Ball(lr=0.1)
    for o in (opt, fresh):
        o.step(gradients((100,), "float64", 5))
    np.testing.assert_array_equal(w, fresh.params)
    with pytest.raises(ValueError, match="was trained with Ball"):
        schuss.Optimizer(np.zeros(100), schuss.SGD(), accumulate=2).load(tmp_path / "s")


def test_set_changes_numbers_and_knows_slots() -> None:
    w = np.zeros(3)
    opt = schuss.Optimizer(w, Ball(lr=1.0))
    opt.set(lr=0.5, momentum=0.0)
    opt.step(np.ones(3))
    assert w[0] == -0.5


def test_slots_may_start_anywhere_and_t_counts_from_one() -> None:
    seen: list[int] = []

    class Counting(Rule):
        slots = ("s",)

        def start(self, w: Array) -> dict[str, Any]:
            return {"s": 2.0}

        def apply(self, w: Array, g: Array, slots: dict[str, Array], t: int) -> None:
            seen.append(t)
            slots["s"] += t
            w -= g / slots["s"]

    w = np.zeros(1)
    opt = schuss.Optimizer(w, Counting())
    del seen[:]
    for _ in range(2):
        opt.step(np.ones(1))
    assert seen == [1, 2]
    np.testing.assert_allclose(w, -1 / 3 - 1 / 5)


def test_skips_what_is_not_finite() -> None:
    w = np.ones((3, 2))
    opt = schuss.Optimizer(w, Ball(lr=1.0), nonfinite="skip")
    opt.step(schuss.RowGrad(np.array([0, 1]), np.array([[np.nan, 1.0], [1.0, 1.0]])))
    np.testing.assert_array_equal(w, [[1, 1], [0, 0], [1, 1]])
    assert opt.skipped == 1


def test_refuses_exact_steps() -> None:
    opt = schuss.Optimizer(np.ones((3, 2)), Ball(), sparse="exact")
    with pytest.raises(ValueError, match=r'Ball is written in Python and has no exact form; use sparse="lazy"'):
        opt.step(schuss.RowGrad(np.array([0]), np.ones((1, 2))))
    with pytest.raises(ValueError, match="Ball is written in Python"):
        schuss.Table(3, 2, Ball(), sparse="exact")


def test_refused_by_models() -> None:
    with pytest.raises(TypeError, match="Ball is written in Python; models train with rules in C"):
        schuss.models.LR(rule=Ball())


def rule_of(apply: Callable[..., Any], names: Any = ("m",)) -> type[Rule]:
    return type("Mine", (Rule,), {"apply": apply, "slots": names})


def returns(self: Rule, w: Array, g: Array, slots: Any, t: int) -> Any:
    return w - g


def replaces(self: Rule, w: Array, g: Array, slots: Any, t: int) -> None:
    slots["m"] = slots["m"] + g


def adds(self: Rule, w: Array, g: Array, slots: Any, t: int) -> None:
    slots["n"] = g


def reshapes(self: Rule, w: Array, g: Array, slots: Any, t: int) -> None:
    w.shape = (2, -1)


def forgets(self: Rule, w: Array, g: Array, slots: Any, t: int) -> None:
    w = w - g


def fails(self: Rule, w: Array, g: Array, slots: Any, t: int) -> None:
    w -= 1
    raise ZeroDivisionError("mine")


BAD: dict[str, tuple[type[Rule], type[Exception], str]] = {
    "returns": (rule_of(returns), TypeError, r"Mine.apply: expected None, got ndarray; change w and slots in place"),
    "replaces": (rule_of(replaces), ValueError, r"slots were replaced or renamed; write into them, as in slots\['m'\]"),
    "adds": (rule_of(adds), ValueError, r"slots were replaced or renamed"),
    "adds-none": (rule_of(adds, ()), ValueError, r"it has no slots to write to; name them"),
    "reshapes": (rule_of(reshapes), ValueError, r"w now has shape \(2, 4\), was \(8,\); leave shapes alone"),
    "forgets": (rule_of(forgets), ValueError, r"parameter: Mine.apply changes neither w nor slots.* w -= x"),
    "fails": (rule_of(fails), ZeroDivisionError, r"mine"),
    "no apply": (type("Mine", (Rule,), {}), TypeError, r"Mine: write apply\(self, w, g, slots, t\)"),
    "names": (rule_of(forgets, ["m"]), TypeError, r"slots: expected a tuple of names, .* got \['m'\]"),
    "many": (rule_of(forgets, tuple("abcde")), ValueError, r"slots: expected at most 4 different names"),
    "twice": (rule_of(forgets, ("a", "a")), ValueError, r"slots: expected at most 4 different names"),
}


@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own
@pytest.mark.parametrize("case", BAD)
def test_refuses_before_any_step(case: str) -> None:
    kind, error, message = BAD[case]
    w = np.ones(8)
    with pytest.raises(error, match=message):
        schuss.Optimizer(w, kind(lr=0.1))
    np.testing.assert_array_equal(w, np.ones(8))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_rule_that_fails_in_a_step_changes_nothing(accumulate: int) -> None:
    class Late(Rule):
        slots = ("m",)

        def apply(self, w: Array, g: Array, slots: dict[str, Array], t: int) -> None:
            slots["m"] += g
            w -= g
            if t == 2 and self.weight_decay == 0:
                raise ZeroDivisionError("late")

    params = {"a": np.ones(5), "b": np.ones(5)}
    opt = schuss.Optimizer(params, {"a": schuss.SGD(lr=1.0), "b": Late()}, accumulate=accumulate)
    grads = {"a": np.ones(5), "b": np.ones(5)}
    for _ in range(2 * accumulate - 1):
        opt.step(grads)
    before, state = copy.deepcopy(params), opt.state_dict()
    with pytest.raises(ZeroDivisionError, match="late"):
        opt.step(grads)
    assert opt.steps == 1
    for name in params:
        np.testing.assert_array_equal(params[name], before[name])
    np.testing.assert_array_equal(opt.slots["b"]["m"], state["arrays"]["slots:b:m"])
    opt.set("b", weight_decay=1e-300)
    for _ in range(accumulate):
        opt.step(grads)
    assert opt.steps == 2


def test_base_rule_is_no_rule() -> None:
    with pytest.raises(TypeError, match="Rule: write apply"):
        schuss.Rule()
    with pytest.raises(NotImplementedError, match="SGD is stepped in C"):
        schuss.SGD().apply(np.ones(1), np.ones(1), {}, 1)

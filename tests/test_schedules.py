"""Schedules: closed forms, torch where it has the same one, properties, words of every refusal, JSON round trip."""

from __future__ import annotations

import copy
import dataclasses
import doctest
import functools
import json
import math
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schuss import schedules
from schuss.schedules import (
    KINDS,
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Join,
    Polynomial,
    Schedule,
    Step,
    WarmUp,
    as_schedule,
    from_json,
    to_json,
)


def halving(k: int) -> float:
    return float(0.5**k)


class Sawtooth:
    def __call__(self, k: int) -> float:
        return (k % 3) / 10


# --- values

CLOSED: dict[str, tuple[Callable[[int], float], Callable[[int], float]]] = {
    "constant": (Constant(0.3), lambda k: 0.3),
    "step": (Step(0.8, factor=0.1, every=7), lambda k: 0.8 * 0.1 ** (k // 7)),
    "step-up": (Step(0.1, factor=2, every=3), lambda k: 0.1 * 2 ** (k // 3)),
    "exponential": (Exponential(0.8, factor=0.97), lambda k: 0.8 * math.exp(k * math.log(0.97))),
    "exponential-every": (Exponential(0.8, factor=0.5, every=9), lambda k: 0.8 * 2 ** (-k / 9)),
    "line": (Polynomial(0.8, end=0.2, steps=12), lambda k: max(0.8 - 0.05 * k, 0.2)),
    "line-up": (Polynomial(0.2, end=0.8, steps=12), lambda k: min(0.2 + 0.05 * k, 0.8)),
    "parabola": (Polynomial(0.9, end=0.1, steps=10, power=2), lambda k: 0.1 + 0.8 * max(1 - k / 10, 0) ** 2),
    "inverse-sqrt": (InverseSqrt(0.5), lambda k: 0.5 / math.sqrt(k + 1)),
    "inverse-sqrt-warm": (InverseSqrt(0.5, warmup=9), lambda k: min(0.5 * (k + 1) / 9, 1.5 / math.sqrt(k + 1))),
    "cosine": (Cosine(0.8, steps=20), lambda k: 0.8 * math.cos(math.pi * min(k, 20) / 40) ** 2),
    "cosine-end": (Cosine(0.8, end=0.2, steps=15), lambda k: 0.5 + 0.3 * math.cos(math.pi * min(k, 15) / 15)),
    "warm-up": (WarmUp(0.6, steps=6), lambda k: min(0.1 * k, 0.6)),
    "warm-up-start": (WarmUp(0.6, steps=5, start=0.1), lambda k: min(0.1 * (k + 1), 0.6)),
    "warm-up-none": (WarmUp(halving, steps=0), halving),
    "warm-up-callable": (WarmUp(halving, steps=4), lambda k: k / 4 if k < 4 else 0.5 ** (k - 4)),
    "join-one": (Join((halving,), boundaries=()), halving),
    "join": (
        Join((0.7, Step(0.4, factor=0.5, every=2), halving), boundaries=(3, 8)),
        lambda k: 0.7 if k < 3 else 0.4 * 0.5 ** ((k - 3) // 2) if k < 8 else 0.5 ** (k - 8),
    ),
    "nested": (
        WarmUp(Join((0.2, WarmUp(0.4, steps=2)), boundaries=(3,)), steps=2),
        lambda k: [0.0, 0.1, 0.2, 0.2, 0.2, 0.0, 0.2, 0.4][min(k, 7)],
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_form(name: str) -> None:
    schedule, formula = CLOSED[name]
    rates = [schedule(k) for k in range(60)]
    assert rates == pytest.approx([formula(k) for k in range(60)], rel=1e-13, abs=1e-16)
    assert all(type(rate) is float for rate in rates)


@pytest.mark.parametrize("schedule", [Polynomial(0.1, end=0.3, steps=7), Cosine(0.1, end=1e-20, steps=7)], ids=repr)
def test_ends_are_exact(schedule: Polynomial | Cosine) -> None:
    assert schedule(0) == schedule.start
    assert schedule(7) == schedule(8) == schedule(10**9) == schedule.end


def test_inverse_sqrt_peaks_at_start() -> None:
    rates = [InverseSqrt(0.25, warmup=40)(k) for k in range(200)]
    assert max(rates) == rates[39] == 0.25


def test_inverse_sqrt_is_the_papers_up_to_scale() -> None:
    width, warmup = 512, 4000
    schedule = InverseSqrt(1 / math.sqrt(width * warmup), warmup=warmup)
    for t in (1, 10, 3999, 4000, 4001, 100_000):
        assert schedule(t - 1) == pytest.approx(width**-0.5 * min(t**-0.5, t * warmup**-1.5), rel=1e-14)


def torch_rates(steps: int, lr: float, scheduler: str, **options: Any) -> list[float]:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    schedule = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "scheduler", "options"),
    [
        (Step(0.3, factor=0.4, every=7), "StepLR", {"step_size": 7, "gamma": 0.4}),
        (Exponential(0.3, factor=0.95), "ExponentialLR", {"gamma": 0.95}),
        (Cosine(0.3, steps=39), "CosineAnnealingLR", {"T_max": 39}),
        (Cosine(0.3, end=0.02, steps=39), "CosineAnnealingLR", {"T_max": 39, "eta_min": 0.02}),
        (WarmUp(0.3, steps=9, start=0.1), "LinearLR", {"total_iters": 9}),
        (WarmUp(0.3, steps=9, start=0.003), "LinearLR", {"total_iters": 9, "start_factor": 0.01}),
        (Polynomial(0.3, end=0, steps=25), "PolynomialLR", {"total_iters": 25}),
        (Polynomial(0.3, end=0, steps=25, power=2.5), "PolynomialLR", {"total_iters": 25, "power": 2.5}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_same_as_torch(schedule: Schedule, scheduler: str, options: dict[str, Any]) -> None:
    # torch updates recursively: 40 steps of rounding are the tolerance.
    rates = torch_rates(40, 0.3, scheduler, **options)
    assert [schedule(k) for k in range(40)] == pytest.approx(rates, rel=1e-12, abs=1e-15)


# --- properties

rate = st.floats(0, 1e6)
factor = st.floats(1e-3, 1.5)
length = st.integers(1, 50)
step = st.integers(0, 300)
leaf = st.one_of(
    st.builds(Constant, rate),
    st.builds(Step, rate, factor=factor, every=length),
    st.builds(Exponential, rate, factor=factor, every=length),
    st.builds(Polynomial, rate, end=rate, steps=length, power=st.floats(0.1, 5)),
    st.builds(InverseSqrt, rate, warmup=length),
    st.builds(Cosine, rate, end=rate, steps=length),
)


def joins(inner: st.SearchStrategy[Schedule]) -> st.SearchStrategy[Schedule]:
    bounds = st.lists(length, max_size=3, unique=True).map(sorted)
    return bounds.flatmap(
        lambda b: st.builds(
            Join, st.lists(inner, min_size=len(b) + 1, max_size=len(b) + 1), boundaries=st.just(tuple(b))
        )
    )


def warm_ups(inner: st.SearchStrategy[Schedule]) -> st.SearchStrategy[Schedule]:
    return st.builds(WarmUp, inner, steps=st.integers(0, 50), start=rate)


anything = st.recursive(leaf, lambda inner: joins(inner) | warm_ups(inner), max_leaves=4)


@given(anything, step)
def test_never_negative_never_infinite(schedule: Schedule, k: int) -> None:
    assert 0 <= schedule(k) < math.inf


@given(rate, rate, length, st.floats(0.1, 5), step)
def test_stays_between_its_ends(start: float, end: float, steps: int, power: float, k: int) -> None:
    low, high = min(start, end) * (1 - 1e-15), max(start, end) * (1 + 1e-15)
    assert low <= Cosine(start, end=end, steps=steps)(k) <= high
    assert low <= Polynomial(start, end=end, steps=steps, power=power)(k) <= high


@given(anything, st.integers(0, 50), rate, step)
def test_warm_up_meets_what_follows(then: Schedule, steps: int, start: float, k: int) -> None:
    schedule = WarmUp(then, steps=steps, start=start)
    assert schedule(steps + k) == then(k)
    if steps:
        assert schedule(0) == start
        slope = abs(then(0) - start) / steps
        assert abs(then(0) - schedule(steps - 1)) == pytest.approx(slope, rel=1e-9, abs=1e-9)


@given(st.lists(anything, min_size=2, max_size=4), st.lists(length, min_size=3, max_size=3))
def test_join_restarts_each_piece_at_its_boundary(pieces: list[Schedule], lengths: list[int]) -> None:
    bounds = [sum(lengths[: i + 1]) for i in range(len(pieces) - 1)]
    schedule = Join(tuple(pieces), boundaries=tuple(bounds))
    for i, (first, last) in enumerate(zip([0, *bounds], [*bounds, bounds[-1] + 5], strict=True)):
        assert [schedule(k) for k in range(first, last)] == [pieces[i](k) for k in range(last - first)]


@given(rate, rate, rate, length, length)
def test_join_is_continuous_where_the_pieces_meet(a: float, b: float, c: float, m: int, n: int) -> None:
    left, right = Polynomial(a, end=b, steps=m), Cosine(b, end=c, steps=n)
    schedule = Join((left, right, c), boundaries=(m, m + n))
    assert schedule(m) == left(m) == right(0) == b
    assert schedule(m + n) == right(n) == c


@given(anything)
def test_json_round_trip(schedule: Schedule) -> None:
    again = from_json(json.loads(json.dumps(to_json(schedule))))
    assert again == schedule
    assert [again(k) for k in range(60)] == [schedule(k) for k in range(60)]


@given(anything)
def test_printed_form_is_the_constructor(schedule: Schedule) -> None:
    assert eval(repr(schedule), dict(KINDS)) == schedule


@given(anything)
def test_hashable_picklable_copyable(schedule: Schedule) -> None:
    assert len({schedule, pickle.loads(pickle.dumps(schedule)), copy.deepcopy(schedule)}) == 1


# --- construction

EXAMPLES: list[Schedule] = [
    Constant(0.1),
    Step(0.1, factor=0.5, every=2),
    Exponential(0.1, factor=0.5),
    Polynomial(0.1, end=0.0, steps=5),
    InverseSqrt(0.1),
    Cosine(0.1, steps=5),
    WarmUp(0.1, steps=5),
    Join((0.1, 0.2), boundaries=(3,)),
]


def test_every_kind_has_an_example_here() -> None:
    assert [type(schedule) for schedule in EXAMPLES] == list(KINDS.values())


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda schedule: type(schedule).__name__)
def test_frozen(schedule: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(schedule, dataclasses.fields(schedule)[0].name, 1.0)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda schedule: type(schedule).__name__)
def test_only_the_first_argument_is_positional(schedule: Any) -> None:
    first, *others = dataclasses.fields(schedule)
    assert not first.kw_only
    assert all(field.kw_only for field in others)


def test_numpy_and_other_numbers_become_plain() -> None:
    schedule = Step(np.float32(0.5), factor=Fraction(1, 4), every=np.int64(3))  # type: ignore[arg-type]
    assert repr(schedule) == "Step(start=0.5, factor=0.25, every=3)"
    assert repr(Constant(1)) == "Constant(value=1.0)"
    assert schedule(np.int32(3)) == 0.125  # type: ignore[arg-type]


def test_numbers_become_constant_inside() -> None:
    assert WarmUp(0.1, steps=3) == WarmUp(Constant(0.1), steps=3)
    assert Join([0.1, 2], boundaries=[4]) == Join((Constant(0.1), Constant(2.0)), boundaries=(4,))  # type: ignore[arg-type]


def test_as_schedule() -> None:
    schedule = Cosine(0.1, steps=3)
    assert as_schedule(schedule) is schedule
    assert as_schedule(halving) is halving
    assert as_schedule(1) == Constant(1.0)


Refusals = list[tuple[Any, type[Exception]]]
NOT_RATES: Refusals = [(-1, ValueError), (-1e-300, ValueError), (math.nan, ValueError), (math.inf, ValueError)]
NOT_RATES += [(10**400, ValueError), ("0.1", TypeError), (None, TypeError), (True, TypeError), (1j, TypeError)]
NOT_WHOLE: Refusals = [(-1, ValueError), (2.0, TypeError), ("2", TypeError), (None, TypeError), (True, TypeError)]
RANGES: dict[str, Refusals] = {
    "a finite number >= 0": NOT_RATES,
    "a finite number > 0": [*NOT_RATES, (0, ValueError), (0.0, ValueError)],
    "a whole number >= 0": NOT_WHOLE,
    "a whole number >= 1": [*NOT_WHOLE, (0, ValueError)],
}
ARGUMENTS = {
    ("Constant", "value"): "a finite number >= 0",
    ("Step", "start"): "a finite number >= 0",
    ("Step", "factor"): "a finite number > 0",
    ("Step", "every"): "a whole number >= 1",
    ("Exponential", "start"): "a finite number >= 0",
    ("Exponential", "factor"): "a finite number > 0",
    ("Exponential", "every"): "a whole number >= 1",
    ("Polynomial", "start"): "a finite number >= 0",
    ("Polynomial", "end"): "a finite number >= 0",
    ("Polynomial", "steps"): "a whole number >= 1",
    ("Polynomial", "power"): "a finite number > 0",
    ("InverseSqrt", "start"): "a finite number >= 0",
    ("InverseSqrt", "warmup"): "a whole number >= 1",
    ("Cosine", "start"): "a finite number >= 0",
    ("Cosine", "end"): "a finite number >= 0",
    ("Cosine", "steps"): "a whole number >= 1",
    ("WarmUp", "steps"): "a whole number >= 0",
    ("WarmUp", "start"): "a finite number >= 0",
}


def refused(error: type[Exception], message: str, call: Callable[[], object]) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def words(value: Any, error: type[Exception]) -> str:
    return repr(value) if error is TypeError else str(value)


@pytest.mark.parametrize(("kind", "argument"), ARGUMENTS, ids=".".join)
def test_words_of_a_refused_number(kind: str, argument: str) -> None:
    example = next(schedule for schedule in EXAMPLES if type(schedule).__name__ == kind)
    allowed = ARGUMENTS[kind, argument]
    for value, error in RANGES[allowed]:
        message = f"{kind}: {argument} must be {allowed}, got {words(value, error)}"
        refused(error, message, lambda value=value: dataclasses.replace(example, **{argument: value}))  # type: ignore[type-var, misc]


def test_every_argument_is_refused_somewhere() -> None:
    fields = {(type(s).__name__, field.name) for s in EXAMPLES for field in dataclasses.fields(s)}  # type: ignore[arg-type]
    assert fields - set(ARGUMENTS) == {("WarmUp", "then"), ("Join", "schedules"), ("Join", "boundaries")}


def test_the_words_of_the_style_guide() -> None:
    refused(ValueError, "Cosine: steps must be a whole number >= 1, got 0", lambda: Cosine(0.1, steps=0))


KIND_OF_SCHEDULE = "must be a finite number >= 0, a schedule or a callable of the step, got"


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, f"schedule {KIND_OF_SCHEDULE} '0.1'", lambda: as_schedule("0.1")),  # type: ignore[arg-type]
        (TypeError, f"schedule {KIND_OF_SCHEDULE} True", lambda: as_schedule(True)),
        (TypeError, f"schedule {KIND_OF_SCHEDULE} {Cosine!r}", lambda: as_schedule(Cosine)),  # type: ignore[arg-type]
        (TypeError, f"lr {KIND_OF_SCHEDULE} None", lambda: as_schedule(None, "lr")),  # type: ignore[arg-type]
        (ValueError, "lr must be a finite number >= 0, got -1", lambda: as_schedule(-1, "lr")),
        (TypeError, f"WarmUp: then {KIND_OF_SCHEDULE} 'x'", lambda: WarmUp("x", steps=1)),  # type: ignore[arg-type]
        (ValueError, "WarmUp: then must be a finite number >= 0, got nan", lambda: WarmUp(math.nan, steps=1)),
        (TypeError, "Join: schedules must be a tuple or a list, got 0.1", lambda: Join(0.1, boundaries=())),  # type: ignore[arg-type]
        (ValueError, "Join: schedules must hold at least one schedule, got none", lambda: Join((), boundaries=())),
        (
            TypeError,
            f"Join: schedules[1] {KIND_OF_SCHEDULE} None",
            lambda: Join((1, None), boundaries=(1,)),  # type: ignore[arg-type]
        ),
        (TypeError, "Join: boundaries must be a tuple or a list, got 5", lambda: Join((1, 2), boundaries=5)),  # type: ignore[arg-type]
        (
            ValueError,
            "Join: boundaries[0] must be a whole number >= 1, got 0",
            lambda: Join((1, 2), boundaries=(0,)),
        ),
        (
            TypeError,
            "Join: boundaries[1] must be a whole number >= 1, got 2.5",
            lambda: Join((1, 2, 3), boundaries=(1, 2.5)),  # type: ignore[arg-type]
        ),
        (
            ValueError,
            "Join: boundaries must be 1, one fewer than schedules, got 2",
            lambda: Join((1, 2), boundaries=(1, 2)),
        ),
        (
            ValueError,
            "Join: boundaries must be strictly increasing, got (5, 5)",
            lambda: Join((1, 2, 3), boundaries=(5, 5)),
        ),
        (ValueError, "Cosine: k must be a whole number >= 0, got -1", lambda: Cosine(0.1, steps=5)(-1)),
        (TypeError, "Cosine: k must be a whole number >= 0, got 1.0", lambda: Cosine(0.1, steps=5)(1.0)),  # type: ignore[arg-type]
        (
            ValueError,
            "WarmUp: the rate after 2 steps must be a finite number >= 0, got -2.0",
            lambda: WarmUp(lambda k: -2.0, steps=2)(2),
        ),
        (
            ValueError,
            "Exponential: the rate after 5000 steps must be a finite number >= 0, got inf",
            lambda: Exponential(1.0, factor=2.0)(5000),
        ),
        (
            ValueError,
            "Step: the rate after 1023 steps must be a finite number >= 0, got inf",
            lambda: Step(4.0, factor=2.0, every=1)(1023),
        ),
    ],
)
def test_words_of_other_refusals(error: type[Exception], message: str, call: Callable[[], object]) -> None:
    refused(error, message, call)


# --- JSON


def test_json_is_plain_and_nested() -> None:
    assert to_json(Join((WarmUp(0.1, steps=2), Cosine(0.5, steps=9)), boundaries=(4,))) == {
        "schedule": "Join",
        "schedules": [
            {"schedule": "WarmUp", "then": {"schedule": "Constant", "value": 0.1}, "steps": 2, "start": 0.0},
            {"schedule": "Cosine", "start": 0.5, "end": 0.0, "steps": 9},
        ],
        "boundaries": [4],
    }
    assert to_json(0.1) == {"schedule": "Constant", "value": 0.1}


class Custom(Schedule):
    def _at(self, k: int) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (halving, f"{__name__}.halving"),
        (lambda k: 0.1, f"{__name__}.<lambda>"),
        (Sawtooth(), f"{__name__}.Sawtooth"),
        (Custom(), f"{__name__}.Custom"),
        (functools.partial(halving), "functools.partial"),
    ],
    ids=["function", "lambda", "object", "subclass", "partial"],
)
def test_json_of_a_callable_is_its_name(schedule: Callable[[int], float], name: str) -> None:
    stored = {"schedule": "callable", "name": name}
    assert to_json(schedule) == stored
    assert to_json(WarmUp(schedule, steps=1))["then"] == stored
    message = f"from_json: the callable {name} is not stored; give the schedule again"
    refused(ValueError, message, lambda: from_json(stored))
    refused(ValueError, message, lambda: from_json(to_json(Join((schedule,), boundaries=()))))


NAMES = ", ".join(KINDS)


@pytest.mark.parametrize(
    ("error", "message", "data"),
    [
        (TypeError, "from_json: data must be a dict made by to_json, got 0.1", 0.1),
        (ValueError, f'from_json: data["schedule"] must be one of {NAMES}, got None', {}),
        (ValueError, f"from_json: data[\"schedule\"] must be one of {NAMES}, got 'Cos'", {"schedule": "Cos"}),
        (ValueError, f'from_json: data["schedule"] must be one of {NAMES}, got []', {"schedule": []}),
        (ValueError, "Constant: value must be a finite number >= 0, got -1", {"schedule": "Constant", "value": -1}),
        (
            ValueError,
            "from_json: Constant: value must be a finite number >= 0, got '1'",
            {"schedule": "Constant", "value": "1"},
        ),
    ],
)
def test_words_of_refused_json(error: type[Exception], message: str, data: Any) -> None:
    refused(error, message, lambda: from_json(data))


@pytest.mark.parametrize("data", [{"schedule": "Cosine", "start": 1}, {"schedule": "Constant", "value": 1, "x": 2}])
def test_json_with_missing_or_unknown_arguments(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^from_json: .*(steps|x)"):
        from_json(data)


def test_json_uses_defaults_for_what_is_left_out() -> None:
    assert from_json({"schedule": "Cosine", "start": 1, "steps": 2}) == Cosine(1.0, end=0.0, steps=2)


# --- documentation


def test_docstring_examples_run() -> None:
    failed, run = doctest.testmod(schedules)
    assert failed == 0
    assert run >= len(KINDS)


@pytest.mark.parametrize("thing", [*KINDS.values(), as_schedule, to_json, from_json], ids=lambda thing: thing.__name__)
def test_docstring_law(thing: Any) -> None:
    for part in ("Parameters:", "Returns:", "Example:"):
        assert part in thing.__doc__
    if thing in KINDS.values():
        assert "rate(k) = " in thing.__doc__

"""Every way to be wrong: which exception, in which words, and that nothing has changed afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import sparse

import schuss
from schuss import CoordGrad, Optimizer, RowGrad, _cold, _level, rules

Array = npt.NDArray[Any]
F = np.float32
NAN, INF = float("nan"), float("inf")


def model() -> dict[str, Array]:
    return {"w": np.linspace(-1, 1, 12, dtype=F).reshape(4, 3), "b": np.linspace(0, 1, 5, dtype=F)}


def good() -> dict[str, Array]:
    return {"w": np.linspace(1, 2, 12, dtype=F).reshape(4, 3), "b": np.linspace(-1, 1, 5, dtype=F)}


def snapshot(opt: Optimizer) -> list[Any]:
    """All there is to an optimizer, to the last bit."""
    state = opt.state_dict()
    header = {k: v for k, v in state["header"].items() if k != "rules"}
    arrays = {k: (a.dtype, a.shape, a.tobytes()) for k, a in state["arrays"].items()}
    return [[w.tobytes() for w in opt._leaves], header, arrays, repr(opt.rule), opt.steps, opt.skipped]


def refused(opt: Optimizer, act: Callable[[], Any], error: type[Exception], words: str) -> None:
    """The error, in these words, and not a bit of the optimizer is another."""
    before = snapshot(opt)
    with pytest.raises(error, match=words) as caught:
        act()
    assert type(caught.value) is error
    assert snapshot(opt) == before


def with_b(b: Any) -> dict[str, Any]:
    return {**good(), "b": b}


def with_w(w: Any) -> dict[str, Any]:
    return {**good(), "w": w}


def planted(value: float, *at: int, key: str = "w") -> dict[str, Array]:
    grads = good()
    grads[key][at] = value
    return grads


def unaligned() -> Array:
    return np.frombuffer(bytearray(21), np.uint8)[1:].view(F)


def ones(*shape: int) -> Array:
    return np.ones(shape, F)


def rows(*values: float) -> Array:
    return np.array([[v, 1, 1] for v in values], F)


# --- parameters

BASE = np.zeros(10, F)


def read_only() -> Array:
    w = np.zeros(3)
    w.flags.writeable = False
    return w


PARAMS: dict[str, tuple[Any, type[Exception], str]] = {
    "int": (np.zeros(3, int), TypeError, r"parameter: expected float32 or float64, got int64; use .astype"),
    "float16": (np.zeros(3, np.float16), TypeError, r"parameter: expected float32 or float64, got float16"),
    "complex": (np.zeros(3, complex), TypeError, r"expected float32 or float64, got complex128"),
    "bool": (np.zeros(3, bool), TypeError, r"expected float32 or float64, got bool"),
    "object": (np.zeros(3, object), TypeError, r"expected float32 or float64, got object"),
    "byte order": (np.zeros(3, ">f4"), TypeError, r"parameter: expected native byte order"),
    "stride": (np.zeros(6)[::2], ValueError, r"parameter: expected a C-contiguous array"),
    "Fortran": (np.zeros((3, 2), order="F"), ValueError, r"expected a C-contiguous array.*ascontiguousarray"),
    "unaligned": (unaligned(), ValueError, r"parameter: expected an aligned array"),
    "read-only": ({"w": read_only()}, ValueError, r"parameter 'w': expected a writable array, got a read-only one"),
    "number": (1.0, TypeError, r"parameter: expected a NumPy array, got float"),
    "list of numbers": ([1.0, 2.0], TypeError, r"parameter '0': expected a NumPy array, got float"),
    "None": ({"a": None}, TypeError, r"parameter 'a': expected a NumPy array, got NoneType"),
    "nested": ({"a": {"b": [np.zeros(2, int)]}}, TypeError, r"parameter 'a/b/0': expected float32 or float64"),
    "empty dict": ({}, ValueError, r"params: expected at least one array"),
    "empty lists": ([[], []], ValueError, r"params: expected at least one array"),
    "overlap": ({"a": BASE[:6], "b": BASE[4:]}, ValueError, r"params: 'a' and 'b' share memory.*copy"),
    "same twice": ([BASE, BASE], ValueError, r"params: '0' and '1' share memory"),
    "same name": ({"a/b": np.zeros(2), "a": {"b": np.zeros(2)}}, ValueError, r"both named 'a/b'"),
}


@pytest.mark.parametrize(("params", "error", "words"), PARAMS.values(), ids=PARAMS)
def test_params(params: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Optimizer(params, schuss.SGD())


# --- gradients

Grads = Callable[[dict[str, Array], Optimizer], Any]
IDS = np.array([3, 1])

GRADS: dict[str, tuple[Grads, type[Exception], str]] = {
    # numbers and layout
    "float64 for float32": (lambda m, o: with_b(np.ones(5)), TypeError, r"of 'b': expected float32, got float64"),
    "int": (lambda m, o: with_b(np.ones(5, int)), TypeError, r"of 'b': expected float32, got int64; use .astype"),
    "float16": (lambda m, o: with_b(np.ones(5, np.float16)), TypeError, r"of 'b': expected float32, got float16"),
    "byte order": (lambda m, o: with_b(np.ones(5, ">f4")), TypeError, r"of 'b': expected native byte order"),
    "shape": (lambda m, o: with_b(ones(6)), ValueError, r"of 'b': expected shape \(5,\), got \(6,\)"),
    "transposed shape": (lambda m, o: with_w(ones(3, 4)), ValueError, r"expected shape \(4, 3\), got \(3, 4\)"),
    "flat": (lambda m, o: with_w(ones(12)), ValueError, r"of 'w': expected shape \(4, 3\), got \(12,\)"),
    "0-D": (lambda m, o: with_b(np.array(1, F)), ValueError, r"of 'b': expected shape \(5,\), got \(\)"),
    "stride": (lambda m, o: with_b(ones(10)[::2]), ValueError, r"of 'b': expected a C-contiguous array"),
    "reversed": (lambda m, o: with_b(ones(5)[::-1]), ValueError, r"of 'b': expected a C-contiguous array"),
    "Fortran": (lambda m, o: with_w(np.ones((4, 3), F, order="F")), ValueError, r"of 'w': expected a C-contiguous"),
    "unaligned": (lambda m, o: with_b(unaligned()), ValueError, r"of 'b': expected an aligned array"),
    "list": (lambda m, o: with_b([1.0] * 5), TypeError, r"of 'b': expected a NumPy array, RowGrad.* or None, got list"),
    "number": (lambda m, o: with_b(1.0), TypeError, r"of 'b': expected a NumPy array.*got float"),
    # memory
    "is the parameter": (lambda m, o: with_b(m["b"]), ValueError, r"'b': shares memory with parameter 'b'.*copy"),
    "in another parameter": (
        lambda m, o: with_b(m["w"].reshape(-1)[7:]),
        ValueError,
        r"gradient of 'b': shares memory with parameter 'w'",
    ),
    "is a slot": (lambda m, o: with_b(o.slots["b"]["m"]), ValueError, r"shares memory with parameter 'b' or its slots"),
    "is an average": (lambda m, o: with_b(o.averages["b"]), ValueError, r"shares memory with parameter 'b'"),
    "rows in a slot": (
        lambda m, o: with_w(RowGrad(IDS, o.slots["w"]["v"][1:3])),
        ValueError,
        r"gradient of 'w': shares memory with parameter 'w' or its slots",
    ),
    # trees
    "missing key": (lambda m, o: {"w": good()["w"]}, ValueError, r"grads: 'b' is missing; give None"),
    "extra key": (lambda m, o: {**good(), "c": ones(1)}, ValueError, r"grads: 'c' is no parameter; leave it out"),
    "other key": (lambda m, o: {"w": good()["w"], "c": ones(5)}, ValueError, r"grads: 'b' is missing"),
    "list for dict": (lambda m, o: list(good().values()), TypeError, r"grads: expected a dict like .*, got list"),
    "array for dict": (lambda m, o: ones(5), TypeError, r"grads: expected a dict like .*, got ndarray"),
    "dict for array": (lambda m, o: with_b({"x": ones(5)}), TypeError, r"of 'b': expected a NumPy array.*got dict"),
    # ids
    "ids list of floats": (lambda m, o: with_w(RowGrad([1.0], ones(1, 3))), TypeError, r"ids: expected int32.*float64"),
    "ids float": (
        lambda m, o: with_w(RowGrad(IDS.astype(float), ones(2, 3))),
        TypeError,
        r"gradient of 'w': ids: expected int32, int64, uint32 or uint64, got float64",
    ),
    "ids bool": (lambda m, o: with_w(RowGrad(IDS > 2, ones(2, 3))), TypeError, r"ids: expected int32.*got bool"),
    "ids int16": (lambda m, o: with_w(RowGrad(IDS.astype("i2"), ones(2, 3))), TypeError, r"ids: expected.*got int16"),
    "ids 2-D": (lambda m, o: with_w(RowGrad(IDS[None], ones(2, 3))), ValueError, r"ids: expected one dim.*\(1, 2\)"),
    "ids 0-D": (lambda m, o: with_w(RowGrad(np.array(1), ones(1, 3))), ValueError, r"ids: expected one dimension"),
    "ids stride": (lambda m, o: with_w(RowGrad(np.arange(4)[::2], ones(2, 3))), ValueError, r"ids: expected a C-cont"),
    "ids byte order": (lambda m, o: with_w(RowGrad(IDS.astype(">i8"), ones(2, 3))), TypeError, r"ids: .*byte order"),
    "index 2-D": (lambda m, o: with_w(CoordGrad(IDS[None], ones(2))), ValueError, r"'w': index: expected one dim"),
    "index float": (lambda m, o: with_w(CoordGrad(IDS * 1.0, ones(2))), TypeError, r"'w': index: .* got float64"),
    # values
    "row width": (
        lambda m, o: with_w(RowGrad(IDS, ones(2, 4))),
        ValueError,
        r"gradient of 'w': values: expected shape \(2, 3\), got \(2, 4\)",
    ),
    "too few rows": (lambda m, o: with_w(RowGrad(IDS, ones(1, 3))), ValueError, r"values: .*\(2, 3\), got \(1, 3\)"),
    "flat rows": (lambda m, o: with_w(RowGrad(IDS, ones(2))), ValueError, r"values: .*\(2, 3\), got \(2,\)"),
    "row values float64": (lambda m, o: with_w(RowGrad(IDS, np.ones((2, 3)))), TypeError, r"values: expected float32"),
    "row values stride": (lambda m, o: with_w(RowGrad(IDS, ones(2, 6)[:, ::2])), ValueError, r"values: .*C-contiguous"),
    "wide rows of 1-D": (lambda m, o: with_b(RowGrad(IDS, ones(2, 1))), ValueError, r"values: .*\(2,\), got \(2, 1"),
    "coord values 2-D": (lambda m, o: with_w(CoordGrad(IDS, ones(2, 1))), ValueError, r"values: .*\(2,\), got \(2, 1"),
    "coord values int": (lambda m, o: with_w(CoordGrad(IDS, IDS)), TypeError, r"values: expected float32, got int64"),
    # scipy
    "scipy shape": (
        lambda m, o: with_w(sparse.csr_array(ones(3, 4))),
        ValueError,
        r"gradient of 'w': expected shape \(4, 3\), got \(3, 4\)",
    ),
    "scipy 2-D for 1-D": (lambda m, o: with_b(sparse.csr_array(ones(1, 5))), ValueError, r"\(5,\), got \(1, 5\)"),
    "scipy float64": (lambda m, o: with_w(sparse.csr_array(np.ones((4, 3)))), TypeError, r"values: expected float32"),
    "scipy nan": (lambda m, o: with_w(sparse.coo_array(rows(1, NAN, 1, 1))), ValueError, r"'w': nan at index"),
    # not finite
    "nan": (lambda m, o: planted(NAN, 2, 1), ValueError, r"of 'w': nan at index \(2, 1\); nothing was changed"),
    "inf": (lambda m, o: planted(INF, 0, 0), ValueError, r"gradient of 'w': inf at index \(0, 0\)"),
    "-inf": (lambda m, o: planted(-INF, 3, 2), ValueError, r"gradient of 'w': -inf at index \(3, 2\)"),
    "nan, second": (lambda m, o: planted(NAN, 4, key="b"), ValueError, r"gradient of 'b': nan at index \(4,\)"),
    "inf, second": (lambda m, o: planted(INF, 0, key="b"), ValueError, r"gradient of 'b': inf at index \(0,\)"),
    "nan in rows": (
        lambda m, o: with_w(RowGrad([3, 1, 3], rows(1, 1, NAN))),
        ValueError,
        r"gradient of 'w': nan at index \(2, 0\)",
    ),
    "inf in rows": (lambda m, o: with_w(RowGrad([3, 1], rows(INF, 1))), ValueError, r"'w': inf at index \(0, 0\)"),
    "nan in coords": (
        lambda m, o: with_w(CoordGrad([11, 0], np.array([1, NAN], F))),
        ValueError,
        r"gradient of 'w': nan at index \(1,\)",
    ),
    "-inf in coords of the second": (
        lambda m, o: with_b(RowGrad([4, 0, 4], np.array([-INF, 1, 1], F))),
        ValueError,
        r"gradient of 'b': -inf at index \(0,\)",
    ),
}

for kind in ("int32", "int64", "uint32", "uint64"):
    for value in (4, 5, np.iinfo(kind).max, *((-1, np.iinfo(kind).min) if kind[0] == "i" else ())):
        ids = np.array([0, value, 1], kind)
        GRADS[f"{kind} id {value}"] = (
            lambda m, o, ids=ids: with_w(RowGrad(ids, ones(3, 3))),
            IndexError,
            rf"gradient of 'w': id {value} at position 1 is out of range; expected 0 to 3",
        )
    for value in (12, *((-1,) if kind[0] == "i" else ())):
        index = np.array([11, 0, value], kind)
        GRADS[f"{kind} coordinate {value}"] = (
            lambda m, o, index=index: with_w(CoordGrad(index, ones(3))),
            IndexError,
            rf"gradient of 'w': coordinate {value} at position 2 is out of range; expected 0 to 11",
        )

SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipped": {"clip_norm": 1.0, "clip_value": 0.5},
    "gathering": {"accumulate": 3},
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize(("grads", "error", "words"), GRADS.values(), ids=GRADS)
def test_gradients(grads: Grads, error: type[Exception], words: str, setting: dict[str, Any]) -> None:
    """Refused without a trace: afterwards the optimizer goes on like one that has never seen them."""
    m, other = model(), model()
    opt, control = (Optimizer(x, schuss.Adam(lr=0.1), ema=0.9, **setting) for x in (m, other))
    start = {"w": None, "b": None} if setting.get("accumulate") else good()  # forms of gathered gradients must agree
    for o in (opt, control):
        o.step(start)
    refused(opt, lambda: opt.step(grads(m, opt)), error, words)
    for _ in range(3):
        for o in (opt, control):
            o.step(good())
    assert snapshot(opt) == snapshot(control)
    assert opt.steps > 0


def test_only_array() -> None:
    opt = Optimizer(np.zeros(3), schuss.SGD())
    refused(opt, lambda: opt.step(ones(3)), TypeError, r"^gradient: expected float64, got float32")
    refused(opt, lambda: opt.step([np.ones(3)]), TypeError, r"^gradient: expected a NumPy array.*got list")
    refused(opt, lambda: opt.step(np.array([1, NAN, 1])), ValueError, r"^gradient: nan at index \(1,\)")


def test_list_of_wrong_length() -> None:
    opt = Optimizer([np.zeros(3), (np.zeros(2), np.zeros(1))], schuss.SGD())
    refused(opt, lambda: opt.step([np.ones(3)]), ValueError, r"grads: expected 2 gradients, got 1; give None")
    refused(opt, lambda: opt.step([None] * 3), ValueError, r"grads: expected 2 gradients, got 3")
    refused(opt, lambda: opt.step([None, [np.ones(2)]]), ValueError, r"grads: expected 2 gradients, got 1")
    refused(opt, lambda: opt.step({0: np.ones(3)}), TypeError, r"grads: expected a list like .*, got dict")
    opt.step([None, [np.ones(2), None]])
    assert opt.steps == 1


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("at", [0, 16_383, 16_384, 77_777, 99_999])
def test_first_bad_number_of_many(at: int, threads: int) -> None:
    w, g = np.zeros(100_000, F), ones(100_000)
    g[at] = NAN
    g[at + 1 :] = INF
    opt = Optimizer(w, schuss.Adam(), threads=threads)
    refused(opt, lambda: opt.step(g), ValueError, rf"gradient: nan at index \({at},\)")


def test_what_was_gathered_outlives_a_refusal() -> None:
    opt = Optimizer(model(), schuss.Adam(), accumulate=3)
    opt.step({"w": RowGrad([1, 1], ones(2, 3)), "b": ones(5)})
    before = opt.state_dict()["arrays"]
    assert any(k.startswith("sum:w") for k in before)
    assert any(k.startswith("sum:b") for k in before)
    refused(opt, lambda: opt.step({"w": RowGrad([1], ones(1, 3)), "b": ones(5) * F(NAN)}), ValueError, "nan")
    refused(opt, lambda: opt.step({"w": RowGrad([9], ones(1, 3)), "b": ones(5)}), IndexError, "id 9")


KINDS: dict[str, Any] = {"dense": ones(4, 3), "rows": RowGrad([1], ones(1, 3)), "coords": CoordGrad([1], ones(1))}


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in KINDS for b in KINDS if a != b])
def test_mixed_kinds_while_accumulating(first: str, second: str) -> None:
    opt = Optimizer(model(), schuss.Adam(), accumulate=2)
    opt.step(with_w(KINDS[first]))
    refused(opt, lambda: opt.step(with_w(KINDS[second])), TypeError, r"of 'w': dense and sparse .* cannot be accum")
    opt.step(with_w(KINDS[first]))
    assert opt.steps == 1


def test_norm_that_overflows() -> None:
    opt = Optimizer(np.zeros(3), schuss.SGD(), clip_norm=1.0)
    refused(opt, lambda: opt.step(np.full(3, 1e300)), ValueError, r"grads: their norm overflows float64")
    opt.step(np.ones(3))


def test_norm_is_that_of_the_last_step() -> None:
    opt = Optimizer(np.zeros(2), schuss.SGD(), clip_norm=1.0)
    opt.step(np.array([3.0, 4.0]))
    refused(opt, lambda: opt.step(np.array([1.0, NAN])), ValueError, "nan")
    assert opt.norm == 5.0


# --- rules

ROW_RULES = {"RowWiseAdaGrad": schuss.RowWiseAdaGrad(), "EG": schuss.EG(), "EGPM": schuss.EGPM(total=4.0)}


@pytest.mark.parametrize("rule", ROW_RULES.values(), ids=ROW_RULES)
@pytest.mark.parametrize(
    "grads",
    [
        lambda: [CoordGrad([1], ones(1)), None],
        lambda: [sparse.csr_array(ones(4, 4)), None],
        lambda: [None, RowGrad([1], ones(1))],
        lambda: [None, CoordGrad([1], ones(1))],
    ],
    ids=["coords", "scipy", "rows of 1-D", "coords of 1-D"],
)
def test_coordinates_of_row_rules(rule: schuss.Rule, grads: Callable[[], Any]) -> None:
    opt = Optimizer([np.full((4, 4), 0.25, F), np.full(4, 0.25, F)], rule)
    refused(opt, lambda: opt.step(grads()), TypeError, r"shares numbers along a row.*give whole rows")
    opt.step([RowGrad([1], ones(1, 4)), ones(4)])
    assert opt.steps == 1


WEIGHTS: dict[str, tuple[Any, Any, str]] = {
    "EG off the simplex": (schuss.EG(), [0.5, 0.6], r"parameter: EG needs weights that sum to 1 in each row, got 1\.1"),
    "EG second row": (schuss.EG(), [[0.5, 0.5], [0.5, 0.2]], r"EG needs weights that sum to 1 in each row, got 0\.7"),
    "EG negative": (schuss.EG(), [-0.5, 1.5], r"parameter: EG needs weights >= 0, got -0\.5"),
    "EG nan": (schuss.EG(), [NAN, 1.0], r"EG needs weights"),
    "EGU negative": (schuss.EGU(), [1.0, -2.0], r"parameter: EGU needs weights >= 0, got -2.0; use EGPM"),
    "EGPM too large": (schuss.EGPM(), [1.0, -2.0], r"EGPM needs a 1-norm below total=1\.0, got 3; raise total"),
    "EGPM second row": (schuss.EGPM(total=2.0), [[1.0, 0.5], [2.0, 1.0]], r"EGPM needs a 1-norm below .* got 3"),
}


@pytest.mark.parametrize(("rule", "weights", "words"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_a_rule_cannot_train(rule: schuss.Rule, weights: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Optimizer(np.array(weights), rule)


def out_of_range() -> dict[str, tuple[str, str, Any, type[Exception]]]:
    """For every number of every rule: beyond both ends, an open end itself, no number at all."""
    found: dict[str, tuple[str, str, Any, type[Exception]]] = {}
    for name, kind in rules.ALL.items():
        for field, interval in {"lr": "[0, inf)", "weight_decay": "[0, inf)", **kind.ranges}.items():
            if field not in kind()._init_fields():
                continue
            low, high = (float(end) for end in interval[1:-1].split(","))
            numbers = {low - 1, high + 1, INF, -INF} | ({low} if interval[0] == "(" else set())
            numbers |= {high} if interval[-1] == ")" else set()
            for value in (*sorted(numbers), NAN, np.float32(NAN)):
                found[f"{name} {field} {value!r}"] = name, field, value, ValueError
            for value in (True, "0.1", 1j, [0.1], None):
                if not (value is None and field in kind.optional):
                    found[f"{name} {field} {value!r}"] = name, field, value, TypeError
        for field in kind.choices:
            for value in ("nowhere", "", None, 1):
                found[f"{name} {field} {value!r}"] = name, field, value, ValueError
        for field in kind()._init_fields():
            if isinstance(getattr(kind(), field), bool):
                for value in (1, "yes", None):
                    found[f"{name} {field} {value!r}"] = name, field, value, TypeError
    return found


HYPER = out_of_range()


@pytest.mark.parametrize(("name", "field", "value", "error"), HYPER.values(), ids=HYPER)
def test_hyper_parameters(name: str, field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"{name}: {field}: expected"):
        rules.ALL[name](**{field: value})
    opt = Optimizer(np.full((2, 2), 0.5 if name == "EG" else 0.1), rules.ALL[name]())
    refused(opt, lambda: opt.set(**{field: value}), error, rf"{name}: {field}: expected")


@pytest.mark.parametrize("name", rules.ALL)
def test_unknown_fields(name: str) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        rules.ALL[name](nonsense=1)
    with pytest.raises(TypeError):
        rules.ALL[name](0.1, 0.2)
    opt = Optimizer(np.full((2, 2), 0.5 if name == "EG" else 0.1), rules.ALL[name]())
    refused(opt, lambda: opt.set(nonsense=1), TypeError, rf"{name} has no 'nonsense'; it has lr")


@pytest.mark.parametrize("name", ["FTRL", "EGPM"])
def test_no_decoupled_decay(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: decoupled"):
        rules.ALL[name](weight_decay=0.1, decoupled=True)


def test_ftrl_without_a_denominator() -> None:
    with pytest.raises(ValueError, match=r"FTRL: beta: expected above 0"):
        schuss.FTRL(beta=0.0)


SCHEDULES: dict[str, tuple[Any, type[Exception]]] = {
    "nan": (NAN, ValueError),
    "inf": (INF, ValueError),
    "negative": (-0.1, ValueError),
    "str": ("0.1", TypeError),
    "None": (None, TypeError),
    "bool": (True, TypeError),
    "array": (np.ones(2), TypeError),
}


@pytest.mark.parametrize(("value", "error"), SCHEDULES.values(), ids=SCHEDULES)
def test_schedules(value: Any, error: type[Exception]) -> None:
    words = r"SGD: lr: the schedule's value at step {}: expected a number in \[0, inf\)"
    with pytest.raises(error, match=words.format(0)):
        Optimizer(np.zeros(3), schuss.SGD(lr=lambda k: value))
    turn: list[Any] = [0.1, value]
    opt = Optimizer([np.zeros(3), np.zeros(2)], [schuss.Adam(lr=lambda k: 0.1), schuss.SGD(lr=lambda k: turn[k])])
    grads = [np.ones(3), np.ones(2)]
    opt.step(grads)
    refused(opt, lambda: opt.step(grads), error, words.format(1))
    turn[1] = 0.2
    opt.step(grads)
    assert opt.steps == 2
    refused(opt, lambda: opt.set("1", lr=lambda k: value), error, words.format(2))
    opt.set("1", lr=0.1)
    opt.step(grads)
    assert opt.steps == 3


# --- the optimizer's own arguments

ARGUMENTS: dict[str, tuple[str, Any, type[Exception]]] = {
    f"{name} {value!r}": (name, value, error)
    for name, values in {
        "clip_norm": ((0, -1.0, NAN, INF), ("1", True, [1.0])),
        "clip_value": ((0, -1.0, NAN, INF), ("1", True, [1.0])),
        "ema": ((-0.1, 1.0, 1.5, NAN, INF), ("0.9", True, [0.9])),
        "accumulate": ((0, -1, 2**31), (1.5, 2.0, "2", True, None)),
        "nonfinite": (("ignore", "", None, 1), ()),
        "threads": ((0, -1, 257), (1.5, "2", True)),
        "sparse": (("dense", None, "", True), ()),
    }.items()
    for error, group in zip((ValueError, TypeError), values, strict=True)
    for value in group
}


@pytest.mark.parametrize(("name", "value", "error"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(name: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"{name}: expected .*, got"):
        Optimizer(np.zeros(3), schuss.SGD(), **{name: value})


@pytest.mark.parametrize("n", [0, -1, 257, 1.5, "2", True])
def test_set_threads(n: Any) -> None:
    before = schuss.get_threads()
    with pytest.raises(ValueError if type(n) is int else TypeError, match=r"threads: expected"):
        schuss.set_threads(n)
    assert schuss.get_threads() == before


SGD = schuss.SGD()
RULES: dict[str, tuple[Any, type[Exception], str]] = {
    "class": (schuss.Adam, TypeError, r"rule: expected a rule, got the class; use Adam\(\.\.\.\)"),
    "classes in a dict": ({"w": schuss.Adam, "b": SGD}, TypeError, r"rule: expected .*'w': type"),
    "str": ("adam", TypeError, r"rule: expected a Rule, or a tree of rules like the parameters, got str"),
    "None": (None, TypeError, r"rule: expected a Rule.* got NoneType"),
    "list for dict": ([SGD, SGD], TypeError, r"rule: expected a Rule.* got list"),
    "pattern that fits nothing": ({"*": SGD, "x*": SGD}, ValueError, r"rule: pattern 'x\*' fits no parameter; .* w, b"),
    "parameter without a pattern": ({"w*": SGD}, ValueError, r"rule: no pattern fits parameter 'b'; add one such as"),
    "pattern that is no string": ({0: SGD}, TypeError, r"rule: expected name patterns with rules, got 0"),
    "no rule at a pattern": ({"*": 0.1}, TypeError, r"rule: expected name patterns with rules, got '\*': float"),
    "empty": ({}, ValueError, r"rule: no pattern fits parameter 'w'"),
}


@pytest.mark.parametrize(("rule", "error", "words"), RULES.values(), ids=RULES)
def test_rules(rule: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Optimizer(model(), rule)


@pytest.mark.parametrize("act", ["set", "freeze", "unfreeze"])
def test_patterns_that_fit_nothing(act: str) -> None:
    opt = Optimizer(model(), SGD)
    changes = {"lr": 0.1} if act == "set" else {}
    refused(opt, lambda: getattr(opt, act)("x*", **changes), ValueError, r"pattern: 'x\*' fits no parameter.*w, b")


def test_changes_that_need_other_slots() -> None:
    for rule, changes in ((schuss.Adam(), {"amsgrad": True}), (schuss.RMSprop(), {"centered": True})):
        opt = Optimizer(model(), rule)
        refused(opt, lambda o=opt, c=changes: o.set(**c), ValueError, r"keeps other slots than .*make a new Optimizer")


def test_set_is_all_or_nothing() -> None:
    opt = Optimizer(model(), {"w": schuss.Adam(), "b": SGD})
    refused(opt, lambda: opt.set(beta1=0.5), TypeError, re.escape("SGD has no 'beta1'"))


def test_no_averages() -> None:
    with pytest.raises(ValueError, match=r"averages: none are kept"):
        _ = Optimizer(model(), SGD).averages


def test_the_limit_loop_says_what_it_lacks() -> None:
    """Was: nothing was moved for more than four written arrays, so Adan seemed to run at 0 % of the limit."""
    arrays = [np.full(64, float(k), np.float32) for k in range(9)]
    with pytest.raises(ValueError, match="reads 1 and writes 8"):
        _cold.stream(_level.table, arrays, 8, 1)
    assert _cold.stream(_level.table, arrays[:6], 5, 1) == (1 + 2 * 5) * 64 * 4
    assert [a[0] for a in arrays[:6]] == [6, 7, 8, 9, 10, 5]  # each and 1 and what is read

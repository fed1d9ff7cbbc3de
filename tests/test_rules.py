"""Every kernel against the oracle, against itself (levels, threads, splits), against live torch, against print."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from cases import CASES, gradients, hyper, start
from conftest import kernels_of
from oracle import ORACLES

import schuss
from schuss import _cold, _level
from schuss.rules import Rule

torch.set_num_threads(1)

Array = npt.NDArray[Any]
Trajectory = list[dict[str, Array]]

RULES = dict(CASES)
LEVELS = _level.runnable()
DTYPES = ["float32", "float64"]
LANES = {"float32": 16, "float64": 8}  # of the widest level
THREADED = 50_003  # numbers; one thread does all below 32768

each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_case = pytest.mark.parametrize("case", RULES)


def group(rule: Rule) -> str:
    """How far a number's step reaches: "none", "row" or "array"."""
    return str(rule.info["group"])


def slots_of(opt: schuss.Optimizer) -> dict[str, Array]:
    slots: dict[str, Array] = opt.slots
    return slots


def test_every_kernel_has_a_case() -> None:
    compiled = {(k["name"], k["variant"]) for k in _cold.kernels(_level.table)}
    assert compiled == {(rule.kernel, rule.variant) for rule in RULES.values()}
    for level in LEVELS:
        assert {(k["name"], k["variant"]) for k in _cold.kernels(_level.module(level).table)} == compiled


# --- against the oracle ---

Problem = tuple[tuple[int, ...], int, int]  # shape, number of ids (sparse only), steps


def problems(access: str, dtype: str) -> list[Problem]:
    lanes = LANES[dtype]
    edges = [0, 1, lanes - 1, lanes, lanes + 1, 3 * lanes + 5]
    if access == "span":
        return [((n,), 0, 6) for n in edges] + [((7, lanes + 3), 0, 6), ((THREADED,), 0, 2)]
    if access == "rows":
        few = [((11, dim), ids, 5) for dim in (1, 3, 16, 21) for ids in edges]
        return [*few, ((9000, 16), 3500, 2)]
    return [((max(n, 2),), n, 6) for n in edges] + [((4 * THREADED,), 40_000, 2)]


def steps_of(problem: Problem, access: str, dtype: str) -> list[tuple[Array | None, Array]]:
    """For each step ids (unsorted, many of them twice and more) and values."""
    shape, k, steps = problem
    rng = np.random.default_rng([*shape, k])
    found: list[tuple[Array | None, Array]] = []
    for _ in range(steps):
        seed = int(rng.integers(2**32))
        if access == "span":
            found.append((None, gradients(shape, dtype, seed)))
        else:
            values = gradients((k, *shape[1:]) if access == "rows" else (k,), dtype, seed)
            found.append((rng.integers(shape[0], size=k), values))
    return found


def as_gradient(access: str, ids: Array | None, values: Array) -> Any:
    if ids is None:
        return values
    return schuss.RowGrad(ids, values) if access == "rows" else schuss.CoordGrad(ids, values)


@functools.lru_cache(maxsize=16)
def expected(case: str, dtype: str, access: str) -> list[tuple[Problem, dict[str, Array], dict[str, Array]]]:
    """For each problem what the oracle ends with, and the largest each number was on the way."""
    rule, found = RULES[case], []
    for problem in problems(access, dtype):
        oracle = ORACLES[type(rule).__name__](hyper(rule), start(rule, problem[0], dtype, 1))

        def state(oracle: Any = oracle) -> dict[str, Array]:
            return {"w": oracle.w.copy()} | {name: slot.copy() for name, slot in oracle.slots.items()}

        trajectory = [state()]
        for ids, values in steps_of(problem, access, dtype):
            if ids is None:
                oracle.step(values)
            else:
                oracle.step_lazy(ids.tolist(), values, coords=access == "coords")
            trajectory.append(state())
        found.append((problem, trajectory[-1], reach(rule, trajectory)))
    return found


def reach(rule: Rule, trajectory: Trajectory) -> dict[str, Array]:
    """The largest absolute value that each number, or what it is the difference of, had in any step."""
    most = {name: np.max([np.abs(x[name]) for x in trajectory], axis=0) for name in trajectory[0]}
    if rule.kernel == "egpm":
        most["w"] = np.maximum(most["p"], most["n"])
    elif rule.kernel == "ftrl":
        most["w"] = np.maximum(most["w"], most["z"] * rule.lr / rule.beta)
    return {name: x + 0.2 * np.mean(x) if x.size else x for name, x in most.items()}


# Each step rounds a few dozen times, each time by at most eps times what the number is at that step; a number that ends
# near zero came there by steps of the size it had before. So the bound is relative to the largest value on the way
# (`reach`): w to its start and steps, m and z to the gradients in them, p - n to p; where decay or a duplicate cancels
# the gradient itself, to a fifth of what is usual in the array. 2e-5 is 330 roundings of float32:
# five steps of two dozen, and their growth where v - a^2 cancels or exp turns absolute errors of lr g (up to some tens)
# into relative ones. 1e-11 is as loose for float64 that even its exponential may be short of a few digits.
RTOL = {"float32": 2e-5, "float64": 1e-11}


def assert_near(actual: Array, wanted: Array, size: Array, dtype: str, what: str) -> None:
    assert actual.dtype == dtype, what
    assert actual.shape == wanted.shape, what
    error, bound = np.abs(actual - wanted), RTOL[dtype] * size + np.finfo(dtype).tiny
    wrong = np.flatnonzero(~(error <= bound))
    if wrong.size:
        worst = wrong[np.nanargmax((error / bound).flat[wrong])]
        pytest.fail(
            f"{what}: {wrong.size} of {error.size} numbers off; [{worst}] is {actual.flat[worst]!r}, "
            f"not {wanted.flat[worst]!r}: {(error / bound).flat[worst]:.3g} times the bound"
        )


@pytest.mark.parametrize("level", LEVELS)  # first, so that it changes fastest and the levels share what is expected
@pytest.mark.parametrize("access", ["span", "rows", "coords"])
@each_dtype
@each_case
def test_oracle(case: str, level: str, dtype: str, access: str) -> None:
    rule = RULES[case]
    if access == "coords" and group(rule) == "row":
        opt = schuss.Optimizer(start(rule, 8, dtype, 1), rule)
        with pytest.raises(TypeError, match="single coordinates have no meaning"):
            opt.step(schuss.CoordGrad(np.array([1]), np.ones(1, dtype)))
        return
    if access != "span" and rule.info["whole"]:
        opt = schuss.Optimizer(start(rule, (8, 1), dtype, 1), rule)
        with pytest.raises(TypeError, match="sparse gradients have no meaning"):
            opt.step(as_gradient(access, np.array([1]), np.ones((1, 1) if access == "rows" else 1, dtype)))
        return
    for problem, end, size in expected(case, dtype, access):
        w = start(rule, problem[0], dtype, 1)
        with kernels_of(level):
            opt = schuss.Optimizer(w, rule)
        for ids, values in steps_of(problem, access, dtype):
            opt.step(as_gradient(access, ids, values))
        actual = {"w": w} | slots_of(opt)
        assert actual.keys() == end.keys()
        for name, wanted in end.items():
            assert_near(actual[name], wanted, size[name], dtype, f"{name} of {problem}")


# --- bit for bit ---


def end_bytes(rule: Rule, problem: Problem, access: str, dtype: str, level: str, threads: int) -> dict[str, bytes]:
    w = start(rule, problem[0], dtype, 1)
    with kernels_of(level):
        opt = schuss.Optimizer(w, rule, threads=threads)
    for ids, values in steps_of(problem, access, dtype):
        opt.step(as_gradient(access, ids, values))
    return {"w": w.tobytes()} | {name: slot.tobytes() for name, slot in slots_of(opt).items()}


def accesses(rule: Rule) -> list[str]:
    if rule.info["whole"]:
        return ["span"]
    return ["span", "rows"] if group(rule) == "row" else ["span", "rows", "coords"]


@pytest.mark.skipif(len(LEVELS) < 2, reason="one level was built")
@each_dtype
@each_case
def test_levels_agree_to_the_bit(case: str, dtype: str) -> None:
    rule = RULES[case]
    sizes: dict[str, list[Problem]] = {
        "span": [((n,), 0, 3) for n in (1, 7, 16, 53, 5001)] + [((30, 37), 0, 3)],
        "rows": [((50, dim), 80, 3) for dim in (1, 3, 16, 21)],
        "coords": [((997,), 800, 3)],
    }
    for access in accesses(rule):
        for problem in sizes[access]:
            ends = [end_bytes(rule, problem, access, dtype, level, 1) for level in LEVELS]
            for level, end in zip(LEVELS[1:], ends[1:], strict=True):
                for name, bits in end.items():
                    assert bits == ends[0][name], f"{name} of {access} {problem}: {level} is not {LEVELS[0]}"


@each_dtype
@each_case
def test_threads_agree_to_the_bit(case: str, dtype: str) -> None:
    rule = RULES[case]
    sizes: dict[str, list[Problem]] = {
        "span": [((100_003,), 0, 2), ((645, 155), 0, 2)],
        "rows": [((9000, 8), 9_000, 2), ((5000, 21), 4000, 2)],
        "coords": [((200_003,), 50_000, 2)],
    }
    for access in accesses(rule):
        for problem in sizes[access]:
            one = end_bytes(rule, problem, access, dtype, LEVELS[0], 1)
            for threads in (2, 3, 7):
                for name, bits in end_bytes(rule, problem, access, dtype, LEVELS[0], threads).items():
                    assert bits == one[name], f"{name} of {access} {problem}: {threads} threads"


@pytest.mark.parametrize("level", LEVELS)
@each_dtype
@pytest.mark.parametrize("case", [name for name, rule in CASES if group(rule) == "none"])
def test_splits_agree_to_the_bit(case: str, dtype: str, level: str) -> None:
    """An array is its pieces: where a number stands in it does not matter."""
    rule, cuts = RULES[case], [1003, 3002]  # 1003, 1999 and 1999 numbers
    whole = start(rule, 5001, dtype, 1)
    parts = [part.copy() for part in np.split(whole, cuts)]
    with kernels_of(level):
        one, three = schuss.Optimizer(whole, rule), schuss.Optimizer(parts, rule)
    for seed in range(4):
        g = gradients(5001, dtype, seed)
        one.step(g)
        three.step([part.copy() for part in np.split(g, cuts)])
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    for name, slot in slots_of(one).items():
        assert np.concatenate([slots[name] for slots in three.slots]).tobytes() == slot.tobytes(), name


# --- live torch ---

# torch says betas=(beta1, beta2) and initial_accumulator_value; SGD holds momentum and nesterov; decay is coupled
# but in AdamW; eps is outside the root and after bias correction, but for SparseAdam ("hat") and Adamax ("max").
TORCH: dict[str, tuple[Rule, type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (schuss.SGD(lr=0.1), torch.optim.SGD, {"lr": 0.1}),
    "sgd-decay-maximize": (
        schuss.SGD(lr=0.1, weight_decay=0.03, maximize=True),
        torch.optim.SGD,
        {"lr": 0.1, "weight_decay": 0.03, "maximize": True},
    ),
    "momentum": (
        schuss.Momentum(lr=0.01, momentum=0.9, dampening=0.1),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "dampening": 0.1},
    ),
    "momentum-decay-maximize": (
        schuss.Momentum(lr=0.01, momentum=0.9, weight_decay=0.03, maximize=True),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.03, "maximize": True},
    ),
    "nesterov": (
        schuss.Nesterov(lr=0.01, momentum=0.9),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "nesterov": True},
    ),
    "adagrad": (schuss.AdaGrad(lr=0.1, lr_decay=0.02), torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.02}),
    "adagrad-decay-maximize": (
        schuss.AdaGrad(lr=0.1, initial_accumulator=0.2, weight_decay=0.03, maximize=True),
        torch.optim.Adagrad,
        {"lr": 0.1, "initial_accumulator_value": 0.2, "weight_decay": 0.03, "maximize": True},
    ),
    "adadelta": (schuss.AdaDelta(rho=0.9), torch.optim.Adadelta, {"lr": 1.0, "rho": 0.9, "eps": 1e-6}),
    "rmsprop": (schuss.RMSprop(lr=0.01), torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
    "rmsprop-centered": (
        schuss.RMSprop(lr=0.01, centered=True),
        torch.optim.RMSprop,
        {"lr": 0.01, "centered": True},
    ),
    "rmsprop-momentum": (
        schuss.RMSprop(lr=0.01, momentum=0.7),
        torch.optim.RMSprop,
        {"lr": 0.01, "momentum": 0.7},
    ),
    "rmsprop-all": (
        schuss.RMSprop(lr=0.01, alpha=0.9, centered=True, momentum=0.7, weight_decay=0.03, maximize=True),
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9, "centered": True, "momentum": 0.7, "weight_decay": 0.03, "maximize": True},
    ),
    "adam": (schuss.Adam(lr=0.01), torch.optim.Adam, {"lr": 0.01}),
    "adam-decay-maximize": (
        schuss.Adam(lr=0.01, weight_decay=0.03, maximize=True),
        torch.optim.Adam,
        {"lr": 0.01, "weight_decay": 0.03, "maximize": True},
    ),
    "amsgrad": (
        schuss.AMSGrad(lr=0.01, beta2=0.9),
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.9, 0.9), "amsgrad": True},
    ),
    "adamw": (schuss.AdamW(lr=0.01), torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.01}),
    "adamw-amsgrad-maximize": (
        schuss.AdamW(lr=0.01, beta2=0.9, weight_decay=0.1, amsgrad=True, maximize=True),
        torch.optim.AdamW,
        {"lr": 0.01, "betas": (0.9, 0.9), "weight_decay": 0.1, "amsgrad": True, "maximize": True},
    ),
    "adamax": (schuss.AdaMax(lr=0.01), torch.optim.Adamax, {"lr": 0.01}),
    "adamax-decay-maximize": (
        schuss.AdaMax(lr=0.01, weight_decay=0.03, maximize=True),
        torch.optim.Adamax,
        {"lr": 0.01, "weight_decay": 0.03, "maximize": True},
    ),
    "nadam": (schuss.NAdam(lr=0.01), torch.optim.NAdam, {"lr": 0.01}),
    "nadam-decay-maximize": (
        schuss.NAdam(lr=0.01, momentum_decay=0.3, weight_decay=0.03, maximize=True),
        torch.optim.NAdam,
        {"lr": 0.01, "momentum_decay": 0.3, "weight_decay": 0.03, "maximize": True},
    ),
    "nadam-decoupled": (
        schuss.NAdam(lr=0.01, weight_decay=0.3, decoupled=True),
        torch.optim.NAdam,
        {"lr": 0.01, "weight_decay": 0.3, "decoupled_weight_decay": True},
    ),
    "radam": (schuss.RAdam(lr=0.01), torch.optim.RAdam, {"lr": 0.01}),
    "radam-decay-maximize": (
        schuss.RAdam(lr=0.01, beta2=0.9, weight_decay=0.03, maximize=True),
        torch.optim.RAdam,
        {"lr": 0.01, "betas": (0.9, 0.9), "weight_decay": 0.03, "maximize": True},
    ),
    "rprop": (
        schuss.Rprop(lr=0.01, step_max=0.1),
        torch.optim.Rprop,
        {"lr": 0.01, "step_sizes": (1e-6, 0.1)},
    ),
    "rprop-maximize": (
        schuss.Rprop(lr=0.01, eta_minus=0.3, eta_plus=1.5, maximize=True),
        torch.optim.Rprop,
        {"lr": 0.01, "etas": (0.3, 1.5), "maximize": True},
    ),
    "adafactor": (
        schuss.Adafactor(lr=0.1, eps1=1e-6, eps_place="clamp", weight_decay=0.03, maximize=True),
        torch.optim.Adafactor,
        {"lr": 0.1, "eps": (1e-6, 1e-3), "weight_decay": 0.03, "maximize": True},
    ),
    "asgd": (schuss.ASGD(lr=0.1), torch.optim.ASGD, {"lr": 0.1}),
    "asgd-decay-maximize": (
        schuss.ASGD(lr=0.1, lambd=0.01, alpha=0.6, t0=5.0, weight_decay=0.03, maximize=True),
        torch.optim.ASGD,
        {"lr": 0.1, "lambd": 0.01, "alpha": 0.6, "t0": 5.0, "weight_decay": 0.03, "maximize": True},
    ),
}
TORCH_RTOL = {"float32": 1e-6, "float64": 1e-12}  # of the largest weight


def assert_near_torch(w: Array, parameter: torch.nn.Parameter, dtype: str) -> None:
    theirs = parameter.detach().numpy()
    np.testing.assert_allclose(w, theirs, rtol=0, atol=TORCH_RTOL[dtype] * np.abs(theirs).max())


@pytest.fixture
def torch_default(dtype: str) -> Iterator[None]:
    """torch keeps NAdam's product and ASGD's eta in float32 unless its default is float64."""
    torch.set_default_dtype(getattr(torch, dtype))
    yield
    torch.set_default_dtype(torch.float32)


@each_dtype
@pytest.mark.parametrize("case", TORCH)
@pytest.mark.usefixtures("torch_default")
def test_torch(case: str, dtype: str) -> None:
    rule, theirs, options = TORCH[case]
    w = start(rule, (13, 17), dtype, 1)
    parameter = torch.nn.Parameter(torch.tensor(w))
    opt, optimizer = schuss.Optimizer(w, rule), theirs([parameter], **options)
    for seed in range(50):
        g = gradients(w.shape, dtype, seed)
        opt.step(g)
        parameter.grad = torch.tensor(g)
        optimizer.step()
    assert_near_torch(w, parameter, dtype)


@pytest.mark.parametrize(
    ("rule", "theirs", "options"),
    [
        (schuss.AdaGrad(lr=0.1, lr_decay=0.02), torch.optim.Adagrad, {"lr": 0.1, "lr_decay": 0.02}),
        (schuss.Adam(lr=0.01, eps=1e-3, eps_place="hat"), torch.optim.SparseAdam, {"lr": 0.01, "eps": 1e-3}),
    ],
    ids=["adagrad", "sparse-adam"],
)
@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")  # torch's own tensors
@each_dtype
def test_torch_sparse(rule: Rule, theirs: type[torch.optim.Optimizer], options: dict[str, Any], dtype: str) -> None:
    """Rows with duplicates; both leave absent rows alone and count every step for all."""
    w = start(rule, (40, 7), dtype, 1)
    parameter = torch.nn.Parameter(torch.tensor(w))
    opt, optimizer = schuss.Optimizer(w, rule), theirs([parameter], **options)
    rng = np.random.default_rng(2)
    for seed in range(50):
        ids, values = rng.integers(40, size=25), gradients((25, 7), dtype, seed)
        opt.step(schuss.RowGrad(ids, values))
        parameter.grad = torch.sparse_coo_tensor(
            torch.tensor(ids[None]), torch.tensor(values), w.shape, check_invariants=True
        )
        optimizer.step()
    assert_near_torch(w, parameter, dtype)


# --- printed numbers ---


def plain(x: Array) -> Array:
    """Gradient of 0.1 x1^2 + 2 x2^2."""
    return np.array([0.2 * x[0], 4 * x[1]])


def rotated(x: Array) -> Array:
    """Gradient of 0.1 (x1 + x2)^2 + 2 (x1 - x2)^2."""
    along, across = 0.2 * (x[0] + x[1]), 4 * (x[0] - x[1])
    return np.array([along + across, along - across])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("gradient", "rule", "printed"),
    [
        (plain, schuss.AdaGrad(lr=0.4, eps=1e-6, eps_place="inside"), ["-2.382563", "-0.158591"]),
        (plain, schuss.AdaGrad(lr=2.0, eps=1e-6, eps_place="inside"), ["-0.002295", "-0.000000"]),
        (rotated, schuss.AdaGrad(lr=0.4, eps=1e-6, eps_place="inside"), ["-3.180865", "-3.062780"]),
        (rotated, schuss.AdaGrad(lr=2.0, eps=1e-6, eps_place="inside"), ["-1.054791", "-1.046482"]),
        (plain, schuss.AdaGrad(lr=0.4, eps=1e-10), ["-2.382562", "-0.158591"]),
        (
            plain,
            schuss.AdaGrad(lr=0.4, eps=1e-7, eps_place="inside", initial_accumulator=0.1),
            ["-2.418646", "-0.158821"],
        ),
    ],
    ids=["inside", "inside-fast", "rotated", "rotated-fast", "outside", "accumulator"],
)
def test_adagrad_trajectory(gradient: Callable[[Array], Array], rule: Rule, printed: list[str], level: str) -> None:
    x = np.array([-5.0, -2.0])
    with kernels_of(level):
        opt = schuss.Optimizer(x, rule)
    for _ in range(20):
        opt.step(gradient(x))
    assert [f"{number:.6f}" for number in x] == printed


def formatted(numbers: Sequence[float] | Array, digits: int) -> list[str]:
    return [f"{x:.{digits}f}" for x in numbers]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("signs", "w", "gains"),
    [
        (True, ["0.58007", "1.24665"], ["0.99005", "1.01005"]),
        (False, ["0.58096", "1.24627"], ["0.99900", "1.00753"]),
    ],
    ids=["signs", "products"],
)
def test_egdd_two_steps(signs: bool, w: list[str], gains: list[str], level: str) -> None:
    x = np.array([0.5, 1.0])
    with kernels_of(level):
        opt = schuss.Optimizer(x, schuss.EGDD(lr=0.1, momentum=0.9, beta=0.1, signs=signs))
    for g in ([0.1, -0.5], [-1.0, -1.5]):
        opt.step(np.array(g))
    assert formatted(x, 5) == w
    assert formatted(opt.slots["p"], 5) == gains
    assert formatted(opt.slots["s"], 6) == ["1.000707"]


# --- a fit ---

AIRFOIL = Path(__file__).parents[2] / "shared/data/regression/airfoil_self_noise.dat"


@pytest.mark.skipif(not AIRFOIL.exists(), reason=f"no data set {AIRFOIL}")
@pytest.mark.parametrize("seed", range(6))
def test_airfoil_fit(seed: int) -> None:
    """Linear regression of Dive into Deep Learning, chapter 12: AdaGrad, two epochs, a loss of 0.242-0.244."""
    table = np.loadtxt(AIRFOIL, skiprows=1)
    table = ((table - table.mean(axis=0)) / table.std(axis=0))[:1500]
    x, y = table[:, :-1], table[:, -1]
    rng = np.random.default_rng(seed)
    model = {"w": rng.normal(0, 0.01, x.shape[1]), "b": np.zeros(1)}
    opt = schuss.Optimizer(model, schuss.AdaGrad(lr=0.1, eps=1e-6, eps_place="inside"))
    for _ in range(2):
        for batch in rng.permutation(len(x)).reshape(-1, 10):
            error = x[batch] @ model["w"] + model["b"] - y[batch]
            opt.step({"w": error @ x[batch] / len(batch), "b": error.mean(keepdims=True)})
    loss = ((x @ model["w"] + model["b"] - y) ** 2 / 2).mean()
    assert 0.242 <= round(float(loss), 3) <= 0.244

"""The solvers against SciPy, explicit matrices and each other; their states, limits, and refusals."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from solver_oracle import inverse_hessian, loss, quadratic, rosenbrock, slope

import schuss
from schuss.solvers import result as states

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.problems import BOUNDED, UNCONSTRAINED

Array = npt.NDArray[Any]
LINES = ("more-thuente", "strong-wolfe", "hager-zhang", "armijo")
START = np.tile([-1.2, 1.0], 10)


def run(solver: Any, fun: Callable[[Array], Any], most: int = 100000) -> Any:
    """Until done, or that many answers."""
    for _ in range(most):
        if solver.done:
            break
        solver.tell(*fun(solver.ask()))
    return solver


def bowl(a: Array, b: Array) -> Callable[[Array], tuple[float, Array]]:
    def fun(x: Array) -> tuple[float, Array]:
        ax = a @ x
        return float(x @ ax / 2 - b @ x), ax - b

    return fun


# --- minima


@pytest.mark.parametrize("problem", UNCONSTRAINED, ids=lambda p: p.name)
def test_minimum(problem: Any) -> None:
    mine = schuss.minimize(problem, problem.start)
    # Meyer's problem is so badly scaled that 1e-5 is below the rounding of its gradient.
    assert mine.success or problem.name == "Meyer", mine.message
    assert min(abs(mine.fun - m) / max(m, 1e-3) for m in problem.minima) < 1e-2
    assert (mine.fun, mine.jac.tolist()) == (problem(mine.x)[0], problem(mine.x)[1].tolist())


@pytest.mark.parametrize(("problem", "low", "high"), BOUNDED, ids=lambda p: getattr(p, "name", ""))
def test_minimum_with_bounds(problem: Any, low: Array, high: Array) -> None:
    mine = schuss.minimize(problem, problem.start, bounds=(low, high))
    theirs = scipy.optimize.minimize(
        problem, problem.start, jac=True, bounds=list(zip(low, high, strict=True)), options={"gtol": 1e-5, "ftol": 0}
    )
    assert mine.success
    assert ((low <= mine.x) & (mine.x <= high)).all()
    assert mine.fun == pytest.approx(theirs.fun, rel=1e-5, abs=1e-10)
    assert mine.nfev <= theirs.nfev + 2


@pytest.mark.parametrize("free", [0.2, 0.8])
def test_bounds_of_many_variables(free: float) -> None:
    n = 20_000  # three tiles
    random = np.random.default_rng(7)
    d, centre = random.uniform(1, 30, n), random.standard_normal(n)
    low = np.where(random.random(n) < free, -10.0, centre + 0.1)
    high = np.where(random.random(n) < 0.5, np.inf, low + 20)
    fun = lambda x: (float(d @ (x - centre) ** 2 / 2), d * (x - centre))  # noqa: E731
    ends = [schuss.minimize(fun, np.zeros(n), bounds=(low, high), gtol=1e-7, threads=t) for t in (1, 2, 7)]
    assert ends[0].success
    np.testing.assert_allclose(ends[0].x, np.clip(centre, low, high), atol=1e-7)
    assert len({e.x.tobytes() for e in ends}) == 1


def test_evaluations_are_within_two_percent_of_scipys() -> None:
    mine, theirs = [], []
    for p in UNCONSTRAINED:
        if p.name in ("Meyer", "Jennrich and Sampson", "Powell badly scaled"):  # SciPy is far from the minimum
            continue
        mine.append(schuss.minimize(p, p.start).nfev)
        with np.errstate(all="ignore"):
            options = {"gtol": 1e-5, "ftol": 0}
            theirs.append(scipy.optimize.minimize(p, p.start, jac=True, method="L-BFGS-B", options=options).nfev)
    assert sum(mine) <= 1.02 * sum(theirs)


def test_scipys_values_take_no_more_evaluations_than_scipy() -> None:
    mine, theirs = 0, 0
    for p, low, high in [*((p, None, None) for p in UNCONSTRAINED), *BOUNDED]:
        box = None if low is None else (low, high)
        values: list[float] = []

        def fun(x: Array, p: Any = p, values: list[float] = values) -> tuple[float, Array]:
            told = p(x)
            values.append(told[0])
            return told

        with np.errstate(all="ignore"):
            pairs = None if box is None else list(zip(*box, strict=True))
            options = {"gtol": 1e-5, "ftol": 0}
            other = scipy.optimize.minimize(p, p.start, jac=True, method="L-BFGS-B", bounds=pairs, options=options)
        done = schuss.minimize(fun, p.start, bounds=box)
        # At Meyer's minimum rounding in the gradient is as large as gtol: on which side it ends depends on the CPU.
        assert done.success or not other.success or done.fun < other.fun, p.name
        # Where SciPy's end is a little lower only for the number of its last step, ours counts in full.
        reached = [k + 1 for k, f in enumerate(values) if f <= other.fun + 1e-12 * max(abs(other.fun), 1e-12)]
        mine, theirs = mine + (reached[0] if reached else len(values)), theirs + other.nfev
    assert mine <= theirs


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_line_searches(line: str, dtype: Any) -> None:
    tight = {"gtol": 1e-3} if dtype == np.float32 else {"gtol": 1e-6}
    done = run(schuss.LBFGS(START.astype(dtype), line_search=line, **tight), rosenbrock).result()
    assert done.success
    assert done.x.dtype == dtype
    np.testing.assert_allclose(done.x, 1, atol=1e-3)


@pytest.mark.parametrize("line", ["more-thuente", "strong-wolfe"])
def test_accepted_steps_are_wolfe(line: str) -> None:
    told: list[tuple[Array, float, Array]] = []
    solver, adopted = schuss.LBFGS(START, line_search=line, noise=0.0), []
    while not solver.done:
        x = solver.ask().copy()
        told.append((x, *rosenbrock(x)))
        before = solver.iterations
        solver.tell(*told[-1][1:])
        if solver.iterations > before or len(told) == 1:
            adopted.append(told[-1])
    for (x, f, g), (x_new, f_new, g_new) in itertools.pairwise(adopted):
        slope, slope_new = g @ (x_new - x), g_new @ (x_new - x)
        assert f_new <= f + 1e-4 * slope + 1e-15
        assert abs(slope_new) <= 0.9 * abs(slope) * (1 + 1e-9)


@pytest.mark.parametrize("method", ["lbfgs", "bfgs"])
def test_ill_conditioned_quadratic_to_the_end(method: str) -> None:
    a, b = quadratic(300, 1e6)
    b = a @ b
    done = schuss.minimize(bowl(a, b), np.zeros(300), method=method, gtol=1e-9)
    assert done.success, done.message


def test_owlqn_reaches_the_lasso_of_coordinate_descent() -> None:
    random = np.random.default_rng(3)
    a, y = random.standard_normal((60, 20)), random.standard_normal(60)
    l1 = 8.0
    x = np.zeros(20)
    for _ in range(2000):  # the oracle: exact minimization over one coordinate after the other
        for j in range(20):
            rest = y - a @ x + a[:, j] * x[j]
            z, square = a[:, j] @ rest, a[:, j] @ a[:, j]
            x[j] = np.sign(z) * max(abs(z) - l1, 0) / square
    mine = schuss.minimize(
        lambda w: (0.5 * ((a @ w - y) ** 2).sum(), a.T @ (a @ w - y)), np.zeros(20), l1=l1, gtol=1e-8
    )
    np.testing.assert_allclose(mine.x, x, atol=1e-8)
    assert ((mine.x == 0) == (x == 0)).all()
    assert 0 < (x == 0).sum() < 20
    assert mine.fun == pytest.approx(0.5 * ((a @ x - y) ** 2).sum() + l1 * np.abs(x).sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_owlqn_leaves_free_numbers_alone(dtype: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    a, y = random.standard_normal((60, 20)), random.standard_normal(60) + 3
    l1 = np.where(np.arange(20) % 3 == 0, 0, random.uniform(1, 12, 20))
    x = np.zeros(20)
    for _ in range(2000):  # the oracle: exact minimization over one coordinate after the other
        for j in range(20):
            z, square = a[:, j] @ (y - a @ x + a[:, j] * x[j]), a[:, j] @ a[:, j]
            x[j] = np.sign(z) * max(abs(z) - l1[j], 0) / square
    tight = 1e-8 if dtype == np.float64 else 1e-3

    def fun(w: Array) -> tuple[float, Array]:
        r = a @ w.astype(float) - y
        return float(r @ r) / 2, (a.T @ r).astype(dtype)

    mine = schuss.minimize(fun, np.zeros(20, dtype), l1=l1, gtol=tight)
    np.testing.assert_allclose(mine.x, x, atol=10 * tight)
    assert ((mine.x == 0) == (x == 0)).all()
    assert 0 < (x == 0).sum() < 13
    assert mine.fun == pytest.approx(fun(x)[0] + l1 @ np.abs(x), rel=1e-6)
    half = run(schuss.OWLQN(np.zeros(20, dtype), l1, gtol=tight), fun, 4)
    half.save(tmp_path / "state")
    again = run(schuss.OWLQN.load(tmp_path / "state"), fun).result()
    assert again.x.tobytes() == mine.x.tobytes()


def test_owlqn_with_an_intercept_reaches_the_limit_of_its_conditions() -> None:
    random = np.random.default_rng(5)
    a, labels = random.standard_normal((300, 8)), (random.random(300) < 0.8).astype(int)
    fun = schuss.objectives.Logistic(a, labels, intercept=True)
    mine = schuss.minimize(fun, fun.start(), l1=fun.penalty(8.0), gtol=1e-7)
    g = slope(lambda w: loss("Logistic", np.c_[a, np.ones(300)], labels, np.ones(300), 0.0, w), mine.x)
    here = mine.x[:-1] != 0
    assert 0 < here.sum() < 8
    np.testing.assert_allclose(g[:-1][here], -8 * np.sign(mine.x[:-1][here]), atol=1e-6)
    assert (np.abs(g[:-1]) <= 8 + 1e-6).all()
    assert abs(g[-1]) < 1e-6


def test_owlqn_goes_along_valleys() -> None:
    done = schuss.minimize(rosenbrock, START, l1=0.1)  # with all disagreeing parts dropped: more than 3,000 evaluations
    assert done.success
    assert done.nfev < 100
    v = done.jac + 0.1 * np.sign(done.x)
    assert (np.abs(v[done.x != 0]) <= 1e-5).all()


# --- directions


def changes(points: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """The pairs s, y."""
    return [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points)]


@pytest.mark.parametrize("form", ["gram", "loop"])
@pytest.mark.parametrize(("n", "memory"), [(1, 5), (7, 1), (8, 2), (9, 40), (17, 5), (17, 10), (200, 10)])
def test_direction_equals_the_explicit_matrix(form: str, memory: int, n: int) -> None:
    random = np.random.default_rng(n)
    h = np.diag(random.uniform(0.5, 5, n))
    solver = schuss.LBFGS(random.standard_normal(n), memory=memory, form=form, gtol=1e-8)
    points: list[tuple[Array, Array]] = []
    compared = 0
    for _ in range(16):
        x = solver.ask().copy()
        before, g = solver.iterations, 2 * h @ x - np.sin(x)
        solver.tell(float(x @ h @ x + np.cos(x).sum()), g)
        if solver.done:
            break
        if solver.iterations == before and points:
            continue
        points.append((x, g))
        pairs = changes(points)[-memory:]
        if pairs:
            compared += 1
            np.testing.assert_allclose(solver.ask() - x, -inverse_hessian(pairs, n) @ g, rtol=1e-9, atol=1e-10)
    assert compared > 1 or n == 1
    v = random.standard_normal(n)
    if solver.done:
        pairs = changes([*points, (x, g)])[-memory:]
        np.testing.assert_allclose(solver.inverse(v), inverse_hessian(pairs, n) @ v, rtol=1e-6, atol=1e-8)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 60), memory=st.integers(1, 12))
def test_forms_agree(seed: int, n: int, memory: int) -> None:
    a, b = quadratic(n, 50, seed)
    ends = [
        run(schuss.LBFGS(np.zeros(n), memory=memory, form=form, gtol=1e-8), bowl(a, b)).result()
        for form in ("gram", "loop")
    ]
    np.testing.assert_allclose(ends[0].x, ends[1].x, atol=1e-5)
    np.testing.assert_allclose(a @ ends[0].x, b, atol=1e-7)


def test_quadratic_with_exact_steps_ends_after_n() -> None:
    n = 12
    a, b = quadratic(n, 100)
    # With a strict curvature condition Moré and Thuente's search is exact on a parabola.
    done = run(schuss.LBFGS(np.zeros(n), memory=n, c2=1e-3, c1=1e-4, gtol=1e-7), bowl(a, b)).result()
    assert done.success
    assert done.nit <= n + 1


@pytest.mark.parametrize("n", [5, 300])
def test_bfgs_equals_the_explicit_matrix(n: int) -> None:
    a, b = quadratic(n, 30)
    solver, points = schuss.BFGS(np.zeros(n)), []
    for _ in range(12):
        x = solver.ask().copy()
        before = solver.iterations
        g = a @ x - b
        if len(points) > 1 and len(points) == before + 1 and solver.evaluations == before + 1:
            pairs = changes(points)
            s, y = pairs[0]
            h = s @ y / (y @ y) * np.eye(n)
            for s, y in pairs:
                v = np.eye(n) - np.outer(y, s) / (y @ s)
                h = v.T @ h @ v + np.outer(s, s) / (y @ s)
            np.testing.assert_allclose(x - points[-1][0], -h @ points[-1][1], rtol=1e-8, atol=1e-9)
        solver.tell(*bowl(a, b)(x))
        if solver.iterations > before or not points:
            points.append((x, g))
    assert len(points) > 5


def test_step_on_batches_learns_the_curvature_of_the_overlap() -> None:
    random = np.random.default_rng(0)
    data, w = random.standard_normal((4000, 10)) * np.logspace(0, 1, 10), random.standard_normal(10)
    y = data @ w
    gradient = lambda rows, x: data[rows].T @ (data[rows] @ x - y[rows]) / len(rows)  # noqa: E731
    solver = schuss.LBFGS(np.zeros(10))
    x, before = solver.ask().copy(), None
    for k in range(60):
        rows, common = np.arange(k * 50, k * 50 + 200), np.arange(k * 50, k * 50 + 150)
        extra = () if before is None else (gradient(common, before), gradient(common, x))
        now = solver.step(gradient(rows, x), *extra, lr=0.001 if before is None else 0.5)
        before, x = x, now.copy()
    np.testing.assert_allclose(x, w, atol=1e-6)


# --- same bits


MAKERS: dict[str, Callable[..., Any]] = {
    "lbfgs": lambda x, **o: schuss.LBFGS(x, **o),
    "loop": lambda x, **o: schuss.LBFGS(x, form="loop", **o),
    "strong-wolfe": lambda x, **o: schuss.LBFGS(x, line_search="strong-wolfe", **o),
    "hager-zhang": lambda x, **o: schuss.LBFGS(x, line_search="hager-zhang", **o),
    "armijo": lambda x, **o: schuss.LBFGS(x, line_search="armijo", **o),
    "lbfgsb": lambda x, **o: schuss.LBFGSB(x, (-0.5, 0.9), **o),
    "owlqn": lambda x, **o: schuss.OWLQN(x, 0.3, **o),
    "bfgs": lambda x, **o: schuss.BFGS(x, **o),
}


@pytest.mark.parametrize("name", MAKERS)
def test_threads_change_no_bit(name: str) -> None:
    n = 400 if name == "bfgs" else 40_000
    x0 = np.random.default_rng(1).standard_normal(n)
    ends = []
    for threads in (1, 2, 7):
        s = run(MAKERS[name](x0, threads=threads), rosenbrock, 12)
        ends.append((s.ask().tobytes(), s.result().x.tobytes(), s.result().fun))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MAKERS)
def test_resumes_in_mid_search(name: str, dtype: Any, tmp_path: Path) -> None:
    def fun(x: Array) -> tuple[float, Array]:
        f, g = rosenbrock(x.astype(np.float64))
        return f, g.astype(dtype)

    start = START.astype(dtype)
    for k in (1, 2, 3, 5, 8, 13, 21):  # the first steps of a search from there take several trials
        whole, half = MAKERS[name](start), MAKERS[name](start)
        run(half, fun, k)
        half.save(tmp_path / "state")
        again = type(half).load(tmp_path / "state")
        for s in (whole, again):
            run(s, fun, 40 if s is again else 40 + k)
        assert again.ask().tobytes() == whole.ask().tobytes(), k
        assert again.result().x.tobytes() == whole.result().x.tobytes()
        assert (again.iterations, again.evaluations, again.status) == (
            whole.iterations,
            whole.evaluations,
            whole.status,
        )


def test_resumes_in_a_new_process(tmp_path: Path) -> None:
    code = """
import sys, numpy as np, schuss
sys.path.insert(0, sys.argv[1])
from solver_oracle import rosenbrock
s = schuss.LBFGS.load(sys.argv[2])
while not s.done:
    s.tell(*rosenbrock(s.ask()))
print(s.result().x.tobytes().hex())
"""
    whole, half = run(schuss.LBFGS(START), rosenbrock), run(schuss.LBFGS(START), rosenbrock, 3)
    half.save(tmp_path / "state")
    path = str(Path(schuss.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "state")],
        capture_output=True, text=True, env={"PYTHONPATH": path}, timeout=60,
    )  # fmt: skip
    assert done.stdout.strip() == whole.result().x.tobytes().hex(), done.stderr


def test_newton_cg_resumes() -> None:
    h = np.diag(np.logspace(0, 2, 30))

    def answer(s: Any) -> None:
        if s.wants == "product":
            s.tell_product(h @ s.vector)
        else:
            s.tell(*bowl(h, np.ones(30))(s.ask()))

    whole, half = schuss.NewtonCG(np.zeros(30)), schuss.NewtonCG(np.zeros(30))
    for _ in range(9):
        answer(half)
    again = schuss.NewtonCG(np.zeros(30))
    again.load_state_dict(half.state_dict())
    for s in (whole, again):
        while not s.done:
            answer(s)
    assert whole.result().x.tobytes() == again.result().x.tobytes()


# --- Newton


def test_newton_converges_quadratically() -> None:
    fun = lambda x: (float(np.exp(x).sum() - 2 * x.sum()), np.exp(x) - 2)  # noqa: E731
    sizes: list[float] = []
    schuss.minimize(
        fun, np.array([1.5, 0.0, -0.5]), method="newton", hess=lambda x: np.diag(np.exp(x)), gtol=1e-14,
        callback=lambda r: sizes.append(float(np.abs(r.x - np.log(2)).max())),
    )  # fmt: skip
    late = [s for s in sizes if 1e-8 < s < 0.1]
    after = sizes[sizes.index(late[0]) + 1 :]
    assert all(b <= a * a or b < 1e-14 for a, b in zip([late[0], *after], after, strict=False))


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 130, 333])
def test_newton_solves_dense_systems(n: int) -> None:
    a, b = quadratic(n, 100, seed=n)
    ends = []
    for threads in (1, 2, 7):
        options: dict[str, Any] = {"method": "newton", "hess": lambda x: a, "gtol": 1e-10, "threads": threads}
        ends.append(schuss.minimize(bowl(a, b), np.zeros(n), **options))
    assert ends[0].success
    assert ends[0].nit <= 2
    np.testing.assert_allclose(ends[0].x, np.linalg.solve(a, b), rtol=1e-9, atol=1e-10)
    assert ends[0].x.tobytes() == ends[1].x.tobytes() == ends[2].x.tobytes()


@pytest.mark.parametrize("bent", [0, 63, 64, 100, 149])
def test_newton_leaves_a_saddle_of_many_variables(bent: int) -> None:
    n = 150
    q = np.linalg.qr(np.random.default_rng(bent).standard_normal((n, n)))[0]
    q[:, bent], q[bent] = 0, 0
    q[bent, bent] = 1
    a = q @ np.diag(np.linspace(1, 2, n)) @ q.T
    a[bent, bent] = -1

    def fun(x: Array) -> tuple[float, Array]:
        cube = np.zeros(n)
        cube[bent] = x[bent] ** 3
        return float(x @ a @ x / 2 + x[bent] ** 4 / 4), a @ x + cube

    def hess(x: Array) -> Array:
        h = a.copy()
        h[bent, bent] += 3 * x[bent] ** 2
        return h

    done = schuss.minimize(fun, np.zeros(n), method="newton", hess=hess)
    assert done.success
    assert done.fun == pytest.approx(-0.25)


@pytest.mark.parametrize("start", [[0.0, 0.0], [0.0, 1.0], [1e-9, 0.0]])
def test_newton_leaves_a_saddle(start: list[float]) -> None:
    fun = lambda x: (x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2, np.array([x[0] ** 3 - x[0], 2 * x[1]]))  # noqa: E731
    done = schuss.minimize(fun, start, method="newton", hess=lambda x: np.array([[3 * x[0] ** 2 - 1, 0], [0, 2]]))
    assert done.success
    np.testing.assert_allclose(np.abs(done.x), [1, 0], atol=1e-5)


@pytest.mark.parametrize("number", [1, 5, 7, 14, 18, 21])
def test_newton_cg_on_hard_problems(number: int) -> None:
    p = next(p for p in UNCONSTRAINED if p.number == number)

    def hessp(x: Array, v: Array) -> Array:
        step = 1e-6 / np.linalg.norm(v)
        return (p(x + step * v)[1] - p(x - step * v)[1]) / (2 * step)

    done = schuss.minimize(p, p.start, method="newton-cg", hessp=hessp)
    assert done.success
    assert min(abs(done.fun - m) for m in p.minima) < 1e-5


@pytest.mark.parametrize("n", [1, 2, 30])
def test_newton_root(n: int) -> None:
    a = quadratic(n, 10)[0] + np.eye(n)
    done = schuss.newton_root(lambda x: (a @ x + x**3 - 1, a + np.diag(3 * x**2)), np.zeros(n))
    theirs = scipy.optimize.root(lambda x: a @ x + x**3 - 1, np.zeros(n))
    assert done.success
    np.testing.assert_allclose(done.x, theirs.x, atol=1e-8)


def test_newton_root_without_one_says_so() -> None:
    done = schuss.newton_root(lambda x: (x * x + 1, 2 * x), 3.0)
    assert not done.success
    assert "|F|" in done.message


# --- number types


def test_float32_storage_goes_where_float32_sums_do_not() -> None:
    n = 20_000
    d = np.linspace(1, 100, n)
    done = schuss.minimize(lambda x: (float(d @ x.astype(float) ** 2 / 2), d * x), np.ones(n, np.float32), gtol=1e-4)
    assert done.success
    assert done.x.dtype == np.float32
    # Sums of a float32 run lose the slope: s.y of equal numbers, added one by one.
    s = np.full(2**25, 1, np.float32)
    assert float(np.cumsum(s, dtype=np.float32)[-1]) == 2**24
    solver = schuss.LBFGS(s, gtol=0.0)
    solver.tell(0.5 * len(s), np.asarray(solver.ask()))
    assert solver._solver.numbers()["line.start.d"] == pytest.approx(-np.sqrt(2**25), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("newton", ["3: 1.1e-02", "4: 5.8e-05", "5: 1.7e-09", "value -0.250000. Converged"]),
        (
            "float32_storage",
            ["float32 alone:             gradient", "no lower value", "Converged", "Stored as float32"],
        ),
    ],
)
def test_examples_say(name: str, words: list[str]) -> None:
    root = Path(schuss.__file__).parent.parent
    path = Path(__file__).parent.parent / "examples" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, env={"PYTHONPATH": str(root)}, timeout=60
    )
    for word in words:
        assert word in done.stdout, done.stdout + done.stderr
    if name == "float32_storage":  # where float32 alone ends depends on the sums of the CPU's BLAS
        alone, sums = (float(number) for number in re.findall(r"gradient (\S+) after", done.stdout))
        assert alone > 1e-3 > 1e-4 >= sums


# --- minimize


def test_scipy_takes_our_methods() -> None:
    import schuss.scipy as plugged

    for name in ("lbfgs", "bfgs"):
        done = scipy.optimize.minimize(rosenbrock, START, jac=True, method=getattr(plugged, name))
        assert done.success
        np.testing.assert_allclose(done.x, 1, atol=1e-4)
    bounds = [(-1, 0.5)] * 20
    done = scipy.optimize.minimize(rosenbrock, START, jac=True, method=plugged.lbfgsb, bounds=bounds)
    theirs = scipy.optimize.minimize(rosenbrock, START, jac=True, method="L-BFGS-B", bounds=bounds)
    assert done.fun == pytest.approx(theirs.fun, rel=1e-6)


def test_start_on_another_shape_and_kind() -> None:
    done = schuss.minimize(lambda x: (((x - 2) ** 2).sum(), 2 * (x - 2)), [[0, 0, 1], [1, 1, 1]])
    assert done.x.shape == done.jac.shape == (2, 3)
    np.testing.assert_allclose(done.x, 2, atol=1e-5)


def test_gradient_may_be_the_point_itself() -> None:
    assert schuss.minimize(lambda x: (0.5 * x @ x, x), np.arange(5.0)).success


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"maxiter": 3}, states.ITERATIONS),
        ({"maxfun": 4}, states.EVALUATIONS),
        ({"maxfun": 1}, states.EVALUATIONS),
        ({"ftol": 0.5}, states.VALUE),
        ({"gtol": 1e9}, states.GRADIENT),
        ({"time_limit": 1e-9}, states.TIME),
        ({"callback": lambda r: r.nit == 2}, states.STOPPED),
    ],
    ids=["maxiter", "maxfun", "maxfun-1", "ftol", "gtol", "time", "callback"],
)
def test_stops_and_says_why(options: dict[str, Any], status: int) -> None:
    seen: list[float] = []

    def fun(x: Array) -> tuple[float, Array]:
        f, g = rosenbrock(x)
        seen.append(f)
        return f, g

    done = schuss.minimize(fun, START, **options)
    assert done.status == status
    assert done.nfev == len(seen)
    assert done.fun == min(seen)
    assert (done.fun, done.jac.tolist()) == (rosenbrock(done.x)[0], rosenbrock(done.x)[1].tolist())
    assert done.message.startswith(("Converged", "Not converged", "Stopped"))


def test_result_is_the_best_point_seen_even_if_not_adopted() -> None:
    seen: list[tuple[float, Array]] = []

    def fun(x: Array) -> tuple[float, Array]:
        f, g = rosenbrock(x)
        seen.append((f, x.copy()))
        return f, g

    for most in range(1, 60):
        seen.clear()
        done = schuss.minimize(fun, START, maxfun=most)
        best = min(seen, key=lambda s: s[0])
        assert done.fun == best[0]
        assert done.x.tolist() == best[1].tolist()


# --- bad input


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_at_the_start(bad: float) -> None:
    with pytest.raises(ValueError, match=r"f: expected a finite number at the start"):
        schuss.minimize(lambda x: (bad, x), np.ones(3))
    with pytest.raises(ValueError, match=r"g: expected finite numbers at the start"):
        schuss.minimize(lambda x: (1.0, x * bad), np.ones(3))
    with pytest.raises(ValueError, match=r"x0: expected finite"):
        schuss.LBFGS(np.array([1, bad]))


@pytest.mark.parametrize("method", ["lbfgs", "bfgs", "lbfgsb", "owlqn"])
@pytest.mark.parametrize("line", LINES)
def test_walls_are_backed_away_from(method: str, line: str) -> None:
    adopted: list[Array] = []

    def fun(x: Array) -> tuple[float, Array]:  # log has no value beyond 0
        with np.errstate(all="ignore"):
            return float(x.sum() - np.log(x).sum()), 1 - 1 / x

    more: dict[str, Any] = {"lbfgsb": {"bounds": (-10, 10)}, "owlqn": {"l1": 0.5}}.get(method, {})
    more |= {"line_search": line, "callback": lambda r: adopted.append(r.x)}
    done = schuss.minimize(fun, np.array([0.01, 30.0, 5.0]), method=method, **more)
    assert done.success, done.message
    np.testing.assert_allclose(done.x, 1 / 1.5 if method == "owlqn" else 1, atol=1e-4)
    assert all((x > 0).all() for x in adopted)


def test_contradicting_gradient() -> None:
    wrong = lambda x: (float(x @ x), -2 * x)  # noqa: E731
    done = schuss.minimize(wrong, np.ones(3))
    assert done.status == states.SEARCH
    assert "check_grad" in done.message
    assert schuss.check_grad(wrong, np.ones(3)) > 1


def test_unbounded_below_ends() -> None:
    done = schuss.minimize(lambda x: (float(-x @ x), -2 * x), np.ones(2), maxfun=500)
    assert not done.success
    assert done.fun < -1e20


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: schuss.LBFGS(np.zeros(0)), ValueError, "x0: expected at least one"),
        (lambda: schuss.LBFGS(["a"]), TypeError, "x0: expected real"),
        (lambda: schuss.LBFGS(np.zeros(2), memory=0), ValueError, "memory: expected 1 to 100, got 0"),
        (lambda: schuss.LBFGS(np.zeros(2), memory=2.0), TypeError, "memory: expected a whole number"),
        (lambda: schuss.LBFGS(np.zeros(2), form="x"), ValueError, "form: expected one of"),
        (lambda: schuss.LBFGS(np.zeros(2), line_search="x"), ValueError, "line_search: expected one of"),
        (lambda: schuss.LBFGS(np.zeros(2), gtol=-1), ValueError, "gtol: expected a number >= 0, got -1"),
        (lambda: schuss.LBFGS(np.zeros(2), c1=0.9), ValueError, "c1: expected"),
        (lambda: schuss.LBFGS(np.zeros(2), c2=1e-5), ValueError, "c2: expected"),
        (lambda: schuss.LBFGS(np.zeros(2), tol=1), TypeError, "unknown option 'tol'"),
        (lambda: schuss.OWLQN(np.zeros(2), -1), ValueError, "l1: expected a number >= 0"),
        (lambda: schuss.OWLQN(np.zeros(2), [1, -1]), ValueError, "l1: expected numbers >= 0"),
        (lambda: schuss.OWLQN(np.zeros(2), [1, 1, 1]), ValueError, "l1: expected a number or an array of x0's shape"),
        (lambda: schuss.OWLQN(np.zeros(2), ["a", "b"]), TypeError, "l1: expected real numbers"),
        (lambda: schuss.LBFGSB(np.zeros(2), (1, 0)), ValueError, "bounds: number 0 has none to choose from"),
        (lambda: schuss.LBFGSB(np.zeros(2), (np.nan, 0)), ValueError, "bounds: the lower one has NaN"),
        (lambda: schuss.LBFGSB(np.zeros(2), (0, [1, 2, 3])), ValueError, "bounds: the upper one does not broadcast"),
        (lambda: schuss.minimize(rosenbrock, START, method="x"), ValueError, "method: expected one of"),
        (lambda: schuss.minimize(rosenbrock, START, l1=1, bounds=(0, 1)), ValueError, "l1: method 'lbfgsb'"),
        (lambda: schuss.minimize(rosenbrock, START, method="newton"), ValueError, "hess: method 'newton' needs"),
        (lambda: schuss.minimize(rosenbrock, START, jac=None), TypeError, "jac: expected True"),
        (lambda: schuss.minimize(lambda x: 1.0, START), TypeError, "fun: expected"),
        (lambda: schuss.minimize(lambda x: (1.0, x[:3]), START), ValueError, "g: expected shape"),
        (lambda: schuss.minimize(lambda x: ("a", x), START), ValueError, "could not convert"),
        (lambda: schuss.LBFGS(np.zeros(2)).tell(1.0, np.zeros(2)), ValueError, "tell: nothing was asked"),
        (lambda: run(schuss.LBFGS(np.zeros(2)), lambda x: (0.0, x)).tell(1.0, np.zeros(2)), ValueError, "is done"),
        (lambda: schuss.Newton(np.zeros(2)).tell_hessian(np.eye(2)), ValueError, "tell_hessian: the solver waits for"),
    ],
)
def test_refuses(act: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        act()


def test_asked_points_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        schuss.LBFGS(np.zeros(3)).ask()[0] = 1


def test_state_of_another_solver_is_refused() -> None:
    state = run(schuss.LBFGS(START), rosenbrock, 5).state_dict()
    for other in (schuss.BFGS(START), schuss.LBFGS(START, memory=3), schuss.LBFGS(START[:4])):
        before = other.ask().copy()
        with pytest.raises(ValueError, match="state: "):
            other.load_state_dict(state)
        assert other.ask().tolist() == before.tolist()


def test_damaged_state_is_refused_and_changes_nothing() -> None:
    solver, other = run(schuss.LBFGS(START), rosenbrock, 9), run(schuss.LBFGS(START), rosenbrock, 3)
    for damage in ("x", "history.sy", "numbers"):
        state = solver.state_dict()
        if damage == "numbers":
            del state["header"]["numbers"]["line.step"]
        else:
            del state["arrays"][damage]
        before = other.state_dict()
        with pytest.raises(ValueError, match="state: "):
            other.load_state_dict(state)
        after = other.state_dict()
        assert after["header"] == before["header"]
        assert all(after["arrays"][k].tobytes() == before["arrays"][k].tobytes() for k in before["arrays"])

"""Pictures: what is drawn is what was computed; arguments that do not fit are refused."""

from __future__ import annotations

import numpy as np
import pytest

import schuss
from schuss import plot
from schuss.models.history import History
from schuss.rules import ALL


def bowl(x):
    return 0.1 * x[0] ** 2 + 2 * x[1] ** 2, np.array([0.2 * x[0], 4 * x[1]])


def test_path_is_gradient_descent_in_numpy():
    x, points = np.array([-5.0, -2.0]), [[-5.0, -2.0]]
    for _ in range(7):
        x = x - 0.3 * bowl(x)[1]
        points.append(x)
    assert np.array_equal(plot.path_of(bowl, schuss.SGD(lr=0.3), (-5, -2), 7), points)


@pytest.mark.parametrize("panels", [False, True], ids=["together", "panels"])
def test_trace_draws_each_path(panels):
    figure = plot.trace_2d(bowl, [schuss.SGD(), schuss.Adam()], (-5, -2), 5, lr=0.4, panels=panels, minimum=(0, 0))
    drawn = [line.get_xydata() for axes in figure.axes for line in axes.lines]
    for rule in (schuss.SGD(lr=0.4), schuss.Adam(lr=0.4)):
        path = plot.path_of(bowl, rule, (-5, -2), 5)
        assert any(np.array_equal(path, line) for line in drawn)


def test_trace_takes_ready_paths_and_names(tmp_path):
    ready = np.array([[0.0, 0.0], [1.0, 2.0]])
    figure = plot.trace_2d(bowl, {"mine": ready}, (0, 0), path=tmp_path / "t.png")
    assert (tmp_path / "t.png").stat().st_size > 5000
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mine"]


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: plot.trace_2d(bowl, schuss.SGD(), (1, 2, 3)), ValueError, "start: expected two numbers"),
        (lambda: plot.trace_2d(bowl, {"x": np.zeros(3)}, (1, 2)), ValueError, "rules: 'x'"),
        (lambda: plot.trace_2d(bowl, [], (1, 2)), ValueError, "at least one"),
        (lambda: plot.curves([]), ValueError, "fit the model first"),
        (lambda: plot.curves(3), TypeError, "expected a fitted model"),
        (lambda: plot.effective_rates(np.zeros(3)), TypeError, "expected a schuss.Optimizer"),
    ],
    ids=["start", "path", "no-rules", "empty", "number", "no-optimizer"],
)
def test_refuses(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_curves_of_losses_and_of_histories(tmp_path):
    history = History()
    history.add(10_000, 6000.0, 10_000.0)
    history.mark(10_000, 0.55)
    axes = plot.curves({"LR": history}, tmp_path / "c.png", {"truth": 0.5}).axes[0]
    assert [line.get_ydata()[0] for line in axes.lines] == [0.6, 0.55, 0.5]
    axes = plot.curves([3.0, 2.0, 1.0]).axes[0]
    assert np.array_equal(axes.lines[0].get_xydata(), [[1, 3], [2, 2], [3, 1]])


STEADY = {  # a rule for which a gradient that stays the same moves the weight by rate * gradient
    "SGD": schuss.SGD(lr=0.1),
    "CounterClock": schuss.CounterClock(lr=0.1),
    "AdaGrad": schuss.AdaGrad(lr=0.1, lr_decay=0.2),
    "RowWiseAdaGrad": schuss.RowWiseAdaGrad(lr=0.1, eps_place="inside"),
    "RMSprop": schuss.RMSprop(lr=0.01, eps_place="inside"),
    "Adam": schuss.Adam(lr=0.01),
    "Adam-hat": schuss.Adam(lr=0.01, eps=1e-2, eps_place="hat"),
    "AMSGrad": schuss.AMSGrad(lr=0.01),
    "AdaMax": schuss.AdaMax(lr=0.01),
    **{
        name: ALL[name](lr=0.01, **options)
        for name, options in {
            **dict.fromkeys(("RAdam", "AdaBelief", "Adan", "Hypergradient"), {}),
            "Yogi": {"bias_correction": True},
        }.items()
        if name in ALL
    },
}


@pytest.mark.parametrize("name", STEADY)
def test_effective_rate_is_step_over_gradient(name):
    g = np.array([[0.5, -2.0, 8.0]])
    w = np.zeros((1, 3))
    opt = schuss.Optimizer(w, STEADY[name])
    for _ in range(50):
        before = w.copy()
        opt.step(g)
    assert np.allclose(plot.effective_rates(opt)[""], (before - w) / g, rtol=1e-6)


def test_effective_rate_of_ftrl_is_weight_over_sum():
    w = np.zeros(2)
    opt = schuss.Optimizer(w, schuss.FTRL(lr=0.1, l2=0.5))
    for g in ([1.0, -3.0], [0.5, 2.0]):
        opt.step(np.array(g))
    assert np.allclose(plot.effective_rates(opt)[""], -w / opt.slots["z"], rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_every_rule_has_rates_or_says_why(name):
    w = np.full((2, 2), 0.25 if name != "EG" else 0.5)
    opt = schuss.Optimizer(w, ALL[name]())
    opt.step(np.full((2, 2), 0.1))
    try:
        rate = plot.effective_rates(opt)[""]
    except ValueError as error:
        assert "has no effective rate" in str(error)
    else:
        assert rate.shape == (2, 2)
        assert (rate > 0).all()


def test_rates_draws_each_parameter(tmp_path):
    opt = schuss.Optimizer({"w": np.zeros(50), "t": schuss.Table(9, 4, schuss.AdaGrad())}, schuss.AdaGrad())
    opt.step({"w": np.arange(1.0, 51.0), "t": schuss.RowGrad(np.arange(9), np.ones((9, 4), np.float32))})
    figure = plot.rates(opt, tmp_path / "r.png")
    assert sorted(len(line.get_ydata()) for line in figure.axes[0].lines) == [36, 50]

"""States moved between schuss and optax or Keras, live where they are installed, else by their formulas."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import exchange_sources as sources
import numpy as np
import pytest
from cases import gradients
from exchange_sources import (
    LR,
    Adam,
    Adan,
    Ams,
    CountedRms,
    Delta,
    Empty,
    Factored,
    Free,
    Lion,
    Masked,
    Rms,
    Rss,
    Schedule,
    Std,
    Trace,
    tree,
)

import schuss
from schuss.compat import keras, optax
from schuss.compat.maps import NAMES, markdown
from schuss.rules import ALL, Rule
from schuss.rules.conventions import CONVENTIONS

SHAPES = [(13, 17), (9, 4), (5,), ()]


def weights() -> list[Any]:
    rng = np.random.default_rng(3)
    return [np.array(rng.normal(size=shape)) for shape in SHAPES]


def grads_of(steps: range) -> list[list[Any]]:
    return [[np.array(gradients(shape, "float64", 10 * t + i)) for i, shape in enumerate(SHAPES)] for t in steps]


def assert_near(ours: Any, theirs: Any, case: str) -> None:
    tolerance = 1e-6 if case in IN_FLOAT32 else 1e-11
    for w, x in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(w, x, rtol=0, atol=tolerance * max(1.0, np.abs(np.asarray(x)).max(initial=0)))


IN_FLOAT32 = ("adafactor", "adafactor-factored")  # optax counts steps in it


# name of the rule, its numbers here, what the formula is told, the state's parts in optax' order, optax' own
OPTAX: dict[str, tuple[str, dict[str, Any], dict[str, Any], Any, Callable[[Any], Any]]] = {
    "sgd": ("SGD", {}, {}, (Empty, Schedule), lambda o: o.sgd(lambda _: LR)),
    "momentum": ("Momentum", {"momentum": 0.8}, {"momentum": 0.8}, (Trace, Empty), lambda o: o.sgd(LR, 0.8)),
    "momentum-keras": (
        "Momentum",
        {"momentum": 0.8, "form": "keras"},
        {"momentum": 0.8},
        (Trace, Empty),
        lambda o: o.sgd(LR, 0.8),
    ),
    "nesterov": (
        "Nesterov",
        {"momentum": 0.8},
        {"momentum": 0.8},
        (Trace, Schedule),
        lambda o: o.sgd(lambda _: LR, 0.8, nesterov=True),
    ),
    "adagrad": ("AdaGrad", {}, {}, (Rss, Empty), lambda o: o.adagrad(LR)),
    "adadelta": (
        "AdaDelta",
        {"weight_decay": 0.1},
        {"wd": 0.1},
        (Empty, Delta, Empty),
        lambda o: o.adadelta(LR, weight_decay=0.1),
    ),
    "rmsprop": ("RMSprop", {}, {}, (Rms, Empty, Empty), lambda o: o.rmsprop(LR)),
    "rmsprop-momentum": (
        "RMSprop",
        {"momentum": 0.8},
        {"momentum": 0.8},
        (Rms, Schedule, Trace),
        lambda o: o.rmsprop(lambda _: LR, momentum=0.8),
    ),
    "rmsprop-torch": (
        "RMSprop",
        {"momentum": 0.8, "centered": True, "form": "torch"},
        {"momentum": 0.8, "centered": True},
        (Std, Empty, Trace),
        lambda o: o.rmsprop(LR, centered=True, momentum=0.8),
    ),
    "adam": ("Adam", {}, {}, (Adam, Schedule), lambda o: o.adam(lambda _: LR)),
    "adamw": ("AdamW", {}, {"wd": 1e-4}, (Adam, Empty, Empty), lambda o: o.adamw(LR)),
    "amsgrad": (
        "AMSGrad",
        {"bias_correction": False},
        {},
        (Ams, Empty),
        lambda o: o.amsgrad(LR, bias_correction_mu=False, bias_correction_nu=False),
    ),
    "adamax": ("AdaMax", {}, {}, (Adam, Empty), lambda o: o.adamax(LR)),
    "nadam": ("NAdam", {}, {}, (Adam, Empty), lambda o: o.nadam(LR)),
    "nadamw": (
        "NAdam",
        {"weight_decay": 0.1, "decoupled": True},
        {"wd": 0.1},
        (Adam, Empty, Empty),
        lambda o: o.nadamw(LR, weight_decay=0.1),
    ),
    "radam": ("RAdam", {}, {}, (Adam, Empty), lambda o: o.radam(LR)),
    "yogi": ("Yogi", {}, {}, (Adam, Empty), lambda o: o.yogi(LR)),
    "adabelief": ("AdaBelief", {}, {}, (Adam, Empty), lambda o: o.adabelief(LR)),
    "lion": ("Lion", {}, {"wd_after": 1e-3}, (Lion, Empty, Empty), lambda o: o.lion(LR)),
    "sign_sgd": ("SignSGD", {}, {}, (Empty, Schedule), lambda o: o.sign_sgd(lambda _: LR)),
    "lamb": (
        "LAMB",
        {"weight_decay": 0.1},
        {"eps": 1e-6, "inside": 0.1},
        (Adam, Empty, Empty, Empty),
        lambda o: o.lamb(LR, weight_decay=0.1),
    ),
    "lars": (
        "LARS",
        {"weight_decay": 0.1},
        {"momentum": 0.9, "inside": 0.1},
        (Empty, Masked, Empty, Trace),
        lambda o: o.lars(LR, weight_decay=0.1),
    ),
    "adan": (
        "Adan",
        {"beta2": 0.5, "weight_decay": 0.1},
        {"wd": 0.1},
        (Adan, Empty, Empty),
        lambda o: o.adan(LR, b2=0.5, eps_root=0.0, weight_decay=0.1),
    ),
    "adafactor": (
        "Adafactor",
        {"weight_decay": 0.1},
        {"rate": 0.1 * LR},
        (Factored, Empty, Empty, Empty, Empty, Empty),
        lambda o: o.adafactor(LR, weight_decay_rate=0.1 * LR),
    ),
    "adafactor-factored": (
        "Adafactor",
        {"factor_from": 4},
        {"least": 4},
        (Factored, Empty, Empty, Empty, Empty),
        lambda o: o.adafactor(LR, min_dim_size_to_factor=4),
    ),
    "schedule_free_sgd": (
        "ScheduleFreeSGD",
        {"weight_decay": 0.1},
        {"inside": 0.1},
        Free,
        lambda o: o.contrib.schedule_free_sgd(LR, weight_decay=0.1),
    ),
    "schedule_free_adamw": (
        "ScheduleFreeAdamW",
        {"weight_decay": 0.1},
        {"inside": 0.1},
        Free,
        lambda o: o.contrib.schedule_free_adamw(LR, weight_decay=0.1),
    ),
}


def counts(state: Any) -> list[int]:
    """All whole numbers of an optax state."""
    if isinstance(state, tuple):
        return [n for part in state for n in counts(part)]
    dtype = getattr(state, "dtype", None)
    return [int(state)] if dtype is not None and dtype.kind == "i" else []


def numbers(state: Any) -> list[Any]:
    """All others."""
    if isinstance(state, dict | tuple | list):
        parts = [state[k] for k in sorted(state)] if isinstance(state, dict) else state
        return [x for part in parts for x in numbers(part)]
    return [] if counts(state) else [np.asarray(state)]


@pytest.mark.parametrize("case", OPTAX)
def test_20_steps_in_optax_and_20_here_are_40_in_optax(case: str) -> None:
    name, changes, *rest = OPTAX[case]
    source = sources.optax(name, *rest)
    moved, state = source.go(weights(), None, grads_of(range(20)), 0)
    end, last = source.go(moved, state, grads_of(range(20, 40)), 20)
    w = [np.array(x) for x in moved]
    opt = schuss.Optimizer(tree(w), ALL[name].like("optax", lr=LR, **changes))
    optax.load_state(opt, state, steps=20)
    assert opt.steps == 20
    for g in grads_of(range(20, 40)):
        opt.step(tree(g))
    assert_near(w, end, case)
    back = optax.to_state(opt, state)
    assert type(back) is type(last)
    assert counts(back) == counts(last)
    assert_near(numbers(back), numbers(last), case)


@pytest.mark.parametrize("case", OPTAX)
def test_20_steps_here_and_20_in_optax_are_40_in_optax(case: str) -> None:
    name, changes, *rest = OPTAX[case]
    source = sources.optax(name, *rest)
    w = weights()
    opt = schuss.Optimizer(tree(w), ALL[name].like("optax", lr=LR, **changes))
    for g in grads_of(range(20)):
        opt.step(tree(g))
    like = source.go(weights(), None, grads_of(range(1)), 0)[1]
    moved, _ = source.go(w, optax.to_state(opt, like), grads_of(range(20, 40)), 20)
    assert_near(moved, source.go(weights(), None, grads_of(range(40)), 0)[0], case)


def test_optax_finds_the_state_behind_wrappers() -> None:
    Hyper = namedtuple("InjectStatefulHyperparamsState", "count hyperparams hyperparams_states inner_state")
    state = Hyper(np.int32(7), {"lr": 0.1}, {}, (Adam(np.int32(7), np.ones(2), np.ones(2)), Empty()))
    opt = schuss.Optimizer(np.zeros(2), schuss.Adam())
    optax.load_state(opt, state)
    assert opt.steps == 7
    assert isinstance(optax.to_state(opt, state), Hyper)


def test_optax_has_the_keys_of_dicts_in_another_order() -> None:
    opt = schuss.Optimizer({"w": np.zeros(2), "b": np.zeros(2)}, schuss.Adam())
    opt.step({"w": np.ones(2), "b": np.zeros(2)})
    like = Adam(np.int32(0), {"b": np.zeros(2), "w": np.zeros(2)}, {"b": np.zeros(2), "w": np.zeros(2)})
    made = optax.to_state(opt, like)
    assert made.mu["w"].all()
    assert not made.mu["b"].any()


# name of the rule, its numbers here, what the formula is told, the variables' names in their order, Keras' own
KERAS: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[tuple[str, ...]], Callable[[Any], Any]]] = {
    "sgd": ("SGD", {"weight_decay": 0.1}, {"wd": 0.1}, [], lambda k: k.SGD(LR, weight_decay=0.1)),
    "momentum": ("Momentum", {"momentum": 0.8}, {"momentum": 0.8}, [("momentum",)], lambda k: k.SGD(LR, 0.8)),
    "momentum-torch": (
        "Momentum",
        {"momentum": 0.8, "form": "torch"},
        {"momentum": 0.8},
        [("momentum",)],
        lambda k: k.SGD(LR, 0.8),
    ),
    "nesterov": (
        "Nesterov",
        {"momentum": 0.8, "form": "torch"},
        {"momentum": 0.8},
        [("momentum",)],
        lambda k: k.SGD(LR, 0.8, nesterov=True),
    ),
    "sgdw": (
        "SGDW",
        {"momentum": 0.8, "weight_decay": 0.1},
        {"momentum": 0.8, "wd": 0.1},
        [("momentum",)],
        lambda k: k.SGD(LR, 0.8, weight_decay=0.1),
    ),
    "adagrad": ("AdaGrad", {}, {}, [("accumulator",)], lambda k: k.Adagrad(LR)),
    "adadelta": ("AdaDelta", {}, {}, [("accumulated_grad", "accumulated_delta_var")], lambda k: k.Adadelta(LR)),
    "rmsprop": (
        "RMSprop",
        {"momentum": 0.8, "centered": True},
        {"momentum": 0.8, "centered": True},
        [("velocity",), ("momentum",), ("average_gradient",)],
        lambda k: k.RMSprop(LR, momentum=0.8, centered=True),
    ),
    "adam": ("Adam", {}, {}, [("momentum", "velocity")], lambda k: k.Adam(LR)),
    "adamw": ("AdamW", {}, {"wd": 0.004}, [("momentum", "velocity")], lambda k: k.AdamW(LR)),
    "amsgrad": (
        "AMSGrad",
        {},
        {"amsgrad": True},
        [("momentum", "velocity"), ("velocity_hat",)],
        lambda k: k.Adam(LR, amsgrad=True),
    ),
    "adamax": ("AdaMax", {}, {}, [("momentum", "norm")], lambda k: k.Adamax(LR)),
    "nadam": (
        "NAdam",
        {"weight_decay": 0.1},
        {"wd": 0.1},
        [("momentum", "velocity"), ("u_product",)],
        lambda k: k.Nadam(LR, weight_decay=0.1),
    ),
    "lion": ("Lion", {"weight_decay": 0.1}, {"wd": 0.1}, [("mu",)], lambda k: k.Lion(LR, weight_decay=0.1)),
    "lamb": ("LAMB", {}, {"eps": 1e-7}, [("mu", "nu")], lambda k: k.Lamb(LR)),
    "adafactor": ("Adafactor", {}, {}, [("r", "c", "velocity")], lambda k: k.Adafactor(LR)),
    "schedule-free-adamw": (
        "ScheduleFreeAdamW",
        {},
        {},
        [("momentum", "velocity")],
        lambda k: k.ScheduleFreeAdamW(LR),
    ),
    "ftrl": (
        "FTRL",
        {"l1": 0.1, "l2": 0.4, "beta": 0.5},
        {"l1": 0.1, "strength": 0.2, "beta": 0.5},
        [("accumulator", "linear")],
        lambda k: k.Ftrl(LR, l1_regularization_strength=0.1, l2_regularization_strength=0.2, beta=0.5),
    ),
}


@pytest.mark.parametrize("case", KERAS)
def test_20_steps_in_keras_and_20_here_are_40_in_keras(case: str) -> None:
    name, changes, *rest = KERAS[case]
    source = sources.keras(name, *rest)
    moved, variables = source.go(weights(), None, grads_of(range(20)), 0)
    end, last = source.go(moved, variables, grads_of(range(20, 40)), 20)
    w = [np.array(x) for x in moved]
    opt = schuss.Optimizer(w, ALL[name].like("keras", **changes))
    keras.load_state(opt, variables)
    assert opt.steps == 20
    for g in grads_of(range(20, 40)):
        opt.step(g)
    assert_near(w, end, case)
    back = keras.to_variables(opt)
    assert int(back[0]) == int(last[0]) == 40
    assert back[1] == pytest.approx(float(last[1]))
    # Keras' velocity of Adafactor holds no history where rows and columns are kept.
    assert_near(back[2:], last[2:], case)


@pytest.mark.parametrize("case", KERAS)
def test_20_steps_here_and_20_in_keras_are_40_in_keras(case: str) -> None:
    name, changes, *rest = KERAS[case]
    source = sources.keras(name, *rest)
    w = weights()
    opt = schuss.Optimizer(w, ALL[name].like("keras", lr=LR, **changes))
    for g in grads_of(range(20)):
        opt.step(g)
    moved, _ = source.go(w, keras.to_variables(opt), grads_of(range(20, 40)), 20)
    assert_near(moved, source.go(weights(), None, grads_of(range(40)), 0)[0], case)


ONES = Adam(np.int32(1), np.ones(2), np.ones(2))
Ema = namedtuple("EmaState", "count ema")
Prodigy = namedtuple("ProdigyState", "exp_avg exp_avg_sq grad_sum params0 estim_lr numerator_weighted count")
Rprop = namedtuple("ScaleByRpropState", "step_sizes prev_updates")
FREE = Free(np.float32(0.9), np.float32(1), np.int32(2), np.float32(1), (Empty(), Empty()), np.ones(2))


def load(*state: Any) -> Callable[[schuss.Optimizer], None]:
    return lambda opt: optax.load_state(opt, state)


def load_keras(*slots: Any) -> Callable[[schuss.Optimizer], None]:
    return lambda opt: keras.load_state(opt, [1, 0.1, *slots])


BAD: dict[str, tuple[Rule, Callable[[schuss.Optimizer], None], str]] = {
    "optax-convention": (
        schuss.Adam(eps_place="hat"),
        lambda opt: optax.load_state(opt, ONES),
        r"would not go on as optax did, which has eps_place='outside'.*like\('optax'",
    ),
    "optax-amsgrad": (schuss.AMSGrad(), lambda opt: optax.load_state(opt, ONES), r"after the bias correction"),
    "optax-other": (
        schuss.AdaGrad.like("optax"),
        lambda opt: optax.load_state(opt, ONES),
        r"ScaleByAdamState has 'mu', which AdaGrad.*another transformation",
    ),
    "optax-lacks": (schuss.EGU(), lambda opt: optax.load_state(opt, ONES), r"'optax' has no EGU"),
    "optax-shape": (
        schuss.Adam(),
        lambda opt: optax.load_state(opt, ONES._replace(nu=np.ones(3))),
        r"nu has shape \(3,\), the parameter \(2,\)",
    ),
    "optax-tree": (
        schuss.Adam(),
        lambda opt: optax.load_state(opt, ONES._replace(mu=[np.ones(2)] * 2)),
        r"mu is a tree of another shape",
    ),
    "optax-twice": (schuss.Adam(), lambda opt: optax.load_state(opt, (ONES, ONES)), r"is in it twice"),
    "optax-to": (schuss.Adam(), lambda opt: optax.to_state(opt, Trace(np.ones(2))), r"like: TraceState has 'trace'"),
    "optax-to-other": (schuss.Adam(), lambda opt: optax.to_state(opt, Lion(0, np.ones(2))), r"like: it has no 'nu'"),
    "optax-uncorrected": (
        schuss.Adam(bias_correction=False),
        lambda opt: optax.load_state(opt, ONES),
        r"which corrects for the start at zero",
    ),
    "optax-rprop": (
        schuss.Rprop(),
        load(Rprop(np.ones(2), np.ones(2))),
        r"no exact map to optax's rprop: optax takes each step one late, with the next gradient",
    ),
    "optax-prodigy": (
        schuss.Prodigy(),
        load(Prodigy(*[np.ones(2)] * 4, 1, 1, 1)),
        r"contrib.prodigy: optax corrects rate .* one d for all arrays",
    ),
    "optax-adan": (
        schuss.Adan(proximal=False),
        load(Adan(*[np.ones(2)] * 4, 1)),
        r"optax's adan: optax multiplies the differences of gradients by 1 - beta2.*only beta2=0.5 is the same",
    ),
    "optax-adan-proximal": (
        schuss.Adan(beta2=0.5, weight_decay=0.1),
        load(Adan(*[np.ones(2)] * 4, 1)),
        r"has proximal=False",
    ),
    "optax-nadam": (schuss.NAdam(), load(ONES), r"optax did, which has momentum_decay=1000000.0"),
    "optax-lars": (schuss.LARS(), load(Trace(np.ones(2))), r"optax did, which has joint=True"),
    "optax-lion": (
        schuss.Lion(weight_decay=0.1),
        load(Lion(1, np.ones(2))),
        r"optax did, which has decoupled=True",
    ),
    "optax-yogi": (schuss.Yogi(), load(ONES), r"corrects for the start at zero"),
    "optax-adafactor": (
        schuss.Adafactor(),
        load(Factored(1, np.ones(1), np.ones(1), np.ones(2))),
        r"optax did, which has relative_step=False",
    ),
    "optax-adafactor-decay": (
        schuss.Adafactor.like("optax").replaced(lr=schuss.schedules.Constant(0.1), weight_decay=0.1),
        load(Factored(1, np.ones(1), np.ones(1), np.ones(2))),
        r"optax does not scale the decay by lr",
    ),
    "optax-adafactor-momentum": (
        schuss.Adafactor.like("optax"),
        load(Factored(1, np.ones(1), np.ones(1), np.ones(2)), Ema(1, np.ones(2))),
        r"EmaState has 'ema', which Adafactor.* does not go on from",
    ),
    "optax-more": (schuss.SGD(), load(ONES), r"ScaleByAdamState has 'mu', which SGD.* does not go on from"),
    "optax-counted": (
        schuss.RMSprop.like("optax"),
        load(CountedRms(1, np.ones(2))),
        r"that of rmsprop with bias_correction",
    ),
    "optax-dampening": (schuss.Momentum(dampening=0.5), load(Trace(np.ones(2))), r"which has dampening=0.0"),
    "optax-decay": (schuss.AdaGrad.like("optax", lr_decay=0.1), load(Rss(np.ones(2))), r"which has lr_decay=0.0"),
    "optax-maximize": (schuss.Adam(maximize=True), load(ONES), r"optax has no maximize, unlike Adam"),
    "optax-free-schedule": (
        schuss.ScheduleFreeSGD(lr=schuss.schedules.Constant(1.0)),
        load(FREE),
        r"optax weighs each step by the schedule's next value.*a constant lr is the same",
    ),
    "optax-free-power": (schuss.ScheduleFreeSGD(power=1.0), load(FREE), r"which has power=0.0"),
    "optax-free-beta": (schuss.ScheduleFreeSGD(beta=0.8), load(FREE), r"b1 is 0.9, that of ScheduleFreeSGD.* 0.8"),
    "optax-free-rate": (schuss.ScheduleFreeSGD(lr=0.5), load(FREE), r"max_lr is 1, that of ScheduleFreeSGD.* 0.5"),
    "optax-counts": (
        schuss.Adam(),
        load(ONES, Schedule(np.int32(3))),
        r"counts differ between parameters \(1, 3\)",
    ),
    "keras-nadam": (schuss.NAdam(), load_keras(*[np.ones(2)] * 2, 0.5), r"keras did, which has momentum_decay=1.0"),
    "keras-product": (
        schuss.NAdam.like("keras"),
        load_keras(*[np.ones(2)] * 2, 1.0),
        r"u_product: expected 0.468, the product of 1 momenta .* got 1",
    ),
    "keras-ftrl": (
        schuss.FTRL.like("keras").replaced(weight_decay=0.1),
        load_keras(*[np.ones(2)] * 2),
        r"no exact map to keras's Ftrl: Keras' decay shrinks w itself",
    ),
    "keras-lamb": (
        schuss.LAMB(weight_decay=0.1),
        load_keras(*[np.ones(2)] * 2),
        r"keras's Lamb: Keras decays w by itself before the step, schuss in the ratio; weight_decay=0 is the same",
    ),
    "keras-adafactor": (
        schuss.Adafactor(weight_decay=0.1),
        load_keras(0.0, 0.0, np.ones(2)),
        r"Keras measures the weights after their decay",
    ),
    "keras-free": (
        schuss.ScheduleFreeAdamW.like("keras").replaced(weight_decay=0.1),
        load_keras(*[np.ones(2)] * 2),
        r"Keras decays w itself before the step, here decay moves z too",
    ),
    "keras-free-power": (schuss.ScheduleFreeAdamW(), load_keras(*[np.ones(2)] * 2), r"which has lr_power=0.0"),
    "keras-shape": (
        schuss.Lion.like("keras"),
        load_keras(np.ones(3)),
        r"momentum has shape \(3,\), the parameter \(2,\)",
    ),
    "keras-lacks": (schuss.RAdam(), load_keras(*[np.ones(2)] * 2), r"'keras' has no RAdam; 'torch', 'optax'"),
    "keras-convention": (
        schuss.Adam(),
        lambda opt: keras.load_state(opt, [1, 0.1, np.ones(2), np.ones(2)]),
        r"keras did, which has eps_place='hat'",
    ),
    "keras-decay": (
        schuss.SGD(weight_decay=0.1),
        lambda opt: keras.load_state(opt, [1, 0.1]),
        r"decoupled=True",
    ),
    "keras-number": (
        schuss.Adam.like("keras"),
        lambda opt: keras.load_state(opt, [1, 0.1, np.ones(2)]),
        r"expected 2 slots after iteration and learning_rate.*got 1",
    ),
    "keras-none": (schuss.SGD(), lambda opt: keras.load_state(opt, [np.ones(2)]), r"iteration, learning_rate"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(case: str) -> None:
    rule, call, message = BAD[case]
    opt = schuss.Optimizer(np.ones(2), rule)
    with pytest.raises(ValueError, match=message):
        call(opt)
    assert opt.steps == 0


@pytest.mark.parametrize("framework", ["optax", "keras"])
def test_refuses_adafactor_of_more_dimensions(framework: str) -> None:
    opt = schuss.Optimizer(np.ones((2, 3, 4)), schuss.Adafactor.like(framework).replaced(factor_from=0))
    slots = [np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 3, 4))]
    with pytest.raises(ValueError, match=r"matrix of an array's axis-0 slices; an array has shape \(2, 3, 4\)"):
        optax.load_state(opt, Factored(1, *slots)) if framework == "optax" else keras.load_state(opt, [1, 0.1, *slots])
    assert opt.steps == 0


def test_refuses_adafactor_that_is_factored_there_only() -> None:
    opt = schuss.Optimizer(np.ones((200, 130)), schuss.Adafactor.like("optax", factored=False))
    state = Factored(1, np.ones(130), np.ones(200), np.ones(1))
    with pytest.raises(ValueError, match=r"v has shape \(1,\), the parameter \(200, 130\)"):
        optax.load_state(opt, state)
    opt = schuss.Optimizer(np.ones((100, 130)), schuss.Adafactor.like("optax", factor_from=0))
    with pytest.raises(ValueError, match=r"v_row has shape \(1,\), the parameter .*which is kept as \(100,\)"):
        optax.load_state(opt, Factored(1, np.ones(1), np.ones(1), np.ones((100, 130))))


def test_refuses_averages_that_differ() -> None:
    opt = schuss.Optimizer([np.ones(2), np.ones(2)], schuss.ScheduleFreeSGD())
    opt.step([np.ones(2), None])
    with pytest.raises(ValueError, match=r"optax keeps one weight_sum for all parameters, here they differ"):
        optax.to_state(opt, FREE._replace(z=[np.ones(2)] * 2))


# ---- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", ["optax", "keras"])
def test_every_pair_is_run_or_refused_with_a_reason(framework: str) -> None:
    cases: Any = OPTAX if framework == "optax" else KERAS
    known = {name for name, conventions in CONVENTIONS.items() if framework in conventions}
    run = {case[0] for case in cases.values()}
    assert run == {name for name in known if framework in NAMES.get(name, {})}
    refused = known - run
    assert refused == ({"Rprop", "Prodigy"} if framework == "optax" else set())
    assert all(CONVENTIONS[name][framework].differs(ALL[name]()) for name in refused)


def test_table_has_every_rule_and_reason() -> None:
    lines = {line.split("`")[1]: line for line in markdown().splitlines()[2:]}
    assert set(lines) == set(ALL)
    assert lines["Rprop"].endswith("no: optax takes each step one late, with the next gradient |")
    assert lines["Lion"] == "| `Lion` | - | yes: decay decoupled | yes: decay decoupled |"
    assert "| not with the defaults: optax takes the maximum" in lines["AMSGrad"]
    assert "yes: eps_place='outside', decay coupled |" in lines["RMSprop"]
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-m", "schuss.compat.maps"], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == markdown()

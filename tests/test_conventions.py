"""`like`: each rule as torch (live), Keras, optax (their formulas) and the papers have it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import framework_oracle
import numpy as np
import pytest
import torch
from cases import gradients, start

import schuss
from schuss.rules import ALL, Rule
from schuss.rules.conventions import CONVENTIONS, FRAMEWORKS, convention, markdown

RTOL = {"float32": 1e-6, "float64": 1e-12}  # of the largest weight
each_dtype = pytest.mark.parametrize("dtype", RTOL)
each_rule = pytest.mark.parametrize("rule", ALL.values(), ids=ALL)


def falling(step: int) -> float:
    """A rate that changes, so that the forms of momentum part."""
    return 0.02 / (1 + 0.1 * step)


def assert_near(w: Any, theirs: Any, dtype: str) -> None:
    np.testing.assert_allclose(w, theirs, rtol=0, atol=RTOL[dtype] * np.abs(theirs).max())


@pytest.fixture(autouse=True)
def double_in_torch() -> Iterator[None]:
    """torch keeps the numbers of a step (NAdam's, ASGD's) in its default type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


# name of the rule, what is changed here, torch's optimizer, what is changed there
TORCH: dict[str, tuple[str, dict[str, Any], type[torch.optim.Optimizer], dict[str, Any]]] = {
    "SGD": ("SGD", {}, torch.optim.SGD, {}),
    "SGD-decay": ("SGD", {"weight_decay": 0.1, "maximize": True}, torch.optim.SGD, {}),
    "Momentum": ("Momentum", {"momentum": 0.8, "dampening": 0.3}, torch.optim.SGD, {}),
    "Nesterov": ("Nesterov", {"momentum": 0.8, "weight_decay": 0.1}, torch.optim.SGD, {"nesterov": True}),
    "AdaGrad": ("AdaGrad", {"lr_decay": 0.1}, torch.optim.Adagrad, {}),
    "AdaDelta": ("AdaDelta", {"weight_decay": 0.1}, torch.optim.Adadelta, {}),
    "RMSprop": ("RMSprop", {"centered": True, "momentum": 0.7}, torch.optim.RMSprop, {}),
    "RMSprop-plain": ("RMSprop", {}, torch.optim.RMSprop, {}),
    "Adam": ("Adam", {}, torch.optim.Adam, {}),
    "Adam-amsgrad": ("Adam", {"amsgrad": True, "weight_decay": 0.1}, torch.optim.Adam, {}),
    "AdamW": ("AdamW", {}, torch.optim.AdamW, {}),
    "AMSGrad": ("AMSGrad", {}, torch.optim.Adam, {"amsgrad": True}),
    "AdaMax": ("AdaMax", {}, torch.optim.Adamax, {}),
    "NAdam": ("NAdam", {"weight_decay": 0.1}, torch.optim.NAdam, {}),
    "RAdam": ("RAdam", {}, torch.optim.RAdam, {}),
    "Rprop": ("Rprop", {}, torch.optim.Rprop, {}),
    "ASGD": ("ASGD", {"lambd": 0.01}, torch.optim.ASGD, {}),
    "Adafactor": ("Adafactor", {}, torch.optim.Adafactor, {}),
}
CONSTANT = (("torch", "ASGD"), ("optax", "ScheduleFreeSGD"), ("optax", "ScheduleFreeAdamW"))  # of their rates


@each_dtype
@pytest.mark.parametrize("case", TORCH)
def test_torch(case: str, dtype: str) -> None:
    name, changes, theirs, extra = TORCH[case]
    w = start(ALL[name](), (13, 17), dtype, 1)
    parameter = torch.nn.Parameter(torch.tensor(w))
    rate = (lambda step: 0.02) if ("torch", name) in CONSTANT else falling
    lr: Any = 0.02 if ("torch", name) in CONSTANT else falling
    opt = schuss.Optimizer(w, ALL[name].like("torch", lr=lr, **changes))
    optimizer = theirs([parameter], lr=rate(0), **changes, **extra)
    for step in range(50):
        g = gradients(w.shape, dtype, step)
        opt.step(g)
        parameter.grad = torch.tensor(g)
        optimizer.param_groups[0]["lr"] = rate(step)
        optimizer.step()
    assert_near(w, parameter.detach().numpy(), dtype)


OF_TORCH = [name for name, known in CONVENTIONS.items() if "torch" in known and not known["torch"].differs(ALL[name]())]


@pytest.mark.parametrize("name", OF_TORCH)
def test_torch_defaults(name: str) -> None:
    """Without changes the rate and the numbers are torch's own."""
    _, _, theirs, extra = next(case for case in TORCH.values() if case[0] == name)
    momentum = {"momentum": 0.9} if name in ("Momentum", "Nesterov") else {}
    w = np.linspace(-1, 1, 20)
    parameter = torch.nn.Parameter(torch.tensor(w))
    opt, optimizer = schuss.Optimizer(w, ALL[name].like("torch")), theirs([parameter], **momentum, **extra)
    for step in range(5):
        g = gradients(w.shape, "float64", step)
        opt.step(g)
        parameter.grad = torch.tensor(g)
        optimizer.step()
    assert_near(w, parameter.detach().numpy(), "float64")


# framework, rule, what is changed here, what the formula is told
FORMULAS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    **{
        f"keras-{name}": ("keras", name, {}, {})
        for name in ("SGD", "AdaGrad", "AdaDelta", "RMSprop", "Adam", "AdaMax", "NAdam")
    },
    **{
        f"keras-{name}": ("keras", name, {"momentum": 0.8, "weight_decay": 0.1}, {"momentum": 0.8, "wd": 0.1})
        for name in ("Momentum", "Nesterov", "SGDW", "RMSprop")
    },
    "keras-RMSprop-centered": ("keras", "RMSprop", {"centered": True}, {"centered": True}),
    "keras-Adam-decay": ("keras", "Adam", {"weight_decay": 0.1}, {"wd": 0.1}),
    "keras-AdamW": ("keras", "AdamW", {}, {"wd": 0.004}),
    "keras-AMSGrad": ("keras", "AMSGrad", {}, {"amsgrad": True}),
    "keras-FTRL": ("keras", "FTRL", {"l1": 0.1, "l2": 0.4, "beta": 0.5}, {"l1": 0.1, "strength": 0.2, "beta": 0.5}),
    "keras-FTRL-plain": ("keras", "FTRL", {}, {"l1": 0.0, "strength": 0.0, "beta": 0.0}),
    **{
        f"optax-{name}": ("optax", name, {}, {})
        for name in ("SGD", "AdaGrad", "RMSprop", "Adam", "AdaMax", "RAdam", "AdaBelief", "SignSGD")
    },
    **{
        f"optax-{name}": ("optax", name, {"momentum": 0.8}, {"momentum": 0.8})
        for name in ("Momentum", "Nesterov", "RMSprop")
    },
    "optax-RMSprop-centered": ("optax", "RMSprop", {"centered": True}, {"centered": True}),
    "optax-AdaDelta": ("optax", "AdaDelta", {"weight_decay": 0.1}, {"wd": 0.1}),
    "optax-AdamW": ("optax", "AdamW", {}, {"wd": 1e-4}),
    "optax-AMSGrad": ("optax", "AMSGrad", {"bias_correction": False}, {}),
    **{f"paper-{name}": ("paper", name, {}, {}) for name in ("AdaGrad", "AdaDelta", "RMSprop", "Adam", "AMSGrad")},
    **{
        f"paper-{name}": ("paper", name, {"momentum": 0.8}, {"momentum": 0.8})
        for name in ("Momentum", "Nesterov", "RMSprop")
    },
    "keras-Lion": ("keras", "Lion", {"weight_decay": 0.1}, {"wd": 0.1}),
    "optax-Lion": ("optax", "Lion", {}, {"wd_after": 1e-3}),
    "keras-LAMB": ("keras", "LAMB", {}, {"eps": 1e-7}),
    "optax-LAMB": ("optax", "LAMB", {"weight_decay": 0.1}, {"eps": 1e-6, "inside": 0.1}),
    "optax-LARS": ("optax", "LARS", {"weight_decay": 0.1}, {"momentum": 0.9, "inside": 0.1}),
    "keras-Adafactor": ("keras", "Adafactor", {}, {}),
    "keras-ScheduleFreeAdamW": ("keras", "ScheduleFreeAdamW", {}, {}),
    "optax-NAdam": ("optax", "NAdam", {}, {}),
    "optax-NAdam-decay": ("optax", "NAdam", {"weight_decay": 0.1, "decoupled": True}, {"wd": 0.1}),
    "optax-Yogi": ("optax", "Yogi", {}, {}),
    "optax-Adan": ("optax", "Adan", {"beta2": 0.5, "weight_decay": 0.1}, {"wd": 0.1}),
    "optax-Adafactor": ("optax", "Adafactor", {}, {}),
    "optax-Adafactor-factored": ("optax", "Adafactor", {"factor_from": 13}, {"least": 13}),
    "optax-ScheduleFreeSGD": ("optax", "ScheduleFreeSGD", {"weight_decay": 0.1}, {"inside": 0.1}),
    "optax-ScheduleFreeAdamW": ("optax", "ScheduleFreeAdamW", {"weight_decay": 0.1}, {"inside": 0.1}),
    "paper-AdaMax": ("paper", "AdaMax", {}, {}),
}


@each_dtype
@pytest.mark.parametrize("case", FORMULAS)
def test_formula(case: str, dtype: str) -> None:
    framework, name, changes, told = FORMULAS[case]
    w = start(ALL[name](), (13, 17), dtype, 1)
    grads = [gradients(w.shape, dtype, step) for step in range(50)]
    constant = (framework, name) in CONSTANT
    rate = (lambda step: 0.02) if constant else falling
    theirs, _ = framework_oracle.run(framework, name, w, grads, rate, framework_oracle.options(**told))
    opt = schuss.Optimizer(w, ALL[name].like(framework, lr=0.02 if constant else falling, **changes))
    for g in grads:
        opt.step(g)
    assert_near(w, theirs, dtype)


def test_every_framework_of_every_rule_is_run() -> None:
    """By a test above; test_rules.py has the other papers' rules, and what is always refused cannot be run."""
    run = {("torch", case[0]) for case in TORCH.values()} | {case[:2] for case in FORMULAS.values()}
    known = {(f, name) for name, known in CONVENTIONS.items() for f, c in known.items() if not c.differs(ALL[name]())}
    assert {f for f, _ in known - run} == {"paper"}


@each_rule
def test_has_conventions(rule: type[Rule]) -> None:
    assert "paper" in CONVENTIONS[rule.__name__]
    assert set(CONVENTIONS[rule.__name__]) <= set(FRAMEWORKS)
    fields = rule()._init_fields()
    for known in CONVENTIONS[rule.__name__].values():
        assert set(known.values) <= set(fields)


def test_changes_come_last() -> None:
    assert schuss.Adam.like("keras", eps=1e-3) == schuss.Adam(eps=1e-3, eps_place="hat", decoupled=True)


@pytest.mark.parametrize(
    ("call", "message"),
    {
        "unknown": (
            lambda: schuss.Adam.like("jax"),
            r"framework: expected one of 'torch', 'keras', 'optax', 'paper', got 'jax'",
        ),
        "lacks": (lambda: schuss.FTRL.like("torch"), r"'torch' has no FTRL; 'keras', 'paper' have it"),
        "one": (lambda: schuss.EG.like("optax"), r"'optax' has no EG; 'paper' has it"),
        "late": (lambda: schuss.AMSGrad.like("optax"), r"maximum after the bias correction.*bias_correction=False"),
        "late-adam": (lambda: schuss.Adam.like("optax", amsgrad=True), r"maximum after the bias correction"),
        "schedule": (lambda: schuss.AdamW.like("paper"), r"weight_decay=decay / a"),
        "field": (lambda: schuss.Adam.like("torch", eps=0.0), r"Adam: eps: expected"),
    }.values(),
    ids=["unknown", "lacks", "one", "late", "late-adam", "schedule", "field"],
)
def test_refuses(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_table_names_every_rule_and_difference() -> None:
    text = markdown()
    for name in ALL:
        assert f"| `{name}` | called |" in text
    assert "| | eps_place | outside | outside | hat | outside | outside |" in text
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-m", "schuss.rules.conventions"], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == text


def test_convention_says_what_it_is_called() -> None:
    assert convention(schuss.AdaMax, "torch").name == "Adamax"

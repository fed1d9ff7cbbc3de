"""Every rule and every kernel of it, with weights that it accepts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

import schuss
from schuss.rules import ALL, Rule

Array = npt.NDArray[Any]

# Numbers far from the defaults, so that a term which is lost or misplaced shows.
PLAIN: list[tuple[str, Rule]] = [
    ("SGD", schuss.SGD(lr=0.1)),
    ("Momentum-torch", schuss.Momentum(lr=0.1, momentum=0.8, dampening=0.3)),
    ("Momentum-keras", schuss.Momentum(lr=0.1, momentum=0.8, dampening=0.3, form="keras")),
    ("Nesterov-torch", schuss.Nesterov(lr=0.1, momentum=0.8)),
    ("Nesterov-keras", schuss.Nesterov(lr=0.1, momentum=0.8, form="keras")),
    ("SGDW", schuss.SGDW(lr=0.1, momentum=0.8, dampening=0.3)),
    ("SGDW-keras", schuss.SGDW(lr=0.1, momentum=0.8, dampening=0.3, form="keras")),
    ("CounterClock", schuss.CounterClock(lr=0.1, c=2.5)),
    ("AdaGrad-outside", schuss.AdaGrad(lr=0.1, eps=1e-2, lr_decay=0.3)),
    ("AdaGrad-inside", schuss.AdaGrad(lr=0.1, eps=1e-2, eps_place="inside", initial_accumulator=0.1)),
    ("RowWiseAdaGrad-outside", schuss.RowWiseAdaGrad(lr=0.1, eps=1e-2)),
    ("RowWiseAdaGrad-inside", schuss.RowWiseAdaGrad(lr=0.1, eps=1e-2, eps_place="inside", initial_accumulator=0.1)),
    ("AdaDelta", schuss.AdaDelta(lr=0.5, rho=0.8, eps=1e-3)),
    *(
        (
            f"RMSprop-{place}{'-centered' if centered else ''}{f'-{form}' if form else ''}",
            schuss.RMSprop(
                lr=0.03,
                alpha=0.9,
                eps=1e-2,
                eps_place=place,
                centered=centered,
                momentum=0.7 if form else 0.0,
                form=form or "torch",
            ),
        )
        for form in ("", "torch", "keras")
        for centered in (False, True)
        for place in ("outside", "inside")
    ),
    ("Adam", schuss.Adam(lr=0.03)),
    ("Adam-hat", schuss.Adam(lr=0.03, beta1=0.8, beta2=0.99, eps=1e-2, eps_place="hat")),
    ("Adam-uncorrected", schuss.Adam(lr=0.03, beta1=0.8, beta2=0.99, eps=1e-2, bias_correction=False)),
    ("Adam-amsgrad", schuss.Adam(lr=0.03, beta2=0.7, eps=1e-2, amsgrad=True)),
    ("AdamW", schuss.AdamW(lr=0.03)),
    ("AdamW-amsgrad-hat", schuss.AdamW(lr=0.03, beta2=0.7, eps=1e-2, eps_place="hat", amsgrad=True)),
    ("AMSGrad", schuss.AMSGrad(lr=0.03, beta2=0.7)),
    ("AdaMax-max", schuss.AdaMax(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2)),
    ("AdaMax-outside", schuss.AdaMax(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2, eps_place="outside")),
    ("EGU", schuss.EGU(lr=0.1)),
    ("EG", schuss.EG(lr=0.1)),
    ("EGPM-total", schuss.EGPM(lr=0.1, total=2.5)),
    ("EGPM-free", schuss.EGPM(lr=0.1, total=None, spread=0.5)),
    ("EGDD-signs", schuss.EGDD(lr=0.05, gain_rate=0.1, scale_rate=0.1)),
    ("EGDD-products", schuss.EGDD(lr=0.05, gain_rate=0.1, scale_rate=0.1, signs=False)),
    ("EGDD-inner-product", schuss.EGDD(lr=0.05, beta=0.7, gain_rate=0.1, scale_rate=1e-4, directions=False)),
    ("FTRL-root", schuss.FTRL(lr=0.3, l1=0.4, l2=0.2)),
    ("NAdam", schuss.NAdam(lr=0.03, beta1=0.8, beta2=0.99, eps=1e-2, momentum_decay=0.3)),
    ("NAdam-constant", schuss.NAdam(lr=0.03, momentum_decay=0.0)),
    ("RAdam-hat", schuss.RAdam(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2)),
    ("RAdam-outside", schuss.RAdam(lr=0.03, beta2=0.95, eps=1e-2, eps_place="outside")),
    ("Yogi", schuss.Yogi(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2)),
    ("Yogi-corrected", schuss.Yogi(lr=0.03, beta2=0.9, bias_correction=True, initial_accumulator=0.1)),
    ("Yogi-momentum", schuss.Yogi(lr=0.03, initial_momentum=0.2)),
    ("AdaBelief", schuss.AdaBelief(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2, eps_inside=1e-3)),
    ("Lion", schuss.Lion(lr=0.01, beta1=0.7, beta2=0.8)),
    ("Rprop", schuss.Rprop(lr=0.1, eta_minus=0.4, eta_plus=1.5, step_min=0.05, step_max=0.2)),
    ("ASGD", schuss.ASGD(lr=0.1, lambd=0.2, alpha=0.6, t0=1.0)),
    ("Adan", schuss.Adan(lr=0.03, beta1=0.9, beta2=0.8, beta3=0.7, eps=1e-2)),
    ("Adan-decoupled", schuss.Adan(lr=0.03, proximal=False, weight_decay=0.3)),
    ("Heun", schuss.Heun(lr=0.1)),
    ("LARS", schuss.LARS(lr=0.3, momentum=0.8, trust=0.2, eps=0.1, weight_decay=0.3)),
    ("LARS-joint", schuss.LARS(lr=0.3, momentum=0.8, trust=0.2, joint=True, weight_decay=0.3)),
    ("LAMB", schuss.LAMB(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2, weight_decay=0.3)),
    ("LAMB-uncorrected", schuss.LAMB(lr=0.03, beta1=0.8, beta2=0.9, eps=1e-2, bias_correction=False)),
    ("ScheduleFreeSGD", schuss.ScheduleFreeSGD(lr=0.1, beta=0.7, power=1.0)),
    ("ScheduleFreeAdamW", schuss.ScheduleFreeAdamW(lr=0.03, beta1=0.7, beta2=0.9, eps=1e-2, weight_decay=0.3)),
    ("Prodigy", schuss.Prodigy(lr=0.5, beta1=0.8, beta2=0.9, beta3=0.7, eps=1e-2, d0=0.1)),
    ("Hypergradient", schuss.Hypergradient(lr=0.05, hyper_rate=1e-5)),
    ("Hypergradient-multiplicative", schuss.Hypergradient(lr=0.05, hyper_rate=0.2, multiplicative=True)),
    ("Adafactor", schuss.Adafactor(lr=0.3, decay_power=0.6, eps1=1e-2, eps2=0.1, limit=0.8)),
    ("Adafactor-clamp", schuss.Adafactor(lr=0.3, eps1=0.1, eps_place="clamp", scale_parameter=False)),
    ("Adafactor-whole", schuss.Adafactor(lr=0.03, eps1=1e-2, relative_step=False, factored=False)),
    ("SignSGD", schuss.SignSGD(lr=0.01)),
    ("FTRL-power", schuss.FTRL(lr=0.3, beta=0.5, l1=0.4, l2=0.2, power=0.7, initial_accumulator=0.1)),
    ("FTRL-from-zero", schuss.FTRL(lr=0.3, l1=0.1, initial_accumulator=0.1, keep_start=False)),
]


def decayed() -> list[tuple[str, Rule]]:
    """For every rule coupled decay, decoupled decay and ascent, as far as it has them."""
    first: dict[str, Rule] = {}
    for _, rule in PLAIN:
        first.setdefault(type(rule).__name__, rule)
    cases: list[tuple[str, Rule]] = []
    for name, rule in first.items():
        fields = {f.name for f in dataclasses.fields(rule) if f.init}
        if "weight_decay" not in fields:
            cases.append((f"{name}-maximize", rule.replaced(maximize=True)))
        elif "decoupled" not in fields:
            cases.append((f"{name}-decay-maximize", rule.replaced(weight_decay=0.3, maximize=True)))
        else:
            cases.append((f"{name}-coupled-maximize", rule.replaced(weight_decay=0.3, maximize=True)))
            if name not in ("FTRL", "EGPM"):  # they refuse it
                cases.append((f"{name}-decoupled", rule.replaced(weight_decay=0.3, decoupled=True)))
    return cases


CASES: list[tuple[str, Rule]] = PLAIN + decayed()
assert {type(rule) for _, rule in CASES} == set(ALL.values())


def hyper(rule: Rule) -> dict[str, Any]:
    """The rule's numbers, for the oracle of the same name."""
    return {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule) if f.init}


def start(rule: Rule, shape: int | tuple[int, ...], dtype: npt.DTypeLike, seed: int) -> Array:
    """Weights that the rule accepts; those of EG and EGPM by axis-0 slices, a 1-D array being one."""
    w = np.random.default_rng(seed).normal(size=shape)
    name = type(rule).__name__
    if name in ("EG", "EGU"):
        w = np.abs(w) + 0.1
    if name == "EG" or (name == "EGPM" and rule.total is not None):
        axes = tuple(range(1, w.ndim)) or None
        norms = np.abs(w).sum(axis=axes, keepdims=True)
        w = w / norms * (1 if name == "EG" else 0.7 * rule.total)
    return np.ascontiguousarray(w, dtype=dtype)


def gradients(shape: int | tuple[int, ...], dtype: npt.DTypeLike, seed: int) -> Array:
    """Of many sizes, a tenth of them exactly zero."""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=shape) * np.exp(rng.normal(size=shape))
    return np.where(rng.random(shape) < 0.1, 0, g).astype(dtype)

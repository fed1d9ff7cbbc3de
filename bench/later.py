"""Cases of the rules after the classical ones; NumPy's form is the idiomatic one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from schuss import rules

from .case import B1, B2, EPS, LR, MU, ROW, TWICE, Case, State, Torch

Array = NDArray[Any]


def moments(s: State, g: Array) -> tuple[Array, Array]:
    s.t += 1
    s.m = B1 * s.m + (1 - B1) * g
    s.v = B2 * s.v + (1 - B2) * g**2
    return s.m / (1 - B1**s.t), np.sqrt(s.v / (1 - B2**s.t)) + EPS


def nadam(s: State, g: Array) -> None:
    _, size = moments(s, g)
    now, then = (B1 * (1 - 0.5 * 0.96 ** (t * 4e-3)) for t in (s.t, s.t + 1))
    s.product = getattr(s, "product", 1.0) * now
    s.w -= LR * ((1 - now) / (1 - s.product) * g + then / (1 - s.product * then) * s.m) / size


def radam(s: State, g: Array) -> None:
    m, size = moments(s, g)
    most = 2 / (1 - B2) - 1
    rho = most - 2 * s.t * B2**s.t / (1 - B2**s.t)
    if rho <= 5:
        s.w -= LR * m
    else:
        s.w -= LR * np.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) * m / size


def yogi(s: State, g: Array) -> None:
    s.m = B1 * s.m + (1 - B1) * g
    s.v -= (1 - B2) * np.sign(s.v - g**2) * g**2
    s.w -= LR * s.m / (np.sqrt(s.v) + 1e-3)


def adabelief(s: State, g: Array) -> None:
    s.t += 1
    s.m = B1 * s.m + (1 - B1) * g
    s.s = B2 * s.s + (1 - B2) * (g - s.m) ** 2 + 1e-16
    s.w -= LR * s.m / (1 - B1**s.t) / (np.sqrt(s.s / (1 - B2**s.t)) + 1e-16)


def lion(s: State, g: Array) -> None:
    s.w -= LR * np.sign(0.9 * s.m + 0.1 * g)
    s.m = 0.99 * s.m + 0.01 * g


def rprop(s: State, g: Array) -> None:
    agreed = np.sign(g * s.p)
    s.s = np.clip(s.s * np.where(agreed > 0, 1.2, np.where(agreed < 0, 0.5, 1)), 1e-9, LR)
    s.p = np.where(agreed < 0, 0, g)
    s.w -= np.sign(s.p) * s.s


def asgd(s: State, g: Array) -> None:
    s.t += 1
    eta = LR / (1 + 1e-4 * LR * (s.t - 1)) ** 0.75
    s.w *= 1 - 1e-4 * eta
    s.w -= eta * g
    s.a = s.a + (s.w - s.a) * 1.0


def adan(s: State, g: Array) -> None:
    s.t += 1
    d = g - s.p if s.t > 1 else np.zeros_like(g)
    s.m = 0.98 * s.m + 0.02 * g
    s.v = 0.92 * s.v + 0.08 * d
    s.n = 0.99 * s.n + 0.01 * (g + 0.92 * d) ** 2
    s.p = g.copy()
    u = s.m / (1 - 0.98**s.t) + 0.92 * s.v / (1 - 0.92**s.t)
    s.w -= LR * u / (np.sqrt(s.n / (1 - 0.99**s.t)) + EPS)


def heun(s: State, g: Array) -> None:
    s.t += 1
    if s.t % 2:
        s.w -= LR * g
        s.p = g.copy()
    else:
        s.w -= LR / 2 * (g - s.p)


def lars(s: State, g: Array) -> None:
    ratio = 1e-3 * np.linalg.norm(s.w) / np.linalg.norm(g)
    s.b = MU * s.b + LR * ratio * g
    s.w -= s.b


def lamb(s: State, g: Array) -> None:
    m, size = moments(s, g)
    u = m / size
    s.w -= LR * np.linalg.norm(s.w) / np.linalg.norm(u) * u


def schedule_free_sgd(s: State, g: Array) -> None:
    s.s += LR**2
    c = float(LR**2 / s.s[0])
    s.w = (1 - c) * s.w + c * s.z - LR * (1 - 0.9 * (1 - c)) * g
    s.z -= LR * g


def schedule_free_adamw(s: State, g: Array) -> None:
    s.t += 1
    s.v = B2 * s.v + (1 - B2) * g**2
    schedule_free_sgd(s, g / (np.sqrt(s.v / (1 - B2**s.t)) + EPS))


def prodigy(s: State, g: Array) -> None:
    d, b3 = float(s.d[0]), B2**0.5
    s.m = B1 * s.m + (1 - B1) * d * g
    s.v = B2 * s.v + (1 - B2) * d**2 * g**2
    s.r = b3 * s.r + (1 - b3) * LR * d**2 * np.dot(g, s.x - s.w)
    s.s = b3 * s.s + (1 - b3) * LR * d**2 * g
    s.w -= LR * d * s.m / (np.sqrt(s.v) + d * EPS)
    s.d = np.maximum(s.d, s.r / np.abs(s.s).sum())


def hypergradient(s: State, g: Array) -> None:
    s.a += 1e-12 * np.dot(g, s.p)
    s.p = g.copy()
    s.w -= s.a * g


def adafactor(s: State, g: Array) -> None:
    s.t += 1
    b, square = s.t**-0.8, g**2 + 1e-30
    s.r = s.r + b * (square.mean(axis=1) - s.r)
    s.c = s.c + b * (square.mean(axis=0) - s.c)
    u = g / np.sqrt(np.outer(s.r, s.c) / s.r.mean())
    alpha = LR * max(1e-3, np.sqrt(np.mean(s.w**2)))
    s.w -= alpha * u / max(1.0, np.sqrt(np.mean(u**2)))


def sign_sgd(s: State, g: Array) -> None:
    s.w -= LR * np.sign(g)


LATER: dict[str, Case] = {
    "NAdam": Case(rules.NAdam(LR), 2, nadam, torch=Torch("NAdam", {"lr": LR})),
    "RAdam": Case(rules.RAdam(LR), 2, radam, torch=Torch("RAdam", {"lr": LR})),
    "Yogi": Case(rules.Yogi(LR), 2, yogi),
    "AdaBelief": Case(rules.AdaBelief(LR), 2, adabelief),
    "Lion": Case(rules.Lion(LR), 1, lion),
    "Rprop": Case(
        rules.Rprop(LR, step_min=1e-9, step_max=LR),
        2,
        rprop,
        torch=Torch("Rprop", {"lr": LR, "step_sizes": (1e-9, LR)}),
    ),
    "ASGD": Case(rules.ASGD(LR), 1, asgd, torch=Torch("ASGD", {"lr": LR})),
    "Adan": Case(rules.Adan(LR), 4, adan),
    "Heun": Case(rules.Heun(LR), 1, heun, note="half a step; the second half only reads its slot"),
    "LARS": Case(rules.LARS(LR), 1, lars, note=TWICE, passes=(("", "wg"), ("wb", "g"))),
    "LAMB": Case(rules.LAMB(LR), 2, lamb, note=TWICE, passes=(("mv", "wg"), ("w", "mv"))),
    "ScheduleFreeSGD": Case(rules.ScheduleFreeSGD(LR), 1, schedule_free_sgd),
    "ScheduleFreeAdamW": Case(rules.ScheduleFreeAdamW(LR), 2, schedule_free_adamw),
    "Prodigy": Case(rules.Prodigy(LR), 3, prodigy, read=2),
    "Adafactor": Case(
        rules.Adafactor(LR),
        0,
        adafactor,
        torch=Torch("Adafactor", {"lr": LR, "eps": (1e-15, 1e-3)}),
        note=f"rows of {ROW}; {TWICE}",
        passes=(("", "wg"), ("w", "g")),
    ),
    "SignSGD": Case(rules.SignSGD(LR), 0, sign_sgd),
    "Hypergradient": Case(
        rules.Hypergradient(LR, hyper_rate=1e-12), 1, hypergradient, note=TWICE, passes=(("p", "g"), ("w", "p"))
    ),
}

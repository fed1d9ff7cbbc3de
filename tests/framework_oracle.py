"""What Keras, optax and papers do in one step, in float64 NumPy, written down from their sources and never from schuss.

FORMULAS[framework, rule](s, w, g, lr, t, o) returns the new weights; s holds the slots by the framework's own names,
t = 1 for the first step. Sources: keras/src/optimizers/*.py (3.15.1), optax/_src/{alias,transform}.py (0.2.8).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
State = defaultdict[str, Any]
Formula = Callable[[State, Array, Array, float, int, Any], Array]

FORMULAS: dict[tuple[str, str], Formula] = {}


def of(framework: str, *rules: str) -> Callable[[Formula], Formula]:
    def take(formula: Formula) -> Formula:
        FORMULAS.update({(framework, rule): formula for rule in rules})
        return formula

    return take


def run(
    framework: str,
    rule: str,
    w: npt.ArrayLike,
    grads: Iterable[npt.ArrayLike],
    lr: Callable[[int], float],
    o: Any,
    state: dict[str, Any] | None = None,
    first: int = 0,
) -> tuple[Array, State]:
    """Weights and slots after all gradients; lr is asked with 0 for the first step. `state` is that after `first`."""
    x: Array = np.array(w, np.float64)
    s: State = defaultdict(float, {name: np.array(value, np.float64) for name, value in (state or {}).items()})
    for t, g in enumerate(grads, first + 1):
        rate, wd = lr(t - 1), getattr(o, "wd", 0.0)
        if framework == "keras" and wd:  # base_optimizer.py, before update_step
            x = x - x * wd * rate
        x = FORMULAS[framework, rule](s, x, np.asarray(g, np.float64), rate, t, o)
    return x, s


def safe(a: Array, b: Array) -> Array:
    """a / b, and 0 for 0 / 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


# ---- Keras -----------------------------------------------------------------------------------------------------------


@of("keras", "SGD")
@of("optax", "SGD")
def sgd(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    return w - lr * g


@of("keras", "Momentum", "SGDW")
@of("paper", "Momentum")  # Sutskever et al. 2013, equations 1 and 2
def keras_momentum(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["momentum"] = s["momentum"] * o.momentum - g * lr
    return w + s["momentum"]


@of("keras", "Nesterov")
def keras_nesterov(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["momentum"] = s["momentum"] * o.momentum - g * lr
    return w + (s["momentum"] * o.momentum - g * lr)


@of("keras", "AdaGrad")
def keras_adagrad(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["accumulator"] = (s["accumulator"] if t > 1 else 0.1) + g**2
    return w - lr * g / np.sqrt(s["accumulator"] + 1e-7)


@of("keras", "AdaDelta")
def keras_adadelta(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["accumulated_grad"] = 0.95 * s["accumulated_grad"] + (1 - 0.95) * g**2
    delta = -np.sqrt(s["accumulated_delta_var"] + 1e-7) * g / np.sqrt(s["accumulated_grad"] + 1e-7)
    s["accumulated_delta_var"] = 0.95 * s["accumulated_delta_var"] + (1 - 0.95) * delta**2
    return w + lr * delta


@of("keras", "RMSprop")
def keras_rmsprop(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["velocity"] = 0.9 * s["velocity"] + (1 - 0.9) * g**2
    denominator = s["velocity"] + 1e-7
    if o.centered:
        s["average_gradient"] = 0.9 * s["average_gradient"] + (1 - 0.9) * g
        denominator = s["velocity"] - s["average_gradient"] ** 2 + 1e-7
    increment = lr * g / np.sqrt(denominator)
    if o.momentum == 0:
        return w - increment
    s["momentum"] = o.momentum * s["momentum"] + increment
    return w - s["momentum"]


@of("keras", "Adam", "AdamW", "AMSGrad")
def keras_adam(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    alpha = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    s["momentum"] = s["momentum"] + (g - s["momentum"]) * (1 - 0.9)
    s["velocity"] = s["velocity"] + (g**2 - s["velocity"]) * (1 - 0.999)
    v = s["velocity"]
    if o.amsgrad:
        s["velocity_hat"] = v = np.maximum(s["velocity_hat"], v)
    return w - s["momentum"] * alpha / (np.sqrt(v) + 1e-7)


@of("keras", "AdaMax")
def keras_adamax(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["momentum"] = s["momentum"] + (g - s["momentum"]) * (1 - 0.9)
    s["norm"] = np.maximum(0.999 * s["norm"], np.abs(g))
    return w - lr * s["momentum"] / ((1 - 0.9**t) * (s["norm"] + 1e-7))


@of("keras", "FTRL")
def keras_ftrl(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    """o.strength is l2_regularization_strength."""
    old = s["accumulator"] if t > 1 else np.full_like(w, 0.1)
    new = old + g**2
    s["linear"] = s["linear"] + g - (new**0.5 - old**0.5) / lr * w
    quadratic = new**0.5 / lr + 2 * (o.strength + o.beta / (2 * lr))
    s["accumulator"] = new
    return (np.clip(s["linear"], -o.l1, o.l1) - s["linear"]) / quadratic


@of("keras", "NAdam")
def keras_nadam(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    u, after = (0.9 * (1 - 0.5 * 0.96**k) for k in (t, t + 1))
    s["u_product"] = (s["u_product"] if t > 1 else 1.0) * u
    s["momentum"] = s["momentum"] + (g - s["momentum"]) * (1 - 0.9)
    s["velocity"] = s["velocity"] + (g**2 - s["velocity"]) * (1 - 0.999)
    m = after * s["momentum"] / (1 - s["u_product"] * after) + (1 - u) * g / (1 - s["u_product"])
    return w - m * lr / (np.sqrt(s["velocity"] / (1 - 0.999**t)) + 1e-7)


@of("keras", "Lion")
@of("optax", "Lion")
def lion(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    update = np.sign(0.9 * s["mu"] + (1 - 0.9) * g) + (o.wd_after * w if hasattr(o, "wd_after") else 0)
    s["mu"] = 0.99 * s["mu"] + (1 - 0.99) * g
    return w - lr * update


@of("keras", "LAMB")
@of("optax", "LAMB")
def lamb(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * g**2
    u = s["mu"] / (1 - 0.9**t) / (np.sqrt(s["nu"] / (1 - 0.999**t)) + o.eps) + o.inside * w
    ratio = np.linalg.norm(w) / np.linalg.norm(u)
    return w - lr * ratio * u


@of("keras", "Adafactor")
def keras_adafactor(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    alpha = max(1e-3, np.sqrt(np.mean(w**2))) * min(lr, 1 / np.sqrt(t))
    b, square = 1 - t**-0.8, g**2 + 1e-30
    if g.ndim < 2:
        s["r"] = s["c"] = np.zeros(())
        s["velocity"] = b * s["velocity"] + (1 - b) * square
    else:
        s["r"] = b * s["r"] + (1 - b) * square.mean(axis=-1)
        s["c"] = b * s["c"] + (1 - b) * square.mean(axis=-2)
        s["velocity"] = (s["r"] / s["r"].mean(axis=-1, keepdims=True))[..., None] * s["c"][..., None, :]
    u = g / np.sqrt(s["velocity"])
    return w - alpha * u / max(1.0, np.sqrt(np.mean(u**2)))


@of("keras", "ScheduleFreeAdamW")
def keras_schedule_free(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    before = s["momentum"] if t > 1 else w
    s["velocity"] = s["velocity"] + (g**2 - s["velocity"]) * (1 - 0.999)
    s["momentum"] = before - lr * g / (np.sqrt(s["velocity"] / (1 - 0.999**t)) + 1e-8)
    x = (1 - 1 / t) * (w - (1 - 0.9) * before) / 0.9 + s["momentum"] / t
    return (1 - 0.9) * s["momentum"] + 0.9 * x


# ---- optax: transformations give updates, which apply_updates adds to w ----------------------------------------------


@of("optax", "Momentum")
def optax_momentum(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["trace"] = g + o.momentum * s["trace"]
    return w + -lr * s["trace"]


@of("optax", "Nesterov")
def optax_nesterov(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["trace"] = g + o.momentum * s["trace"]
    return w + -lr * (g + o.momentum * s["trace"])


@of("optax", "AdaGrad")
def optax_adagrad(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["sum_of_squares"] = g**2 + (s["sum_of_squares"] if t > 1 else 0.1)
    return w + -lr * (g / np.sqrt(s["sum_of_squares"] + 1e-7))


@of("optax", "AdaDelta")
def optax_adadelta(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    g = g + getattr(o, "wd", 0.0) * w  # add_decayed_weights comes first
    s["e_g"] = 0.9 * s["e_g"] + (1 - 0.9) * g**2
    u = np.sqrt(s["e_x"] + 1e-6) / np.sqrt(s["e_g"] + 1e-6) * g
    s["e_x"] = 0.9 * s["e_x"] + (1 - 0.9) * u**2
    return w + -lr * u


@of("optax", "RMSprop")
def optax_rmsprop(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["nu"] = 0.9 * s["nu"] + (1 - 0.9) * g**2
    nu = s["nu"]
    if o.centered:
        s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
        nu = nu - s["mu"] ** 2
    u = -lr * g / np.sqrt(nu + 1e-8)
    if o.momentum == 0:
        return w + u
    s["trace"] = u + o.momentum * s["trace"]  # after the rate, and with its sign
    return w + s["trace"]


@of("optax", "Adam", "AdamW")
@of("paper", "Adam")  # Algorithm 1
def optax_adam(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * g**2
    u = s["mu"] / (1 - 0.9**t) / (np.sqrt(s["nu"] / (1 - 0.999**t)) + 1e-8)
    return w + -lr * (u + getattr(o, "wd", 0.0) * w)


@of("optax", "AMSGrad")
def optax_amsgrad(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    """bias_correction_mu and bias_correction_nu off; with them on schuss refuses."""
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * g**2
    s["nu_max"] = np.maximum(s["nu_max"], s["nu"])
    return w + -lr * (s["mu"] / (np.sqrt(s["nu_max"]) + 1e-8))


@of("optax", "AdaMax")
def optax_adamax(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = np.maximum(np.abs(g) + 1e-8, 0.999 * s["nu"])
    return w + -lr * (s["mu"] / (1 - 0.9**t) / s["nu"])


@of("optax", "RAdam")
def optax_radam(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * g**2
    infinite = 2 / (1 - 0.999) - 1
    ro = infinite - 2 * t * 0.999**t / (1 - 0.999**t)
    mu = s["mu"] / (1 - 0.9**t)
    if ro < 5:
        return w + -lr * mu
    r = np.sqrt((ro - 4) * (ro - 2) * infinite / ((infinite - 4) * (infinite - 2) * ro))
    return w + -lr * r * mu / (np.sqrt(s["nu"] / (1 - 0.999**t)) + 1e-8)


@of("optax", "AdaBelief")
def optax_adabelief(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * (g - s["mu"]) ** 2 + 1e-16
    return w + -lr * s["mu"] / (1 - 0.9**t) / (np.sqrt(s["nu"] / (1 - 0.999**t)) + 1e-16)


@of("optax", "SignSGD")
def optax_sign_sgd(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    return w + -lr * np.sign(g)


@of("optax", "LARS")
def optax_lars(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    g = g + o.inside * w
    u = -lr * g * 0.001 * np.linalg.norm(w) / np.linalg.norm(g)
    s["trace"] = u + o.momentum * s["trace"]
    return w + s["trace"]


@of("optax", "NAdam")
def optax_nadam(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * s["mu"] + (1 - 0.9) * g
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * g**2
    mu = 0.9 * s["mu"] / (1 - 0.9 ** (t + 1)) + (1 - 0.9) * g / (1 - 0.9**t)
    u = mu / (np.sqrt(s["nu"] / (1 - 0.999**t)) + 1e-8)
    return w + -lr * (u + getattr(o, "wd", 0.0) * w)


@of("optax", "Yogi")
def optax_yogi(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["mu"] = 0.9 * (s["mu"] if t > 1 else 1e-6) + (1 - 0.9) * g
    nu = s["nu"] if t > 1 else 1e-6
    s["nu"] = nu - (1 - 0.999) * np.sign(nu - g**2) * g**2
    return w + -lr * s["mu"] / (1 - 0.9**t) / (np.sqrt(s["nu"] / (1 - 0.999**t)) + 1e-3)


@of("optax", "Adan")
def optax_adan(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    """eps_root = 0, b2 = 0.5."""
    difference = g - s["g"] if t > 1 else 0 * g
    s["m"] = 0.98 * s["m"] + (1 - 0.98) * g
    s["v"] = 0.5 * s["v"] + (1 - 0.5) * difference
    s["n"] = 0.99 * s["n"] + (1 - 0.99) * (g + (1 - 0.5) * difference) ** 2
    s["g"] = g
    u = s["m"] / (1 - 0.98**t) + (1 - 0.5) * s["v"] / (1 - 0.5**t)
    return w + -lr * (u / (np.sqrt(s["n"] / (1 - 0.99**t)) + 1e-8) + getattr(o, "wd", 0.0) * w)


@of("optax", "Adafactor")
def optax_adafactor(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    b, square, one = 1 - t**-0.8, g**2 + 1e-30, np.zeros(1)
    order = np.argsort(g.shape)
    if g.ndim < 2 or g.shape[order[-2]] < o.least:
        s["v_row"] = s["v_col"] = one
        s["v"] = b * s["v"] + (1 - b) * square
        u = g / np.sqrt(s["v"])
    else:
        small, large = int(order[-2]), int(order[-1])
        s["v"] = one
        s["v_row"] = b * s["v_row"] + (1 - b) * square.mean(axis=large)
        s["v_col"] = b * s["v_col"] + (1 - b) * square.mean(axis=small)
        row, col = np.expand_dims(s["v_row"] / s["v_row"].mean(), large), np.expand_dims(s["v_col"], small)
        u = g / np.sqrt(row) / np.sqrt(col)
    u = u / max(1.0, np.sqrt(np.mean(u**2)))
    return w - (lr * u * max(1e-3, np.sqrt(np.mean(w**2))) + o.rate * w)


@of("optax", "ScheduleFreeSGD")
def optax_schedule_free_sgd(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    return schedule_free(s, w, -lr * (g + o.inside * w), lr, t)


@of("optax", "ScheduleFreeAdamW")
def optax_schedule_free_adamw(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["nu"] = 0.999 * s["nu"] + (1 - 0.999) * g**2
    u = g / (np.sqrt(s["nu"] / (1 - 0.999**t)) + 1e-8)
    return schedule_free(s, w, -lr * (u + o.inside * w), lr, t)


def schedule_free(s: State, w: Array, u: Array, lr: float, t: int) -> Array:
    """What optax.contrib.schedule_free does with the updates of its base."""
    before = s["z"] if t > 1 else w
    s["b1"], s["max_lr"] = 0.9, max(float(s["max_lr"]), lr)
    s["weight_sum"] = s["weight_sum"] + s["max_lr"] ** 2.0
    c = s["max_lr"] ** 2.0 / s["weight_sum"]
    s["z"] = before + u
    x = (1 - c) * (w - (1 - 0.9) * before) / 0.9 + c * s["z"]
    return 0.9 * x + (1 - 0.9) * s["z"]


# ---- papers ----------------------------------------------------------------------------------------------------------


@of("paper", "Nesterov")
def paper_nesterov(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    """Sutskever et al. 2013, equations 3 and 4, for their theta; w and g stand at theta + momentum v."""
    theta = w - o.momentum * s["v"]
    s["v"] = o.momentum * s["v"] - lr * g
    return theta + s["v"] + o.momentum * s["v"]


@of("paper", "AdaGrad")
def paper_adagrad(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["s"] = s["s"] + g**2
    return w - lr * g / (1e-10 + np.sqrt(s["s"]))


@of("paper", "AdaDelta")
def paper_adadelta(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["g"] = 0.95 * s["g"] + 0.05 * g**2
    dx = -np.sqrt(s["x"] + 1e-6) / np.sqrt(s["g"] + 1e-6) * g
    s["x"] = 0.95 * s["x"] + 0.05 * dx**2
    return w + lr * dx


@of("paper", "RMSprop")
def paper_rmsprop(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["ms"] = 0.9 * s["ms"] + 0.1 * g**2
    s["b"] = o.momentum * s["b"] + lr * safe(g, np.sqrt(s["ms"]))
    return w - s["b"]


@of("paper", "AMSGrad")
def paper_amsgrad(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["m"] = 0.9 * s["m"] + (1 - 0.9) * g
    s["v"] = 0.999 * s["v"] + (1 - 0.999) * g**2
    s["hat"] = np.maximum(s["hat"], s["v"])
    return w - lr * safe(s["m"], np.sqrt(s["hat"]))


@of("paper", "AdaMax")
def paper_adamax(s: State, w: Array, g: Array, lr: float, t: int, o: Any) -> Array:
    s["m"] = 0.9 * s["m"] + (1 - 0.9) * g
    s["u"] = np.maximum(0.999 * s["u"], np.abs(g))
    return w - lr / (1 - 0.9**t) * safe(s["m"], s["u"])


def options(**given: Any) -> SimpleNamespace:
    """What a formula may ask for beside the rate."""
    plain = {"momentum": 0.0, "centered": False, "amsgrad": False, "wd": 0.0, "inside": 0.0, "least": 128, "rate": 0.0}
    return SimpleNamespace(**{**plain, **given})

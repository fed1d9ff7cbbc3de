"""What every rule has: checked numbers, a kernel, slots with their start values, a JSON form."""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
from collections.abc import Callable
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from .. import _cold, schedules
from .._level import table
from . import python

Array = NDArray[Any]
Rate = float | Callable[[int], float]


@functools.cache
def kernels() -> dict[tuple[str, int], dict[str, Any]]:
    """The compiled kernels by name and variant: their slots, shared numbers and hyper-parameters."""
    return {(k["name"], k["variant"]): k for k in _cold.kernels(table)}


def load_rules(module: Any) -> list[str]:
    """Makes the kernels of a module known that was built with SCHUSS_RULES (schuss/module.hpp).

    Parameters
    ----------
    module : module
        Its rules are then used by a dataclass whose `kernel` names one, see examples/custom_rule.

    Returns
    -------
    The names of its kernels. A name that was loaded before is replaced; those of schuss cannot be.

    Raises
    ------
    TypeError, ValueError, ImportError
        If it is no such module, names a rule of schuss, or was built against other headers.

    Example
    -------
    >>> import math, schuss
    >>> schuss.load_rules(math)
    Traceback (most recent call last):
        ...
    TypeError: module: math has no 'kernels'; build it with SCHUSS_RULES of schuss/module.hpp
    """
    table_of_kernels = getattr(module, "kernels", None)
    if type(table_of_kernels).__name__ != "PyCapsule":
        name = getattr(module, "__name__", type(module).__name__)
        raise TypeError(f"module: {name} has no 'kernels'; build it with SCHUSS_RULES of schuss/module.hpp")
    known = kernels()
    own = {k["name"] for k in _cold.kernels(table)} | {"python"}
    found = _cold.add_kernels(table_of_kernels, sorted(own))
    known.update({(k["name"], k["variant"]): k for k in found})
    return list(dict.fromkeys(k["name"] for k in found))


def check_range(owner: str, name: str, value: object, interval: str) -> None:
    """Raises unless value is a finite number in the interval, written as in mathematics: '[0, 1)'."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{owner}: {name}: expected a number in {interval}, got {type(value).__name__}")
    low, high = (float(end) for end in interval[1:-1].split(","))
    x = float(value)
    above = x > low or (x == low and interval[0] == "[")
    below = x < high or (x == high and interval[-1] == "]")
    if not (above and below and math.isfinite(x)):
        raise ValueError(f"{owner}: {name}: expected a number in {interval}, got {value!r}")


@dataclasses.dataclass(frozen=True, repr=False, kw_only=True)
class Rule:
    """Base of all rules: the arithmetic of one update, with its hyper-parameters and no state.

    A rule of one's own names its slots and steps a block of numbers in place, with NumPy. It then works wherever the
    rules of schuss do, but for exact mode and the trainers of schuss.models:

    >>> import numpy as np, schuss
    >>> class Signed(schuss.Rule):
    ...     slots = ("m",)
    ...
    ...     def apply(self, w, g, slots, t):
    ...         m = slots["m"]
    ...         m += 0.1 * (g - m)
    ...         w -= self.lr * np.sign(m)
    >>> w = np.array([1.0, 2.0])
    >>> schuss.Optimizer(w, Signed(lr=0.5)).step(np.array([3.0, -1.0]))
    >>> w
    array([0.5, 2.5])

    `apply` gets blocks that lie in the cache, of one dimension and any size: w and slots to be changed, the gradient g
    after clipping, decay and sign (read-only), and t = 1 for the first step. It must treat each number by itself, give
    nothing back and keep no array. Slots start at zero unless `start` says otherwise; self.lr is a number there, also
    of a schedule. Other hyper-parameters make it a dataclass, as in ``@dataclass(frozen=True)``.

    Every rule has these options. The first three act on the gradient before the rule's own formula, the others on the
    weights after it: first w <- sign(w) max(|w| - lr l1, 0), the proximal step of l1 |w|, then w <- min(max(w, lower),
    upper), the projection onto a box.

    Parameters
    ----------
    weight_decay : float, default 0.0
        Strength of the decay, [0, inf).
    decoupled : bool, default False
        False: g += weight_decay * w (L2). True: w *= 1 - lr * weight_decay (Loshchilov & Hutter 2019).
    maximize : bool, default False
        True: ascend, g = -g.
    l1 : float, default 0.0
        [0, inf). Makes exact zeros; lr is the rule's own, whatever the coordinate's step was.
    lower, upper : float or None, default None
        Bounds of every weight, lower <= upper; lower=0.0 keeps weights from being negative.
    """

    lr: Rate = dataclasses.field(default=0.01, kw_only=False)
    weight_decay: float = 0.0
    decoupled: bool = False
    maximize: bool = False
    l1: float = 0.0
    lower: float | None = None
    upper: float | None = None

    kernel: ClassVar[str] = "python"  # apply, below
    slots: ClassVar[tuple[str, ...]] = ()  # of a rule in Python
    ranges: ClassVar[dict[str, str]] = {}
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    optional: ClassVar[tuple[str, ...]] = ()  # may be None
    common: ClassVar[tuple[str, ...]] = ("weight_decay", "decoupled", "maximize", "l1", "lower", "upper")
    no_exact: ClassVar[str] = ""  # why rows without a gradient have no exact form, where they have none
    evaluations: ClassVar[int] = 1  # gradients of one batch that a step takes
    no_after: ClassVar[str] = ""  # why weights cannot be changed after the step, where they cannot

    def __post_init__(self) -> None:
        name = type(self).__name__
        if self.kernel == "python":
            python.check_class(type(self))
        if not callable(self.lr):
            check_range(name, "lr", self.lr, self.ranges.get("lr", "[0, inf)"))
        for field, interval in {"weight_decay": "[0, inf)", "l1": "[0, inf)", **self.ranges}.items():
            value = getattr(self, field)
            if field != "lr" and not (value is None and field in self.optional):
                check_range(name, field, value, interval)
        for field, allowed in self.choices.items():
            if getattr(self, field) not in allowed:
                raise ValueError(f"{name}: {field}: expected one of {allowed}, got {getattr(self, field)!r}")
        self._check_after()
        for f in dataclasses.fields(self):
            if isinstance(f.default, bool) and not isinstance(getattr(self, f.name), bool):
                raise TypeError(f"{name}: {f.name}: expected True or False, got {getattr(self, f.name)!r}")

    def _check_after(self) -> None:
        name = type(self).__name__
        for field, value in (("lower", self.lower), ("upper", self.upper)):
            if value is not None:
                check_range(name, field, value, "(-inf, inf)")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"{name}: lower: expected at most upper={self.upper!r}, got {self.lower!r}")
        if self.no_after and (changed := self._changed_after()):
            raise ValueError(f"{name}: {changed[0]}: {self.no_after}")

    def _changed_after(self) -> list[str]:
        """The options that change weights after the rule's own formula."""
        shrinks = "l1" in self.common and self.l1 > 0
        bounds = [name for name in ("lower", "upper") if getattr(self, name) is not None]
        return ["l1"] * shrinks + bounds

    def __repr__(self) -> str:
        default = {f.name: f.default for f in dataclasses.fields(self)}
        own = [n for n in self._init_fields() if n not in self.common]
        changed = [n for n in self._init_fields() if n in self.common and getattr(self, n) != default[n]]
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in own + changed)})"

    def _init_fields(self) -> list[str]:
        names = [f.name for f in dataclasses.fields(self) if f.init]
        return sorted(names, key=lambda n: n != "lr")

    @classmethod
    def like(cls, framework: str, **changes: Any) -> Self:
        """The rule as torch, Keras, optax or its paper has it: where eps sits, what slots start from, the defaults.

        Parameters
        ----------
        framework : "torch", "keras", "optax" or "paper"
        **changes
            Fields of the rule, by its own names; what is not given is the framework's. A framework without a default
            for lr leaves the rule's.

        Raises
        ------
        ValueError
            For a framework that lacks the rule, or whose form of it cannot be had exactly; with the reason.

        Example
        -------
        >>> import schuss
        >>> schuss.Adam.like("keras", lr=0.01)
        Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-07, eps_place='hat', bias_correction=True, amsgrad=False, \
decoupled=True)
        """
        from .conventions import convention

        found = convention(cls, framework)
        rule = cls(**{**found.all, **changes})
        if why := found.differs(rule):
            raise ValueError(f"{cls.__name__}: framework: {framework!r} differs: {why}")
        return rule

    # ---- what the optimizer asks ------------------------------------------------------------------------------

    @property
    def variant(self) -> int:
        """Which of the kernel's forms: each is a type of its own in C++."""
        return len(self.slots)  # of a rule in Python; others have none here

    @property
    def info(self) -> dict[str, Any]:
        """The compiled kernel: slots, shared, hyper, group."""
        if self.kernel == "python":
            return python.info(self)
        found = kernels().get((self.kernel, self.variant))
        if found is None:
            raise ValueError(
                f"{type(self).__name__}: no kernel {self.kernel!r}, variant {self.variant}; schuss.load_rules(module) "
                f"makes those of a module known"
            )
        return found

    def apply(self, w: Array, g: Array, slots: dict[str, Array], t: int) -> None:
        """One step of a block of numbers, in place; only of a rule in Python."""
        raise NotImplementedError(f"{type(self).__name__} is stepped in C++")

    def rate(self, step: int) -> float:
        """The learning rate after `step` steps; checked, since a schedule may be anybody's function."""
        if not callable(self.lr):
            return float(self.lr)
        rate = self.lr(step)
        check_range(
            type(self).__name__, f"lr: the schedule's value at step {step}", rate, self.ranges.get("lr", "[0, inf)")
        )
        return float(rate)

    def options(self, step: int) -> list[float]:
        """All numbers of the kernel, in its order."""
        hyper = self.info["hyper"]
        own = [self.rate(step) if name == "lr" else float(getattr(self, name)) for name in hyper]
        # What stands in the kernel's own formula is not done once more around it.
        decay, l1 = (0.0 if name in hyper else float(getattr(self, name)) for name in ("weight_decay", "l1"))
        lower = -math.inf if self.lower is None else float(self.lower)
        upper = math.inf if self.upper is None else float(self.upper)
        return [decay, float(self.decoupled), float(self.maximize), l1, lower, upper, *own]

    def start(self, w: Array) -> dict[str, Array | float]:
        """Slots that do not start at zero."""
        return {}

    def shared_sizes(self, w: Array) -> list[int]:
        """How many numbers each shared slot has for this array: one a group."""
        groups = len(w) if self.info["group"] == "row" and w.ndim > 1 else 1
        return [groups] * len(self.info["shared"])

    def check(self, w: Array, name: str) -> None:
        """Raises if the rule cannot train this array."""

    def fitted(self, w: Array) -> Rule:
        """The rule as this array needs it."""
        return self

    def evaluated(self, w: Array, slots: dict[str, Array]) -> Array:
        """The weights to evaluate a model at: w itself, or for some rules another point made of w and its slots."""
        return w

    def inexact(self) -> str:
        """Why the rule has no exact form for rows without a gradient; empty if it has one."""
        if self.kernel == "python":
            return f'{type(self).__name__} is written in Python and has no exact form; use sparse="lazy"'
        if self.no_exact:
            return f"{type(self).__name__} has no exact form: {self.no_exact}"
        if changed := self._changed_after():
            return (
                f"{type(self).__name__} has no exact form with {changed[0]}, which acts at every step of every row; "
                f"leave it out, or use lazy steps"
            )
        own = "weight_decay" in self.info["hyper"]
        if self.weight_decay > 0 and not self.decoupled and not own and not self.info["linear"]:
            return (
                f"{type(self).__name__} has no exact form with coupled weight decay, which enters the slots of every "
                f"row at every step; use decoupled=True where the rule has it, or weight_decay=0"
            )
        return ""

    def replaced(self, **changes: Any) -> Self:
        """A copy with other hyper-parameters."""
        unknown = set(changes) - set(self._init_fields())
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no {sorted(unknown)[0]!r}; it has {', '.join(self._init_fields())}"
            )
        return dataclasses.replace(self, **changes)

    # ---- JSON -------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The rule as plain data; a schedule of the user's own is only named."""
        values = {name: getattr(self, name) for name in self._init_fields()}
        if callable(self.lr):
            values["lr"] = schedules.to_json(self.lr)
        return {"rule": type(self).__name__, **values}


def no_decoupled(rule: Rule, remedy: str) -> None:
    """Refuses decoupled decay where the weight is computed from the slots anew at each step."""
    if rule.decoupled:
        raise ValueError(
            f"{type(rule).__name__}: decoupled: its weights are computed from its slots, so decay of the weight itself "
            f"would be lost; {remedy}"
        )


def groups(w: Array) -> Array:
    """The groups of a row rule: axis-0 slices, or all of a one-dimensional array."""
    return w.reshape(1, -1) if w.ndim <= 1 else w.reshape(len(w), math.prod(w.shape[1:]))

"""Learning-rate schedules: frozen, printable callables from the number of finished steps k to the rate of the next.

A schedule keeps no count of its own, so a resumed run needs nothing but k. All arithmetic is in double precision.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, TypeAlias


class Schedule:
    """What all schedules share: checked arguments, a checked step and a checked rate."""

    def __call__(self, k: int) -> float:
        name = type(self).__name__
        k = _count(k, f"{name}: k")
        try:
            rate = float(self._at(k))
        except OverflowError:
            rate = math.inf
        if not 0 <= rate < math.inf:
            raise ValueError(f"{name}: the rate after {k} steps must be a finite number >= 0, got {rate}")
        return rate

    def _at(self, k: int) -> float:
        raise NotImplementedError

    def _check(self, **kinds: Callable[[Any, str], object]) -> None:
        """Replace each named field by its plain Python value, or say what it must be."""
        for name, kind in kinds.items():
            object.__setattr__(self, name, kind(getattr(self, name), f"{type(self).__name__}: {name}"))


ScheduleLike: TypeAlias = Schedule | Callable[[int], float] | float


def as_schedule(value: ScheduleLike, name: str = "schedule") -> Callable[[int], float]:
    """Read a number as Constant and leave a callable as it is.

    Parameters:
        value: a schedule, a number >= 0, or any callable of the number of finished steps.
        name: what error messages call the value.

    Returns: a callable of the number of finished steps.

    Example:
        >>> as_schedule(0.1)
        Constant(value=0.1)
    """
    if callable(value) and not isinstance(value, type):
        return value
    if isinstance(value, Real) and not isinstance(value, bool):
        return Constant(_rate(value, name))
    raise TypeError(f"{name} must be a finite number >= 0, a schedule or a callable of the step, got {value!r}")


@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate at every step.

        rate(k) = value

    Parameters:
        value: the rate, a finite number >= 0.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> Constant(0.1)(1000)
        0.1
    """

    value: float

    def __post_init__(self) -> None:
        self._check(value=_rate)

    def _at(self, k: int) -> float:
        return self.value


@dataclass(frozen=True)
class Step(Schedule):
    """A staircase: the rate is multiplied by `factor` every `every` steps.

        rate(k) = start * factor ** floor(k / every)

    Parameters:
        start: the first rate, a finite number >= 0.
        factor: what each stair multiplies by, a finite number > 0; below 1 the rate falls.
        every: length of a stair in steps, a whole number >= 1.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [Step(1.0, factor=0.5, every=2)(k) for k in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]

    Reference: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2 (0.1, then a tenth).
    Differs from: torch StepLR multiplies the last rate, so it drifts by rounding; optax and Keras have it as the
    `staircase=True` of their exponential decay.
    """

    start: float
    _: KW_ONLY
    factor: float
    every: int

    def __post_init__(self) -> None:
        self._check(start=_rate, factor=_positive, every=_length)

    def _at(self, k: int) -> float:
        return self.start * self.factor ** (k // self.every)


@dataclass(frozen=True)
class Exponential(Schedule):
    """Smooth exponential decay (or growth): a factor of `factor` in each `every` steps.

        rate(k) = start * factor ** (k / every)

    Parameters:
        start: the first rate, a finite number >= 0.
        factor: the factor over `every` steps, a finite number > 0; above 1 the rate grows, until it is no double.
        every: a whole number of steps >= 1.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [Exponential(1.0, factor=0.25, every=2)(k) for k in range(4)]
        [1.0, 0.5, 0.25, 0.125]

    Reference: Li and Arora, An Exponential Learning Rate Schedule for Deep Learning, ICLR 2020.
    Differs from: torch ExponentialLR has `every=1` only and multiplies the last rate; optax can stop at an `end_value`.
    """

    start: float
    _: KW_ONLY
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        self._check(start=_rate, factor=_positive, every=_length)

    def _at(self, k: int) -> float:
        return self.start * math.pow(self.factor, k / self.every)


@dataclass(frozen=True)
class Polynomial(Schedule):
    """From `start` to `end` along a power of the remaining time, then `end`; `power=1` is the straight line.

        rate(k) = end + (start - end) * (1 - min(k / steps, 1)) ** power

    Parameters:
        start: the first rate, a finite number >= 0.
        end: the rate from step `steps` on, a finite number >= 0, also above `start`.
        steps: length of the way, a whole number >= 1.
        power: exponent, a finite number > 0.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [Polynomial(1.0, end=0.5, steps=4)(k) for k in range(6)]
        [1.0, 0.875, 0.75, 0.625, 0.5, 0.5]

    Reference: Liu, Rabinovich and Berg, ParseNet, 2015 (the "poly" policy).
    Differs from: torch PolynomialLR always ends at 0; Keras PolynomialDecay ends at 1e-4 by default and may cycle.
    """

    start: float
    _: KW_ONLY
    end: float
    steps: int
    power: float = 1.0

    def __post_init__(self) -> None:
        self._check(start=_rate, end=_rate, steps=_length, power=_positive)

    def _at(self, k: int) -> float:
        return _mix(self.start, self.end, (1 - min(k / self.steps, 1)) ** self.power)


@dataclass(frozen=True)
class InverseSqrt(Schedule):
    """The transformer's schedule: linear warm-up to the peak `start`, then a fall with 1 / sqrt(k).

        rate(k) = start * min(t / warmup, sqrt(warmup / t)),  t = k + 1

    Parameters:
        start: the peak, which is the rate of step number `warmup`, a finite number >= 0.
        warmup: number of the step with the peak, a whole number >= 1; at 1 the peak comes first.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [InverseSqrt(1.0, warmup=4)(k) for k in (0, 1, 3, 15)]
        [0.25, 0.5, 1.0, 0.5]

    Reference: Vaswani et al., Attention Is All You Need, NeurIPS 2017, equation 3.
    Differs from: the paper, whose peak is 1 / sqrt(d * warmup) for model width d; Hugging Face's
    get_inverse_sqrt_schedule, where t = k and so the first rate is 0. torch, optax and Keras have none.
    """

    start: float
    _: KW_ONLY
    warmup: int = 1

    def __post_init__(self) -> None:
        self._check(start=_rate, warmup=_length)

    def _at(self, k: int) -> float:
        t = k + 1
        return self.start * min(t / self.warmup, math.sqrt(self.warmup / t))


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine wave from `start` to `end`, then `end`.

        rate(k) = end + (start - end) * (1 + cos(pi * min(k / steps, 1))) / 2

    Parameters:
        start: the first rate, a finite number >= 0.
        end: the rate from step `steps` on, a finite number >= 0.
        steps: length of the half wave, a whole number >= 1.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [round(Cosine(1.0, steps=4)(k), 3) for k in range(6)]
        [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]

    Reference: Loshchilov and Hutter, SGDR, ICLR 2017, equation 5, without the restarts.
    Differs from: torch CosineAnnealingLR, which climbs again after T_max and is updated recursively; optax and
    Keras give the end as a fraction `alpha` of the start.
    """

    start: float
    _: KW_ONLY
    end: float = 0.0
    steps: int

    def __post_init__(self) -> None:
        self._check(start=_rate, end=_rate, steps=_length)

    def _at(self, k: int) -> float:
        return _mix(self.start, self.end, (1 + math.cos(math.pi * min(k / self.steps, 1))) / 2)


@dataclass(frozen=True)
class WarmUp(Schedule):
    """A straight line from `start` up to the first rate of another schedule, which then runs from its own 0.

        rate(k) = start + (then(0) - start) * k / steps   for k < steps,   then(k - steps)   afterwards

    Parameters:
        then: what follows: a schedule, a callable or a number >= 0.
        steps: length of the line, a whole number >= 0; 0 is no warm-up.
        start: the first rate, a finite number >= 0. At 0 the first step changes no weight.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [WarmUp(Step(1.0, factor=0.5, every=2), steps=4)(k) for k in range(8)]
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.5]

    Reference: Goyal et al., Accurate, Large Minibatch SGD, 2017, section 2.2.
    Differs from: torch LinearLR, whose start is a fraction of the rate, by default a third.
    """

    then: ScheduleLike
    _: KW_ONLY
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        self._check(then=as_schedule, steps=_count, start=_rate)

    def _at(self, k: int) -> float:
        then = as_schedule(self.then)
        return _mix(then(0), self.start, k / self.steps) if k < self.steps else then(k - self.steps)


@dataclass(frozen=True)
class Join(Schedule):
    """Several schedules one after the other, each counting from its own 0.

        rate(k) = schedules[i](k - b),  b = boundaries[i - 1] <= k < boundaries[i]   (b = 0 for i = 0)

    At a boundary the next piece holds already. The rate jumps there unless the pieces meet: the left one, continued,
    must reach the first rate of the right one.

    Parameters:
        schedules: the pieces, at least one: schedules, callables or numbers >= 0.
        boundaries: first step of each piece but the first: whole numbers >= 1, strictly increasing.

    Returns: `schedule(k)` is the rate after k finished steps.

    Example:
        >>> [Join((0.1, Step(1.0, factor=0.5, every=1)), boundaries=(2,))(k) for k in range(5)]
        [0.1, 0.1, 1.0, 0.5, 0.25]

    Reference: optax.join_schedules, which has the same meaning.
    Differs from: torch SequentialLR, whose pieces share one optimizer and scale the rate they find there.
    """

    schedules: tuple[ScheduleLike, ...]
    _: KW_ONLY
    boundaries: tuple[int, ...]

    def __post_init__(self) -> None:
        self._check(schedules=_each(as_schedule), boundaries=_each(_length))
        pieces, bounds = len(self.schedules), self.boundaries
        if not pieces:
            raise ValueError("Join: schedules must hold at least one schedule, got none")
        if len(bounds) != pieces - 1:
            raise ValueError(f"Join: boundaries must be {pieces - 1}, one fewer than schedules, got {len(bounds)}")
        if any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"Join: boundaries must be strictly increasing, got {bounds}")

    def _at(self, k: int) -> float:
        i = bisect_right(self.boundaries, k)
        return as_schedule(self.schedules[i])(k - (self.boundaries[i - 1] if i else 0))


KINDS = {kind.__name__: kind for kind in (Constant, Step, Exponential, Polynomial, InverseSqrt, Cosine, WarmUp, Join)}


def to_json(schedule: ScheduleLike) -> dict[str, Any]:
    """Describe a schedule by plain dicts, lists, strings and numbers.

    Parameters:
        schedule: a schedule, a number, or a callable, of which only the name can be kept.

    Returns: a dict with the class name under "schedule" and the arguments beside it.

    Example:
        >>> to_json(WarmUp(0.1, steps=5))
        {'schedule': 'WarmUp', 'then': {'schedule': 'Constant', 'value': 0.1}, 'steps': 5, 'start': 0.0}
        >>> to_json(abs)
        {'schedule': 'callable', 'name': 'builtins.abs'}
    """
    plain: Any = as_schedule(schedule)
    if type(plain) not in KINDS.values():
        named = plain if hasattr(plain, "__qualname__") else type(plain)
        return {"schedule": "callable", "name": f"{named.__module__}.{named.__qualname__}"}

    def encode(value: Any) -> Any:
        if isinstance(value, tuple):
            return [encode(item) for item in value]
        return to_json(value) if callable(value) else value

    arguments = {field.name: encode(getattr(plain, field.name)) for field in fields(plain)}
    return {"schedule": type(plain).__name__, **arguments}


def from_json(data: Mapping[str, Any]) -> Schedule:
    """Build the schedule that `to_json` described.

    Parameters:
        data: what `to_json` returned, also after a round through JSON text.

    Returns: an equal schedule. A callable cannot be rebuilt: that is a ValueError which asks for it.

    Example:
        >>> from_json({"schedule": "Cosine", "start": 0.1, "steps": 100})
        Cosine(start=0.1, end=0.0, steps=100)
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"from_json: data must be a dict made by to_json, got {data!r}")
    kind = data.get("schedule")
    if kind == "callable":
        raise ValueError(f"from_json: the callable {data.get('name')} is not stored; give the schedule again")
    if kind not in tuple(KINDS):
        raise ValueError(f'from_json: data["schedule"] must be one of {", ".join(KINDS)}, got {kind!r}')

    def decode(value: Any) -> Any:
        if isinstance(value, list):
            return tuple(decode(item) for item in value)
        return from_json(value) if isinstance(value, Mapping) else value

    try:
        return KINDS[kind](**{name: decode(value) for name, value in data.items() if name != "schedule"})
    except TypeError as error:
        raise ValueError(f"from_json: {error}") from error


def _mix(a: float, b: float, share: float) -> float:
    """b + (a - b) * share, but exact at both ends and never negative."""
    return a * share + b * (1 - share)


def _rate(value: Any, name: str) -> float:
    return float(_fit(value, name, float, "a finite number >= 0", lambda x: 0 <= x < math.inf))


def _positive(value: Any, name: str) -> float:
    return float(_fit(value, name, float, "a finite number > 0", lambda x: 0 < x < math.inf))


def _count(value: Any, name: str) -> int:
    return int(_fit(value, name, int, "a whole number >= 0", lambda x: x >= 0))


def _length(value: Any, name: str) -> int:
    return int(_fit(value, name, int, "a whole number >= 1", lambda x: x >= 1))


def _fit(value: Any, name: str, plain: type[float], allowed: str, fits: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, Integral if plain is int else Real):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    try:
        number = plain(value)
    except OverflowError:  # a whole number beyond all doubles
        number = math.inf
    if not fits(number):
        raise ValueError(f"{name} must be {allowed}, got {value}")
    return number


def _each(kind: Callable[[Any, str], Any]) -> Callable[[Any, str], tuple[Any, ...]]:
    def check(values: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(values, tuple | list):
            raise TypeError(f"{name} must be a tuple or a list, got {values!r}")
        return tuple(kind(value, f"{name}[{i}]") for i, value in enumerate(values))

    return check

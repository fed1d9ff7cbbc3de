"""Gradient descent: plain, with momentum, with a counter."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .base import Rate, Rule

FORMS = ("torch", "keras")


@dataclass(frozen=True, repr=False)
class SGD(Rule):
    """Stochastic gradient descent.

    w <- w - lr g

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    weight_decay, decoupled, maximize
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: none.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, -2.0])
    >>> schuss.Optimizer(w, schuss.SGD(lr=0.5)).step(np.array([1.0, 1.0]))
    >>> w
    array([ 0.5, -2.5])

    Reference
    ---------
    Robbins & Monro, "A stochastic approximation method", 1951.

    Differs from
    ------------
    torch.optim.SGD, which holds momentum too: here that is :class:`~schuss.Momentum`.
    """

    kernel = "sgd"


@dataclass(frozen=True, repr=False)
class Momentum(Rule):
    """Gradient descent with momentum (heavy ball).

    form "torch":  b <- momentum b + (1 - dampening) g;        w <- w - lr b

    form "keras":  b <- momentum b - lr (1 - dampening) g;     w <- w + b

    The first gradient enters undamped. The forms agree while lr is constant.

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    momentum : float, default 0.9
        [0, 1).
    dampening : float, default 0.0
        [0, 1].
    form : "torch" or "keras", default "torch"
        Whether lr scales the velocity or what enters it.
    weight_decay, decoupled, maximize
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: b.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.Momentum(lr=0.1, momentum=0.5))
    >>> for _ in range(2):
    ...     opt.step(np.array([1.0]))
    >>> w
    array([0.75])

    Reference
    ---------
    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Sutskever et al., "On the
    importance of initialization and momentum in deep learning", 2013.

    Differs from
    ------------
    Keras keeps form "keras" with the rate inside; torch form "torch". After a change of lr they go different ways.
    """

    _: KW_ONLY
    momentum: float = 0.9
    dampening: float = 0.0
    form: str = "torch"

    kernel = "momentum"
    ranges = {"momentum": "[0, 1)", "dampening": "[0, 1]"}
    choices = {"form": FORMS}

    @property
    def variant(self) -> int:
        return FORMS.index(self.form)


@dataclass(frozen=True, repr=False)
class Nesterov(Rule):
    """Nesterov's accelerated gradient, in the form that needs no look-ahead.

    form "torch":  b <- momentum b + g;      w <- w - lr (g + momentum b)

    form "keras":  b <- momentum b - lr g;   w <- w + momentum b - lr g

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    momentum : float, default 0.9
        [0, 1).
    form : "torch" or "keras", default "torch"
        Whether lr scales the velocity or what enters it.
    weight_decay, decoupled, maximize
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: b.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> schuss.Optimizer(w, schuss.Nesterov(lr=0.1, momentum=0.5)).step(np.array([1.0]))
    >>> w
    array([0.85])

    Reference
    ---------
    Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k^2)", 1983; Sutskever et al.
    2013, in the variables of Bengio et al. 2013.

    Differs from
    ------------
    torch allows dampening 0 only, as here; Keras has form "keras".
    """

    _: KW_ONLY
    momentum: float = 0.9
    form: str = "torch"

    kernel = "nesterov"
    ranges = {"momentum": "[0, 1)"}
    choices = {"form": FORMS}

    @property
    def variant(self) -> int:
        return FORMS.index(self.form)


@dataclass(frozen=True, repr=False)
class SGDW(Rule):
    """Momentum with decoupled weight decay.

    form "torch":  b <- momentum b + (1 - dampening) g;        w <- w - lr b - lr weight_decay w

    form "keras":  b <- momentum b - lr (1 - dampening) g;     w <- w + b - lr weight_decay w

    Parameters
    ----------
    lr : float or schedule, default 0.01
        Learning rate, [0, inf).
    momentum : float, default 0.9
        [0, 1).
    dampening : float, default 0.0
        [0, 1]; the first gradient enters undamped.
    form : "torch" or "keras", default "torch"
        Whether lr scales the velocity or what enters it.
    weight_decay : float, default 0.01
        [0, inf).
    maximize : bool, default False
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: b.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> schuss.Optimizer(w, schuss.SGDW(lr=0.1, weight_decay=0.5)).step(np.array([1.0]))
    >>> w
    array([0.85])

    Reference
    ---------
    Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, Algorithm 1.

    Differs from
    ------------
    The paper scales the decay by the schedule's multiplier only; here, as in torch's AdamW and Keras, by lr.
    """

    lr: Rate = 0.01
    _: KW_ONLY
    momentum: float = 0.9
    dampening: float = 0.0
    form: str = "torch"
    weight_decay: float = 0.01
    decoupled: bool = dataclasses.field(default=True, init=False)

    kernel = "momentum"
    ranges = {"momentum": "[0, 1)", "dampening": "[0, 1]"}
    choices = {"form": FORMS}
    common = ("maximize",)

    @property
    def variant(self) -> int:
        return FORMS.index(self.form)


@dataclass(frozen=True, repr=False)
class CounterClock(Rule):
    """A learning rate for each coordinate that falls with how often the coordinate had a gradient.

    count <- count + [g != 0];   w <- w - lr g / sqrt(count + c)

    Parameters
    ----------
    lr : float or schedule, default 0.1
        Learning rate, [0, inf).
    c : float, default 1.0
        Added to the count, [0, inf). The present gradient is already counted.
    weight_decay, decoupled, maximize
        See :class:`~schuss.Rule`. Coupled decay makes every gradient non-zero, so every coordinate counts.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: count. In float32 a count stops at 2^24.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.zeros(2)
    >>> opt = schuss.Optimizer(w, schuss.CounterClock(lr=1.0, c=3.0))
    >>> opt.step(np.array([1.0, 0.0]))
    >>> w, opt.slots["count"]
    (array([-0.5,  0. ]), array([1., 0.]))

    Reference
    ---------
    Zhang, Lipton, Li & Smola, "Dive into Deep Learning", section 12.7.1, the forerunner of AdaGrad.

    Differs from
    ------------
    No other library has it; AdaGrad sums squares where this counts.
    """

    lr: Rate = 0.1
    _: KW_ONLY
    c: float = 1.0

    kernel = "counter_clock"
    ranges = {"c": "[1e-30, inf)"}

"""Adam and its nearest kin: AdamW, AMSGrad, AdaMax."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS
from .base import Rate, Rule


@dataclass(frozen=True, repr=False)
class Adam(Rule):
    """Running averages of the gradient and of its square, corrected for their start at zero.

    m <- beta1 m + (1 - beta1) g;   v <- beta2 v + (1 - beta2) g^2;   c1 = 1 - beta1^t;   c2 = 1 - beta2^t

    eps_place "outside":   w <- w - lr (m / c1) / (sqrt(v / c2) + eps)

    eps_place "hat":       w <- w - lr sqrt(c2) / c1 m / (sqrt(v) + eps)

    amsgrad:   x <- max(x, v), and x in place of v under the root

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps : float, default 1e-8
        [1e-30, inf).
    eps_place : "outside" or "hat", default "outside"
        Before or after the correction of v.
    bias_correction : bool, default True
        False: c1 = c2 = 1.
    amsgrad : bool, default False
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v, and x with amsgrad.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.Adam(lr=0.1)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.9, 1.1])

    Reference
    ---------
    Kingma & Ba, "Adam: a method for stochastic optimization", 2015, Algorithm 1.

    Differs from
    ------------
    torch.optim.Adam and optax: "outside". Keras (eps 1e-7), TF and torch.optim.SparseAdam: "hat".
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    eps_place: str = "outside"
    bias_correction: bool = True
    amsgrad: bool = False

    kernel = "adam"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": EPS}
    choices = {"eps_place": ("outside", "hat")}

    @property
    def variant(self) -> int:
        return int(self.amsgrad)

    @property
    def hat(self) -> bool:
        """Whether eps comes after the correction."""
        return self.eps_place == "hat"


@dataclass(frozen=True, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay.

    w <- (1 - lr weight_decay) w, then Adam's step with the undecayed gradient.

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2, eps, eps_place, bias_correction, amsgrad, maximize, l1, lower, upper
        See :class:`~schuss.Adam`.
    weight_decay : float, default 0.01
        [0, inf).

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v, and x with amsgrad.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> schuss.Optimizer(w, schuss.AdamW(lr=0.1, weight_decay=0.5)).step(np.array([3.0]))
    >>> print(f"{w[0]:.6f}")
    0.850000

    Reference
    ---------
    Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, Algorithm 2.

    Differs from
    ------------
    The paper scales the decay by the schedule's multiplier only; here, as in torch, by lr. optax: weight_decay 1e-4.
    """

    _: KW_ONLY
    weight_decay: float = 0.01
    decoupled: bool = dataclasses.field(default=True, init=False)

    common = ("maximize", "l1", "lower", "upper")


@dataclass(frozen=True, repr=False)
class AMSGrad(Adam):
    """Adam whose step sizes never grow: the largest average square so far is used.

    m, v as in Adam;   x <- max(x, v);   w <- w - lr (m / c1) / (sqrt(x / c2) + eps)

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2, eps, eps_place, bias_correction, weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Adam`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v, x.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> opt = schuss.Optimizer(w, schuss.AMSGrad(lr=0.1))
    >>> for g in (10.0, 0.1):
    ...     opt.step(np.array([g]))
    >>> bool(opt.slots["x"] > opt.slots["v"])
    True

    Reference
    ---------
    Reddi, Kale & Kumar, "On the convergence of Adam and beyond", 2018, Algorithm 2.

    Differs from
    ------------
    The paper has no bias correction (bias_correction=False). The maximum runs over raw v, as in torch and Keras.
    """

    _: KW_ONLY
    amsgrad: bool = dataclasses.field(default=True, init=False)


@dataclass(frozen=True, repr=False)
class AdaMax(Rule):
    """Adam with the largest decayed gradient in place of the average square.

    m <- beta1 m + (1 - beta1) g;   c1 = 1 - beta1^t

    eps_place "max":       u <- max(beta2 u, |g| + eps);   w <- w - lr / c1 m / u

    eps_place "outside":   u <- max(beta2 u, |g|);         w <- w - lr / c1 m / (u + eps)

    Parameters
    ----------
    lr : float or schedule, default 2e-3
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps : float, default 1e-8
        [1e-30, inf).
    eps_place : "max" or "outside", default "max"
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, u.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0])
    >>> schuss.Optimizer(w, schuss.AdaMax(lr=0.1)).step(np.array([-7.0]))
    >>> print(f"{w[0]:.6f}")
    1.100000

    Reference
    ---------
    Kingma & Ba, "Adam: a method for stochastic optimization", 2015, Algorithm 2.

    Differs from
    ------------
    The paper has no eps and gives 0 / 0 where no gradient ever came. torch: "max"; Keras: "outside", eps 1e-7.
    """

    lr: Rate = 2e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    eps_place: str = "max"

    kernel = "adamax"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": EPS}
    choices = {"eps_place": ("max", "outside")}

    @property
    def outside(self) -> bool:
        """Whether eps is added in the denominator."""
        return self.eps_place == "outside"

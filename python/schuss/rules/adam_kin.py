"""Adam with a scheduled momentum, a rectified rate, other second moments."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from .adagrad import EPS
from .base import Array, Rate, Rule


@dataclass(frozen=True, repr=False)
class NAdam(Rule):
    """Adam with Nesterov's momentum, whose strength grows from half of beta1 to beta1.
    m, v as in Adam;   mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2);   M_t = mu_1 mu_2 ... mu_t

    w <- w - lr ((1 - mu_t) / (1 - M_t) g + mu_{t+1} / (1 - M_{t+1}) m) / (sqrt(v / (1 - beta2^t)) + eps)

    Parameters
    ----------
    lr : float or schedule, default 2e-3
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps : float, default 1e-8
        [1e-30, inf).
    momentum_decay : float, default 4e-3
        How fast the momentum grows, [0, inf); 0 keeps it at half of beta1.
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.NAdam(lr=0.1)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.894355, 1.105645])

    Reference
    ---------
    Dozat, "Incorporating Nesterov momentum into Adam", 2016, section 3.

    Differs from
    ------------
    torch.optim.NAdam keeps M_t in its state, here it is computed from t. Keras: momentum_decay 1, eps 1e-7.
    optax.nadam: constant momentum, which is momentum_decay so large that 0.96^momentum_decay is 0 (1e6).
    """

    lr: Rate = 2e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 4e-3

    kernel = "nadam"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": EPS, "momentum_decay": "[0, inf)"}


@dataclass(frozen=True, repr=False)
class RAdam(Rule):
    """Adam that waits with its adaptive rate until the variance of that rate is known.
    m, v, c1, c2 as in Adam;   R = 2 / (1 - beta2) - 1;   rho = R - 2 t beta2^t / c2

    rho > 5:   w <- w - lr r sqrt(c2) / c1 m / (sqrt(v) + eps),   r^2 = (rho - 4)(rho - 2) R / ((R - 4)(R - 2) rho)

    else:      w <- w - lr m / c1

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps : float, default 1e-8
        [1e-30, inf).
    eps_place : "hat" or "outside", default "hat"
        After or before the correction of v, as in :class:`~schuss.Adam`.
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.RAdam(lr=0.1)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.97, 3.  ])

    Reference
    ---------
    Liu et al., "On the variance of the adaptive learning rate and beyond", 2020, Algorithm 2.

    Differs from
    ------------
    The paper has no eps and rectifies from rho > 4; torch.optim.RAdam: "hat", optax: "outside", both from rho > 5
    as here.
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    eps_place: str = "hat"

    kernel = "radam"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": EPS}
    choices = {"eps_place": ("hat", "outside")}

    @property
    def hat(self) -> bool:
        """Whether eps comes after the correction."""
        return self.eps_place == "hat"


@dataclass(frozen=True, repr=False)
class Yogi(Rule):
    """Adam whose second moment falls slowly: by a share of g^2, not of itself.
    m <- beta1 m + (1 - beta1) g;   v <- v - (1 - beta2) sign(v - g^2) g^2;   w <- w - lr m / (sqrt(v) + eps)

    bias_correction:   m / (1 - beta1^t) and v / (1 - beta2^t) in place of m and v

    Parameters
    ----------
    lr : float or schedule, default 1e-2
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps : float, default 1e-3
        [1e-30, inf).
    bias_correction : bool, default False
    initial_accumulator, initial_momentum : float, default 1e-6 and 0.0
        Where v and m start, [0, inf).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, v. Exact steps: yes.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.Yogi(lr=0.1, initial_accumulator=0.0)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.713927, 1.315729])

    Reference
    ---------
    Zaheer, Reddi, Sachan, Kale & Kumar, "Adaptive methods for nonconvex optimization", 2018, Algorithm 2.

    Differs from
    ------------
    optax.yogi: bias_correction=True, and m starts at 1e-6 too.
    """

    lr: Rate = 1e-2
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-3
    bias_correction: bool = False
    initial_accumulator: float = 1e-6
    initial_momentum: float = 0.0

    kernel = "yogi"
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "eps": EPS,
        "initial_accumulator": "[0, inf)",
        "initial_momentum": "[0, inf)",
    }

    def start(self, w: Array) -> dict[str, Array | float]:
        return {"m": self.initial_momentum, "v": self.initial_accumulator}


@dataclass(frozen=True, repr=False)
class AdaBelief(Rule):
    """Adam that divides by how far gradients are from their average, not by how large they are.
    m <- beta1 m + (1 - beta1) g;   s <- beta2 s + (1 - beta2) (g - m)^2 + eps_inside

    w <- w - lr m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps)

    Parameters
    ----------
    lr : float or schedule, default 1e-3
        Learning rate, [0, inf).
    beta1, beta2 : float, default 0.9 and 0.999
        [0, 1).
    eps, eps_inside : float, default 1e-16
        [1e-30, inf).
    weight_decay, decoupled, maximize, l1, lower, upper
        See :class:`~schuss.Rule`.

    Returns
    -------
    A rule to give to :class:`~schuss.Optimizer`. Slots: m, s. Exact steps: none, since without a gradient
    s follows m at every step.

    Raises
    ------
    TypeError, ValueError
        For a hyper-parameter of the wrong kind or outside its range.

    Example
    -------
    >>> import numpy as np, schuss
    >>> w = np.array([1.0, 1.0])
    >>> schuss.Optimizer(w, schuss.AdaBelief(lr=0.1)).step(np.array([0.3, -20.0]))
    >>> w.round(6)
    array([0.888889, 1.111111])

    Reference
    ---------
    Zhuang et al., "AdaBelief optimizer: adapting stepsizes by the belief in observed gradients", 2020, Algorithm 2.

    Differs from
    ------------
    The paper has one eps for both places, 1e-8 in its text; optax has eps and eps_root, 1e-16 both, as here.
    """

    lr: Rate = 1e-3
    _: KW_ONLY
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-16
    eps_inside: float = 1e-16

    kernel = "adabelief"
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": EPS, "eps_inside": EPS}
    no_exact = "without a gradient s follows the square of m at every step; use Adam, or lazy steps"

"""Rules: the arithmetic of one update, with its hyper-parameters and no state."""

from .adagrad import AdaDelta, AdaGrad, RowWiseAdaGrad
from .adam import Adam, AdaMax, AdamW, AMSGrad
from .base import Rule, load_rules
from .descent import SGD, SGDW, CounterClock, Momentum, Nesterov
from .egdd import EGDD
from .exponentiated import EG, EGPM, EGU
from .ftrl import FTRL
from .rmsprop import RMSprop

ALL: dict[str, type[Rule]] = {
    rule.__name__: rule
    for rule in (
        SGD,
        Momentum,
        Nesterov,
        SGDW,
        CounterClock,
        AdaGrad,
        RowWiseAdaGrad,
        AdaDelta,
        RMSprop,
        Adam,
        AdamW,
        AMSGrad,
        AdaMax,
        EGU,
        EG,
        EGPM,
        EGDD,
        FTRL,
    )
}

__all__ = [
    "ALL",
    "EG",
    "EGDD",
    "EGPM",
    "EGU",
    "FTRL",
    "SGD",
    "SGDW",
    "AMSGrad",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adam",
    "AdamW",
    "CounterClock",
    "Momentum",
    "Nesterov",
    "RMSprop",
    "RowWiseAdaGrad",
    "Rule",
    "load_rules",
]

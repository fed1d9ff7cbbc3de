"""Rules: the arithmetic of one update, with its hyper-parameters and no state."""

from .adafactor import Adafactor
from .adagrad import AdaDelta, AdaGrad, RowWiseAdaGrad
from .adam import Adam, AdaMax, AdamW, AMSGrad
from .adam_kin import AdaBelief, NAdam, RAdam, Yogi
from .adan import Adan
from .averaging import ASGD, ScheduleFreeAdamW, ScheduleFreeSGD
from .base import Rule, load_rules
from .descent import SGD, SGDW, CounterClock, Momentum, Nesterov
from .egdd import EGDD
from .exponentiated import EG, EGPM, EGU
from .ftrl import FTRL
from .heun import Heun
from .learned import Hypergradient, Prodigy
from .rmsprop import RMSprop
from .signs import Lion, Rprop, SignSGD
from .trust import LAMB, LARS

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
        NAdam,
        RAdam,
        Yogi,
        AdaBelief,
        Lion,
        Rprop,
        ASGD,
        ScheduleFreeSGD,
        ScheduleFreeAdamW,
        LARS,
        LAMB,
        Prodigy,
        Hypergradient,
        Adan,
        Heun,
        Adafactor,
        SignSGD,
    )
}

__all__ = [
    "ALL",
    "ASGD",
    "EG",
    "EGDD",
    "EGPM",
    "EGU",
    "FTRL",
    "LAMB",
    "LARS",
    "SGD",
    "SGDW",
    "AMSGrad",
    "AdaBelief",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adafactor",
    "Adam",
    "AdamW",
    "Adan",
    "CounterClock",
    "Heun",
    "Hypergradient",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "RowWiseAdaGrad",
    "Rprop",
    "Rule",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "SignSGD",
    "Yogi",
    "load_rules",
]

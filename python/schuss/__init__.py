"""schuss: optimizers for sparse and dense models on CPUs, at memory speed.

>>> import numpy as np, schuss
>>> w = np.zeros(4, np.float32)
>>> opt = schuss.Optimizer(w, schuss.Adam(lr=0.1))
>>> opt.step(np.ones(4, np.float32))
>>> w.round(6)
array([-0.1, -0.1, -0.1, -0.1], dtype=float32)
"""

from . import data, init, models, rules, schedules
from .gradients import CoordGrad, RowGrad
from .info import info
from .optimizer import Optimizer
from .rules import (
    EG,
    EGDD,
    EGPM,
    EGU,
    FTRL,
    SGD,
    SGDW,
    AdaDelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AMSGrad,
    CounterClock,
    Momentum,
    Nesterov,
    RMSprop,
    RowWiseAdaGrad,
    Rule,
)
from .table import Table
from .threads import get_threads, set_threads
from .version import __version__

__all__ = [
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
    "CoordGrad",
    "CounterClock",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "RowGrad",
    "RowWiseAdaGrad",
    "Rule",
    "Table",
    "__version__",
    "data",
    "get_threads",
    "info",
    "init",
    "models",
    "rules",
    "schedules",
    "set_threads",
]

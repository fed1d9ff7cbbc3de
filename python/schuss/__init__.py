"""schuss: optimizers for sparse and dense models on CPUs, at memory speed.

>>> import numpy as np, schuss
>>> w = np.zeros(4, np.float32)
>>> opt = schuss.Optimizer(w, schuss.Adam(lr=0.1))
>>> opt.step(np.ones(4, np.float32))
>>> w.round(6)
array([-0.1, -0.1, -0.1, -0.1], dtype=float32)
"""

from . import data, init, models, objectives, rules, schedules, solvers, text
from .gradients import CoordGrad, RowGrad
from .include import get_include
from .info import info
from .optimizer import Optimizer
from .rules import (
    ASGD,
    EG,
    EGDD,
    EGPM,
    EGU,
    FTRL,
    LAMB,
    LARS,
    SGD,
    SGDW,
    AdaBelief,
    AdaDelta,
    Adafactor,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    Adan,
    AMSGrad,
    CounterClock,
    Heun,
    Hypergradient,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Prodigy,
    RAdam,
    RMSprop,
    RowWiseAdaGrad,
    Rprop,
    Rule,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
    SignSGD,
    Yogi,
    load_rules,
)
from .solvers import BFGS, LBFGS, LBFGSB, OWLQN, Newton, NewtonCG, newton_root
from .solvers.minimize import check_grad, minimize
from .table import Table
from .threads import get_threads, set_threads
from .vectors import Vectors
from .version import __version__

__all__ = [
    "ASGD",
    "BFGS",
    "EG",
    "EGDD",
    "EGPM",
    "EGU",
    "FTRL",
    "LAMB",
    "LARS",
    "LBFGS",
    "LBFGSB",
    "OWLQN",
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
    "CoordGrad",
    "CounterClock",
    "Heun",
    "Hypergradient",
    "Lion",
    "Momentum",
    "NAdam",
    "Nesterov",
    "Newton",
    "NewtonCG",
    "Optimizer",
    "Prodigy",
    "RAdam",
    "RMSprop",
    "RowGrad",
    "RowWiseAdaGrad",
    "Rprop",
    "Rule",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "SignSGD",
    "Table",
    "Vectors",
    "Yogi",
    "__version__",
    "check_grad",
    "data",
    "get_include",
    "get_threads",
    "info",
    "init",
    "load_rules",
    "minimize",
    "models",
    "newton_root",
    "objectives",
    "rules",
    "schedules",
    "set_threads",
    "solvers",
    "text",
]

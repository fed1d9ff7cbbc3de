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
    load_rules,
)
from .solvers import BFGS, LBFGS, LBFGSB, OWLQN, Newton, NewtonCG, newton_root
from .solvers.minimize import check_grad, minimize
from .table import Table
from .threads import get_threads, set_threads
from .vectors import Vectors
from .version import __version__

__all__ = [
    "BFGS",
    "EG",
    "EGDD",
    "EGPM",
    "EGU",
    "FTRL",
    "LBFGS",
    "LBFGSB",
    "OWLQN",
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
    "Newton",
    "NewtonCG",
    "Optimizer",
    "RMSprop",
    "RowGrad",
    "RowWiseAdaGrad",
    "Rule",
    "Table",
    "Vectors",
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

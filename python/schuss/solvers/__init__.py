"""Batch solvers: ask/tell machines for smooth functions, with bounds, with an l1 term; and roots."""

from .base import Options, Solver
from .bounds import LBFGSB
from .newton import Newton, NewtonCG, Root, newton_root
from .quasi import BFGS, LBFGS, OWLQN
from .result import Result

__all__ = [
    "BFGS",
    "LBFGS",
    "LBFGSB",
    "OWLQN",
    "Newton",
    "NewtonCG",
    "Options",
    "Result",
    "Root",
    "Solver",
    "newton_root",
]

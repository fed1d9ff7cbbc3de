"""liblbfgs."""

from . import Peer

PEER = Peer(
    "liblbfgs",
    "PyLBFGS",
    ("solvers",),
    (
        "Moré-Thuente line search, memory 10; OWL-QN with its Wolfe search. Its calls into Python are "
        "part of its overhead."
    ),
)

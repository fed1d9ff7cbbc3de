"""SciPy."""

from . import Peer

PEER = Peer(
    "SciPy",
    "scipy",
    ("solvers",),
    ("minimize(method='L-BFGS-B') with maxcor 10 and ftol 0, the function in NumPy and SciPy."),
)

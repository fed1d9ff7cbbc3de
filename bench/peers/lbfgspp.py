"""LBFGSpp."""

from . import Peer

PEER = Peer(
    "LBFGSpp",
    "",
    ("solvers",),
    "Compiled with -O3 -march=native; its default line search (Nocedal and Wright), memory 10; one thread.",
    "apt install liblbfgspp-dev, and g++",
    header="/usr/include/LBFGS.h",
)

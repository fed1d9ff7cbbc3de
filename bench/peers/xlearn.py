"""xLearn."""

from . import Peer

PEER = Peer(
    "xLearn",
    "xlearn",
    ("ctr",),
    ("Linear, FM and FFM with 4 factors and its defaults, early stopping off."),
    "pip install xlearn, which builds from source and needs an old CMake",
)

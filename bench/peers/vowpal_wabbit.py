"""Vowpal Wabbit."""

from . import Peer

PEER = Peer(
    "Vowpal Wabbit",
    "vowpalwabbit",
    ("ctr",),
    (
        "Its defaults, --loss_function logistic, -b 20, with and without --onethread; -q for pairs. In a "
        "process of its own."
    ),
)

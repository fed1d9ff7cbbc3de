"""NumPy."""

from . import Peer

PEER = Peer(
    "NumPy",
    "numpy",
    ("kernels", "tables"),
    (
        "The update as a person writes it, and in place with out= and scratch arrays that are kept; one "
        "thread always. Tables: np.unique with np.add.at, and a stable sort with np.add.reduceat."
    ),
)

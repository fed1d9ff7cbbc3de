"""libffm."""

from . import Peer

PEER = Peer(
    "libffm",
    "libffm-python",
    ("ctr",),
    ("ffm-train -k 4 with its defaults, one and two threads."),
    "build https://github.com/ycjuan/libffm and put ffm-train on the PATH",
)

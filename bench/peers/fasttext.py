"""fastText."""

from . import Peer

PEER = Peer(
    "fastText",
    "fasttext",
    ("word2vec",),
    ("train_unsupervised with maxn 0, the same hyper-parameters."),
)

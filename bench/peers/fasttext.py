"""fastText."""

from . import Peer

PEER = Peer(
    "fastText",
    "fasttext",
    ("word2vec",),
    ("train_unsupervised with maxn 0, the same hyper-parameters."),
    "pip install fasttext-wheel 'numpy<2', in an environment of its own whose python SCHUSS_PEERS_PYTHON names",
)

"""gensim."""

from . import Peer

PEER = Peer(
    "gensim",
    "gensim",
    ("word2vec",),
    ("Word2Vec with the same corpus and hyper-parameters, workers = threads; time of training alone."),
)

"""scikit-learn."""

from . import Peer

PEER = Peer(
    "scikit-learn",
    "scikit-learn",
    ("solvers", "ctr"),
    ("LogisticRegression(solver='lbfgs') without intercept at the same gradient norm; SGDClassifier with log loss."),
)

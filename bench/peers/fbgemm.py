"""FBGEMM."""

from . import Peer

PEER = Peer(
    "FBGEMM",
    "fbgemm-gpu-cpu",
    ("tables",),
    (
        "SplitTableBatchedEmbeddingBagsCodegen on the CPU, a bag for each id, EXACT_ADAGRAD and "
        "EXACT_ROWWISE_ADAGRAD; forward, backward and step together, beside lookup and update of schuss."
    ),
)

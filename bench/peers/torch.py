"""torch."""

from . import Peer

PEER = Peer(
    "torch",
    "torch",
    ("kernels", "tables", "ctr"),
    (
        "torch.optim in the forms for-loop, foreach and fused (where CPUs have it), as many threads as "
        "schuss; sparse steps by Adagrad and SparseAdam with gradients that are not coalesced. CTR: "
        "EmbeddingBag, LR and FM."
    ),
)

"""Other frameworks' optimizer states, and a drop-in for torch.optim: schuss.compat.torch, .optax, .keras."""

"""Measurements: kernels against the machine's own limit, NumPy and torch; a small regression."""

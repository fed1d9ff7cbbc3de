"""Measurements: kernels, tables, solvers and click models beside their peers; a small regression."""

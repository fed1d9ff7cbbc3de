"""Torch's tensors as schuss takes them, and the checks of those and of states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ..gradients import CoordGrad, RowGrad
from ..rules import Rule

DTYPES = (torch.float32, torch.float64)
EXCHANGE = torch.Tensor.__dlpack_c_exchange_api__


def check_tensor(p: Any, what: str) -> None:
    if not isinstance(p, torch.Tensor):
        raise TypeError(f"{what}: expected a tensor, got {type(p).__name__}")
    if p.device.type != "cpu":
        raise ValueError(f"{what}: expected a tensor on the CPU, got one on {p.device}; move it there with .cpu()")
    if p.dtype not in DTYPES:
        raise TypeError(f"{what}: expected float32 or float64, got {p.dtype}; use .float()")
    if p.layout is not torch.strided:
        raise TypeError(f"{what}: expected a dense parameter, got {p.layout}; use .to_dense()")
    if not p.is_contiguous():
        raise ValueError(f"{what}: expected a contiguous tensor, got strides {p.stride()}; use .contiguous()")


def view(p: torch.Tensor) -> Any:
    """A tensor's memory as an array."""
    return p.detach().numpy()


def gradient(p: torch.Tensor, index: int) -> Any:
    """A tensor's gradient as schuss takes it."""
    g, what = p.grad, f"gradient of params[{index}]"
    if g is None:
        return None
    if not g.is_sparse:
        check_tensor(g, what)
        return view(g)
    ids, values = g._indices(), g._values()
    if values.dtype != p.dtype:
        raise TypeError(f"{what}: expected {p.dtype}, got {values.dtype}")
    if g.sparse_dim() == 1:
        return RowGrad(ids[0].contiguous().numpy(), view(values.contiguous()))
    if g.dense_dim() == 0:
        flat = np.ravel_multi_index(tuple(ids.numpy()), tuple(g.shape))
        return CoordGrad(flat, view(values.contiguous()))
    raise ValueError(f"{what}: expected one sparse dimension or all of them, got {g.sparse_dim()} of {g.dim()}")


def check_state(state: Mapping[str, Any] | None, p: torch.Tensor, rule: Rule, index: Any) -> None:
    """Raises unless a parameter's state is that of this rule."""
    if state is None:
        return
    w = view(p)
    rule = rule.fitted(w)
    slots: dict[str, tuple[int, ...]] = {name: tuple(p.shape) for name in rule.info["slots"]}
    slots |= {name: (size,) for name, size in zip(rule.info["shared"], rule.shared_sizes(w), strict=True)}
    for name, shape in {"step": (), **slots}.items():
        if name not in state:
            raise ValueError(f"state_dict: parameter {index} has no {name!r}; it is not of {rule!r}")
        if name != "step" and tuple(state[name].shape) != shape:
            raise ValueError(f"state_dict: parameter {index}: {name} has shape {tuple(state[name].shape)}, not {shape}")
    steps = float(state["step"])
    if not (steps >= 0 and steps % 1 == 0):
        raise ValueError(f"state_dict: parameter {index}: step: expected a whole number, got {steps:g}")

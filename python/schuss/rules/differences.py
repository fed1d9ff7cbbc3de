"""Why a rule, with the options that a user gave it, is not the rule of a framework; empty if it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def late_maximum(rule: Any) -> str:
    """optax' AMSGrad."""
    return (
        "optax takes the maximum after the bias correction, schuss (as torch and Keras) before; "
        "bias_correction=False is the same in both"
        if rule.amsgrad and rule.bias_correction
        else ""
    )


def scheduled_decay(rule: Any) -> str:
    """Decay by the schedule alone."""
    return (
        f"the paper multiplies decay by the schedule alone, schuss by lr too: use "
        f"{type(rule).__name__}(lr=a, weight_decay=decay / a) for its lr a"
        if rule.weight_decay > 0
        else ""
    )


def always(reason: str) -> Callable[[Any], str]:
    """Whatever the options are."""
    return lambda rule: reason


def if_decayed(reason: str) -> Callable[[Any], str]:
    """Only with weight decay."""
    return lambda rule: f"{reason}; weight_decay=0 is the same" if rule.weight_decay > 0 else ""


def if_scheduled(reason: str) -> Callable[[Any], str]:
    """Only with a schedule."""
    return lambda rule: f"{reason}; a constant lr is the same" if callable(rule.lr) else ""


def adafactor_of_optax(rule: Any) -> str:
    """Decay that is no part of the rate."""
    return (
        "optax does not scale the decay by lr, so with a schedule it is another; with a constant lr use "
        "weight_decay=weight_decay_rate / lr"
        if rule.weight_decay > 0 and callable(rule.lr)
        else ""
    )


def adan_of_optax(rule: Any) -> str:
    """Its factor of the differences."""
    return (
        "optax multiplies the differences of gradients by 1 - beta2, the authors' code and schuss by beta2; "
        "only beta2=0.5 is the same"
        if rule.beta2 != 0.5
        else ""
    )

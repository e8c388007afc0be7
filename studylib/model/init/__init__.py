"""Initialisation and parametrisation.

A choice is a class built with the ModelSpec that says, for a role ("embedding", "hidden", "norm", "head")
and the parameter's fan-in: the standard deviation it starts from, and by how much its learning rate, weight
decay and Adam epsilon are scaled; and for the model, what multiplies residual branches and logits. Together
these decide whether one learning rate is fair across shapes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParameterRule:
    """How one parameter starts and is updated. ``std`` None means ones (norm gains)."""

    std: float | None
    lr_scale: float = 1.0
    weight_decay_scale: float = 1.0
    eps_scale: float = 1.0

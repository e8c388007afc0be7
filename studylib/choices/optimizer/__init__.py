"""Optimizers.

A choice is a class derived from ``Optimizer``: torch-free, so that a study is planned and checked without torch; its ``build``
makes the torch optimizer. All come from torch or the `pytorch-optimizer` package.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from studylib.errors import invalid
from studylib.frozen import Above0, Fraction, Frozen
from studylib.registry import Choice

if TYPE_CHECKING:
    from studylib.choices.init import ParameterRule
    from studylib.spec import OptimizerSpec, ParallelSpec


class Betas(Frozen):
    """Options of optimizers with running means of gradients and their squares."""

    beta1: Fraction = 0.9
    beta2: Fraction = 0.95


class AdamOptions(Betas):
    """Options of Adam and of those that have Adam beside them."""

    eps: Above0 = 1e-8


class Optimizer(Choice):
    """Base of the choices; one that moves each weight by its own gradient alone needs only ``build``.

    A parametrisation's rules (``studylib/choices/init``) are derived for Adam, whose steps do not depend on the size of
    gradients; `scaled` says what they become for the optimizer.
    """

    state_per_weight: ClassVar[float] = 2.0
    """Numbers kept for a weight of a hidden matrix, preconditioners included."""
    state_per_embedding: ClassVar[float] = 2.0
    """Numbers kept for any other weight."""
    sees_whole: ClassVar[tuple[str, ...]] = ()
    """Roles whose matrices it must see whole, so that neither tensor parallelism nor ZeRO-1 may cut them for it."""

    def __init__(self, spec: OptimizerSpec):
        super().__init__(spec)
        self.spec = spec

    def whole(self, role: str, dimensions: int) -> bool:
        """Whether a parameter with this role and number of dimensions has to be seen whole."""
        return dimensions == 2 and role in self.sees_whole

    def scaled(self, rule: ParameterRule, role: str, *, whole: bool, width: float, residual: float) -> ParameterRule:
        """The rule as this optimizer needs it.

        Parameters
        ----------
        rule, role, whole
            Of the parameter; see `whole`.
        width, residual
            Of the parametrisation: hidden size over its base's (1 where rates do not follow the width), and what multiplies
            residual branches.
        """
        return rule

    def check(self, parallel: ParallelSpec) -> None:
        """Raise a StudyError for a layout on which the optimizer cannot work."""
        if parallel.zero_stage and self.sees_whole:
            why = f"cuts matrices over replicas, but {self.spec.name} must see them whole"
            raise invalid("parallel.zero_stage", parallel.zero_stage, why, choices=[0])

    def build(self, groups: list[dict[str, Any]]) -> list[Any]:
        """Torch optimizers over groups with ``params``, ``lr``, ``weight_decay``, ``whole``, and ``eps`` if it is an option.

        Several share a run when they treat groups differently; each group goes to one of them.
        """
        raise NotImplementedError


def with_rate_scale(rule: ParameterRule, lr_scale: float) -> ParameterRule:
    """Another rate, the same decoupled decay a step (learning rate times decay)."""
    decay = rule.weight_decay_scale * rule.lr_scale / lr_scale
    return replace(rule, lr_scale=lr_scale, weight_decay_scale=decay)

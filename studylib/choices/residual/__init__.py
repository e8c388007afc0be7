"""Residual connections: where a layer's norms stand and how its branches join the stream.

A choice is a class derived from ``Residual``. It names the layer's norms and says how the two branches are combined; it needs
no torch itself, since tensors bring their own arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from studylib.errors import invalid
from studylib.registry import INITS, NORMS, Choice

if TYPE_CHECKING:
    import torch

    from studylib.spec import ModelSpec

    Branch = Callable[[torch.Tensor], torch.Tensor]


class Residual(Choice):
    """Describes how a layer of ``model`` joins its branches."""

    # Names of the norms of a layer, each over hidden_size; the first is made before the mixer, the others between it and the MLP.
    norms: ClassVar[tuple[str, ...]] = ("input_layernorm", "post_attention_layernorm")
    # Whether the first of them is over what the mixer reads.
    norm_before_mixer: ClassVar[bool] = True
    # Whether the output head normalises the stream; not where every layer ends in a norm.
    final_norm: ClassVar[bool] = True
    # Whether the stream has to start at unit scale, since what is added to it has that scale.
    unit_stream: ClassVar[bool] = False
    # Names of learned vectors over hidden_size that scale the branches, and what each starts from.
    scales: ClassVar[tuple[str, ...]] = ()
    scale_start: float = 1.0
    # Multiplies the start values of the branches' matrices (of query and key it does not).
    branch_gain: float = 1.0
    # Whether it works only with a norm that bounds what it lets through.
    needs_norm: ClassVar[bool] = False

    def __init__(self, model: ModelSpec):
        super().__init__(model)
        self.model = model
        self.multiplier = INITS[model.init](model).residual_multiplier

    @property
    def layer_parameters(self) -> int:
        """Trained values of one layer beyond mixer and MLP."""
        norm = NORMS[self.model.norm](self.model).parameters
        return len(self.norms) * norm + len(self.scales) * self.model.hidden_size

    @property
    def saved(self) -> float:
        """fp32 numbers a token that one layer keeps for its backward pass, for its norms and scales."""
        norm = NORMS[self.model.norm].saved
        return (len(self.norms) * norm + len(self.scales)) * self.model.hidden_size

    def check(self) -> None:
        """Raise StudyError where the model's other choices do not allow this one."""
        if self.needs_norm and not NORMS[self.model.norm].bounds:
            why = f"normalises the stream itself, which norm {self.model.norm} does not do"
            raise invalid("model.residual", self.model.residual, why)

    def combine(self, layer: Any, hidden_states: torch.Tensor, mixer: Branch, mlp: Branch) -> torch.Tensor:
        """The stream after ``layer`` (which has norms and scales as attributes), [batch, seq, hidden]."""
        raise NotImplementedError

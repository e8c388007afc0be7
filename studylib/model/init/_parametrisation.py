"""What an initialisation is, and the plain one that most others change in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from studylib.model.init import ParameterRule

if TYPE_CHECKING:
    from studylib.spec import ModelSpec


class Parametrisation:
    """The standard parametrisation: nothing is scaled with the shape, only start values differ.

    Norm gains start at one; neither they nor the token embedding decay. Under it the best learning rate falls as models
    grow wider and deeper, so compare shapes only with the rate tuned for each.
    """

    revision: ClassVar[int] = 1
    """Counted up when it computes something else than before: results of trials with the old one are then not taken for it."""
    width: float = 1.0
    """Hidden size over the base's, where learning rates follow it."""
    residual_multiplier: float = 1.0
    """Multiplies what mixers and MLPs add to the residual stream."""
    logit_multiplier: float = 1.0
    unit_stream: bool = False
    """Whether embeddings are multiplied to unit scale unless the specification says otherwise."""

    def __init__(self, model: ModelSpec):
        self.model = model

    def rule(self, role: str, fan_in: int, fan_out: int = 0, *, ends_branch: bool = False) -> ParameterRule:
        """The rule of one parameter.

        Parameters
        ----------
        role
            "embedding", "hidden", "norm" (any vector) or "head".
        fan_in, fan_out
            Columns and rows of a matrix; for the token embedding hidden size and vocabulary. Rows left out are those of the
            token table or of a square.
        ends_branch
            Whether its output is what a mixer or MLP adds to the residual stream (``o_proj``, ``down_proj``).
        """
        if role == "norm":
            return ParameterRule(std=None, weight_decay_scale=0.0)
        fan_out = fan_out or (fan_in if role == "hidden" else self.model.vocab_size)
        std = self.std(role, fan_in, fan_out, ends_branch)
        return ParameterRule(std=std, weight_decay_scale=0.0 if role == "embedding" else 1.0)

    def std(self, role: str, fan_in: int, fan_out: int, ends_branch: bool) -> float:
        """Standard deviation of the start values of a matrix."""
        raise NotImplementedError

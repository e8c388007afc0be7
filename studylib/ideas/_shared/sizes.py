"""Parameters of an idea whose models come in several sizes. No torch."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, Literal

from pydantic import Field

from studylib.ideas._shared.at_size import more_text, sizes_up_to
from studylib.ideas._training import TrainingParams
from studylib.model.family import shapes_of_size
from studylib.spec import Above0, ModelSpec, Positive


class SizesParams(TrainingParams):
    """Sizes are numbers of non-embedding parameters, and how long to train follows from them."""

    budgets: tuple[Positive, ...] = Field(min_length=1, description="non-embedding parameters of each size")
    seeds_at: dict[Positive, Positive] = Field(
        default_factory=dict,
        description="from a budget on, how many of seeds: {1000000: 2}; {}: all of them everywhere",
    )
    head_dim: Positive = Field(default=16, description="size of a head; hidden sizes are its multiples")
    tokens_per_param: Above0 = Field(default=20.0, description="training tokens per non-embedding parameter")
    lengths: tuple[Above0, ...] = Field(
        default=(0.5,), description="other lengths of the reference's runs, as shares: they say what more tokens bring"
    )
    equal: tuple[Literal["tokens", "seconds"], ...] = Field(
        default=(),
        description="trained at the size that decides beside equal FLOPs; else losses are moved, or there is no verdict",
    )
    target_params: Above0 = Field(default=1e10, description="total parameters of the model that is to be built")

    @property
    def ffn_multiple(self) -> int:
        """Of which intermediate sizes are multiples, so that they can be split over tensor-parallel ranks."""
        return max(4, self.parallel.tp)

    def steps_at(self, budget: int) -> int:
        return self.steps_of(self.tokens_per_param * budget)

    def seeds_of(self, budget: int) -> tuple[int, ...]:
        """The seeds that a size is trained with, the first of all: large models are dear, and less noisy."""
        reached = [start for start in self.seeds_at if start <= budget]
        return self.seeds[: self.seeds_at[max(reached)]] if reached else self.seeds

    @property
    def deciding_budget(self) -> int:
        """The largest size that is trained with two seeds or more: of one seed nobody knows the noise. Where none is, the largest.

        What is trained at one size only, so that it may decide, is trained at this one. Of results `studylib.analysis.deciding_size`
        says the same.
        """
        several = [budget for budget in self.budgets if len(self.seeds_of(budget)) > 1]
        return max(several or self.budgets)

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        """See `Idea.at_size`; a subclass adds what it can do without."""
        more = more_text("data.sources", self.data.sources, self.tokens_per_param * size)
        return {"budgets": sizes_up_to(size), "seeds_at": {}, "equal": []} | more


class OneShapeParams(SizesParams):
    """One shape serves all models of a size."""

    aspect: Above0 = Field(default=16.0, description="hidden_size / num_layers of the models")

    def shape(self, budget: int, *, vocab_size: int | None = None, **choices: Any) -> ModelSpec:
        """The model of a size; its vocabulary (default: that of ``data``) is filled up to a multiple of ``parallel.tp``.

        Raises
        ------
        StudyError
            No shape fits the size.
        """
        base = ModelSpec(
            num_layers=1, hidden_size=self.head_dim, num_heads=1, seq_len=self.seq_len,
            vocab_size=-(-(vocab_size or self.data.vocab_size) // self.parallel.tp) * self.parallel.tp, **choices,
        )  # fmt: skip
        return _shape_of_size(budget, self.aspect, self.head_dim, self.ffn_multiple, base)


@cache
def _shape_of_size(budget: int, aspect: float, head_dim: int, ffn_multiple: int, base: ModelSpec) -> ModelSpec:
    return shapes_of_size(budget, [aspect], head_dim=head_dim, ffn_multiple=ffn_multiple, base=base)[0]

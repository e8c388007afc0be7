"""Parameters of an idea that compares its choices on one model, and of the smaller models that compare the same. No torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.frozen import Frozen
from studylib.ideas._shared.at_size import MOST_TOKENS, layers_size, one_shape
from studylib.ideas._training import TrainingParams
from studylib.model.cost import parameter_count
from studylib.numbers import short
from studylib.spec import ModelSpec, Positive, TrialSpec


class SmallerModel(Frozen):
    """What another model has in place of the idea's own; all else is the same."""

    num_layers: Positive
    hidden_size: Positive
    num_heads: Positive
    train_tokens: Positive

    @property
    def shape(self) -> str:
        return f"{self.num_layers} x {self.hidden_size}"


class OneModelParams(TrainingParams):
    """One shape serves all variants. What can be compared at several sizes is compared by the ``smaller`` models too."""

    num_layers: Positive = Field(default=3, description="of all models, as the next two")
    hidden_size: Positive = Field(default=64, description="width of the residual stream")
    num_heads: Positive = Field(default=4, description="attention heads")
    train_tokens: Positive = Field(default=262_144, description="of every run that is compared")
    smaller: tuple[SmallerModel, ...] = Field(
        default=(),
        description="models that compare the same, to see what changes with size: num_layers, hidden_size, num_heads, train_tokens",
    )

    @model_validator(mode="after")
    def _are_smaller(self) -> Self:
        sizes = {}
        for one in self.smaller:
            if layers_size(one.num_layers, one.hidden_size) >= layers_size(self.num_layers, self.hidden_size):
                raise invalid("smaller", one.shape, f"is not smaller than {self.num_layers} x {self.hidden_size}")
            size = short(_parameters(one, self.seq_len))
            if size in sizes:
                raise invalid("smaller", one.shape, f"has {size} parameters, as {sizes[size]} has; sizes must differ")
            sizes[size] = one.shape
        return self

    @cached_property
    def at_every_size(self) -> tuple[Self, ...]:
        """These parameters for each of the smaller models, smallest first, and for their own."""
        rising = sorted(self.smaller, key=lambda one: _parameters(one, self.seq_len))
        return (*(self.replace(smaller=[], **one.model_dump()) for one in rising), self)

    def of_own_size(self, trials: Iterable[TrialSpec]) -> list[TrialSpec]:
        """Without those of the smaller models."""
        return [trial for trial in trials if trial.tags["size"] == self.size]

    def model(self, vocab_size: int) -> ModelSpec:
        """The model that everything is compared on."""
        return _model(self, self.seq_len, vocab_size)

    @property
    def non_embedding_params(self) -> int:
        return _parameters(self, self.seq_len)

    @property
    def size(self) -> str:
        """The model's parameters without embeddings, as tables name them."""
        return short(self.non_embedding_params)

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        """See `Idea.at_size`; a subclass adds how long to train and what it can do without."""
        return {"smaller": []} | one_shape(size, self.hidden_size // self.num_heads)

    def tokens_at(self, size: float, tokens: int) -> int:
        """For a model of another size, as many for a parameter as ``tokens`` are for this one; not more than are of use."""
        return round(size * min(tokens / layers_size(self.num_layers, self.hidden_size), MOST_TOKENS))


def _model(shape: SmallerModel | OneModelParams, seq_len: int, vocab_size: int) -> ModelSpec:
    return ModelSpec(
        num_layers=shape.num_layers, hidden_size=shape.hidden_size, num_heads=shape.num_heads,
        vocab_size=vocab_size, seq_len=seq_len,
    )  # fmt: skip


def _parameters(shape: SmallerModel | OneModelParams, seq_len: int) -> int:
    return parameter_count(_model(shape, seq_len, vocab_size=_ANY)).non_embedding


_ANY = 1024  # pieces of a vocabulary, which do not matter to what is without embeddings

"""Keys of idea 3's parameter files, and the data of each tokenizer."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.ideas._shared.at_size import kept
from studylib.ideas._shared.sizes import OneShapeParams
from studylib.spec import Above0, DataSpec, Positive, SourceSpec, TokenizerSpec

REFERENCE = "reference"


def sample_label(size: int | Literal["all"]) -> str:
    return "all the text" if size == "all" else f"{size / 1e6:g} MB"


class TokenizerParams(OneShapeParams):
    """Keys of ``params/<scale>/tokenizer.yaml``; ``data.tokenizer`` is the reference that others differ from."""

    vocab_sizes: tuple[Positive, ...] = Field(min_length=3, description="the reference's among them")
    samples: tuple[Positive, ...] = Field(default=(), description="bytes of text to train on, against all of it")
    variants: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="name: what differs from the reference tokenizer (kind, normalization, mix)"
    )
    aspect: Above0 = Field(default=12.0, description="hidden_size / num_layers of the models")
    tokens_per_param: Above0 = Field(
        default=20.0, description="training tokens a parameter at the reference vocabulary"
    )
    lengths: tuple[Above0, ...] = Field(
        default=(), description="other lengths of the reference's runs; those at equal text say it for every vocabulary"
    )
    learning_rate: Above0 = Field(default=8e-3, description="at CompleteP's base shape, 256 wide and 4 deep")
    fine_tuning: SourceSpec | None = Field(default=None, description="text of another kind that the model goes on with")
    added_pieces: Positive = Field(default=256, description="pieces of that text put behind the reference's")
    fine_tuning_fraction: Above0 = Field(default=0.3, description="of the FLOPs of the run that it goes on from")

    @model_validator(mode="after")
    def _reference_is_swept(self) -> Self:
        if self.data.tokenizer.vocab_size not in self.vocab_sizes:
            size = self.data.tokenizer.vocab_size
            raise invalid("data.tokenizer.vocab_size", size, "is not one of vocab_sizes", choices=self.vocab_sizes)
        for name, changes in self.variants.items():
            if not name or name == REFERENCE:
                raise invalid("variants", name, "cannot be the name of a variant")
            if {"vocab_size", "sample_bytes"} & changes.keys():
                raise invalid(
                    f"variants.{name}", sorted(changes), "must keep vocab_size and sample_bytes: they are swept"
                )
            self.data_with(**changes)
        return self

    def data_with(self, **changes: Any) -> DataSpec:
        """The data with a tokenizer that differs from the reference in ``changes``."""
        for key in changes:
            if key not in TokenizerSpec.model_fields:
                known = TokenizerSpec.model_fields
                raise invalid(f"key {key!r} in variants", changes[key], "is not known", choices=known, near=key)
        return self.data.replace(**{f"tokenizer.{key}": value for key, value in changes.items()})

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        samples = {sample_label(one): one for one in self.samples}
        found = super().at_size(size) | {"fine_tuning": None}
        found["samples"] = [samples[name] for name in kept(samples, keep)]
        found["variants"] = {name: self.variants[name] for name in kept(self.variants, keep)}
        if keep and (found["samples"] or found["variants"]):  # the sweep is not asked for; it cannot be left out
            away = sorted(self.vocab_sizes, key=lambda one: abs(math.log(one / self.data.tokenizer.vocab_size)))
            found["vocab_sizes"] = sorted(away[:3])
        return found

    @property
    def fine_tuning_data(self) -> dict[str, DataSpec]:
        """Fine-tuning text with the reference's pieces, and with more."""
        if self.fine_tuning is None:
            return {}
        old = DataSpec(
            sources=(self.fine_tuning,), tokenizer_of=self.data, validation_fraction=self.data.validation_fraction
        )
        return {"old pieces": old, "more pieces": old.replace(added_pieces=self.added_pieces)}

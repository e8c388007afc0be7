"""What an idea hands on: a field of the specification, the value to build with, and how well that is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from studylib.errors import StudyError, did_you_mean, invalid
from studylib.frozen import Fraction, Frozen, model_in
from studylib.spec.cleaning import CleanerSpec
from studylib.spec.run import StageSpec
from studylib.spec.trial import TrialSpec
from studylib.words import Text

Phase = Literal["pre-training", "fine-tuning", "preferences"]
Value = bool | int | float | str | tuple[str, ...] | tuple[StageSpec, ...] | tuple[CleanerSpec, ...] | None


class Setting(Frozen):
    """One field of the model that is to be built."""

    field: str = Field(
        description="dotted, as in a TrialSpec: model.num_layers; data.sources.cleaning is that of every source"
    )
    phase: Phase = Field(
        default="pre-training",
        description="of which training: the last two go on from the one before, each a trial of its own",
    )
    value: Value = Field(description="to build with; none: nothing supports one yet")
    alternatives: tuple[Value, ...] = Field(default=(), description="values that may still be better, or are as good")
    interval: tuple[float, float] | None = Field(default=None, description="95 %, of the best value, for numbers")
    p_best: Fraction | None = Field(default=None, description="probability that the value is the best of those tried")
    expected_regret_percent: float | None = Field(default=None, description="of the loss, by choosing the value now")
    basis: Literal["flops", "tokens", "text", "seconds", "memory", "target_tokens"] | None = Field(
        default=None, description="what was held equal"
    )
    evidence: Literal["measured", "published", "convention"]
    sizes: tuple[str, ...] = Field(default=(), description="measured: labels of the sizes trained, smallest first")
    source: Text | None = Field(default=None, description="published: where; convention: which; measured: under what")
    decided: bool = Field(description="for the model that is to be built, not only at a size that was trained")

    @model_validator(mode="after")
    def _says_what_it_claims(self) -> Self:
        check_field(self.field)
        if self.evidence == "measured" and not self.sizes:
            raise invalid("sizes", self.sizes, f"is empty, but {self.field} is said to be measured")
        if self.evidence == "published" and self.source is None:
            raise invalid("source", None, f"is missing, but {self.field} is said to be published")
        if self.decided and (self.value is None or self.evidence != "measured"):
            raise invalid("decided", True, f"needs a measured value of {self.field}")
        return self


def check_field(field: str) -> None:
    """Raise a StudyError unless a TrialSpec has the dotted ``field``."""
    model: Any = TrialSpec
    for part in field.split("."):
        known = model.known_fields() if model is not None else []
        if part not in known:
            raise StudyError(f"field {field!r} is not one of a trial's specification{did_you_mean(part, known)}")
        inner = model.model_fields.get(part)
        model = model_in(inner.annotation) if inner is not None else None


def apply(settings: Iterable[Setting], trial: TrialSpec, phase: Phase = "pre-training") -> TrialSpec:
    """``trial`` with every setting of its ``phase`` that has a value.

    Raises
    ------
    StudyError
        Two settings give one field different values, or the specification does not allow a value.
    """
    changes: dict[str, Any] = {}
    for one in settings:
        if one.value is None or one.phase != phase:
            continue
        if changes.setdefault(one.field, one.value) != one.value:
            raise invalid(one.field, one.value, f"is also set to {changes[one.field]!r}; leave one out")
    return trial.replace(**changes)

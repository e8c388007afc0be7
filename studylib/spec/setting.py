"""What an idea hands on: a field of the specification, the value to build with, and how well that is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from studylib.errors import StudyError, did_you_mean, invalid
from studylib.frozen import Above0, Fraction, Frozen, model_in
from studylib.spec.cleaning import CleanerSpec
from studylib.spec.run import StageSpec
from studylib.spec.trial import TrialSpec
from studylib.words import Text

Phase = Literal["pre-training", "fine-tuning", "preferences"]
Value = bool | int | float | str | tuple[str, ...] | tuple[StageSpec, ...] | tuple[CleanerSpec, ...] | None


def field_label(field: str) -> str:
    """The last part of a dotted field, ``beta2`` of ``optimizer.beta2``; of a name its owner's, ``optimizer`` of ``optimizer.name``."""
    owner, _, last = field.rpartition(".")
    return owner.rpartition(".")[2] if last == "name" else last


class Tried(Frozen):
    """One of the values that were compared at the largest size, against the setting's own."""

    label: str = Field(description="the variant, as the idea names it")
    value: Value = Field(description="of the field; none: the variant does not have it")
    behind_percent: float = Field(
        description="posterior mean of its loss above that of the setting's own value, percent of the loss; positive: worse"
    )
    sd_percent: float = Field(ge=0, description="posterior standard deviation of that")
    there: tuple[float, float] | None = Field(
        default=None, description="the same two at the target, by all sizes together; none: not carried there"
    )


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
    choice: str = Field(
        default="",
        description="what is chosen as one; fields of one choice have the same; empty: the field is one itself",
    )
    tried: tuple[Tried, ...] = Field(
        default=(),
        description="values compared by trials at the largest size, the setting's own first, as 0 behind itself",
    )
    params: Above0 | None = Field(
        default=None, description="parameters without embeddings at the size where those were compared"
    )
    noise_percent: float | None = Field(
        default=None, ge=0, description="SD of one trial there, percent of the loss, what seeds share being out"
    )
    spread_percent: float | None = Field(
        default=None, ge=0,
        description="SD of true effects over such values, percent of the loss, by all sizes together; none: by those tried",
    )  # fmt: skip
    seeds: int | None = Field(default=None, ge=1, description="of each value there")
    trial_flops: Above0 | None = Field(default=None, description="of one trial there, the median")

    @model_validator(mode="after")
    def _says_what_it_claims(self) -> Self:
        check_field(self.field)
        if self.evidence == "measured" and not self.sizes:
            raise invalid("sizes", self.sizes, f"is empty, but {self.field} is said to be measured")
        if self.evidence == "published" and self.source is None:
            raise invalid("source", None, f"is missing, but {self.field} is said to be published")
        if self.decided and (self.value is None or self.evidence != "measured"):
            raise invalid("decided", True, f"needs a measured value of {self.field}")
        if self.tried:
            self._says_how_it_was_compared()
        return self

    def _says_how_it_was_compared(self) -> None:
        own, labels = self.tried[0], [one.label for one in self.tried]
        if (own.value, own.behind_percent, own.sd_percent) != (self.value, 0.0, 0.0):
            raise invalid("tried[0]", own, f"is not the value of {self.field} itself, 0 behind it")
        if len(set(labels)) != len(labels) or len(labels) < 2:
            raise invalid("tried", labels, "are not two or more different labels")
        for field in ("params", "noise_percent", "seeds"):
            if getattr(self, field) is None:
                raise invalid(field, None, f"is missing, but values of {self.field} are said to have been compared")

    @property
    def decision(self) -> str:
        """What is chosen as one: the choice that the field belongs to, else the field itself."""
        return self.choice or self.field

    @property
    def there(self) -> list[tuple[float, float]] | None:
        """(mean, SD) of every one of ``tried`` behind the setting's own at the target, by all sizes together; None: not carried there."""
        known = [one.there for one in self.tried if one.there is not None]
        return known if known and len(known) == len(self.tried) else None


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

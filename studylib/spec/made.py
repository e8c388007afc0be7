"""Text that the study makes itself: sampled from one of its models, or its own text told again by rule."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from studylib.errors import invalid
from studylib.files import content_hash
from studylib.frozen import Frozen
from studylib.spec.data import DataSpec
from studylib.spec.step import Step
from studylib.spec.trial import TrialSpec


class MadeText(Step, Frozen):
    """A step whose outcome is text; ``SourceSpec(kind="generated", options={"made": step.hash})`` reads it.

    Exactly one of ``sampled_from`` and ``rewritten_from`` is given.
    """

    folder: ClassVar[str] = "made"

    sampled_from: TrialSpec | None = Field(default=None, description="the trial whose model writes")
    rewritten_from: DataSpec | None = Field(default=None, description="the data whose source is told again")
    source: str = Field(default="", description="label of the source that is rewritten")
    how: dict[str, Any] = Field(default_factory=dict, description="settings of the sampling, or the rules")

    @model_validator(mode="after")
    def _is_made_of_one_thing(self) -> Self:
        if (self.sampled_from is None) == (self.rewritten_from is None):
            raise invalid("sampled_from", None, "and rewritten_from: give exactly one of them")
        return self

    @cached_property
    def hash(self) -> str:
        (made_of,) = self.inputs
        return content_hash({"made of": made_of.name, "source": self.source, "how": self.how})

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.sampled_from or self.rewritten_from,)

    @property
    def label(self) -> str:
        if self.sampled_from is not None:
            return f"made: sampled from {self.sampled_from.label}"
        return f"made: {self.source} rewritten"

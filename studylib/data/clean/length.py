"""Too short or too long."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.errors import invalid
from studylib.frozen import Frozen, Positive

__all__ = ["Length"]


class Length(Cleaner):
    """Drops documents of too few or too many characters, white space at their ends not counted."""

    class Options(Frozen):
        min_characters: Positive = 10
        max_characters: Positive = 1_000_000

        @model_validator(mode="after")
        def _is_a_range(self) -> Self:
            if self.min_characters > self.max_characters:
                raise invalid("cleaning.min_characters", self.min_characters, "is above max_characters")
            return self

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "this study: haiku have 17 characters"

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        least, most = self.options.min_characters, self.options.max_characters
        lengths = [len(text.strip()) for text in batch.texts]
        return Judged(["too short" if one < least else "too long" if one > most else "" for one in lengths])

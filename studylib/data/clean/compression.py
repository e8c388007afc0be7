"""How well a text can be compressed."""

from __future__ import annotations

import zlib
from typing import ClassVar, Self

from pydantic import Field, model_validator

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.errors import invalid
from studylib.frozen import Fraction, Frozen, Positive

__all__ = ["Compression"]

_LOOKED_AT = 1 << 16  # bytes: twice what zlib looks back, so more of a text hardly changes the ratio


class Compression(Cleaner):
    """Drops what says the same again and again, and what has no repetition at all, as keys and encoded files."""

    class Options(Frozen):
        min_ratio: Fraction = Field(
            default=0.2, description="bytes after zlib for each byte; llm-jp: 0.3 at its best level"
        )
        max_ratio: Fraction = Field(default=0.85, description="the same; llm-jp: 0.7, of long pages")
        min_bytes: Positive = Field(default=400, description="shorter texts are kept: they hold no repetition yet")
        level: int = Field(default=1, ge=1, le=9, description="zlib's level; 1 is six times faster than llm-jp's 9")

        @model_validator(mode="after")
        def _is_a_range(self) -> Self:
            if self.min_ratio > self.max_ratio:
                raise invalid("cleaning.min_ratio", self.min_ratio, "is above max_ratio")
            return self

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "llm-jp-corpus: has_good_compression_ratio, 0.3 to 0.7"

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        return Judged([self._reason(text.encode("utf-8", "surrogatepass")) for text in batch.texts])

    def _reason(self, utf8: bytes) -> str:
        options = self.options
        if len(utf8) < options.min_bytes:
            return ""
        utf8 = utf8[:_LOOKED_AT]
        ratio = len(zlib.compress(utf8, options.level)) / len(utf8)
        return (
            "compresses well" if ratio < options.min_ratio else "hardly compresses" if ratio > options.max_ratio else ""
        )

"""Text that was read in a wrong encoding."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.frozen import Fraction, Frozen, Positive

__all__ = ["Mojibake"]


class Mojibake(Cleaner):
    """Drops text whose bytes were taken for those of another encoding.

    Its signs are computed from Python's codecs, as kana come out of each wrong reading: one sign for each first byte (縺 and 繧 where
    UTF-8 was read as Shift_JIS, ､ where EUC-JP was), letters of Europe side by side, C1 control characters, and U+FFFD.
    """

    class Options(Frozen):
        max_share: Fraction = Field(
            default=0.03,
            description="signs among characters; sound Japanese stays below 0.002, misread text has 0.2 to 1",
        )
        max_half_width: Fraction = Field(
            default=0.5, description="kana of half width among letters: names in bank files, seldom sentences"
        )
        min_signs: Positive = Field(default=3, description="with fewer signs a text is kept")

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = (
        "this study: kana in seven wrong readings, by Python's codecs; python-ftfy's idea of signs"
    )

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._characters import LETTERS, Kind, share
        from studylib.data.clean._misread import signs

        options, characters = self.options, batch.characters
        seen = characters.lengths - characters.count(Kind.SPACE)
        unread = characters.count(Kind.REPLACEMENT)
        found = signs(characters)
        misread = (share(found, seen) > options.max_share) & (found >= options.min_signs)
        half = share(characters.count(Kind.HALF_KANA), characters.count(*LETTERS)) > options.max_half_width
        reasons = np.where(
            misread,
            np.where(unread * 2 > found, "undecodable bytes", "wrong encoding"),
            np.where(half, "half width", ""),
        )
        return Judged(reasons.tolist())

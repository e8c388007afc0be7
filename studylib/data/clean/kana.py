"""Too few hiragana for sentences, or too many katakana."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.frozen import Above0, Fraction, Frozen, Positive

__all__ = ["Kana"]

_SHORTEST_LINE = 8  # characters, on average, of titles and rows of tables; names of people have four, all of them kanji


class Kana(Cleaner):
    """Drops lists of words: Japanese sentences need hiragana. Titles of statutes and records do not; they have kanji in long rows.

    Shares are of hiragana and kanji, or of kana and kanji, not of all characters as in Swallow's rule: code with Japanese comments and
    tables of numbers are not judged by what is not Japanese in them, nor are texts of few letters, which may be titles.
    """

    class Options(Frozen):
        min_hiragana: Fraction = Field(
            default=0.1,
            description="of hiragana and kanji; Swallow: 0.2 of all characters, llm-jp-corpus v4: 0.1, which drops manuals",
        )
        max_katakana: Fraction = Field(
            default=0.95, description="of kana and kanji; manuals have 0.9 (this study), Swallow: 0.5 of all characters"
        )
        max_kanji_run: Above0 = Field(
            default=3.4,
            description="kanji in a row, on average; with more a text is of titles, which need no hiragana (this study)",
        )
        max_digits: Fraction = Field(
            default=0.3, description="digits among digits and letters; with more a text is a table (this study)"
        )
        min_letters: Positive = Field(default=40, description="kana and kanji; texts with fewer are kept")

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "Swallow corpus (arXiv 2404.17733): at least 20 % hiragana, at most 50 % katakana"

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._characters import JAPANESE, Kind, share

        options, characters = self.options, batch.characters
        letters = characters.count(*JAPANESE)
        hiragana = characters.count(Kind.HIRAGANA)
        few = share(hiragana, hiragana + characters.count(Kind.KANJI)) < options.min_hiragana
        digits = characters.count(Kind.DIGIT)
        sound = share(digits, digits + letters) > options.max_digits
        sound |= characters.mean_run(Kind.KANJI) > options.max_kanji_run
        few &= ~sound | (characters.lengths < _SHORTEST_LINE * characters.lines.per_text)
        many = share(characters.count(Kind.KATAKANA, Kind.HALF_KANA), letters) > options.max_katakana
        reasons = np.where(many, "katakana share", np.where(few, "hiragana share", ""))
        reasons[letters < options.min_letters] = ""
        return Judged(reasons.tolist())

"""Japanese, or another language."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.frozen import Fraction, Frozen, Positive

__all__ = ["Language"]


class Language(Cleaner):
    """Drops what is not Japanese, by its letters: no model, so a title of three characters can be judged too.

    Numbers, punctuation and white space say nothing of a language. Code has its own, lower bound: its letters are Latin, whatever
    language its comments are in.
    """

    class Options(Frozen):
        min_japanese: Fraction = Field(
            default=0.2,
            description="kana and kanji among the letters; llm-jp asks for half of all characters, code not meant",
        )
        min_japanese_in_code: Fraction = Field(
            default=0.02,
            description="the same in code: a comment here and there (this study; cpprefjp's lowest are 0.03)",
        )
        code_punctuation: Fraction = Field(
            default=0.05,
            description="code has that many of {}()[]<>=;_/\\ for each letter; English prose stays below 0.03",
        )
        max_simplified: Fraction = Field(
            default=0.02,
            description="characters of simplified Chinese only, among Han characters; prose has 0.2 to 0.4",
        )
        min_kana_beside_chinese: Fraction = Field(
            default=0.1,
            description="with more kana among Japanese and Chinese letters it is Japanese that quotes Chinese",
        )
        min_letters: Positive = Field(default=10, description="shorter texts are kept")

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = (
        "shares of scripts: hojichar's AcceptJapanese, llm-jp-corpus v3's valid_japanesenum_fraction"
    )

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._characters import LETTERS, Kind, share, table_of

        options, characters = self.options, batch.characters
        letters = characters.count(*LETTERS)
        kana = characters.count(Kind.HIRAGANA, Kind.KATAKANA, Kind.HALF_KANA)
        kanji, simplified = characters.count(Kind.KANJI), characters.count(Kind.SIMPLIFIED)
        japanese = share(kana + kanji, letters)
        code = share(characters.total(table_of(_CODE)[characters.codes]), letters) > options.code_punctuation
        least = np.where(code, options.min_japanese_in_code, options.min_japanese)
        chinese = (share(simplified, kanji + simplified) > options.max_simplified) | (
            share(characters.total(table_of(_ONLY_CHINESE)[characters.codes]), kanji + simplified)
            > options.max_simplified
        )
        chinese &= share(kana, kana + kanji + simplified) < options.min_kana_beside_chinese
        korean = characters.count(Kind.HANGUL) > kana + kanji
        reasons = np.where(
            chinese, "Chinese", np.where(korean, "Korean", np.where(japanese < least, "not Japanese", ""))
        )
        reasons[letters < options.min_letters] = ""
        return Judged(reasons.tolist())


_CODE = "{}()[]<>=;_/\\"
_ONLY_CHINESE = "这這是你您她它們们了吗嗎呢吧啊很么麼哪沒没甚"
"""Words of every Chinese sentence that Japanese does not write: this, is, you, they, a question's end."""

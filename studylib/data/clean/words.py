"""Words of advertising, by lists."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.data.clean.url import lines_of
from studylib.errors import invalid
from studylib.frozen import Fraction, Frozen, Positive

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Words"]

_SHIPPED = Path(__file__).parent / "lists"


class Words(Cleaner):
    """Drops texts that a list's words make up much of: adult, gambling and selling pages, padding for search engines, translations by
    machine, notes of a server.

    Harmless pages are lost when one hit is enough (as llm-jp found of its list of discrimination): what counts is the share
    of a text's characters in listed words, and how many different ones there are. Katakana words are not looked for inside longer
    ones (スロット in タイムスロット), as in hojichar, nor Latin ones inside longer words.
    """

    class Options(Frozen):
        lists: dict[str, Fraction] = Field(
            default={
                "adult": 0.05,
                "gambling": 0.05,
                "advertising": 0.1,
                "seo": 0.12,
                "translated": 0.1,
                "notices": 0.3,
            },
            description="largest share of characters, by list: one of the package's, or a file with a word a line",
        )
        min_different: Positive = Field(
            default=3, description="different words of a list; with fewer a text is kept, unless they are most of it"
        )

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "llm-jp-corpus: listed words at most 5 % of the characters; lists: this study"

    def check(self) -> None:
        if not self.options.lists:
            raise invalid("cleaning.lists", {}, "names no list")
        _ = self._lists

    @cached_property
    def _lists(self) -> dict[str, tuple[list[str], re.Pattern[str]]]:
        return {name: _read(name) for name in self.options.lists}

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import polars as pl

        from studylib.data.clean._characters import Kind

        # The automaton finds words inside words too, of all lists at once: it says which texts are worth the patterns.
        found = series(batch.texts).str.extract_many(self._words, ascii_case_insensitive=True, overlapping=True)
        written = (batch.characters.lengths - batch.characters.count(Kind.SPACE)).tolist()
        listed = found.list.join("").str.len_chars()
        doubtful = listed > min(self.options.lists.values()) * pl.Series(written, dtype=pl.Int64)
        reasons = [""] * len(batch)
        for place in doubtful.arg_true():
            reasons[place] = self._reason(batch.texts[place], found[place].to_list(), written[place])
        return Judged(reasons)

    @cached_property
    def _words(self) -> list[str]:
        return sorted(self._holders)

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """The lists that each word is in."""
        holders: dict[str, list[str]] = {}
        for name, (words, _) in self._lists.items():
            for word in words:
                holders.setdefault(word.lower(), []).append(name)
        return holders

    def _reason(self, text: str, found: list[str], written: int) -> str:
        most: Counter[str] = Counter()
        for word in found:
            for name in self._holders[word.lower()]:
                most[name] += len(word)
        for name, (_, pattern) in self._lists.items():
            bound = self.options.lists[name] * written
            if most[name] <= bound:
                continue
            hits = pattern.findall(text)
            listed = sum(map(len, hits))
            many = len({one.lower() for one in hits}) >= self.options.min_different
            if listed > bound and (many or listed * 2 > written):
                return Path(name).stem
        return ""


def _read(name: str) -> tuple[list[str], re.Pattern[str]]:
    shipped = _SHIPPED / f"{name}.txt"
    lines = lines_of(str(shipped if shipped.exists() else name), "cleaning.lists")
    words = sorted({one for line in lines if (one := line.partition("#")[0].strip())}, key=lambda one: (-len(one), one))
    if not words:
        raise invalid("cleaning.lists", name, "holds no word")
    return words, re.compile("|".join(map(_alone, words)), re.IGNORECASE)


def series(texts: list[str]) -> pl.Series:
    """Texts for polars; a lone surrogate becomes a question mark."""
    import polars as pl

    try:
        return pl.Series(texts, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series([one.encode("utf-8", "replace").decode() for one in texts], dtype=pl.String)


def _alone(word: str) -> str:
    """The pattern of a word that is not inside a longer one of its script."""
    if re.fullmatch(r"[ァ-ヺー]+", word):
        return rf"(?<![ァ-ヺー]){word}(?![ァ-ヺー])"
    if re.fullmatch(r"[A-Za-z0-9]+", word):
        return rf"(?<![A-Za-z0-9]){word}(?![A-Za-z0-9])"
    return re.escape(word)

"""The characters of many texts in one array: their classes, and counts by text or by line."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from functools import cached_property

import numpy as np


class Kind(IntEnum):
    """What a character is; every code point is of one kind."""

    OTHER = 0
    """Not assigned, private use, lone surrogates, marks that stand alone."""
    SPACE = 1
    HIRAGANA = 2
    KATAKANA = 3
    HALF_KANA = 4
    KANJI = 5
    """Han characters, those that only simplified Chinese has left out."""
    SIMPLIFIED = 6
    """Han characters of GB 2312 that no Japanese standard has (JIS X 0208, 0212, 0213)."""
    HANGUL = 7
    LATIN = 8
    """A to Z, of full width too."""
    ACCENTED = 9
    """Other Latin letters."""
    LETTER = 10
    """Letters of other scripts: Greek, Cyrillic, Thai, Arabic."""
    DIGIT = 11
    PUNCTUATION = 12
    """Of Japanese and of ASCII, brackets, and ASCII's symbols, which code is full of."""
    SYMBOL = 13
    """Stars, boxes, arrows, pictures."""
    CONTROL = 14
    """C0 and C1, white space left out; characters without a width."""
    REPLACEMENT = 15
    """U+FFFD, what a decoder writes for bytes it could not read."""


JAPANESE = (Kind.HIRAGANA, Kind.KATAKANA, Kind.HALF_KANA, Kind.KANJI)
LETTERS = (*JAPANESE, Kind.SIMPLIFIED, Kind.HANGUL, Kind.LATIN, Kind.ACCENTED, Kind.LETTER)
SENTENCE_ENDS = "。．！？!?.…♪」』）)”"
"""What a sentence of Japanese may end with: C4's full stop, as Japanese has it."""


class Characters:
    """Code points of all texts, one behind the other.

    Attributes
    ----------
    codes
        uint32 [characters].
    ends
        Behind the last character of each text; int64 [texts].
    lengths
        Characters of each text; int64 [texts].
    """

    def __init__(self, texts: Sequence[str]):
        self.lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        self.ends = np.cumsum(self.lengths)
        self.codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)

    @property
    def starts(self) -> np.ndarray:
        """The first character of each text; int64 [texts]."""
        return self.ends - self.lengths

    @property
    def firsts(self) -> np.ndarray:
        """The first character of each text that has any; int64."""
        return self.starts[self.lengths > 0]

    @cached_property
    def owners(self) -> np.ndarray:
        """The number of the text that each character is in; int32 [characters]."""
        return np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)

    @cached_property
    def kinds(self) -> np.ndarray:
        """``Kind`` of each character; uint8 [characters]."""
        return kinds()[self.codes]

    @cached_property
    def counts(self) -> np.ndarray:
        """Characters of each text by ``Kind``; int64 [texts, kinds]."""
        return self.counted(self.starts, self.ends)

    @cached_property
    def lines(self) -> Lines:
        """Where the texts' lines are."""
        return Lines(self)

    def count(self, *wanted: Kind) -> np.ndarray:
        """Characters of each text that are of these kinds; int64 [texts]."""
        return self.counts[:, list(wanted)].sum(axis=1)

    def counted(self, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Characters from ``starts`` to ``stops`` by ``Kind``, for stretches that follow one another; int64 [stretches, kinds]."""
        table = np.zeros((len(starts), len(Kind)), dtype=np.int64)
        for kind in np.flatnonzero(np.bincount(self.kinds, minlength=len(Kind))):
            table[:, kind] = sums(self.kinds == kind, starts, stops)
        return table

    def total(self, marked: np.ndarray) -> np.ndarray:
        """Of each text, how many of its characters are marked; bool [characters] to int64 [texts]."""
        return sums(marked, self.starts, self.ends)

    def mean_run(self, kind: Kind) -> np.ndarray:
        """Characters of a kind in a row, on average over a text's rows of them; float64 [texts], 0 where there is none."""
        marked = self.kinds == kind
        begins = marked.copy()
        begins[1:] &= ~marked[:-1]
        begins[self.firsts] = marked[self.firsts]
        return share(self.count(kind), self.total(begins))


class Lines:
    """The lines of all texts, without their line feeds.

    Attributes
    ----------
    starts, stops
        Into the characters of all texts; int64 [lines].
    owners
        The number of the text that each line is in; int64 [lines].
    """

    def __init__(self, characters: Characters):
        feeds = np.flatnonzero(characters.codes == 10)
        # A text's end ends a line too: of every text there is one line more than it has line feeds.
        self.stops = np.sort(np.concatenate([feeds, characters.ends]), kind="stable")
        per_text = characters.total(characters.codes == 10) + 1
        self.owners = np.repeat(np.arange(len(per_text)), per_text)
        self.firsts = np.cumsum(per_text) - per_text
        self.per_text = per_text
        self.starts = np.empty_like(self.stops)
        self.starts[1:] = self.stops[:-1] + 1
        self.starts[self.firsts] = characters.starts


def sums(marked: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """How many are marked from each start to its stop; bool [characters] to int64 [stretches]. Stretches may be empty."""
    places = np.flatnonzero(marked)
    if len(places) * 8 < len(
        marked
    ):  # rare marks: two searches in their places are less than a sum over all characters
        return np.searchsorted(places, stops) - np.searchsorted(places, starts)
    summed = np.zeros(len(marked) + 1, dtype=np.int64)
    np.cumsum(marked, out=summed[1:])
    return summed[stops] - summed[starts]


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``, 0 where there is nothing; float64."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


@functools.cache
def kinds() -> np.ndarray:
    """``Kind`` by code point; uint8 [0x110000]."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for code in range(0x20000):
        table[code] = _BY_CATEGORY.get(unicodedata.category(chr(code)), Kind.OTHER)
    for start, stop, kind in _BLOCKS:
        table[start : stop + 1] = kind
    for code in (*range(0x41, 0x5B), *range(0x61, 0x7B)):
        table[code] = table[code + 0xFEE0] = Kind.LATIN  # full width stands 0xFEE0 above
    table[list(b"$+<=>^`|~")] = Kind.PUNCTUATION
    table[[ord(one) for one in "＄＋＜＝＞＾｀｜～￥¥°℃％"]] = Kind.PUNCTUATION
    table[list(_simplified())] = Kind.SIMPLIFIED
    table[list(b"\t\n\v\f\r")] = Kind.SPACE
    table[0xFFFD] = Kind.REPLACEMENT
    return table


_BY_CATEGORY = {
    **dict.fromkeys(("Zs", "Zl", "Zp"), Kind.SPACE),
    **dict.fromkeys(("Lu", "Ll", "Lt", "Lm", "Lo"), Kind.LETTER),
    **dict.fromkeys(("Nd", "Nl", "No"), Kind.DIGIT),
    **dict.fromkeys(("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"), Kind.PUNCTUATION),
    **dict.fromkeys(("Sm", "Sc", "Sk", "So"), Kind.SYMBOL),
    **dict.fromkeys(("Cc", "Cf"), Kind.CONTROL),
}
_BLOCKS = (
    (0x00AA, 0x00AA, Kind.ACCENTED),
    (0x00BA, 0x00BA, Kind.ACCENTED),
    (0x00C0, 0x00D6, Kind.ACCENTED),
    (0x00D8, 0x00F6, Kind.ACCENTED),
    (0x00F8, 0x024F, Kind.ACCENTED),
    (0x1E00, 0x1EFF, Kind.ACCENTED),
    (0x1100, 0x11FF, Kind.HANGUL),
    (0x3130, 0x318F, Kind.HANGUL),
    (0xAC00, 0xD7A3, Kind.HANGUL),
    (0x3005, 0x3007, Kind.KANJI),
    (0x3041, 0x309F, Kind.HIRAGANA),
    (0x30A1, 0x30FA, Kind.KATAKANA),
    (0x30FC, 0x30FF, Kind.KATAKANA),
    (0x31F0, 0x31FF, Kind.KATAKANA),
    (0xFF66, 0xFF9F, Kind.HALF_KANA),
    (0x3400, 0x4DBF, Kind.KANJI),
    (0x4E00, 0x9FFF, Kind.KANJI),
    (0xF900, 0xFAFF, Kind.KANJI),
    (0x20000, 0x323AF, Kind.KANJI),
)


def _simplified() -> set[int]:
    """Han characters of GB 2312 that no Japanese standard has."""
    chinese = _decoded(range(0xB0, 0xF8), "gb2312")
    return {ord(one) for one in chinese if not any(_has(standard, one) for standard in _JAPANESE_STANDARDS)}


_JAPANESE_STANDARDS = ("cp932", "euc_jp", "euc_jis_2004")


def _decoded(leads: range, encoding: str) -> str:
    """All characters of an encoding whose two bytes are from 0xA1 on."""
    return "".join(bytes([lead, trail]).decode(encoding, "ignore") for lead in leads for trail in range(0xA1, 0xFF))


def _has(encoding: str, character: str) -> bool:
    return bool(character.encode(encoding, "ignore"))


@functools.cache
def table_of(characters: str) -> np.ndarray:
    """Whether a code point is one of these; bool [0x110000]."""
    table = np.zeros(0x110000, dtype=bool)
    table[[ord(one) for one in characters]] = True
    return table

"""Where in texts personal data can be: sought over the characters of all texts at once, since most texts hold none.

All that is told here is that a pattern may match at a place; none is left out where it would.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from enum import IntEnum, auto
from typing import NamedTuple

import numpy as np

from studylib.data.clean._characters import Characters, table_of
from studylib.data.clean._personal._characters import HYPHENS, SPACE


class Stretch(NamedTuple):
    """Characters ``start`` to ``stop``: digits, and no more than three characters between one and the next."""

    start: int
    stop: int
    digits: int


class Signs(NamedTuple):
    """Places in one text, in order.

    Attributes
    ----------
    ats, spelt_ats, at_words
        Of @; of "at" between spaces; of アット, stars, and brackets around such words.
    dots
        The first of three full stops between digits, four characters apart at most.
    colons
        The first colon of what may be an IPv6 address.
    stretches
        Of seven digits or more.
    respects
        Words of respect, titles.
    fields
        Colons and equals signs behind what may be the name of a field.
    municipalities
        市, 区, 町, 村 and 郡, with what may be the number of a block not far behind.
    """

    ats: list[int]
    spelt_ats: list[int]
    at_words: list[int]
    dots: list[int]
    colons: list[int]
    stretches: list[Stretch]
    respects: list[int]
    fields: list[int]
    municipalities: list[int]


class _Sort(IntEnum):
    DIGIT = auto()
    DOT = auto()
    COLON = auto()
    AT = auto()
    SPELT = auto()
    WORD = auto()
    BRACKET = auto()
    RESPECT = auto()
    OF_RESPECT = auto()
    MUNICIPALITY = auto()
    BLOCK = auto()


_DIGITS = "0123456789０１２３４５６７８９"
_SORTS = {
    _Sort.DIGIT: _DIGITS,
    _Sort.DOT: ".．",
    _Sort.COLON: ":：=＝",
    _Sort.AT: "@＠",
    _Sort.SPELT: "a",
    _Sort.WORD: "アあ☆★",
    _Sort.BRACKET: "([{<（［｛＜〈【",
    _Sort.RESPECT: "様氏君殿",
    _Sort.OF_RESPECT: "さちく先社部課係店教医弁容被",
    _Sort.MUNICIPALITY: "市区町村郡",
    _Sort.BLOCK: "丁番",
}
_RESPECTS = [
    "さん",
    "さま",
    "ちゃ",
    "くん",
    "先生",
    "社長",
    "部長",
    "課長",
    "係長",
    "店長",
    "教授",
    "医師",
    "弁護",
    "容疑",
    "被告",
]
_FIELD_ENDS = "名者人先主前簿員当付表事口師局長役責係ナな)）"
_BETWEEN_DIGITS, _BETWEEN_DOTS, _IN_IPV6, _TO_BLOCK = 4, 4, 5, 32


@functools.cache
def _sorts() -> np.ndarray:
    """``_Sort`` by code point; uint8 [0x110000]."""
    table = np.zeros(0x110000, dtype=np.uint8)
    for sort, signs in _SORTS.items():
        table[[ord(one) for one in signs]] = sort
    return table


def signs(characters: Characters) -> Iterator[tuple[int, Signs]]:
    """The texts in which there are any, by their numbers."""
    found = _Places(characters)
    stretches, stops, digits = found.stretches()
    places = Signs(
        found.of(_Sort.AT), found.spelt_ats(), found.at_words(), found.dots(), found.colons(), stretches,
        found.respects(), found.fields(), found.municipalities(),
    )  # fmt: skip
    cuts = np.array([np.searchsorted(one, characters.ends) for one in places])
    many = np.diff(cuts, axis=1, prepend=0)
    firsts = (cuts - many).T.tolist()
    own = [(one - characters.starts[characters.owners[one]]).tolist() for one in places]
    last = places._fields.index("stretches")
    ends = (stops - stretches + np.array(own[last], dtype=np.int64)).tolist()
    own[last] = list(map(Stretch, own[last], ends, digits.tolist()))
    cuts = cuts.T.tolist()
    for text in np.flatnonzero(many.any(axis=0)).tolist():
        yield text, Signs(*(one[start:stop] for one, start, stop in zip(own, firsts[text], cuts[text], strict=True)))


class _Places:
    """Places in all texts, one behind the other; what lies across the end of a text is found too, and no pattern matches it."""

    def __init__(self, characters: Characters):
        self._codes, self._owners = characters.codes, characters.owners
        sorts = _sorts().take(self._codes)
        self._some = np.flatnonzero(sorts)
        self._sorts = sorts[self._some]

    def of(self, sort: _Sort) -> np.ndarray:
        return self._some[self._sorts == sort]

    def _at(self, places: np.ndarray) -> np.ndarray:
        return self._codes.take(places, mode="clip")

    def _among(self, places: np.ndarray, wanted: str) -> np.ndarray:
        """Whether one of the wanted characters stands at each place; bool [places]."""
        return table_of(wanted).take(self._at(places))

    def spelt_ats(self) -> np.ndarray:
        at = self.of(_Sort.SPELT)
        at = at[(self._at(at - 1) == ord(" ")) & (self._at(at + 1) == ord("t"))]
        return at[self._at(at + 2) == ord(" ")]

    def at_words(self) -> np.ndarray:
        word, bracket = self.of(_Sort.WORD), self.of(_Sort.BRACKET)
        second, third = self._at(word + 1), self._at(word + 2)
        spelt = ((second == ord("ッ")) & (third == ord("ト"))) | ((second == ord("っ")) & (third == ord("と")))
        word = word[spelt | self._among(word, "☆★")]
        inside = bracket + 1 + self._among(bracket + 1, " \u3000")
        at = self._among(inside, "アあ@＠") | (self._among(inside, "aAａ") & self._among(inside + 1, "tTｔ"))
        return np.sort(np.concatenate([word, bracket[at]]))

    def dots(self) -> np.ndarray:
        dots = self.of(_Sort.DOT)
        dots = dots[self._among(dots - 1, _DIGITS) & self._among(dots + 1, _DIGITS)]
        near = np.diff(dots) <= _BETWEEN_DOTS
        return dots[:-2][near[:-1] & near[1:]]

    def colons(self) -> np.ndarray:
        colons = self.of(_Sort.COLON)
        colons = colons[self._at(colons) == ord(":")]
        near = np.diff(colons) <= _IN_IPV6
        first = colons[:-1][near]
        return first[self._among(first - 4, "23")]

    def stretches(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Their first digits, what is behind their last ones, and how many digits they are of."""
        digits = self.of(_Sort.DIGIT)
        owners = self._owners[digits]
        near = (np.diff(digits) <= _BETWEEN_DIGITS) & (owners[1:] == owners[:-1])
        firsts = np.flatnonzero(np.concatenate([[True], ~near])) if len(digits) else np.zeros(0, dtype=np.int64)
        many = np.diff(firsts, append=len(digits))
        firsts, many = firsts[many >= 7], many[many >= 7]
        return digits[firsts], digits[firsts + many - 1] + 1, many

    def respects(self) -> np.ndarray:
        first = self.of(_Sort.OF_RESPECT)
        one, two = self._at(first), self._at(first + 1)
        found = np.zeros(len(first), dtype=bool)
        for begin, end in _RESPECTS:
            found |= (one == ord(begin)) & (two == ord(end))
        return np.sort(np.concatenate([first[found], self.of(_Sort.RESPECT)]))

    def fields(self) -> np.ndarray:
        colons = self.of(_Sort.COLON)
        ends = colons - 1 - self._among(colons - 1, SPACE)
        return colons[self._among(ends, _FIELD_ENDS)]

    def municipalities(self) -> np.ndarray:
        found, digits = self.of(_Sort.MUNICIPALITY), self.of(_Sort.DIGIT)
        joined = digits[self._among(digits + 1, HYPHENS + "の")]
        joined = joined[self._among(joined + 2, _DIGITS)]
        blocks = np.sort(np.concatenate([self.of(_Sort.BLOCK), joined]))
        blocks = np.append(blocks, len(self._codes) + _TO_BLOCK + 1)
        return found[blocks[np.searchsorted(blocks, found)] - found <= _TO_BLOCK]

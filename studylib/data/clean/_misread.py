"""Signs of text that was read in a wrong encoding, computed from what kana come out as."""

from __future__ import annotations

import functools
from collections import Counter

import numpy as np

from studylib.data.clean._characters import Characters, Kind, kinds, share

_READINGS = (
    ("utf-8", "cp932"),
    ("utf-8", "gbk"),
    ("utf-8", "mac_roman"),
    ("euc_jp", "cp932"),
    ("euc_jp", "latin-1"),
    ("cp932", "cp1252"),
    ("utf-8", "cp1252"),
)
"""What the text is in, and what it was taken for."""
_WITHOUT_LEADS = (("utf-8", "euc_jp"), ("utf-8", "big5"), ("utf-8", "cp949"))
"""Readings that cut three bytes into pairs: no character stands for a first byte, but many rare ones come back."""
_HIRAGANA = "".join(map(chr, range(0x3041, 0x3094)))
_KATAKANA = "".join(map(chr, range(0x30A1, 0x30F7)))


def signs(characters: Characters) -> np.ndarray:
    """How many characters of each text are signs of a wrong reading; int64 [texts]."""
    codes = characters.codes
    europe = _europe()[codes]
    left, right = np.zeros_like(europe), np.zeros_like(europe)
    left[1:], right[:-1] = europe[:-1], europe[1:]
    firsts = characters.firsts
    left[firsts] = right[firsts[firsts > 0] - 1] = False  # what stands there is of another text
    beside = europe & (left | right)
    found = characters.total(beside | _leads()[codes])
    for table in _rare():
        rare = characters.total(table[codes])
        # These characters are in names too (新潟): what tells is that there are many different ones, and no hiragana beside them.
        many = np.flatnonzero((rare >= 6) & (share(rare, characters.lengths) > 0.15))
        for text in many:
            own = codes[characters.ends[text] - characters.lengths[text] : characters.ends[text]]
            different = len(np.unique(own[table[own]]))
            if different >= 5 and characters.counts[text, Kind.HIRAGANA] < rare[text]:
                found[text] = max(found[text], rare[text])
    return found


@functools.cache
def _europe() -> np.ndarray:
    """What bytes above 127 are in encodings of Europe, and what UTF-8 of two bytes is; bool [0x110000].

    One alone is an accent; two side by side are bytes. What Japanese encodings have too (° … “) is no sign.
    """
    table = np.zeros(0x110000, dtype=bool)
    table[0xA1:0x370] = True
    for encoding in ("cp1252", "mac_roman"):
        table[[ord(one) for one in bytes(range(0x80, 0x100)).decode(encoding, "ignore")]] = True
    table[[code for code in np.flatnonzero(table) if chr(code).encode("cp932", "ignore")]] = False
    table[[ord("–"), ord("—")]] = False
    table[0x80:0xA0] = table[0xFFFD] = True
    return table


@functools.cache
def _leads() -> np.ndarray:
    """C1 characters but the line feed that is one, U+FFFD, and what the first byte of kana becomes; bool [0x110000]."""
    table = np.zeros(0x110000, dtype=bool)
    table[0x80:0xA0] = table[0xFFFD] = True
    table[0x85] = False
    for right, wrong in _READINGS:
        for kana in (_HIRAGANA, _KATAKANA):
            table[_frequent(kana, right, wrong, 0.1)] = True
    table[[ord("¥"), ord("･")]] = False  # prices, and the dot between names; both beside their ¤ or ､ in misread text
    return table


@functools.cache
def _rare() -> tuple[np.ndarray, ...]:
    """Of each reading without leads, the characters that kana come out as; bool [0x110000] each."""
    tables = []
    for right, wrong in _WITHOUT_LEADS:
        table = np.zeros(0x110000, dtype=bool)
        table[_frequent(_HIRAGANA + _KATAKANA, right, wrong, 0.002)] = True
        table &= kinds() != Kind.HIRAGANA
        tables.append(table & (kinds() != Kind.KATAKANA))
    return tuple(tables)


def _frequent(kana: str, right: str, wrong: str, least: float) -> list[int]:
    """What is at least that share of what all pairs of these kana are read as; ASCII left out."""
    pairs = "".join(one + two for one in kana for two in kana)
    read = Counter(pairs.encode(right, "ignore").decode(wrong, "ignore"))
    return [ord(one) for one, times in read.items() if times >= least * read.total() and ord(one) > 0x7F]

"""Digits, hyphens and spaces as they are written in Japanese text, for patterns and for reading what was found."""

from __future__ import annotations

import re

DIGIT = "0-9０-９"
# All that looks like a hyphen, katakana's long vowel mark among it, which many keyboards give beside digits.
HYPHENS = "-‐‑‒–—―−－﹣─⁃ーｰ"
HYPHEN = "\\" + HYPHENS
SPACE = " \u3000\u00a0"
KANJI = "一-鿿㐀-䶿豈-龎々〆ヶ〇"
HIRAGANA = "ぁ-ゖー"
KATAKANA = "ァ-ヺー"
LATIN = "A-Za-zＡ-Ｚａ-ｚ"
OPEN, CLOSE = "(（", ")）"

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord(one): " " for one in SPACE}
_NO_DIGIT = re.compile("[^0-9]+")


def narrow(text: str) -> str:
    """Full-width Latin letters, digits and signs, and wide spaces, as ASCII; character for character."""
    return text if text.isascii() else text.translate(_WIDE)


def digit_groups(text: str) -> list[str]:
    """The runs of digits in ``text``, as ASCII."""
    return [one for one in _NO_DIGIT.split(narrow(text)) if one]


def before(text: str, at: int, count: int = 16) -> str:
    """The characters in front of a place, of the same line, as ASCII where they have such a form."""
    return narrow(text[max(0, at - count) : at]).rpartition("\n")[2]

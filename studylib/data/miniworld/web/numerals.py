"""Numbers as Japanese writes them."""

from __future__ import annotations

_KANJI_DIGITS = "〇一二三四五六七八九"


def kanji_number(value: int) -> str:
    """1 to 99 in kanji: 23 is 二十三."""
    tens, ones = divmod(value, 10)
    return (
        ("" if tens == 0 else "十" if tens == 1 else _KANJI_DIGITS[tens] + "十") + (_KANJI_DIGITS[ones] if ones else "")
    ) or "〇"


def full_width(text: str) -> str:
    """ASCII as full-width characters."""
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)

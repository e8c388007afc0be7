"""Rules that say a Japanese text in another way without changing what it tells.

Each is a function ``(text, chance) -> text``; ``chance`` gives numbers in [0, 1). A text in which a rule finds nothing
comes back as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Chance = Callable[[], float]

# Plain to polite sentence ends, longest first: the first that fits is taken.
_POLITE = (
    ("ではなかった", "ではありませんでした"), ("であった", "でした"), ("である", "です"), ("だった", "でした"),
    ("られている", "られています"), ("されている", "されています"), ("している", "しています"), ("れている", "れています"),
    ("られた", "られました"), ("された", "されました"), ("していた", "していました"), ("ている", "ています"), ("れた", "れました"),
    ("した", "しました"), ("する", "します"), ("なった", "なりました"), ("なる", "なります"), ("あった", "ありました"),
    ("ある", "あります"), ("いた", "いました"), ("いる", "います"), ("だ", "です"),
)  # fmt: skip
_TO_FULL = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
_YEAR = re.compile(r"(?<!\d)(18[6-9]\d|19\d\d|20\d\d)年")
# First years of the eras; 1868 to 1911 is Meiji, and so on.
_ERAS = ((2019, "令和"), (1989, "平成"), (1926, "昭和"), (1912, "大正"), (1868, "明治"))


def polite(text: str, chance: Chance) -> str:
    """である to です: sentence ends in the polite style."""
    return "\n".join("。".join(_polite(part) for part in line.split("。")) for line in text.split("\n"))


def _polite(sentence: str) -> str:
    if not sentence:  # behind the last 。
        return sentence
    for plain, polite_end in _POLITE:
        if sentence.endswith(plain):
            return sentence[: -len(plain)] + polite_end
    return sentence


def eras(text: str, chance: Chance) -> str:
    """Years of the common era in the Japanese calendar: 1926年 to 昭和元年."""

    def told(found: re.Match[str]) -> str:
        year = int(found[1])
        first, era = next(((first, era) for first, era in _ERAS if year >= first), (0, ""))
        if not era:
            return found[0]
        return f"{era}{'元' if year == first else year - first + 1}年"

    return _YEAR.sub(told, text)


def full_width(text: str, chance: Chance) -> str:
    """Digits in full width."""
    return text.translate(_TO_FULL)


def reorder(text: str, chance: Chance) -> str:
    """The sentences of a paragraph in another order; the first, which names what it is about, stays."""
    lines = []
    for line in text.split("\n"):
        parts = [part + "。" for part in line.split("。") if part]
        if len(parts) < 3 or not line.endswith("。"):
            lines.append(line)
            continue
        first, rest = parts[0], parts[1:]
        for place in range(len(rest) - 1, 0, -1):
            other = int(chance() * (place + 1))
            rest[place], rest[other] = rest[other], rest[place]
        lines.append(first + "".join(rest))
    return "\n".join(lines)


RULES: dict[str, Callable[[str, Chance], str]] = {
    "polite": polite,
    "eras": eras,
    "full_width": full_width,
    "reorder": reorder,
}

"""Text read in another encoding than it was written in."""

from __future__ import annotations

from studylib.data.miniworld.draw import Draw

# Written as, read as, how often in parts of 10, what is done with bytes that mean nothing there.
_MISTAKES = (
    ("utf-8", "cp932", 2, "replace"), ("utf-8", "euc_jp", 2, "replace"), ("utf-8", "latin-1", 1, "strict"), ("utf-8", "cp1252", 2, "replace"),
    ("cp932", "latin-1", 1, "strict"), ("cp932", "cp1252", 1, "replace"), ("euc_jp", "cp932", 1, "replace"),
)  # fmt: skip
_CHOICES = tuple(mistake for mistake in _MISTAKES for _ in range(mistake[2]))


def garbled(text: str, draw: Draw) -> tuple[str, str]:
    """The text as it is shown in the wrong encoding, and which ("utf-8 as cp932"); some pages keep their first line."""
    written, read, _, errors = draw.pick(_CHOICES)
    head, newline, rest = text.partition("\n") if draw.chance(0.15) else ("", "", text)
    if len(rest) < 40:
        head, newline, rest = "", "", text
    return head + newline + rest.encode(written, "replace").decode(read, errors), f"{written} as {read}"

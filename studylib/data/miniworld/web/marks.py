"""Marks around what will be spans, so that a text can be written, joined, cut and copied before anything is counted."""

from __future__ import annotations

import re

BOILERPLATE = ("menu", "cookie", "counter", "share", "login", "advert", "related", "footer")
PERSONAL = ("phone", "email", "card", "my_number", "address", "name", "postal_code", "ip")
_KINDS = (*BOILERPLATE, *PERSONAL)
# Private characters, which no text of the world holds: an opening one a kind and a closing one.
_OPEN, _CLOSE = 0xE010, "\ue000"
_MARKS = re.compile(f"[{chr(_OPEN)}-{chr(_OPEN + len(_KINDS) - 1)}{_CLOSE}]")
_MARK_OF = {kind: chr(_OPEN + place) for place, kind in enumerate(_KINDS)}


def marked(kind: str, text: str) -> str:
    """The text with marks around it, from which its span is found once the whole page is written."""
    return f"{_MARK_OF[kind]}{text}{_CLOSE}"


def unmarked(text: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without marks, and the spans (start, stop, kind) they were around, in the order of their starts."""
    if _CLOSE not in text:
        return text, []
    parts: list[str] = []
    open_ones: list[tuple[int, str]] = []
    spans: list[tuple[int, int, str]] = []
    length = end = 0
    for found in _MARKS.finditer(text):
        parts.append(text[end : found.start()])
        length += found.start() - end
        end = found.end()
        if found[0] == _CLOSE:
            start, kind = open_ones.pop()
            spans.append((start, length, kind))
        else:
            open_ones.append((length, _KINDS[ord(found[0]) - _OPEN]))
    parts.append(text[end:])
    return "".join(parts), sorted(spans)


def has_marks(text: str) -> bool:
    return _MARKS.search(text) is not None


def balanced(text: str) -> bool:
    """Whether every mark that opens in the text closes in it."""
    return sum(-1 if one == _CLOSE else 1 for one in _MARKS.findall(text)) == 0

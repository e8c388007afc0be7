"""How the package's objects look in a notebook: tables of a bounded size, everything in them escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

ROWS = 40
_LONGEST = 120  # characters of a cell
_LEFT = ' style="text-align: left"'  # Jupyter sets cells to the right, which words do not bear


def table(frame: polars.DataFrame, *, rows: int = ROWS) -> str:
    """The first ``rows`` rows of a polars frame as HTML; what is left out is said."""
    return _table(frame.columns, frame.head(rows).rows(), len(frame) - rows)


def records(content: Sequence[Mapping[str, Any]], *, rows: int = ROWS) -> str:
    """As `table`, from dictionaries of the same keys."""
    names = list(content[0]) if content else []
    return _table(names, ([one[name] for name in names] for one in content[:rows]), len(content) - rows)


def fields(content: Mapping[str, Any], *, rows: int = ROWS) -> str:
    """Nested settings as HTML, a row a setting with its dotted name."""
    flat = flattened(content)
    return _table((), flat[:rows], len(flat) - rows)


def line(text: str) -> str:
    """A sentence as HTML."""
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """A few words above what they name."""
    return f"<p><b>{escape(text)}</b></p>"


_PASSAGE = "white-space: pre-wrap; text-align: left; border-left: 3px solid #bbb; margin: 0.5em 0; padding: 0 0.8em"


def passages(texts: Iterable[str]) -> str:
    """Whole texts as HTML, one below the other, lines as they are."""
    return "".join(f'<div style="{_PASSAGE}">{escape(one)}</div>' for one in texts)


def marked(parts: Iterable[tuple[str, bool]]) -> str:
    """A text in parts as HTML, those that are true highlighted and underlined."""
    inner = "".join(f"<mark><u>{escape(text)}</u></mark>" if is_marked else escape(text) for text, is_marked in parts)
    return f'<div style="{_PASSAGE}">{inner}</div>'


def cut(text: str, characters: int) -> str:
    """``text`` of at most so many characters; an ellipsis where something is left out."""
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def one_line(text: str) -> str:
    """``text`` with all white space as single spaces, and � for control characters, of which text in a wrong encoding is full, and for
    marks that turn the direction of what follows them."""
    return " ".join(
        re.sub("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", "\ufffd", line)
        for line in text.split()
    )


def flattened(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """The settings in nested dictionaries and lists of them, each with its dotted name."""
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, list) and any(isinstance(one, dict) for one in value):
            value = {str(place): one for place, one in enumerate(value)}
        if isinstance(value, dict) and value:
            found += flattened(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]], left: int) -> str:
    rows = list(rows)
    first = rows[0] if rows else [None] * len(names)
    head = "".join(f"<th{_side(value)}>{escape(name)}</th>" for name, value in zip(names, first, strict=False))
    body = "".join(
        "<tr>" + "".join(f"<td{_side(one)}>{escape(_said(one))}</td>" for one in row) + "</tr>" for row in rows
    )
    more = f"<p>and {left} more rows</p>" if left > 0 else ""
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>{more}"


def _side(value: Any) -> str:
    return "" if isinstance(value, int | float) and not isinstance(value, bool) else _LEFT


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return cut(", ".join(map(_said, value)), _LONGEST)
    return cut(str(value), _LONGEST)

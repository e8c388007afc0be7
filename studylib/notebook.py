"""How the package's objects look in a notebook: tables of a bounded size."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars

ROWS = 40
_LONGEST = 120  # characters of a cell


def table(frame: polars.DataFrame, *, rows: int = ROWS) -> str:
    """The first ``rows`` rows of a polars frame as HTML; what is left out is said."""
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    body = [
        "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>"
        for row in frame.head(rows).rows()
    ]
    left = len(frame) - rows
    more = f"<p>and {left} more rows</p>" if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{more}"


def fields(content: dict[str, Any]) -> str:
    """Nested settings as HTML, a row a setting with its dotted name."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(_cell(value))}</td></tr>" for name, value in _flat(content))
    return f"<table><tbody>{rows}</tbody></table>"


def _flat(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

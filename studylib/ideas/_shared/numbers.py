"""How sentences write numbers and intervals."""

from __future__ import annotations

from collections.abc import Callable

from studylib.result import Text

NOTHING = Text(en="", ja="")  # where a sentence would be


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"


def span(ends: tuple[float, float], mark: str = "-", form: Callable[[float], str] = number) -> str:
    """``0.1-0.2``."""
    return f"{form(ends[0])}{mark}{form(ends[1])}"


def signed(ends: tuple[float, float, float], mark: str = " to ", digits: int = 4) -> str:
    """``-0.0120 (-0.0150 to -0.0090)`` for (low, middle, high)."""
    low, middle, high = ends
    return f"{middle:+.{digits}f} ({low:+.{digits}f}{mark}{high:+.{digits}f})"

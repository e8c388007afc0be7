"""Numbers as the report, its figures and its sentences write them."""

from __future__ import annotations

import json
import math
from typing import Any


def number(value: float | None, digits: int = 4) -> str:
    """Fixed decimals; a dash for what is not known."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def small(value: float) -> str:
    """Four decimals, and no zero for what is only small."""
    return "<0.0001" if 0 < value < 0.00005 else number(value)


def short(value: float | None) -> str:
    """``1234567`` -> ``1.23M``, ``999_999`` -> ``1M``."""
    if value is None or not math.isfinite(value):
        return "–"
    value = float(f"{value:.3g}")  # first, for it may reach the next unit
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def power(value: float | None) -> str:
    """FLOPs as everyone writes them: ``3.64e15``."""
    if value is None or not math.isfinite(value):
        return "–"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def percent(value: float) -> str:
    """Probabilities, never rounded to a certainty they do not have."""
    if value < 0.005:
        return "<1 %"
    if value >= 0.995:
        return ">99 %"
    return f"{100 * value:.0f} %"


def pretty(value: Any) -> str:
    """Readable JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def beside(value: Any, other: Any) -> str:
    """``value`` as a person would say it beside ``other``: of two long sequences what the one has and the other has not."""
    if not (isinstance(value, tuple) and isinstance(other, tuple) and min(len(value), len(other)) > 3):
        return human(value)
    own, base = [human(one) for one in value], [human(one) for one in other]
    parts = [
        f"{word} {', '.join(some)}"
        for word, some in (
            ("without", [one for one in base if one not in own]),
            ("with", [one for one in own if one not in base]),
        )
        if some
    ]
    said = ", ".join(parts)
    return said if said and len(said) < len(human(value)) else human(value)


def human(value: Any) -> str:
    """A single value of a free-form dictionary, or several in their order; ``then`` of theirs stands between them."""
    if value == ():
        return "none"
    if isinstance(value, tuple):
        return getattr(value[0], "then", ", ").join(map(human, value))
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return short(value) if abs(value) >= 1e5 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return str(value)

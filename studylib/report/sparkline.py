"""A trial's learning curve as a few hundred bytes of SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from studylib.numbers import short

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 420, 130, 44, 8, 8, 22
_MOST_POINTS = 100


def sparkline(tokens: Sequence[float], loss: Sequence[float], label: str) -> Markup:
    """Loss against tokens, with the ends of both axes written; empty when there are fewer than two finite points.

    ``label`` is the accessible name.
    """
    points = [(float(x), float(y)) for x, y in zip(tokens, loss, strict=True) if y is not None and math.isfinite(y)]
    if len(points) < 2:
        return Markup("")
    step = -(-len(points) // _MOST_POINTS)
    points = [*points[::step], points[-1]] if (len(points) - 1) % step else points[::step]
    x0, x1 = points[0][0], points[-1][0]
    y0, y1 = min(y for _, y in points), max(y for _, y in points)
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> str:
        across = _LEFT + wide * (x - x0) / ((x1 - x0) or 1)
        down = _TOP + high * (y1 - y) / ((y1 - y0) or 1)
        return f"{across:.1f},{down:.1f}"

    line = " ".join(place(x, y) for x, y in points)
    return Markup(
        '<svg class="spark" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<path class="axis" d="M{left} {top}V{bottom}H{right}"/><polyline points="{line}"/>'
        '<text x="{near}" y="{first}" text-anchor="end">{high}</text>'
        '<text x="{near}" y="{bottom}" text-anchor="end">{low}</text>'
        '<text x="{left}" y="{base}">{start}</text>'
        '<text x="{right}" y="{base}" text-anchor="end">{end} tokens</text></svg>'
    ).format(
        w=_WIDTH, h=_HEIGHT, label=label, left=_LEFT, top=_TOP, bottom=_TOP + high, right=_WIDTH - _RIGHT, line=line,
        near=_LEFT - 5, first=_TOP + 9, base=_HEIGHT - 5, high=f"{y1:.3g}", low=f"{y0:.3g}", start=short(x0),
        end=short(x1),
    )  # fmt: skip

"""Names beside points, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from studylib.findings._figures.style import INK, wrapped

# Points to the right and above of the mark, and the alignment there.
_SIDES = ((7, 4, "left", "bottom"), (7, -4, "left", "top"), (-7, 4, "right", "bottom"), (-7, -4, "right", "top"))


def label_points(ax: Axes, places: Sequence[tuple[float, float]], names: Sequence[str], *, marks: float = 9) -> None:
    """Write each name beside its place, the first ones first, unless it would cover another name or mark (``marks`` points wide).

    The limits of the axes must be what they will be.
    """
    figure = ax.figure
    figure.draw_without_rendering()
    half = marks / 2 * figure.dpi / 72
    taken = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in ax.transData.transform(list(places))]
    for own, (place, name) in enumerate(zip(places, names, strict=True)):
        for right, up, align, side in _SIDES:
            text = ax.annotate(
                wrapped(name, 22),
                place,
                (right, up),
                textcoords="offset points",
                ha=align,
                va=side,
                fontsize=8.5,
                color=INK,
            )
            box = text.get_window_extent()
            inside = ax.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
            if inside and not any(box.overlaps(other) for number, other in enumerate(taken) if number != own):
                taken.append(box.expanded(1.05, 1.6))  # the title that comes later makes the axes lower
                break
            text.remove()

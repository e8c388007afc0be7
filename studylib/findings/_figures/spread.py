"""A mean with its interval and the seeds it is of, as marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes


def spread(
    ax: Axes,
    place: float,
    mean: float,
    ends: tuple[float | None, float | None],
    seeds: Sequence[float],
    style: Mapping[str, object],
    *,
    upright: bool = False,
) -> None:
    """The interval as a line (none where it is not known), a dot a seed, the mean in the style's marker; ``upright``: values go up."""

    def plot(values: Sequence[float], marks: str, **look: object) -> None:
        places = [place] * len(values)
        ax.plot(*((places, values) if upright else (values, places)), marks, color=style["color"], **look)

    if ends[0] is not None:
        plot(ends, "-", lw=1.4, alpha=0.7)
    plot(seeds, ".", ms=4, alpha=0.7)
    plot([mean], style["marker"], ms=7)

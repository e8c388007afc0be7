"""A loss over mixtures of three kinds: a triangle whose corners are the kinds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Polygon
from matplotlib.patheffects import withStroke
from matplotlib.tri import Triangulation

from studylib.findings._figures.style import INK, MUTED, wrapped

HEIGHT = 3**0.5 / 2
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, HEIGHT]])
_HALO = [withStroke(linewidth=2.5, foreground="white")]


def ternary(
    ax: Axes, corners: Sequence[str], shares: np.ndarray, loss: np.ndarray, inside: np.ndarray, colours: ScalarMappable
) -> None:
    """Loss as colour, the region where ``inside`` is above 0 outlined and hatched, shares in steps of 25 %.

    Parameters
    ----------
    corners
        Three names: left, right, top.
    shares, loss, inside
        [N, 3] a lattice of the triangle, [N] values on it.
    """
    mesh = Triangulation(*place(shares).T)
    ax.tripcolor(mesh, loss, cmap=colours.get_cmap(), norm=colours.norm, shading="gouraud", rasterized=True)
    if (inside > 0).any():
        ax.tricontourf(mesh, inside, levels=[0.0, np.inf], colors="none", hatches=["////"], zorder=2)
        ax.tricontour(mesh, inside, levels=[0.0], colors=INK, linewidths=1.6, zorder=3)
    for part in (0.25, 0.5, 0.75):
        for corner in range(3):
            ends = np.zeros((2, 3))
            ends[:, corner] = part
            ends[[0, 1], [(corner + 1) % 3, (corner + 2) % 3]] = 1 - part
            ax.plot(*place(ends).T, color="white", lw=0.7, alpha=0.55, zorder=1.5)
    ax.add_patch(Polygon(_CORNERS, closed=True, fill=False, ec=MUTED, lw=1.2, zorder=3))
    sides = (("right", "top", -0.05), ("left", "top", -0.05), ("center", "bottom", 0.04))
    for name, (at, up), (align, side, drop) in zip(corners, _CORNERS, sides, strict=True):
        out = {"right": 0.12, "left": -0.12, "center": 0.0}[align]
        ax.text(at + out, up + drop, wrapped(name, 16), ha=align, va=side, fontsize=10, color=INK)
    ax.set(xlim=(-0.12, 1.12), ylim=(-0.2, HEIGHT + 0.16), aspect="equal")
    ax.set_axis_off()


def place(shares: np.ndarray) -> np.ndarray:
    """[N, 2] where [N, 3] shares lie."""
    return np.asarray(shares, dtype=float) @ _CORNERS


def mark(ax: Axes, shares: np.ndarray, said: str, marker: str, size: float, fill: str) -> None:
    """A mixture with what was measured written beside it."""
    (x, y) = place(shares)
    ax.plot(x, y, marker=marker, ms=size, color=INK, mfc=fill, mew=1.2, ls="", zorder=4)
    above = y < 0.75 * HEIGHT
    ax.annotate(
        said, (x, y), (0, 5 if above else -5), textcoords="offset points", ha="center", va="bottom" if above else "top",
        fontsize=8.5, color=INK, path_effects=_HALO, zorder=5,
    )  # fmt: skip

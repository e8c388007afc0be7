"""A combination held against the sum of what its parts brought alone: how findings tell and draw it."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes

from studylib.analysis.additivity import State
from studylib.findings._figures.style import INK, MUTED, PALETTE
from studylib.findings._finding import Interval
from studylib.frozen import Frozen
from studylib.words import Text

DRAWN: dict[State, str] = {
    "adds up": "gains add up", "less": "less than the sum", "more": "more than the sum", "unclear": "the sum is not refuted",
}  # fmt: skip
_TOLD: dict[State, Text] = {
    "adds up": Text(en="the gains add up", ja="足し合わせられる"),
    "less": Text(en="they bring less than their sum", ja="和より小さい"),
    "more": Text(en="they bring more than their sum", ja="和より大きい"),
    "unclear": Text(en="the noise allows their sum, or less, or more", ja="和との差は誤差内"),
}


class HeldAgainstSum(Frozen):
    """The combination as measured at one size against the baseline, and how that stands to the sum."""

    size: str
    measured: Interval
    state: State

    @property
    def told(self) -> Text:
        """Goes before the size in English, behind it in Japanese."""
        return _TOLD[self.state]


def draw_rows(ax: Axes, parts: Iterable[Interval], predicted: Interval, together: Iterable[Interval]) -> None:
    """A row each: the parts alone, their sum, and what is measured together."""
    alone = [(one, MUTED, "o") for one in parts]
    rows = [*alone, (predicted, PALETTE[0], "s"), *((one, PALETTE[1], "D") for one in together)]
    for y, ((low, middle, high), colour, marker) in enumerate(rows):
        ax.plot([low, high], [y, y], color=colour, lw=2.4, solid_capstyle="butt")
        ax.plot(middle, y, marker=marker, ms=8, color=colour, ls="")
    ax.axvspan(predicted[0], predicted[2], color=PALETTE[0], alpha=0.1, lw=0)
    ax.axvline(0, color=INK, lw=1)
    ax.axhline(len(alone) - 0.5, color=MUTED, lw=0.8, ls=":")
    ax.grid(axis="y", visible=False)

"""From the plainest way to compute a training step to the fastest, one switch after another."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib.findings._figures.style import HATCHES, INK, PALETTE, canvas
from studylib.findings._finding import Finding
from studylib.findings._quiet import REMARK, mark, not_quiet
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.result import Text
from studylib.words import Words


class SwitchedOn(Frozen):
    """Speed and peak memory of a step with a switch and all before it; ``gain``: speed over that without it."""

    label: Text
    tokens_per_s: float
    gain: float
    megabytes: float


class Waterfall(Finding):
    """``switches`` from the plainest setting, whose gain is 1; ``remark``: that the machine was not quiet."""

    name = "waterfall"
    title = Words(
        en="""The same step runs {{ (switches[-1].tokens_per_s / switches[0].tokens_per_s) | fixed(1) }} times as fast with every switch
            on, at {{ (100 * switches[-1].megabytes / switches[0].megabytes) | num }} % of the memory""",
        ja="""全ての切り替えで同じ計算が {{ (switches[-1].tokens_per_s / switches[0].tokens_per_s) | fixed(1) }} 倍速くなり、メモリは
            {{ ' ' }}{{ (100 * switches[-1].megabytes / switches[0].megabytes) | num }} % になる""",
    )
    alt = Words(
        en="""Bars of speed and peak memory, one switch after another:
            {% for one in switches %}
            {{ one.label }} {{ one.tokens_per_s | num }} tokens/s ({{ one.gain | fixed(2) }}x), {{ one.megabytes | num }} MB
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""切り替えを一つずつ加えたときの速度と最大メモリの棒グラフ:
            {% for one in switches %}
            {{ one.label }} 毎秒 {{ one.tokens_per_s | num }} トークン({{ one.gain | fixed(2) }} 倍)、{{ one.megabytes | num }} MB
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = REMARK

    switches: tuple[SwitchedOn, ...]
    remark: Text | None = None

    @classmethod
    def of(cls, steps: pl.DataFrame) -> Waterfall:
        """``steps``: a row a switch, from ``studylib.trials``."""
        before = [steps["tokens_per_s"][0], *steps["tokens_per_s"][:-1]]
        return cls(
            switches=tuple(
                SwitchedOn(
                    label=Text(en=row["label"], ja=row["label_ja"]), tokens_per_s=row["tokens_per_s"],
                    gain=row["tokens_per_s"] / rate, megabytes=row["peak_memory_bytes"] / 1e6,
                )
                for row, rate in zip(steps.iter_rows(named=True), before, strict=True)
            ),
            remark=not_quiet(steps["others"].median()),
        ).drawn_from(steps)  # fmt: skip

    def draw(self, steps: pl.DataFrame) -> Figure:
        """Speed with the range over windows, and peak memory of each setting."""
        figure, axes = canvas(1, 2, width=8.6, height=1.3 + 0.42 * len(steps), sharey=True)
        frame = steps.select("label", "tokens_per_s", megabytes=pl.col("peak_memory_bytes") / 1e6).to_pandas()
        for ax, column, index in ((axes[0], "tokens_per_s", 0), (axes[1], "megabytes", 1)):
            sns.barplot(
                frame, y="label", x=column, ax=ax, color=PALETTE[index], hatch=HATCHES[index], alpha=0.85, width=0.66
            )
            ax.grid(axis="y", visible=False)
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.set_ylabel("")
        for position, row in enumerate(steps.iter_rows(named=True)):
            axes[0].plot([row["least"], row["most"]], [position] * 2, color=INK, lw=1.6)
            _write(axes[0], row["most"], position, f"{row['speedup']:.2f}x", steps["most"].max())
            megabytes = row["peak_memory_bytes"] / 1e6
            _write(axes[1], megabytes, position, f"{megabytes:,.0f}", steps["peak_memory_bytes"].max() / 1e6)
        axes[0].xaxis.set_major_formatter(lambda value, _: short(value))
        axes[0].set_xlabel("tokens/s (line: range of windows)")
        axes[1].set_xlabel("peak memory (MB)")
        return mark(figure, self.remark)


def _write(ax: Axes, value: float, position: int, text: str, greatest: float) -> None:
    ax.set_xlim(0, 1.22 * greatest)
    ax.text(value + 0.02 * greatest, position, text, va="center", ha="left", fontsize=9.5, color=INK)

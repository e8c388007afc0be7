"""The same differences at equal FLOPs and in equal seconds: what the clock makes of a gain."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, NOISE_BAND, PALETTE, canvas, wrapped
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words

_MARKS = {
    "flops": ("equal FLOPs", "o", PALETTE[0], -0.13),
    "seconds": ("equal seconds on this machine", "s", PALETTE[1], 0.13),
}


class BothWays(Frozen):
    """Of one variant, bits per byte above the baseline, with 95 %; ``speed``: times the baseline's, in tokens per second.

    ``seconds`` is None where a loss would have to be moved further than the trials bear.
    """

    variant: str
    flops: Interval
    seconds: Interval | None
    speed: float


class Accountings(Finding):
    """``variants`` from the best at equal FLOPs; ``detectable``: found in 4 of 5 studies with these seeds."""

    name = "accountings"
    title = Words(
        en="""
            {% set better = variants | selectattr('flops.2', 'lt', 0) | list %}
            {% set timed = variants | selectattr('seconds') | selectattr('seconds.2', 'lt', 0) | list %}
            {% set lost = better | selectattr('seconds') | rejectattr('seconds.2', 'lt', 0) | map(attribute='variant') | list %}
            {% if better or timed %}
            {{ better | length }} of {{ variants | length }} variants win at equal FLOPs and {{ timed | length }} in equal seconds
            {%- if lost %}; the clock takes it from {{ lost | listed }}{% endif %}
            {% else %}No variant beats the baseline beyond chance, at equal FLOPs or in equal seconds{% endif %}""",
        ja="""
            {% set better = variants | selectattr('flops.2', 'lt', 0) | list %}
            {% set timed = variants | selectattr('seconds') | selectattr('seconds.2', 'lt', 0) | list %}
            {% set lost = better | selectattr('seconds') | rejectattr('seconds.2', 'lt', 0) | map(attribute='variant') | list %}
            {% if better or timed %}
            同一 FLOPs では {{ variants | length }} 案中 {{ better | length }} 案、同一時間では {{ timed | length }} 案が基準に勝る
            {%- if lost %}(時間では {{ lost | listed }} が優位を失う){% endif %}
            {% else %}同一 FLOPs でも同一時間でも、基準に有意に勝る案はない{% endif %}""",
    )
    alt = Words(
        en="""Bits per byte above the baseline at equal FLOPs and in equal seconds, with 95 % intervals (detectable:
            {{ detectable | fixed }}):
            {% for one in variants %}
            {{ one.variant }} {{ one.flops | signed }} and {% if one.seconds is none %}not known{% else %}{{ one.seconds | signed }}{% endif %}
            at {{ one.speed | fixed(2) }} times the speed{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""同一 FLOPs と同一時間での基準との差(bits/byte、95 % 区間、検出可能差 {{ detectable | fixed }}):
            {% for one in variants %}
            {{ one.variant }} {{ one.flops | signed }} と
            {%- if one.seconds is none %}不明{% else %} {{ one.seconds | signed }}{% endif %}
            (速度 {{ one.speed | fixed(2) }} 倍){{ '。' if loop.last else '、' }}
            {%- endfor %}""",
    )

    detectable: float
    variants: tuple[BothWays, ...]

    @classmethod
    def of(cls, table: pl.DataFrame, detectable: float) -> Accountings | None:
        """None where there is no difference at equal FLOPs.

        Parameters
        ----------
        table
            Columns ``variant``, ``flops, flops_low, flops_high``, ``seconds, seconds_low, seconds_high`` (null: not known), ``speed``.
        """
        rows = table.filter(pl.col("flops_low").is_not_null()).sort("flops")
        variants = tuple(
            BothWays(
                variant=row["variant"], flops=(row["flops_low"], row["flops"], row["flops_high"]), speed=row["speed"],
                seconds=(row["seconds_low"], row["seconds"], row["seconds_high"]) if row["seconds_low"] is not None else None,
            )
            for row in rows.iter_rows(named=True)
        )  # fmt: skip
        return cls(detectable=detectable, variants=variants).drawn_from() if variants else None

    def draw(self) -> Figure:
        figure, (ax,) = canvas(width=7.4, height=2.0 + 0.5 * len(self.variants))
        ax.axvspan(-self.detectable, self.detectable, **NOISE_BAND)
        ax.axvline(0, color=INK, lw=1)
        for basis, (label, marker, colour, shift) in _MARKS.items():
            for place, one in enumerate(self.variants):
                ends = getattr(one, basis)
                if ends is not None:
                    y = place + shift
                    ax.plot([ends[0], ends[2]], [y, y], color=colour, lw=2, solid_capstyle="butt")
                    ax.plot(ends[1], y, marker=marker, ms=7, color=colour, ls="")
            ax.plot([], [], marker=marker, ms=7, color=colour, lw=2, label=label)
        names = [wrapped(f"{one.variant} ({one.speed:.2f}x speed)", 26) for one in self.variants]
        ax.set_yticks(range(len(names)), names, color=INK)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(
            "difference to the baseline at the same seed\n(bits per byte), 95 % interval\n← better      worse →"
        )
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure

"""How much of planted personal data a model remembers, with and without masking and deduplication."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis import exposure_table
from studylib.findings._figures.spread import spread
from studylib.findings._figures.style import INK, MUTED, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Frozen
from studylib.words import Words


class Exposed(Frozen):
    """Of one variant, bits: ``most`` of canaries with the most copies, ``never`` of those that no document has (None: not asked).

    ``since``: the fewest copies from which on all exposures are beyond chance; None: not even the most are. ``difference`` to the
    baseline at the most copies (None: the baseline itself, or not known); ``sure``: beyond chance.
    """

    variant: str
    most: Interval
    since: int | None
    never: Interval | None
    difference: Interval | None
    sure: bool


class Exposure(Finding):
    """``variants`` from the least exposed; ``copies``: the most that were planted; ``cap``: exposure of a secret ranked first."""

    name = "exposure"
    title = Words(
        en="""
            {% set remember = variants | rejectattr('since', 'none') | sort(attribute='since') | list %}
            {% set less = variants | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'lt', 0) | list %}
            {% if remember %}{{ remember | length }} of {{ variants | length }} {{ 'variant' | plural(variants | length) }}
            {{ 'remembers' if remember | length == 1 else 'remember' }} planted secrets ({{ remember[0].variant }} from
            {{ remember[0].since }} {{ 'copy' if remember[0].since == 1 else 'copies' }} on)
            {%- else %}No variant is seen to remember planted secrets, with up to {{ copies }}
            {{ 'copy' if copies == 1 else 'copies' }}{% endif %}
            {%- if less %}; less exposed than {{ baseline }}: {{ less | map(attribute='variant') | listed(3) }}{% endif %}""",
        ja="""
            {% set remember = variants | rejectattr('since', 'none') | sort(attribute='since') | list %}
            {% set less = variants | selectattr('sure') | rejectattr('difference', 'none') | selectattr('difference.1', 'lt', 0) | list %}
            {% if remember %}埋め込んだ秘密を覚えるのは {{ variants | length }} 案中 {{ remember | length }} 案
            ({{ remember[0].variant }} は {{ remember[0].since }} 件以上の複製で)
            {%- else %}{{ copies }} 件までの複製では、埋め込んだ秘密を覚えると言える案はない{% endif %}
            {%- if less %}。{{ baseline }} より露出が小さい:{{ less | map(attribute='variant') | listed(3) }}{% endif %}""",
    )
    alt = Words(
        en="""Exposure of planted secrets in bits by number of copies, a line a variant; by chance {{ chance | fixed(2) }}, at most
            {{ cap | fixed(1) }}. With {{ copies }} {{ 'copy' if copies == 1 else 'copies' }}:
            {% for one in variants %}
            {{ one.variant }} {{ one.most | fixed(1) }}
            {%- if one.never is not none %}, never planted {{ one.never | fixed(1) }}{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""複製数ごとの、埋め込んだ秘密の露出(ビット)。案ごとに 1 本の線。偶然では {{ chance | fixed(2) }}、最大
            {{ ' ' }}{{ cap | fixed(1) }}。{{ copies }} 件の複製では:
            {%- for one in variants %}
            {{ one.variant }} は {{ one.most | fixed(1) }}
            {%- if one.never is not none %}、埋め込まない秘密は {{ one.never | fixed(1) }}{% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )
    words = Words(
        en="""
            {% for one in variants %}
            {{ one.variant }}
            {% if one.since is none %}is not seen to remember any planted secret
            {%- else %}remembers them from {{ one.since }} {{ 'copy' if one.since == 1 else 'copies' }} on{% endif %}
            {%- if one.difference is not none %} ({{ one.difference | signed(1) }} bits to {{ baseline }} at {{ copies }},
            {{ 'beyond the noise' if one.sure else 'within the noise' }}){% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""
            {%- for one in variants %}
            {{ one.variant }} は
            {%- if one.since is none %}埋め込んだ秘密を覚えるとは言えません
            {%- else %} {{ one.since }} 件以上の複製で秘密を覚えます{% endif %}
            {%- if one.difference is not none %}({{ copies }} 件での {{ baseline }} との差 {{ one.difference | signed(1) }} ビット、
            {{- '有意' if one.sure else '誤差の範囲' }}){% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    baseline: str
    copies: int
    chance: float
    cap: float
    variants: tuple[Exposed, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, baseline: str) -> Exposure | None:
        """``rows`` from ``analysis.read_canaries``, of one size. None where none was asked, or no variant has two seeds."""
        if rows.is_empty():
            return None
        table = exposure_table(rows, baseline)
        copies = table["copies"].max()
        judged = table.filter((pl.col("copies") == copies) & pl.col("low").is_not_null())
        if judged.is_empty():
            return None
        never = {row["variant"]: row for row in table.filter(pl.col("copies") == 0).iter_rows(named=True)}
        known = table.with_columns((pl.col("beyond_chance") & (pl.col("mean") > pl.col("chance"))).alias("known"))

        def ends(row: dict | None, *names: str) -> Interval | None:
            return None if row is None or row[names[0]] is None else tuple(row[name] for name in names)

        def since(variant: str) -> int | None:
            planted = known.filter((pl.col("variant") == variant) & (pl.col("copies") > 0)).sort(
                "copies", descending=True
            )
            run = [number for number, sure in zip(planted["copies"], planted["known"].cum_min(), strict=True) if sure]
            return run[-1] if run else None

        return cls(
            baseline=baseline, copies=copies, chance=table["chance"][0], cap=table["cap"][0],
            variants=tuple(
                Exposed(
                    variant=row["variant"], most=ends(row, "low", "mean", "high"), since=since(row["variant"]),
                    never=ends(never.get(row["variant"]), "low", "mean", "high"), sure=row["significant"],
                    difference=ends(row, "difference_low", "difference", "difference_high"),
                )
                for row in judged.sort("mean").iter_rows(named=True)
            ),
        ).drawn_from(table, rows)  # fmt: skip

    def draw(self, table: pl.DataFrame, rows: pl.DataFrame) -> Figure:
        """Exposure against copies, a line a variant."""
        seeds = rows.group_by("variant", "copies", "seed").agg(pl.col("exposure").mean())
        levels = sorted(table["copies"].unique())
        figure, (ax,) = canvas(width=7.6, height=4.8)
        for index, one in enumerate(self.variants):
            style, own = look(index), table.filter(pl.col("variant") == one.variant).sort("copies")
            shift = 0.6 * ((index + 0.5) / len(self.variants) - 0.5)  # beside each other, not over
            places = [levels.index(copies) + shift for copies in own["copies"]]
            ax.plot(places, own["mean"], color=style["color"], ls=style["linestyle"], lw=1, alpha=0.6)
            for place, row in zip(places, own.iter_rows(named=True), strict=True):
                dots = seeds.filter((pl.col("variant") == one.variant) & (pl.col("copies") == row["copies"]))[
                    "exposure"
                ]
                spread(ax, place, row["mean"], (row["low"], row["high"]), dots.to_list(), style, upright=True)
            ax.plot([], [], **style, ms=7, label=one.variant)
        for height, said in ((self.chance, "chance"), (self.cap, "secret ranked first")):
            ax.axhline(height, color=INK, lw=1, ls="-" if said == "chance" else (0, (4, 3)))
            ax.text(
                0.995,
                height,
                said,
                transform=ax.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=9,
                color=MUTED,
            )
        ax.set(xlim=(-0.5, len(levels)), ylim=(0, 1.08 * self.cap))  # room for the words on the right
        ticks(
            ax.xaxis,
            range(len(levels)),
            lambda place: f"{levels[int(place)]}" if levels[int(place)] else "never\nplanted",
        )
        ax.set(
            xlabel="documents that the secret was planted in, before cleaning", ylabel="exposure of the secret (bits)"
        )
        title = "mean over secrets: seeds, their mean, 95 % interval over seeds and secrets"
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, title=title, title_fontsize=9, handlelength=3.2)
        return figure

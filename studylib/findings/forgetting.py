"""What an order learns on its way and loses again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studylib.analysis import forgetting
from studylib.errors import invalid
from studylib.findings._figures.style import INK, LOSS, MUTED, canvas, look
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.numbers import short
from studylib.words import Words


class Forgotten(Frozen):
    """Of one order, mean over seeds: by how many bits per byte the helper ends above its best on the way."""

    variant: str
    bits: float


class Forgetting(Finding):
    """``forgotten`` of the first helper, most first; ``starts``: training tokens at which a stage begins."""

    name = "curves"
    title = Words(
        en="""{{ forgotten[0].variant }}: {{ forgotten[0].bits | fixed(2) }} bits per byte of {{ helper }} are forgotten again once the
            last stage begins""",
        ja="{{ forgotten[0].variant }}:最後の段階で {{ helper }} の損失が {{ forgotten[0].bits | fixed(2) }} bits/byte 戻る(忘却)",
    )
    alt = Words(
        en="""Validation bits per byte of {{ sources | listed }} along training, a line an order
            {%- if starts %}; stages begin at {{ starts | map('short') | listed }} tokens{% endif %}.
            Forgotten of {{ helper }} at the end:
            {% for one in forgotten %}{{ one.variant }} {{ one.bits | signed(3) }}{{ '.' if loop.last else '; ' }}{% endfor %}""",
        ja="""学習中の {{ sources | listed }} の検証 bits/byte。順序ごとに 1 本の線
            {%- if starts %}、段階の境界は {{ starts | map('short') | listed }} トークン{% endif %}。
            終了時の {{ helper }} の忘却:
            {%- for one in forgotten %}{{ one.variant }} {{ one.bits | signed(3) }}{{ '。' if loop.last else '、' }}{% endfor %}""",
    )

    helper: str
    sources: tuple[str, ...]
    starts: tuple[int, ...]
    forgotten: tuple[Forgotten, ...]

    @classmethod
    def of(
        cls, orders: pl.DataFrame, curves: pl.DataFrame, borders: Mapping[str, Sequence[int]], sources: Sequence[str]
    ) -> Forgetting | None:
        """``borders``: tokens at which stages end, of each order to be drawn; ``sources``: the target, then its helpers.

        None where no order learnt from a helper: what was never learnt is not forgotten.
        """
        taught = orders.filter(pl.col("target_tokens") < pl.col("tokens")).select("hash", "variant")
        lost = taught.join(forgetting(curves, sources[1]), on="hash", how="inner")
        if lost.is_empty():
            return None
        means = lost.group_by("variant", maintain_order=True).agg(pl.col("forgotten").mean())
        return cls(
            helper=sources[1], sources=tuple(sources), starts=tuple(sorted({end for ends in borders.values() for end in ends})),
            forgotten=tuple(Forgotten(variant=name, bits=bits) for name, bits in means.sort("forgotten", descending=True).rows()),
        ).drawn_from(curves, borders)  # fmt: skip

    def draw(self, curves: pl.DataFrame, borders: Mapping[str, Sequence[int]]) -> Figure:
        """A panel a source: mean and range over seeds, a line an order, upright lines where a stage begins."""
        rows = curves.filter((pl.col("split") == "validation") & pl.col("bpb").is_finite().fill_null(False))
        rows = rows.filter(pl.col("variant").is_in(list(borders)))
        known = rows["source"].unique().to_list()
        figure, axes = canvas(1, len(self.sources), width=3.3 * len(self.sources) + 0.4, height=4.6)
        for ax, source in zip(axes, self.sources, strict=True):
            if source not in known:
                raise invalid("sources", source, "has no validation on the curves", choices=sorted(filter(None, known)))
            frame = rows.filter(pl.col("source") == source).select("tokens", "bpb", "variant").to_pandas()
            for index, name in enumerate(borders):
                style = look(index)
                sns.lineplot(
                    frame[frame["variant"] == name], x="tokens", y="bpb", errorbar=("pi", 100), ax=ax, label=name,
                    color=style["color"], linestyle=style["linestyle"], marker=style["marker"], markersize=4.5, legend=False,
                    err_kws={"alpha": 0.13, "lw": 0},
                )  # fmt: skip
            for place in self.starts:
                ax.axvline(place, color=INK, lw=1, ls=(0, (4, 3)), zorder=1)
            # The first points lie far above what the comparison is about.
            late = frame[frame["tokens"] >= 0.15 * frame["tokens"].max()]["bpb"]
            room = 0.06 * (late.max() - late.min())
            ax.set_ylim(late.min() - room, late.max() + room)
            ax.text(
                0.96, 0.96, f"source: {source}", transform=ax.transAxes, ha="right", va="top", fontsize=10.5, color=MUTED,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
            )  # fmt: skip
            ax.xaxis.set_major_formatter(lambda value, _: short(value))
            ax.xaxis.set_major_locator(MaxNLocator(4))
            ax.set(xlabel="training tokens", ylabel=LOSS if ax is axes[0] else "")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=3, fontsize=9, handlelength=3.2,
            title="dashed upright lines: a stage begins; bands: range of seeds", title_fontsize=9,
        )  # fmt: skip
        return figure

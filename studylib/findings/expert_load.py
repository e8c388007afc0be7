"""How evenly a mixture of experts is used, and by which text."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.analysis import load_summary
from studylib.findings._figures.style import INK, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.words import Words

_MOST_WRITTEN = 16  # experts; beyond, numbers in the cells would not be readable
_MOST_SOURCES = 4


class LayerLoad(Frozen):
    """Of one layer: the busiest expert's tokens as times an even share, experts under a tenth of one, and the share of tokens that
    sources send to other experts than all text together does."""

    layer: int
    busiest: float
    idle: int
    apart: Fraction


class ExpertLoad(Finding):
    """At the end of training, mean over seeds, of validation text."""

    name = "load"
    title = Words(
        en="""{{ variant }}: the busiest expert gets {{ layers | map(attribute='busiest') | max | fixed(1) }} times an even share,
            {% set idle = layers | map(attribute='idle') | max %}{{ idle if idle else 'none' }} {{ 'idle' if idle > 1 else 'idles' }}
            {%- if sources > 1 %}; sources move {{ (layers | sum(attribute='apart') / layers | length) | percent }} of the tokens to other
            experts{% endif %}""",
        ja="""{{ variant }}:最も忙しい専門家は均等割の {{ layers | map(attribute='busiest') | max | fixed(1) }} 倍、
            {% set idle = layers | map(attribute='idle') | max %}遊ぶ専門家{{ ' ' ~ idle if idle else 'はない' }}
            {%- if sources > 1 %}。データ源により {{ (layers | sum(attribute='apart') / layers | length) | percent }} のトークンが別の専門家へ{% endif %}""",
    )
    alt = Words(
        en="""Share of the tokens of each expert as a multiple of an even share, a panel a source. By layer:
            {% for one in layers %}
            layer {{ one.layer }} busiest {{ one.busiest | fixed(2) }}, {{ one.idle }} idle{% if sources > 1 %}, {{ one.apart | percent }} apart{% endif %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""各専門家が受け取るトークンの割合(均等割の倍数)。データ源ごとに 1 枠。層ごと:
            {% for one in layers %}
            層 {{ one.layer }} 最大 {{ one.busiest | fixed(2) }}、遊ぶ専門家 {{ one.idle }}{% if sources > 1 %}、データ源による差 {{ one.apart | percent }}{% endif %}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    variant: str
    layers: tuple[LayerLoad, ...]
    sources: int

    @classmethod
    def of(cls, load: pl.DataFrame) -> ExpertLoad | None:
        """The last variant of ``load``, from ``analysis.read_expert_load``; None without any."""
        if load.is_empty():
            return None
        own = load.filter(pl.col("variant") == load["variant"][-1])
        columns = {"layer": "layer", "busiest": "imbalance", "idle": "unused", "apart": "preference"}
        rows = load_summary(own).select(pl.col(column).alias(name) for name, column in columns.items())
        layers = tuple(LayerLoad(**row) for row in rows.iter_rows(named=True))
        return cls(variant=own["variant"][0], layers=layers, sources=own["source"].n_unique()).drawn_from(own)

    def draw(self, load: pl.DataFrame) -> Figure:
        """Experts have no order that seeds share, so each seed's experts are sorted by load, the busiest in the whole mixture first."""
        rows = load.filter(pl.col("step") == pl.col("step").max().over("hash"))
        place = ["hash", "layer", "expert"]
        whole = rows.group_by(place, maintain_order=True).agg(pl.col("share").mean().alias("whole"))
        ranked = whole.with_columns(
            pl.col("whole").rank("ordinal", descending=True).over("hash", "layer").cast(pl.Int64).alias("rank")
        )
        rows = rows.join(ranked, on=place).with_columns(
            (pl.col("share") * pl.len().over("hash", "layer", "source")).alias("times")
        )
        sources = rows["source"].unique(maintain_order=True).to_list()[:_MOST_SOURCES]
        height = 1.7 + len(sources) * (0.35 + 0.27 * len(self.layers))
        figure, axes = canvas(rows=len(sources), width=7.2, height=height, sharex=True)
        mean = rows.group_by("source", "layer", "rank").agg(pl.col("times").mean())
        top = max(2.0, float(mean["times"].max()))
        for ax, source in zip(axes, sources, strict=True):
            own = mean.filter(pl.col("source") == source).sort("layer", "rank")
            table = own.to_pandas().pivot(index="layer", columns="rank", values="times")
            sns.heatmap(
                table, ax=ax, cmap="cividis", vmin=0, vmax=top, cbar=False, annot=rows["expert"].n_unique() <= _MOST_WRITTEN,
                fmt=".1f", annot_kws={"size": 8.5}, linewidths=0.4, linecolor="white",
            )  # fmt: skip
            ax.set_title(source, loc="left", fontsize=10.5, color=INK)
            ax.set(xlabel="", ylabel="layer")
            ax.tick_params(axis="y", labelrotation=0)
        axes[-1].set_xlabel("expert, the busiest of all text first")
        figure.colorbar(axes[0].collections[0], ax=axes, label="times an even share", shrink=0.9)
        return figure

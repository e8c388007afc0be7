"""Loss at longer contexts than a model was trained with."""

from __future__ import annotations

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.errors import invalid
from studylib.findings._figures.style import INK, canvas, look, ticks
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.words import Words


class ContextChange(Frozen):
    """Of the loss of the same text at the longest context, nats a token, mean over seeds; None: the variant cannot read there."""

    variant: str
    change: float | None


class LongContext(Finding):
    """``variants`` from the best to the worst; ``times``: the longest context in trained ones."""

    name = "contexts"
    title = Words(
        en="""
            {% set known = variants | rejectattr('change', 'none') | list %}
            {% if not known %}No variant reads {{ times | num }} times its trained context
            {% else %}At {{ times | num }} times the trained context the loss of {{ known[0].variant }} changes by
            {{ known[0].change | signed(2) }} nats a token
            {%- if known | length > 1 %}, that of {{ known[-1].variant }} by {{ known[-1].change | signed(2) }}{% endif %}
            {% endif %}""",
        ja="""
            {% set known = variants | rejectattr('change', 'none') | list %}
            {% if not known %}学習時の {{ times | num }} 倍の文脈を読める案はない
            {% else %}学習時の {{ times | num }} 倍の文脈で {{ known[0].variant }} の損失は {{ known[0].change | signed(2) }} nats
            {%- if known | length > 1 %}、{{ known[-1].variant }} は {{ known[-1].change | signed(2) }} nats{% endif %} 変化
            {% endif %}""",
    )
    alt = Words(
        en="""Change of the validation loss with context length, a line a variant. At the longest, nats a token:
            {% for one in variants %}{{ one.variant }} {{ 'cannot' if one.change is none else one.change | signed(2) }}
            {{- '.' if loop.last else ', ' }}{% endfor %}""",
        ja="""文脈長に対する検証損失の変化。案ごとに 1 本の線。最長での変化(nats/トークン):
            {% for one in variants %}{{ one.variant }} {{ '不可' if one.change is none else one.change | signed(2) }}
            {{- '。' if loop.last else '、' }}{% endfor %}""",
    )

    times: float
    variants: tuple[ContextChange, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> LongContext | None:
        """``rows`` from ``analysis.read_contexts``; None where nothing was asked at longer contexts."""
        if rows.is_empty():
            return None
        longest = rows["context"].max()
        means = rows.group_by("variant", maintain_order=True).agg(
            pl.col("change").filter(pl.col("context") == longest).mean()
        )
        means = means.with_columns(pl.when(pl.col("change").is_finite()).then("change"))
        found = means.sort("change", nulls_last=True, maintain_order=True).rows()
        return cls(
            times=longest / rows["trained"][0],
            variants=tuple(ContextChange(variant=name, change=change) for name, change in found),
        ).drawn_from(rows)

    def draw(self, rows: pl.DataFrame) -> Figure:
        """The change against context length, a line a variant; the band is the range of seeds.

        Where one variant goes far up, the axis is linear near zero and logarithmic beyond.
        """
        known = rows.filter(pl.col("change").is_finite().fill_null(False))
        if known.is_empty():
            raise invalid("rows", "", "has no loss at any context to draw")
        figure, (ax,) = canvas(width=7.2, height=4.7)
        frame = known.select("variant", "context", "change").to_pandas()
        for index, name in enumerate(known["variant"].unique(maintain_order=True)):
            style = look(index)
            own = frame[frame["variant"] == name]
            longest = "" if own["context"].max() == frame["context"].max() else " (no longer)"
            sns.lineplot(
                own, x="context", y="change", errorbar=("pi", 100), ax=ax, label=f"{name}{longest}", legend=False,
                color=style["color"], linestyle=style["linestyle"], marker=style["marker"], markersize=7,
                err_kws={"alpha": 0.15, "lw": 0},
            )  # fmt: skip
        ax.axhline(0, color=INK, lw=1)
        sizes = known.group_by("variant").agg(pl.col("change").abs().max())["change"].sort()
        if sizes[-1] > 8 * max(sizes.median(), 1e-3):
            ax.set_yscale("symlog", linthresh=max(2 * sizes.median(), 0.01))
        ax.set_xscale("log")
        trained = known["trained"][0]

        def written(context: float) -> str:
            return f"{context:g}" + ("\n(trained)" if context == trained else f"\n(x{context / trained:g})")

        ticks(ax.xaxis, sorted(set(frame["context"])), written)
        ax.set(
            xlabel="context (tokens, log scale)",
            ylabel="change of the loss of the same text\n(nats per token), lower is better",
        )
        figure.legend(
            loc="outside lower center",
            title="band: range of seeds",
            title_fontsize=9,
            fontsize=9,
            ncols=3,
            handlelength=3.2,
        )
        return figure

"""What each way of cleaning does to the loss on clean text, by kind of text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.findings._figures.style import INK, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Frozen
from studylib.words import Words


class OnText(Frozen):
    """Mean over the seeds of the difference to the baseline at the same seed, bits per byte of one kind of clean text."""

    text: str
    difference: float


class Cleaned(Frozen):
    """``difference``: of all clean text together; ``texts``: by its kinds, where there are several."""

    variant: str
    difference: float
    texts: tuple[OnText, ...]


class CleanLoss(Finding):
    """``variants`` from the best to the worst on all of the text; each on every kind of text."""

    name = "clean-text"
    title = Words(
        en="""
            {% set best = (variants[0].texts | sort(attribute='difference') | first) if variants[0].texts else none %}
            {% if variants[0].difference < 0 %}{{ variants[0].variant }} lowers the loss on clean text most, by
            {{ variants[0].difference | abs | fixed }} bits per byte
            {%- if best %}; among the kinds of text it helps most on {{ best.text }} ({{ best.difference | signed }}){% endif %}
            {% else %}No way of cleaning lowers the mean loss on clean text; nearest to it is {{ variants[0].variant }}
            {{ ' ' }}({{ variants[0].difference | signed }}){% endif %}""",
        ja="""
            {% set best = (variants[0].texts | sort(attribute='difference') | first) if variants[0].texts else none %}
            {% if variants[0].difference < 0 %}清浄な文章の損失を最も下げるのは {{ variants[0].variant }}
            ({{ variants[0].difference | signed }} bits/byte)
            {%- if best %}。最も効くのは {{ best.text }}({{ best.difference | signed }}){% endif %}
            {% else %}清浄な文章の平均損失を下げる処理はない。最も近いのは {{ variants[0].variant }}
            ({{ variants[0].difference | signed }}){% endif %}""",
    )
    alt = Words(
        en="""Bits per byte above {{ baseline }} at the same seed, by kind of clean text:
            {% for one in variants %}
            {{ one.variant }}: {{ one.difference | signed }}{{ ', of it ' if one.texts else '' }}{% for own in one.texts %}{{ own.text }} {{ own.difference | signed }}{{ '' if loop.last else ', ' }}{% endfor %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""清浄な文章の種類ごとの、同じシードでの {{ baseline }} との差(bits/byte):
            {% for one in variants %}
            {{ one.variant }} {{ one.difference | signed }}{{ '(内訳 ' if one.texts else '' }}{% for own in one.texts %}{{ own.text }} {{ own.difference | signed }}{{ ')' if loop.last else '、' }}{% endfor %}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    baseline: str
    variants: tuple[Cleaned, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame, baseline: str, texts: Sequence[str]) -> CleanLoss | None:
        """None where no variant has a seed in common with ``baseline``.

        Parameters
        ----------
        trials
            Columns ``val_bpb/<text>`` for each of ``texts``, and ``val_bpb`` of all of them together.
        """
        columns = {f"val_bpb/{text}": text for text in texts} if len(texts) > 1 else {}
        done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
        base = done.filter(pl.col("variant") == baseline).select("seed", "val_bpb", *columns)
        both = done.filter(pl.col("variant") != baseline).join(base, on="seed", suffix=" base")
        means = both.group_by("variant", maintain_order=True).agg(
            (pl.col(name) - pl.col(f"{name} base")).mean() for name in ("val_bpb", *columns)
        )
        if means.is_empty():
            return None
        variants = tuple(
            Cleaned(
                variant=row["variant"],
                difference=row["val_bpb"],
                texts=tuple(OnText(text=text, difference=row[name]) for name, text in columns.items()),
            )
            for row in means.sort("val_bpb").iter_rows(named=True)
        )
        return cls(baseline=baseline, variants=variants).drawn_from()

    def draw(self) -> Figure:
        """A row a variant, a column a kind of text; blue is better than the baseline."""
        kinds = [own.text for own in self.variants[0].texts]
        whole = "all together" if kinds else "clean text"
        rows = [(one.variant, own.text, own.difference) for one in self.variants for own in one.texts]
        rows += [(one.variant, whole, one.difference) for one in self.variants]
        frame = pl.DataFrame(rows, schema=["variant", "text", "difference"], orient="row").to_pandas()
        texts = [*kinds, whole]
        table = frame.pivot(index="variant", columns="text", values="difference")
        table = table.loc[[one.variant for one in self.variants], texts]
        reach = float(frame["difference"].abs().max()) or 1.0
        figure, (ax,) = canvas(width=3.6 + 1.0 * len(texts), height=1.8 + 0.32 * len(self.variants))
        sns.heatmap(
            table, ax=ax, cmap="RdBu_r", vmin=-reach, vmax=reach, annot=True, fmt="+.3f", annot_kws={"size": 9}, linewidths=0.4,
            linecolor="white", cbar_kws={"label": "bits per byte"},
        )  # fmt: skip
        ax.set(xlabel=f"difference to {self.baseline} at the same seed (bits per byte)\nbelow 0: better", ylabel="")
        ax.tick_params(axis="y", labelrotation=0, labelcolor=INK)
        ax.tick_params(axis="x", labelrotation=0 if len(texts) < 5 else 45, labelcolor=INK)
        return figure

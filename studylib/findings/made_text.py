"""What text that a model or a rule made adds to scarce text."""

from __future__ import annotations

from typing import Literal

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.analysis import best_ratio
from studylib.findings._figures.style import INK, canvas, look, ticks
from studylib.findings._finding import Finding, Interval
from studylib.frozen import Fraction, Frozen
from studylib.words import Words


class Dose(Frozen):
    """Of a kind of made text at one share of the mixture: bits per byte above scarce text alone at the same seed, with 95 %."""

    kind: Literal["sampled", "rewritten"]
    share: Fraction
    difference: Interval
    effect: Literal["helps", "hurts", "not told apart"]


class MadeText(Finding):
    name = "made"
    title = Words(
        en="""
            {% for kind, own in doses | groupby('kind') %}
            {% set helps = own | selectattr('effect', 'eq', 'helps') | list %}
            {% set hurts = own | selectattr('effect', 'eq', 'hurts') | sort(attribute='share') | list %}
            {% set best = (own | sort(attribute='difference.1'))[0] %}
            {{ kind }} text
            {% if helps %}helps at {{ helps | map(attribute='share') | map('percent') | listed }}
            (best at {{ best.share | percent }}: {{ best.difference[1] | signed }} bits per byte)
            {%- else %}is not shown to help at any share{% endif %}
            {%- if hurts %} and hurts from {{ hurts[0].share | percent }}{% endif %}{{ '' if loop.last else '; ' }}
            {%- endfor %}""",
        ja="""
            {% for kind, own in doses | groupby('kind') %}
            {% set helps = own | selectattr('effect', 'eq', 'helps') | list %}
            {% set hurts = own | selectattr('effect', 'eq', 'hurts') | sort(attribute='share') | list %}
            {% set best = (own | sort(attribute='difference.1'))[0] %}
            {{ {'sampled': 'モデルが生成した文章', 'rewritten': '規則による書き換え'}[kind] }}は
            {%- if helps %} {{ helps | map(attribute='share') | map('percent') | listed }} で有効
            (最良 {{ best.share | percent }}:{{ best.difference[1] | signed }} bits/byte)
            {%- else %}どの割合でも有効と言えません{% endif %}
            {%- if hurts %}、{{ hurts[0].share | percent }} から有害{% endif %}{{ '' if loop.last else '。' }}
            {%- endfor %}""",
    )
    alt = Words(
        en="""Bits per byte against scarce text alone, by share of made text, with 95 % intervals:
            {% for one in doses %}
            {{ one.kind }} {{ one.share | percent }} {{ one.difference | signed }}, {{ one.effect }}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""疑似データの割合ごとの、不足した文章のみとの差(bits/byte、95 % 区間):
            {% for one in doses %}
            {{ {'sampled': '生成', 'rewritten': '書き換え'}[one.kind] }} {{ one.share | percent }} {{ one.difference | signed }}、
            {{- {'helps': '有効', 'hurts': '有害', 'not told apart': '差は検出できず'}[one.effect] }}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    doses: tuple[Dose, ...]

    @classmethod
    def of(cls, trials: pl.DataFrame) -> MadeText | None:
        """``trials`` with columns ``kind`` (none, sampled, rewritten) and ``ratio``; None without any: it was not tried."""
        doses = []
        for kind in trials.filter(pl.col("ratio") > 0)["kind"].unique(maintain_order=True):
            table = best_ratio(trials.filter(pl.col("kind").is_in(["none", kind]))).filter(pl.col("low").is_not_null())
            for row in table.iter_rows(named=True):
                ends = (row["low"], row["difference"], row["high"])
                doses.append(Dose(kind=kind, share=row["ratio"], difference=ends, effect=row["effect"]))
        return cls(doses=tuple(doses)).drawn_from(trials) if doses else None

    def draw(self, trials: pl.DataFrame) -> Figure:
        """Loss against the share of made text, a line a kind, as a difference to none of it at the same seed."""
        done = trials.filter(pl.col("val_bpb").is_finite().fill_null(False))
        base = done.filter(pl.col("ratio") == 0).unique("seed").select("seed", pl.col("val_bpb").alias("base"))
        frame = done.join(base, on="seed", how="inner").with_columns(difference=pl.col("val_bpb") - pl.col("base"))
        figure, (ax,) = canvas(width=7.2, height=3.9)
        ax.axhline(0, color=INK, lw=1)
        for index, name in enumerate(dict.fromkeys(one.kind for one in self.doses)):
            style = look(index)
            own = (
                frame.filter((pl.col("kind") == name) | (pl.col("ratio") == 0))
                .select("ratio", "difference")
                .to_pandas()
            )
            sns.lineplot(
                own, x="ratio", y="difference", errorbar=("pi", 100), ax=ax, label=name, color=style["color"],
                linestyle=style["linestyle"], marker=style["marker"], markersize=7, err_kws={"alpha": 0.15, "lw": 0}, legend=False,
            )  # fmt: skip
        ticks(ax.xaxis, sorted(set(frame["ratio"])), lambda value: f"{100 * value:g} %")
        ax.set(
            xlabel="share of made text in the training mixture",
            ylabel="loss minus that without it\n(bits per byte), lower is better",
        )
        figure.legend(loc="outside lower center", ncols=3, fontsize=9, title="band: range of seeds", title_fontsize=9)
        return figure

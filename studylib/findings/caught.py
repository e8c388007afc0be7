"""Which faults each step of cleaning catches, and what of sound text it loses: only where documents are labelled."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure

from studylib.analysis.cleaning import ALL, against_labels, by_label
from studylib.findings._figures.style import INK, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import CleanedRecord
from studylib.words import Words


class CaughtBy(Frozen):
    """Of one step as the only one: of what it drops, how much is faulty; of all that is faulty, how much it drops."""

    cleaner: str
    precision: Fraction | None
    recall: Fraction


class Kind(Frozen):
    """Documents of a label in the raw text, and the share of them that all steps together drop."""

    name: str
    documents: int
    dropped: Fraction


class Caught(Finding):
    """All steps together: ``recall`` of the faulty documents, ``precision`` of what was dropped; ``faults`` and sound ``forms``."""

    name = "caught"
    title = Words(
        en="""All steps together drop {{ (100 * recall) | num }} % of the faulty documents, and {{ (100 * precision) | num }} % of what they drop is
            faulty{% if forms %}; the sound kind that loses most is {{ (forms | sort(attribute='dropped') | last).name }},
            {{ (100 * (forms | sort(attribute='dropped') | last).dropped) | num }} %{% endif %}""",
        ja="""全段階で不良文書の {{ (100 * recall) | num }} % を除き、除いた文書の {{ (100 * precision) | num }} % が不良
            {%- if forms %}。健全な文章で最も失われるのは {{ (forms | sort(attribute='dropped') | last).name }}(
            {{- (100 * (forms | sort(attribute='dropped') | last).dropped) | num }} %){% endif %}""",
    )
    alt = Words(
        en="""Share of the documents of each label that each step drops by itself, and all together. All together:
            {% for one in faults %}{{ one.name }} {{ (100 * one.dropped) | num }} % of {{ one.documents }}{{ '.' if loop.last else '; ' }}{% endfor %}
            {% if forms %}
            Lost of sound text:
            {% for one in forms %}{{ one.name }} {{ (100 * one.dropped) | num }} % of {{ one.documents }}{{ '.' if loop.last else '; ' }}{% endfor %}
            {% endif %}
            Each step by itself:
            {% for one in steps %}
            {{ one.cleaner }} catches {{ (100 * one.recall) | num }} %
            {%- if one.precision is not none %}, {{ (100 * one.precision) | num }} % of what it drops is faulty{% endif %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""ラベルごとに、各段階が単独で、また全段階で除いた文書の割合。全段階:
            {% for one in faults %}{{ one.name }} {{ one.documents }} 件中 {{ (100 * one.dropped) | num }} %{{ '。' if loop.last else '、' }}{% endfor %}
            {% if forms %}
            健全な文章の損失:
            {% for one in forms %}{{ one.name }} {{ one.documents }} 件中 {{ (100 * one.dropped) | num }} %{{ '。' if loop.last else '、' }}{% endfor %}
            {% endif %}
            各段階の単独:
            {% for one in steps %}
            {{ one.cleaner }} 再現率 {{ (100 * one.recall) | num }} %
            {%- if one.precision is not none %}・適合率 {{ (100 * one.precision) | num }} %{% endif %}{{ '。' if loop.last else '、' }}
            {%- endfor %}""",
    )

    precision: Fraction
    recall: Fraction
    steps: tuple[CaughtBy, ...]
    faults: tuple[Kind, ...]
    forms: tuple[Kind, ...]

    @classmethod
    def of(cls, record: CleanedRecord, noise: Sequence[str] = ()) -> Caught | None:
        """None where nothing is known of the documents, as of most real text.

        ``noise``: names of joined sources whose documents count as faulty and all others as sound, instead of labels.
        """
        every = against_labels(record, noise=noise)
        whole = every.filter(pl.col("step") == ALL).to_dicts()
        if not whole or whole[0]["recall"] is None or whole[0]["precision"] is None:
            return None
        rows = _dropped(record, noise)
        known = {
            bad: tuple(
                Kind(name=row["name"], documents=row["raw"], dropped=row["share"])
                for row in rows.filter((pl.col("step") == ALL) & (pl.col("bad") == bad)).iter_rows(named=True)
            )
            for bad in (True, False)
        }
        steps = [
            CaughtBy(cleaner=row["step"], precision=row["precision_alone"], recall=row["recall_alone"])
            for row in every.filter((pl.col("step") != ALL) & pl.col("recall_alone").is_not_null()).to_dicts()
        ]
        return cls(
            precision=whole[0]["precision"], recall=whole[0]["recall"], steps=tuple(steps), faults=known[True],
            forms=known[False],
        ).drawn_from(rows)  # fmt: skip

    def draw(self, rows: pl.DataFrame) -> Figure:
        """Two heat maps under each other: faults, where dark is caught, and sound forms, where dark is lost."""
        parts = [(bad, own) for bad, own in ((True, self.faults), (False, self.forms)) if own]
        columns = [*rows.filter(pl.col("step") != ALL).sort("place")["step"].unique(maintain_order=True), ALL]
        heights = [max(len(own), 2) for _, own in parts]  # a single row still has room for its label
        figure, axes = canvas(
            len(parts), 1, width=2.8 + 0.52 * len(columns), height=2.6 + 0.3 * sum(heights), sharex=True,
            height_ratios=heights,
        )  # fmt: skip
        for ax, (bad, own) in zip(axes, parts, strict=True):
            names = [one.name for one in own]
            cells = rows.filter(pl.col("bad") == bad).to_pandas()
            table = cells.pivot(index="name", columns="step", values="share").reindex(index=names, columns=columns)
            sns.heatmap(
                100 * table, ax=ax, cmap="cividis_r", vmin=0, vmax=100, cbar=False, annot=True, fmt=".0f", annot_kws={"size": 8.5},
                linewidths=0.4, linecolor="white",
            )  # fmt: skip
            ax.set(xlabel="", ylabel="faulty" if bad else "sound")
            ax.set_yticks([place + 0.5 for place in range(len(own))], [f"{one.name} ({one.documents})" for one in own])
            ax.tick_params(axis="y", labelrotation=0, labelcolor=INK)
        axes[-1].tick_params(axis="x", labelrotation=60, labelcolor=INK)
        axes[-1].set_xlabel("dropped by this step alone, and by all of them (% of the label's documents)")
        return figure


def _dropped(record: CleanedRecord, noise: Sequence[str]) -> pl.DataFrame:
    """``step, bad, name, raw, share``: of a label's raw documents, those that a step drops alone and that `ALL` drop; the most
    dropped first."""
    group, label = pl.col("group"), pl.col("label")
    rows = by_label(record).filter(group == "from" if noise else group.is_in(["fault", "copy", "form"]))
    rows = rows.with_columns(
        bad=label.is_in(list(noise)) if noise else group != "form",
        name=pl.when(group == "copy").then(label + " copy").otherwise(label),
        share=pl.when(pl.col("step") == ALL).then(pl.col("dropped")).otherwise(pl.col("alone")) / pl.col("raw"),
    )
    last = pl.col("share").filter(pl.col("step") == ALL).first().over("name")
    return rows.sort(last, "name", descending=[True, False], maintain_order=True)

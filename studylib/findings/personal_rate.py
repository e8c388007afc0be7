"""How much personal data is in the text, by kind, and how much of it is found."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from studylib.analysis.cleaning import masked, spans
from studylib.findings._figures.style import BAR, INK, PALETTE, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import CleanedRecord
from studylib.words import Words


class PersonalKind(Frozen):
    """``found`` and ``labelled`` per megabyte of text; the rest is known only where the text has labels.

    ``recall``: of the labelled, how many were found; ``precision``: of the found, how many were labelled so.
    """

    kind: str
    found: float
    labelled: float | None
    recall: Fraction | None
    precision: Fraction | None


class PersonalRate(Finding):
    """``kinds`` from the most frequent; ``megabytes`` of text looked through."""

    name = "personal"
    title = Words(
        en="""A megabyte of this text holds {{ kinds | sum(attribute='found') | num }} pieces of personal data that were found, most
            {{ kinds[0].kind }}{% if recall is not none and precision is not none %}; {{ (100 * recall) | num }} % of the labelled ones, and
            {{ (100 * precision) | num }} % of these right{% endif %}""",
        ja="""この文章 1 MB から見つかった個人情報は {{ kinds | sum(attribute='found') | num }} 件、最多は {{ kinds[0].kind }}
            {%- if recall is not none and precision is not none %}。ラベル付きの {{ (100 * recall) | num }} % を見つけ、
            {{- (100 * precision) | num }} % が正しい{% endif %}""",
    )
    alt = Words(
        en="""Pieces of personal data found, by kind, per megabyte of {{ megabytes | num }} MB:
            {% for one in kinds %}
            {{ one.kind }} {{ one.found | num }}
            {%- if one.labelled is not none %}, labelled {{ one.labelled | num }}{% endif %}
            {%- if one.recall is not none %}, {{ (100 * one.recall) | num }} % of them found{% endif %}
            {%- if one.precision is not none %}, {{ (100 * one.precision) | num }} % right{% endif %}{{ '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""見つかった個人情報の種類別件数({{ megabytes | num }} MB 中、1 MB あたり):
            {% for one in kinds %}
            {{ one.kind }} {{ one.found | num }}
            {%- if one.labelled is not none %}、ラベル {{ one.labelled | num }}{% endif %}
            {%- if one.recall is not none %}、再現率 {{ (100 * one.recall) | num }} %{% endif %}
            {%- if one.precision is not none %}、適合率 {{ (100 * one.precision) | num }} %{% endif %}{{ '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    megabytes: float
    recall: Fraction | None
    precision: Fraction | None
    kinds: tuple[PersonalKind, ...]

    @classmethod
    def of(cls, record: CleanedRecord) -> PersonalRate | None:
        """None where nothing was masked, or nothing of the kind is in the text.

        With labels all of the raw text counts, else what the step was given.
        """
        labelled, found = spans(record, "mask"), masked(record)
        whole = labelled.select(pl.col("labelled", "covered", "found", "right").sum()).to_dicts()[0]
        if whole["labelled"]:
            megabytes = record.raw.bytes / 1e6
            kinds = [
                PersonalKind(
                    kind=row["kind"], found=row["found"] / megabytes, labelled=row["labelled"] / megabytes,
                    recall=row["recall"], precision=row["precision"],
                )
                for row in labelled.sort("found", descending=True).iter_rows(named=True)
            ]  # fmt: skip
        else:
            megabytes = sum(step.given.bytes for step in record.steps if step.purpose == "mask") / 1e6
            kinds = [
                PersonalKind(kind=row["kind"], found=row["per_million"], labelled=None, recall=None, precision=None)
                for row in found.sort("found", descending=True).iter_rows(named=True)
            ]
        if not kinds:
            return None
        return cls(
            megabytes=megabytes, kinds=tuple(kinds),
            recall=whole["covered"] / whole["labelled"] if whole["labelled"] else None,
            precision=whole["right"] / whole["found"] if whole["labelled"] and whole["found"] else None,
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        figure, (ax,) = canvas(width=7.2, height=1.7 + 0.36 * len(self.kinds))
        for y, one in enumerate(self.kinds):
            ax.barh(y, one.found, color=BAR, height=0.62)
            said = f"{one.found:.3g}"
            if one.labelled is not None:
                ax.plot(one.labelled, y, "D", color=PALETTE[1], ms=6)
                parts = {"found": one.recall, "right": one.precision}
                said = "  ".join(f"{100 * share:.0f} % {word}" for word, share in parts.items() if share is not None)
            most = max(one.found, one.labelled or 0.0)
            ax.annotate(said, (most, y), (8, 0), textcoords="offset points", va="center", fontsize=9, color=INK)
        ax.set_yticks(range(len(self.kinds)), [one.kind for one in self.kinds], color=INK)
        ax.set_ylim(len(self.kinds) - 0.4, -0.6)
        ax.set_xlim(0, 1.5 * max(max(one.found, one.labelled or 0.0) for one in self.kinds))
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("pieces per megabyte of text")
        ax.barh(0, 0, color=BAR, label="found")
        if self.recall is not None:
            ax.plot([], [], "D", color=PALETTE[1], ms=6, label="labelled")
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure

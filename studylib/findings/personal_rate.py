"""How much personal data is in the text, by kind, and how much of it is found."""

from __future__ import annotations

from matplotlib.figure import Figure

from studylib.findings._figures.style import BAR, INK, PALETTE, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import CleanedRecord, CleanerRecord, SpanCount
from studylib.words import Words


class PersonalKind(Frozen):
    """``found`` and ``labelled`` per megabyte of raw text; the rest is known only where the text has labels.

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
        """None where nothing was masked, or nothing of the kind is in the text."""
        spans = _spans([step for step in record.steps if step.purpose == "mask"])
        if not any(one.found or one.labelled for one in spans.values()):
            return None
        megabytes = record.raw.bytes / 1e6
        labels = any(one.labelled for one in spans.values())
        kinds = [_kind(name, one, megabytes, labels) for name, one in spans.items() if one.found or one.labelled]
        whole = SpanCount(
            **{name: sum(getattr(one, name) for one in spans.values()) for name in SpanCount.model_fields}
        )  # fmt: skip
        every = _kind("", whole, megabytes, labels)
        return cls(
            megabytes=megabytes, recall=every.recall, precision=every.precision,
            kinds=tuple(sorted(kinds, key=lambda one: -one.found)),
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
        ax.set_xlim(0, 1.35 * max(max(one.found, one.labelled or 0.0) for one in self.kinds))
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("pieces per megabyte of raw text")
        ax.barh(0, 0, color=BAR, label="found")
        if self.recall is not None:
            ax.plot([], [], "D", color=PALETTE[1], ms=6, label="labelled")
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure


def _spans(masks: list[CleanerRecord]) -> dict[str, SpanCount]:
    """What was counted by kind, of all steps that mask."""
    found: dict[str, SpanCount] = {}
    for step in masks:
        for kind, one in step.spans.items():
            had = found.get(kind, SpanCount())
            found[kind] = SpanCount(
                **{name: getattr(had, name) + getattr(one, name) for name in SpanCount.model_fields}
            )
    return found


def _kind(name: str, spans: SpanCount, megabytes: float, labels: bool) -> PersonalKind:
    return PersonalKind(
        kind=name, found=spans.found / megabytes, labelled=spans.labelled / megabytes if labels else None,
        recall=spans.covered / spans.labelled if spans.labelled else None,
        precision=spans.right / spans.found if labels and spans.found else None,
    )  # fmt: skip

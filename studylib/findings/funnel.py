"""What each step of cleaning takes out of raw text: in its turn, and by itself."""

from __future__ import annotations

from matplotlib.figure import Figure

from studylib.findings._figures.style import BAR, INK, PALETTE, canvas
from studylib.findings._finding import Finding
from studylib.frozen import Fraction, Frozen
from studylib.spec.record_cleaned import Amount, CleanedRecord, CleanerRecord
from studylib.words import Words


class Taken(Frozen):
    """Shares of the raw text that one step takes out, bytes from documents that stay among them: below 0 where masks are longer
    than what they stand for.

    ``alone_*``: as the only step; None where that was not measured. ``mb_per_s``: of what it was given, by one core.
    """

    cleaner: str
    documents: Fraction
    bytes: float
    alone_documents: Fraction | None
    alone_bytes: float | None
    mb_per_s: float | None


class Funnel(Finding):
    """``steps`` in their order; ``documents`` and ``megabytes`` of raw text, and which share of each is kept."""

    name = "funnel"
    title = Words(
        en="""{{ (100 * kept_documents) | num }} % of {{ documents | short }} documents and {{ (100 * kept_bytes) | num }} % of {{ megabytes | num }} MB are
            kept; {% set first = steps | sort(attribute='documents') | last %}{{ first.cleaner }} drops most, {{ (100 * first.documents) | num }} %""",
        ja="""{{ documents | short }} 文書の {{ (100 * kept_documents) | num }} %、{{ megabytes | num }} MB の {{ (100 * kept_bytes) | num }} % が残る。
            {% set first = steps | sort(attribute='documents') | last %}最も多く除くのは {{ first.cleaner }}({{ (100 * first.documents) | num }} %)""",
    )
    alt = Words(
        en="""What each step takes out, in percent of all documents (of all bytes), in its turn, and as the only step:
            {% for one in steps %}
            {{ one.cleaner }} {{ (100 * one.documents) | num }} % ({{ (100 * one.bytes) | num }} %)
            {%- if one.alone_documents is not none %}, alone {{ (100 * one.alone_documents) | num }} %{% endif %}
            {%- if one.alone_bytes is not none %}, alone of all bytes {{ (100 * one.alone_bytes) | num }} %{% endif %}
            {%- if one.mb_per_s is not none %}, at {{ one.mb_per_s | num }} MB/s a core{% endif %}
            {{- '.' if loop.last else '; ' }}
            {% endfor %}""",
        ja="""各段階が除く割合。全文書(全バイト)に対する順番どおりの値と、単独で用いた値:
            {% for one in steps %}
            {{ one.cleaner }} {{ (100 * one.documents) | num }} %({{ (100 * one.bytes) | num }} %)
            {%- if one.alone_documents is not none %}、単独 {{ (100 * one.alone_documents) | num }} %{% endif %}
            {%- if one.alone_bytes is not none %}、単独のバイト {{ (100 * one.alone_bytes) | num }} %{% endif %}
            {%- if one.mb_per_s is not none %}、1 コアで {{ one.mb_per_s | num }} MB/s{% endif %}
            {{- '。' if loop.last else ';' }}
            {%- endfor %}""",
    )

    documents: int
    megabytes: float
    kept_documents: Fraction
    kept_bytes: Fraction
    steps: tuple[Taken, ...]

    @classmethod
    def of(cls, record: CleanedRecord) -> Funnel:
        raw = record.raw
        return cls(
            documents=raw.documents, megabytes=raw.bytes / 1e6,
            kept_documents=_share(record.kept.documents, raw.documents), kept_bytes=_share(record.kept.bytes, raw.bytes),
            steps=tuple(_taken(step, raw) for step in record.steps),
        ).drawn_from()  # fmt: skip

    def draw(self) -> Figure:
        """Left what remains behind each step, right what each takes out, in its turn and alone."""
        figure, (left, right) = canvas(1, 2, width=8.4, height=1.9 + 0.36 * len(self.steps), sharey=True)
        documents = bytes_ = 1.0
        for y, one in enumerate(self.steps):
            documents, bytes_ = documents - one.documents, bytes_ - one.bytes
            left.barh(y, 100 * documents, color=BAR, height=0.62)
            left.plot(100 * bytes_, y, "D", color=PALETTE[1], ms=6)
            right.barh(y, 100 * one.documents, color=BAR, height=0.62)
            if one.alone_documents is not None:
                right.plot(100 * one.alone_documents, y, "o", color=INK, mfc="white", ms=7)
        left.set_yticks(range(len(self.steps)), [one.cleaner for one in self.steps], color=INK)
        left.set_ylim(len(self.steps) - 0.4, -0.6)
        left.set(xlim=(0, 102), xlabel="left behind the step (% of raw)")
        right.set(xlabel="dropped by the step (% of raw documents)")
        for ax in (left, right):
            ax.grid(axis="y", visible=False)
        right.bar(0, 0, color=BAR, label="documents, in its turn")
        left.plot([], [], "D", color=PALETTE[1], ms=6, label="bytes, in its turn")
        right.plot([], [], "o", color=INK, mfc="white", ms=7, label="documents, as the only step")
        right.set_xlim(left=0)
        figure.legend(loc="outside lower center", ncols=3, fontsize=9)
        return figure


def _taken(step: CleanerRecord, raw: Amount) -> Taken:
    alone = step.alone
    whole = None if alone is None else alone.bytes + (step.alone_removed_bytes or 0)
    return Taken(
        cleaner=step.cleaner, documents=_share(step.dropped.documents, raw.documents),
        bytes=_share(step.dropped.bytes + step.removed_bytes, raw.bytes),
        alone_documents=None if alone is None else _share(alone.documents, raw.documents),
        alone_bytes=None if whole is None else _share(whole, raw.bytes),
        mb_per_s=step.given.bytes / 1e6 / step.seconds if step.seconds else None,
    )  # fmt: skip


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole else 0.0

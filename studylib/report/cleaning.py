"""The page of a cleaning: ``DIR/index.html`` beside the record that it tells of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from studylib.analysis.cleaning import ALL, against_labels, by_label, funnel, losses, masked, spans
from studylib.files import write_text
from studylib.numbers import short
from studylib.report.page import render
from studylib.result import Text
from studylib.spec.record_cleaned import CleanedRecord
from studylib.words import Words

if TYPE_CHECKING:
    from studylib.data.cleaning import CleanedFolder

_MOST_ROWS = 50  # of tables that grow with the files
_WIDTH, _BAR, _LEFT, _RIGHT = 640, 26, 130, 90

PURPOSES = {
    "filter": Text(en="filter", ja="フィルタ"),
    "correct": Text(en="correction", ja="修正"),
    "deduplicate": Text(en="deduplication", ja="重複除去"),
    "mask": Text(en="mask", ja="マスク"),
}
_SUMMARY = Words(
    en="""Of {{ raw }} documents ({{ raw_bytes }}B), {{ kept }} are left ({{ kept_bytes }}B)
        {%- if worst %}; most went at {{ worst }} ({{ share | percent }} of the documents it was given){% endif %}.""",
    ja="""{{ raw }} 文書({{ raw_bytes }}B)のうち {{ kept }} 文書({{ kept_bytes }}B)が残りました。
        {%- if worst %}最も多く落としたのは {{ worst }} です(受け取った文書の {{ share | percent }})。{% endif %}""",
)
_BARS = Words(
    en="""Bars, one a step: bytes left after it.{% for name, left in steps %} {{ name }}: {{ left }}B{{ ';' if not loop.last else '.' }}{% endfor %}""",
    ja="""棒グラフ、1 本が 1 段階:その後に残るバイト数。{% for name, left in steps %}{{ name }}:{{ left }}B{{ '、' if not loop.last else '。' }}{% endfor %}""",
)


def write_cleaning_page(folder: CleanedFolder) -> Path:
    """Write the page of a cleaned text and return its path."""
    page = folder.folder / "index.html"
    write_text(page, cleaning_page(folder.record))
    return page


def cleaning_page(record: CleanedRecord) -> str:
    """The page as HTML: text from the corpus is escaped, tables and examples are bounded, nothing is loaded from elsewhere."""
    rows = funnel(record).rows(named=True)
    steps = [row | {"purpose_name": PURPOSES[row["purpose"]], "record": record.steps[row["place"]]} for row in rows]
    worst = max(rows, key=lambda row: row["dropped"]) if rows else None
    summary = _SUMMARY(
        raw=f"{record.raw.documents:,}", raw_bytes=short(record.raw.bytes), kept=f"{record.kept.documents:,}",
        kept_bytes=short(record.kept.bytes), worst=worst["step"] if worst and worst["dropped"] else "",
        share=worst["dropped_share"] if worst else None,
    )  # fmt: skip
    found_spans = spans(record, "mask").rows(named=True)
    recalls = {row["kind"]: row for row in found_spans if row["labelled"]}
    sources = by_label(record).filter(step=ALL, group="from").sort("raw", descending=True).rows(named=True)
    return render(
        "cleaning.html.j2",
        record=record,
        steps=steps,
        summary=summary,
        bars=_bars(record, rows),
        judged=against_labels(record).rows(named=True),
        losses=losses(record).filter(step=ALL).rows(named=True),
        faults=_faults(record),
        masked=[row | {"label": recalls.get(row["kind"])} for row in masked(record).rows(named=True)],
        sources=sources[:_MOST_ROWS],
        more_sources=max(0, len(sources) - _MOST_ROWS),
        inputs=dict(list(record.inputs.items())[:_MOST_ROWS]),
        gate={name: count for name, count in record.guard.get("dropped", {}).items() if count},
    )


def _faults(record: CleanedRecord) -> list[dict[str, Any]]:
    """Faults and copies, and which step took most of each."""
    labels = by_label(record)
    rows = []
    for row in labels.filter(step=ALL).rows(named=True):
        if row["group"] in ("fault", "copy"):
            own = labels.filter(
                (labels["step"] != ALL) & (labels["group"] == row["group"]) & (labels["label"] == row["label"])
            )
            by_step = own.filter(own["dropped"] > 0).sort("dropped", descending=True).rows(named=True)
            rows.append(row | {"steps": [(one["step"], one["dropped"]) for one in by_step]})
    return rows


def _bars(record: CleanedRecord, rows: list[dict[str, Any]]) -> Markup:
    """Bytes left after each step, as a drawing."""
    left = [("", record.raw.bytes), *((row["step"], row["left_bytes"]) for row in rows)]
    label = _BARS(steps=[(name, short(size)) for name, size in left[1:]])
    most, wide = max(1, record.raw.bytes, *(size for _, size in left)), _WIDTH - _LEFT - _RIGHT
    drawn = [
        Markup(
            '<text x="{x}" y="{base}" text-anchor="end">{name}</text>'
            '<rect class="track" x="{left}" y="{top}" width="{wide}" height="{high}"/>'
            '<rect class="fill" x="{left}" y="{top}" width="{size:.1f}" height="{high}"/>'
            '<text x="{right}" y="{base}">{shown}B</text>'
        ).format(
            x=_LEFT - 8, base=_BAR * place + 17, name=name or "raw · 元", left=_LEFT, top=_BAR * place + 4, wide=wide,
            high=_BAR - 8, size=wide * size / most, right=_LEFT + wide + 8, shown=short(size),
        )
        for place, (name, size) in enumerate(left)
    ]  # fmt: skip
    return Markup(
        '<svg class="spark bars" viewBox="0 0 {w} {h}" role="img" data-label-en="{en}" data-label-ja="{ja}" aria-label="{en}">{drawn}</svg>'
    ).format(w=_WIDTH, h=_BAR * len(left), en=label.en, ja=label.ja, drawn=Markup("").join(drawn))

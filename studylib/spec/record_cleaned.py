"""What is on record of cleaned text: the funnel, what is known of it by labels, and examples of what was taken out."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from studylib.spec.record import Record, StepRecord


class Amount(Record):
    """Text: documents, and bytes of UTF-8."""

    documents: int = 0
    bytes: int = 0


class LabelCount(Record):
    """Documents of one label: how many a step was given, and how many of them it dropped.

    Of a labelled cluster of copies one document counts as the original, whichever is kept: the others are copies.
    """

    given: int = 0
    dropped: int = 0
    alone: int | None = Field(default=None, description="that it drops of the raw text; none: not measured")


class SpanCount(Record):
    """Spans of one kind, labelled and found.

    Of personal data, two of the same kind belong together if each covers at least half of the other. Of what is taken out of a
    page, kinds do not matter: a labelled span is covered if at least half of it was taken out, a found one right if at
    least half of it lies in labelled ones.
    """

    labelled: int = 0
    covered: int = Field(default=0, description="labelled ones that were found; over labelled: recall")
    found: int = 0
    right: int = Field(default=0, description="found ones that are labelled; over found: precision")


class Example(Record):
    """A document that a step dropped or changed."""

    reason: str = Field(description="of being dropped; of text that was taken out or masked: the kind of the span")
    origin: str = Field(description="file and row, or what made it")
    label: str = Field(default="", description="fault:menu, form:haiku, from:wiki, ...; empty: none is known")
    text: str = Field(
        description="its beginning, at most 240 characters; of a span: what lies around it; personal data masked"
    )
    dropped: bool = True


class CleanerRecord(Record):
    """One step of cleaning: of the documents that the steps before it left."""

    cleaner: str
    purpose: str = Field(description="filter, correct, deduplicate or mask")
    reference: str = Field(description="where the rule is from")
    options: dict[str, Any]
    given: Amount
    dropped: Amount
    removed_bytes: int = Field(default=0, description="that documents which stay have become shorter by")
    repeated: Amount = Field(default=Amount(), description="written again: a kept document that stands for many")
    alone: Amount | None = Field(default=None, description="that it drops of the raw text; none: not measured")
    alone_removed_bytes: int | None = None
    reasons: dict[str, int] = Field(default_factory=dict, description="documents dropped, by reason")
    counts: dict[str, int] = Field(default_factory=dict, description="what it found, by kind: lines, masks, clusters")
    by_label: dict[str, LabelCount] = Field(
        default_factory=dict, description="fault:menu, form:haiku, copy:edited, ..."
    )
    spans: dict[str, SpanCount] = Field(
        default_factory=dict, description="by kind; in the raw text where measured alone"
    )
    examples: tuple[Example, ...] = ()
    seconds: float = Field(default=0.0, description="of processor time, all tasks together")


class CleanedRecord(StepRecord):
    """``record.json`` of a folder of cleaned text."""

    raw: Amount = Field(description="behind the gate, before the first step")
    kept: Amount
    steps: tuple[CleanerRecord, ...]
    by_label: dict[str, LabelCount] = Field(default_factory=dict, description="of the raw text: all steps together")
    clusters: dict[int, int] = Field(
        default_factory=dict,
        description="of copies that were found: how many, by their least size (2, 3 to 4, 5 to 8, ...)",
    )
    guard: dict[str, Any] = Field(description="record of the gate, which documents pass before the first step")
    inputs: dict[str, str] = Field(default_factory=dict, description="digests of the files read, by path")
    notes: dict[str, int] = Field(default_factory=dict, description="the source's own counts: rows without text, ...")
    version: int = Field(description="of the pipeline")
    seal: str = Field(description="binds the gate's record to the shards")
    files: dict[str, dict[str, int | str]] = Field(default_factory=dict, description="size and digest of each shard")

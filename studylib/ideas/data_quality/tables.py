"""Idea 5's tables: the record of the cleaning, and which trials are held against which."""

from __future__ import annotations

from typing import Any

import polars as pl

from studylib.analysis import AtTarget, Decision, decide
from studylib.analysis.decision import Basis
from studylib.data.excerpts import NO_TEXT
from studylib.findings import Comparison
from studylib.ideas.data_quality.schema import ALL, RAW, DataQualityParams
from studylib.ideas.data_quality.trials import cleaned_text, purposes, variants
from studylib.notebook import line, one_line, records
from studylib.spec.record_cleaned import CleanedRecord
from studylib.trials import Task
from studylib.words import Text

ALONE = Text(en="Each step as the only one", ja="各段階を単独で用いた場合")
FALSE_FACTS = Text(en="share of facts told falsely", ja="虚偽の事実の割合")
WITHOUT = Text(en="All steps but one", ja="一つだけ除いた全段階")


def cleaned_record(params: DataQualityParams) -> CleanedRecord:
    """What all the steps did to the raw text, each in its turn and alone.

    Raises
    ------
    StudyError
        It was not cleaned, or that failed.
    """
    return Task.under(params.folder, cleaned_text(params)).made()


def ways_of_cleaning(params: DataQualityParams) -> dict[str, list[str]]:
    """The variants but raw text, by what they say of a step: what it does alone, and what is lost without it."""
    found: dict[str, list[str]] = {"one step alone, and all": [], "all but one": []}
    for name in variants(params):
        if name != RAW:
            found["all but one" if name.startswith("all but") else "one step alone, and all"].append(name)
    return found


def deduplication_with_size(at: AtTarget, params: DataQualityParams) -> tuple[float, float] | None:
    """95 % interval of what deduplication alone saves at the largest size beyond the smallest, percent of the loss; None with one size,
    or where no group of steps does just that."""
    names = [f"only {name}" for name, own in params.grouped.items() if purposes(own) == {"deduplicate"}]
    changes = [one.change for one in at.effects if one.variant in names and one.change is not None]
    return (-changes[0][2], -changes[0][0]) if changes else None


class Examples:
    """Documents that were dropped or changed, a few a step; shows itself as a table, all of it escaped."""

    def __init__(self, record: CleanedRecord):
        self.rows = [
            {"step": step.cleaner, "why": one.reason, "is": one.label, "from": one.origin, "text": one_line(one.text)}
            for step in record.steps
            for one in step.examples
        ]

    def _repr_html_(self) -> str:
        return records(self.rows, rows=100) if self.rows else line(f"nothing was taken out, or {NO_TEXT}")


def each_alone(steps: pl.DataFrame) -> Comparison | None:
    """Every step by itself, and all of them, against raw text; None where nothing could be compared."""
    return Comparison.of(steps.filter(~pl.col("variant").str.starts_with("all but")), RAW, ALONE)


def all_but_one(steps: pl.DataFrame) -> Comparison | None:
    """What is lost when one step is left out, and when all are."""
    return Comparison.of(steps.filter(~pl.col("variant").str.starts_with("only")), ALL, WITHOUT)


def by_text(asked: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Answers about false facts, apart by the text that told them."""
    parts = asked.partition_by("text", as_dict=True, maintain_order=True) if len(asked) else {}
    return {str(text).replace(" ", "-"): rows for (text,), rows in parts.items()}


def at_most_false(asked: pl.DataFrame) -> pl.DataFrame:
    """Those at the highest rate of false facts; their variant is the text."""
    if asked.is_empty():
        return asked
    return asked.filter(pl.col("false_facts") == pl.col("false_facts").max()).with_columns(
        pl.col("text").alias("variant")
    )


def at_equal_text(scarce: pl.DataFrame, *, looks: int) -> dict[Basis, Decision]:
    """Of one amount of raw text, the runs that read as many tokens as it has; empty where fewer than two did.

    ``looks``: as of ``analysis.decide``.
    """
    full = scarce.filter((pl.col("epochs") * pl.col("left") - 1).abs() < _ROUNDED) if len(scarce) else scarce
    return {"text": decide(full, looks=looks)} if len(full) and full["variant"].n_unique() > 1 else {}


_ROUNDED = 0.02  # both are rounded in the tags


def measured_columns(trials: pl.DataFrame) -> list[str]:
    """What a table of the trials says beside their losses."""
    by_text = [name for name in trials.columns if name.startswith("val_bpb/")]
    return [name for name in ("false_facts", "left", "epochs") if name in trials.columns] + by_text


def as_record(record: CleanedRecord) -> dict[str, Any]:
    """For result.json: what is left, and what each step drops in its turn and alone."""
    return {
        "raw": record.raw.model_dump(), "kept": record.kept.model_dump(),
        "steps": {
            step.cleaner: {"dropped": step.dropped.model_dump(), "removed_bytes": step.removed_bytes}
            | ({"alone": step.alone.model_dump()} if step.alone is not None else {})
            for step in record.steps
        },
    }  # fmt: skip

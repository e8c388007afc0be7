"""Cleaning text: filters, corrections, deduplication, masks."""

from __future__ import annotations

from pathlib import Path

from studylib.spec import CleanedText
from studylib.spec.record_cleaned import CleanedRecord
from studylib.steps._kind import Context
from studylib.steps._prepared import Prepared, text_bytes

__all__ = ["cleaned"]

_BYTES_A_SECOND = 1.4e6  # of miniworld on one core, a dozen steps; measured alone too it takes half as long again


class Cleaned(Prepared):
    specification = CleanedText
    record = CleanedRecord
    marker = "record.json"
    quotes = ("steps.examples",)

    def seconds(self, step: CleanedText) -> float:
        return text_bytes(step.source.options) / _BYTES_A_SECOND * (1.5 if step.source.measure_alone else 1.0)

    def carry_out(self, step: CleanedText, folder: Path, context: Context) -> None:
        from studylib.data.texts import cleaned_source

        cleaned_source(step, folder.parents[1], progress=context.say, workers=context.threads)


cleaned = Cleaned()

"""Making text: from a model of the study, or by rule from its own text."""

from __future__ import annotations

import time
from pathlib import Path

from studylib.files import write_json
from studylib.spec import MadeText
from studylib.spec.record import MadeRecord, record_of
from studylib.steps._kind import Context, Kind

__all__ = ["made"]

TEXT_FILE = "text.jsonl"


class Made(Kind):
    """The text is ``text.jsonl`` in the step's folder, a row ``{"text": ...}`` a document."""

    specification = MadeText
    record = MadeRecord
    leaves_text = True

    def carry_out(self, step: MadeText, folder: Path, context: Context) -> None:
        from studylib.data.pseudo import write_made_text

        file, began = folder / TEXT_FILE, time.monotonic()
        if step.sampled_from is not None:
            from studylib.data.pseudo import SamplingSpec
            from studylib.train.sample import sample_text

            trial = context.out / step.sampled_from.name
            sampling = SamplingSpec.model_validate(step.how)
            record = sample_text(step.sampled_from, trial, context.out / "data", sampling, file, progress=context.say)
        else:
            from studylib.data import prepare
            from studylib.data.pseudo import rewrite

            prepared = prepare(step.rewritten_from, context.out / "data", progress=context.say)
            record = write_made_text(file, rewrite(prepared, step.source, step.how["rules"]))
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | record)


made = Made()

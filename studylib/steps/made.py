"""Making text: from a model of the study, or by rule from its own text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studylib.files import write_json
from studylib.spec import MadeText
from studylib.steps._kind import Context, Kind

__all__ = ["made"]

TEXT_FILE = "text.jsonl"


class Made(Kind):
    """The text is ``text.jsonl`` in the step's folder, a row ``{"text": ...}`` a document."""

    specification = MadeText

    def carry_out(self, step: MadeText, folder: Path, context: Context) -> dict[str, Any]:
        from studylib.data.pseudo import write_made_text

        file = folder / TEXT_FILE
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
        result = {"status": "done", "hash": step.hash, "label": step.label} | record
        write_json(folder / self.marker, result)
        return result


made = Made()

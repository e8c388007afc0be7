"""Measuring tokenizers: what each does to each kind of text."""

from __future__ import annotations

import time
from pathlib import Path

from studylib.files import write_json
from studylib.spec import TokenizerMeasure
from studylib.spec.record import TokenizationRecord, record_of
from studylib.steps._kind import Context, Kind

__all__ = ["tokenizations"]

_SECONDS_A_TEXT = 0.7  # twice a megabyte


class Tokenizations(Kind):
    specification = TokenizerMeasure
    record = TokenizationRecord

    def seconds(self, step: TokenizerMeasure) -> float:
        return _SECONDS_A_TEXT * len({label for one in (step.data, *step.others) for label in one.texts})

    def carry_out(self, step: TokenizerMeasure, folder: Path, context: Context) -> None:
        from studylib.data import Tokenizer, guarded_texts, prepare
        from studylib.data.measure import measure_tokenizer

        began, data_folder = time.monotonic(), context.out / "data"
        tokenizer = Tokenizer.load(prepare(step.data, data_folder, progress=context.say).tokenizer_file)
        texts = {
            label: text
            for one in (step.data, *step.others)
            for label, text in guarded_texts(one, data_folder, progress=context.say).items()
        }
        found = {
            label: measure_tokenizer(tokenizer, text.documents("validation"), max_bytes=step.bytes_each).as_dict()
            for label, text in texts.items()
        }
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | {"texts": found})


tokenizations = Tokenizations()

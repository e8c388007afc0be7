"""Reading text, passing it through the gate, and splitting it."""

from __future__ import annotations

from pathlib import Path

from studylib.spec import TextSpec
from studylib.steps._kind import Context
from studylib.steps._prepared import Prepared, text_bytes

__all__ = ["text"]

_BYTES_A_SECOND = 4e6  # of miniworld on one core


class Text(Prepared):
    specification = TextSpec

    def seconds(self, step: TextSpec) -> float:
        return text_bytes(step.source.options) / _BYTES_A_SECOND

    def carry_out(self, step: TextSpec, folder: Path, context: Context) -> None:
        from studylib.data.texts import guarded_text

        guarded_text(step, folder.parents[1], progress=context.say, workers=context.threads)


text = Text()

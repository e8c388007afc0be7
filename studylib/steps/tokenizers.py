"""Training tokenizers."""

from __future__ import annotations

from pathlib import Path

from studylib.spec import VocabularySpec
from studylib.steps._kind import Context
from studylib.steps._prepared import Prepared, text_bytes

__all__ = ["tokenizers"]

_BYTES_A_SECOND = 1e6


class Tokenizers(Prepared):
    specification = VocabularySpec

    def seconds(self, step: VocabularySpec) -> float:
        whole, asked = sum(text_bytes(one.source.options) for one in step.texts.values()), step.tokenizer.sample_bytes
        return (whole if asked == "all" or step.extends else min(whole, asked)) / _BYTES_A_SECOND

    def carry_out(self, step: VocabularySpec, folder: Path, context: Context) -> None:
        from studylib.data.vocabulary import trained_tokenizer

        trained_tokenizer(step, folder.parents[1], progress=context.say)


tokenizers = Tokenizers()

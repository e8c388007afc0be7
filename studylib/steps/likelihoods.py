"""Asking a trained model how likely it finds answers to choose from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from studylib.files import write_json
from studylib.model.cost import flops_per_token
from studylib.spec import LikelihoodSpec, ModelSpec
from studylib.spec.record import LikelihoodRecord, record_of
from studylib.steps._kind import Context, Kind
from studylib.steps._prepared import text_bytes

__all__ = ["likelihoods"]

_BYTES_A_TOKEN = 2.0  # of text: a pair is read twice, with one answer and with the other
_SECONDS_EACH = 1.5  # loading the model


class Likelihoods(Kind):
    """One array a source and side, float64 in the order of the shard, as ``.npy`` in the step's folder."""

    specification = LikelihoodSpec
    record = LikelihoodRecord

    def work(self, step: LikelihoodSpec) -> Sequence[tuple[ModelSpec, float]]:
        """One forward pass over the sources that are trained on, as far as their size is known without looking."""
        sources = (source for source in step.data.sources if source.weight > 0)
        tokens = sum(text_bytes(source.options) for source in sources) / _BYTES_A_TOKEN
        return [(step.trial.model, tokens * flops_per_token(step.trial.model) / 3)]

    def seconds(self, step: LikelihoodSpec) -> float:
        return _SECONDS_EACH

    def carry_out(self, step: LikelihoodSpec, folder: Path, context: Context) -> None:
        from studylib.train.likelihoods import write_likelihoods

        began = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        found = write_likelihoods(step, context.out, folder, say=context.say)
        write_json(folder / self.marker, record_of(step, time.monotonic() - began) | found)


likelihoods = Likelihoods()

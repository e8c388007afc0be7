"""A run's training rows: windows of its stream as its objective asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from studylib.choices.objective import Objective
from studylib.data.prepared import PreparedData
from studylib.data.staged import StagedStream
from studylib.data.tokenizer import EOS, PAD
from studylib.registry import OBJECTIVES
from studylib.rows import Batch, Marks, shares
from studylib.spec import TrialSpec

_LOOKED_AT = 16  # steps that the shares of a run are measured on


class TrainingRows:
    """Batches as a pure function of (seed, step).

    Parameters
    ----------
    references
        By source of pairs, the reference's log-probabilities of both answers of each, see `PairStream`; None: batches have none.
    """

    def __init__(self, prepared: PreparedData, spec: TrialSpec, references: Mapping[str, np.ndarray] | None = None):
        self.objective: Objective = OBJECTIVES[spec.objective.name](spec.objective)
        self._stream = StagedStream(prepared, spec, references)
        self._marks, self._seed, self._steps = marks_of(spec), spec.seed, spec.train_steps

    def batch(self, step: int) -> Batch:
        """The rows of step ``step`` (from 0), ``rows * length`` of them the same in every step."""
        if self.objective.rows != "windows":
            return self._stream.rows(step)
        return self.objective.batch(self._stream.batch(step), self._marks, self._seed, step)

    def measured(self) -> dict[str, Any]:
        """What is to be recorded of the last batch; nothing, where rows are only read."""
        return {}

    def prompts(self, step: int) -> list[np.ndarray]:
        """Where rows are sampled, the token ids that step ``step`` (from 0) asks for answers to."""
        return self._stream.prompts(step)

    def shares(self) -> dict[str, Any]:
        """``text_share`` (tokens of the rows that are text) and ``loss_share`` (positions predicted) over the run.

        From a few steps spread evenly over it, so a resumed run gives the same. Of conversations also, by source, how many
        are in how many rows, how many of them cut at the context, and how many left out since no answer is within it. Where rows
        are sampled, of prompts.
        """
        steps = np.unique(np.linspace(0, self._steps - 1, min(_LOOKED_AT, self._steps)).astype(int))
        found = {"conversations": self._stream.conversations()} if self.objective.rows != "windows" else {}
        if self.objective.rows == "sampled":  # what is text and what is learnt is not known before
            return found
        return shares([self.batch(int(step)) for step in steps]) | found


def marks_of(spec: TrialSpec) -> Marks:
    """The tokenizer's marks, and the first id behind its vocabulary."""
    return Marks(eos=EOS, pad=PAD, first_extra=spec.data.vocab_size)


def random_rows(spec: TrialSpec) -> Batch:
    """One step's rows with random tokens for text, to measure speed with."""
    size = (spec.global_batch_size, spec.model.seq_len + 1)
    windows = np.random.default_rng(0).integers(0, spec.data.vocab_size, size)
    return OBJECTIVES[spec.objective.name](spec.objective).batch(windows, marks_of(spec), 0, 0)

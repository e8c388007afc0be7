"""What a trained model thinks of answers to choose from: the reference that preferences are learnt against."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from studylib.errors import StudyError
from studylib.frozen import Frozen, Positive
from studylib.spec.data import DataSpec
from studylib.spec.step import Step
from studylib.spec.trial import TrialSpec, likelihood_hash


class LikelihoodSpec(Step, Frozen):
    """Log-probabilities of both answers of every pair of ``data``, under the last checkpoint of ``trial``."""

    folder: ClassVar[str] = "likelihoods"

    trial: TrialSpec
    data: DataSpec
    seq_len: Positive

    @cached_property
    def hash(self) -> str:
        return likelihood_hash(self.trial.hash, self.data, self.seq_len)

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data, self.trial.keeping_its_end())

    @property
    def label(self) -> str:
        return f"likelihoods under {self.trial.label}"


def likelihood_of(trial: TrialSpec, parent: TrialSpec) -> LikelihoodSpec:
    """The step that ``trial``, of an objective that ``reads_likelihoods``, reads; ``parent`` is the trial that it starts from.

    Raises
    ------
    StudyError
        ``trial`` reads no such step, or starts from another trial.
    """
    step = LikelihoodSpec(trial=parent, data=trial.data, seq_len=trial.model.seq_len)
    if step.name not in trial.reads:
        raise StudyError(f"trial {trial.hash} ({trial.label}) reads no likelihoods under trial {parent.hash}")
    return step

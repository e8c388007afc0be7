"""Texts that a model is asked to weigh against each other, and questions with their answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from studylib.data import PreparedData, Tokenizer
from studylib.data.miniworld.facts import Question
from studylib.errors import invalid
from studylib.parallel import World
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import token_losses
from studylib.train.validation import EVALUATION_TOKENS


class Weighed:
    """Groups of texts, as many in each; a group is left out if one of its texts is longer than the model's context.

    Parameters
    ----------
    probe, what
        Whose they are and what a group is, for messages.
    groups
        Looked at until there are ``most`` that fit.
    fewest
        So many must fit.

    Attributes
    ----------
    kept
        Numbers of the groups that are asked.

    Raises
    ------
    StudyError
        Fewer than ``fewest`` fit the context.
    """

    def __init__(
        self,
        probe: str,
        what: str,
        groups: Iterable[Sequence[str]],
        spec: TrialSpec,
        prepared: PreparedData,
        *,
        most: int,
        fewest: int,
    ):
        tokenizer, seq_len = Tokenizer.load(prepared.tokenizer_file), spec.model.seq_len
        self.kept: list[int] = []
        found: list[np.ndarray] = []
        for number, texts in enumerate(groups):
            encoded = tokenizer.encode_batch(texts)
            if max(map(len, encoded)) <= seq_len:
                self.kept.append(number)
                found += encoded
            if len(self.kept) == most:
                break
        if len(self.kept) < fewest:
            why = f"asks {what} too long for a context of {seq_len} tokens; give model.seq_len more, or a larger vocabulary"
            raise invalid("probes", probe, why)
        self._lengths = np.array([len(tokens) for tokens in found])
        self._rows = np.full((len(found), self._lengths.max() + 1), tokenizer.eos_id, dtype=np.int64)
        for row, tokens in zip(self._rows, found, strict=True):
            row[1 : 1 + len(tokens)] = tokens
        self._batch_rows = max(spec.micro_batch_size, EVALUATION_TOKENS // seq_len)

    def log_likelihoods(self, model: Any, world: World, compute: Compute) -> np.ndarray:
        """Of each text behind an end of text, in nats: float64 [groups, texts of a group]."""
        losses = token_losses(model, world, compute, self._rows, self._batch_rows)
        told = np.arange(losses.shape[1]) < self._lengths[:, None]
        return -(losses * told).sum(axis=1).reshape(len(self.kept), -1)


class Asked(Weighed):
    """Questions that fit the context, each with as many answers.

    An answer's score is the log-likelihood of the text that gives it, less that of the same words behind a lead about
    another entity (pointwise mutual information): for a model that does not know the fact, right and wrong answers have
    the same expectation, however long or common they are.
    """

    def __init__(
        self,
        probe: str,
        questions: Sequence[Question],
        spec: TrialSpec,
        prepared: PreparedData,
        *,
        most: int,
        fewest: int,
    ):
        groups = ((*one.answers, *one.controls) for one in questions)
        super().__init__(probe, "questions", groups, spec, prepared, most=most, fewest=fewest)
        self.facts = [questions[number].fact for number in self.kept]

    def scores(self, model: Any, world: World, compute: Compute) -> np.ndarray:
        """Nats, float64 [questions, answers]; the right answer stands first."""
        likelihoods = self.log_likelihoods(model, world, compute)
        answers = likelihoods.shape[1] // 2
        return likelihoods[:, :answers] - likelihoods[:, answers:]

"""Facts of miniworld: is what only English tells known in Japanese?"""

from __future__ import annotations

from typing import Any

import numpy as np

from studylib.data import PreparedData, Tokenizer
from studylib.data.miniworld.facts import Question, questions
from studylib.errors import invalid
from studylib.parallel import World
from studylib.spec import DataSpec, SourceSpec, TrialSpec
from studylib.train.compute import Compute
from studylib.train.probe import token_losses

__all__ = ["Facts"]

QUESTIONS, WRONG = 72, 3
# Group: in which language it is asked, and whether English alone tells it.
GROUPS = {
    "english_only_in_japanese": ("ja", True),
    "english_only_in_english": ("en", True),
    "both_in_japanese": ("ja", False),
}


class Facts:
    """The likelihood of a text with the right answer against the same text with wrong ones.

    Three groups of questions: what English alone tells, asked in Japanese (transfer between the languages) and in English
    (is it known at all?), and what both languages tell, asked in Japanese.
    """

    def __init__(self, spec: TrialSpec, prepared: PreparedData):
        japanese, _ = miniworld_sources(spec.data)
        seed, share = japanese.options.get("seed", 0), japanese.options.get("english_only", 0.2)
        tokenizer = Tokenizer.load(prepared.tokenizer_file)
        self._groups: dict[str, np.ndarray] = {}
        self._lengths: dict[str, np.ndarray] = {}
        for name, (language, secret) in GROUPS.items():
            asked = questions(language, seed, english_only_share=share, secret=secret, count=QUESTIONS, wrong=WRONG)
            if asked:  # english_only: 0 keeps nothing from Japanese
                self._groups[name], self._lengths[name] = _rows(asked, tokenizer, spec.model.seq_len)
        self._batch_rows = max(spec.micro_batch_size, 16)

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, dict[str, float]]:
        """By group: ``accuracy`` (``chance`` for a model that knows nothing), ``margin`` (nats by which the right
        answer's log-likelihood exceeds the mean of the wrong ones) and the number of ``questions``.
        """
        found = {}
        for name, rows in self._groups.items():
            losses = token_losses(model, world, compute, rows, self._batch_rows)
            told = np.arange(losses.shape[1]) < self._lengths[name][:, None]
            scores = -(losses * told).sum(axis=1).reshape(-1, WRONG + 1)
            found[name] = {
                "accuracy": float((scores[:, 0] > scores[:, 1:].max(axis=1)).mean()),
                "margin": float((scores[:, 0] - scores[:, 1:].mean(axis=1)).mean()),
                "chance": 1 / (WRONG + 1),
                "questions": len(scores),
            }
        return found


def miniworld_sources(data: DataSpec) -> tuple[SourceSpec, SourceSpec]:
    """The Japanese and the English miniworld source of one world.

    Raises
    ------
    StudyError
        The data lack one, or the two tell of different worlds.
    """
    found = {
        source.options.get("register", "ja"): source
        for source in data.sources
        if source.kind == "miniworld" and not source.auxiliary
    }
    if not {"ja", "en"} <= found.keys():
        why = "asks about facts of miniworld and needs its registers ja and en among the sources"
        raise invalid("probes", "facts", why)
    japanese, english = found["ja"], found["en"]
    if japanese.options.get("seed", 0) != english.options.get("seed", 0):
        why = "needs Japanese and English miniworld of one seed"
        raise invalid("probes", "facts", why)
    return japanese, english


def _rows(asked: list[Question], tokenizer: Tokenizer, seq_len: int) -> tuple[np.ndarray, np.ndarray]:
    """Every answer's text as a row: int64 [answers, seq_len + 1], and how many of its tokens are predicted [answers]."""
    rows, lengths = [], []
    for question in asked:
        texts = [np.concatenate([[tokenizer.eos_id], tokens]) for tokens in tokenizer.encode_batch(question.answers)]
        # Too long for the context: what is cut is the beginning, the same of all answers.
        cut = max(0, max(map(len, texts)) - (seq_len + 1))
        for text in texts:
            row = np.full(seq_len + 1, tokenizer.eos_id, dtype=np.int64)
            row[: len(text) - cut] = text[cut:]
            rows.append(row)
            lengths.append(len(text) - cut - 1)
    return np.stack(rows), np.array(lengths)

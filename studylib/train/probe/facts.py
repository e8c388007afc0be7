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
from studylib.train.evaluate import EVALUATION_TOKENS
from studylib.train.probe import Probe, token_losses

__all__ = ["Facts"]

QUESTIONS, WRONG, FEWEST = 48, 3, 12
# Group: in which language it is asked, and whether English alone tells it.
GROUPS = {
    "english_only_in_japanese": ("ja", True),
    "english_only_in_english": ("en", True),
    "both_in_japanese": ("ja", False),
}


class Facts(Probe):
    """How much likelier the entity makes the right answer than wrong ones.

    An answer's score is the log-likelihood of the text that gives it, less that of the same words behind a lead about
    another entity (pointwise mutual information): for a model that does not know the fact, right and wrong answers have
    the same expectation, however long or common they are.

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
            asked = questions(language, seed, english_only_share=share, secret=secret, count=5 * QUESTIONS, wrong=WRONG)
            if asked:  # english_only: 0 keeps nothing from Japanese
                self._groups[name], self._lengths[name] = _rows(asked, tokenizer, spec.model.seq_len)
        self._batch_rows = max(spec.micro_batch_size, EVALUATION_TOKENS // spec.model.seq_len)

    def measure(self, model: Any, world: World, compute: Compute) -> dict[str, dict[str, float]]:
        """By group: ``accuracy`` (``chance`` for a model that knows nothing), ``margin`` (nats by which the right
        answer's score exceeds the mean of the wrong ones), its standard ``error`` over questions, and their number.
        """
        found = {}
        for name, rows in self._groups.items():
            losses = token_losses(model, world, compute, rows, self._batch_rows)
            told = np.arange(losses.shape[1]) < self._lengths[name][:, None]
            likelihood = -(losses * told).sum(axis=1).reshape(-1, 2, WRONG + 1)
            scores = likelihood[:, 0] - likelihood[:, 1]
            margins = scores[:, 0] - scores[:, 1:].mean(axis=1)
            found[name] = {
                "accuracy": float((scores[:, 0] > scores[:, 1:].max(axis=1)).mean()),
                "margin": float(margins.mean()),
                "error": float(margins.std(ddof=1) / len(margins) ** 0.5),
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
    """The questions that fit the context, all answers, then all controls of each: a text a row.

    Returns the rows, int64 [texts, length + 1], and how many of each one's tokens are predicted, [texts].
    """
    found: list[np.ndarray] = []
    for question in asked:
        encoded = tokenizer.encode_batch((*question.answers, *question.controls))
        if max(map(len, encoded)) <= seq_len and len(found) < QUESTIONS * 2 * (WRONG + 1):
            found += [np.concatenate([[tokenizer.eos_id], tokens]) for tokens in encoded]
    if len(found) < FEWEST * 2 * (WRONG + 1):
        why = f"asks questions too long for a context of {seq_len} tokens; give model.seq_len more, or a larger vocabulary"
        raise invalid("probes", "facts", why)
    rows = np.full((len(found), max(map(len, found))), tokenizer.eos_id, dtype=np.int64)
    for row, text in zip(rows, found, strict=True):
        row[: len(text)] = text
    return rows, np.array([len(text) - 1 for text in found])

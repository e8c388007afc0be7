"""What other models think of answers that one has written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studylib.errors import invalid
from studylib.rows import Row
from studylib.train.benchmark import Asked
from studylib.train.benchmark._answers import Answer
from studylib.train.benchmark._likelihood import log_likelihoods
from studylib.train.rewards import check_tells_rewards, rewards
from studylib.train.trained import Trained


def opinions(asked: Asked, written: Sequence[Answer]) -> dict[str, list[float | None]]:
    """Columns, a number an answer.

    With a reference ``log_p`` and ``log_p_reference``, of an answer and, where there is one, its end, in nats, and ``kl``, their
    difference; with a reward model ``reward``, None where the answer filled the context, so that no end of it can be read.

    Raises
    ------
    StudyError
        The other model has other tokens or reads fewer, or was not trained to tell rewards.
    """
    found: dict[str, list[float | None]] = {}
    trained, end = asked.trained, asked.trained.encoder.end_id
    if asked.reference is not None:
        rows = [_row(answer, end if answer.ended else None) for answer in written]
        _check("reference", asked.reference, trained)
        own, theirs = (log_likelihoods(one, rows) for one in (trained, asked.reference))
        found |= {"log_p": own.tolist(), "log_p_reference": theirs.tolist(), "kl": (own - theirs).tolist()}
    if asked.reward_model is not None:
        judge, whole = asked.reward_model, [_row(answer, end).tokens for answer in written]
        _check("reward_model", judge, trained)
        check_tells_rewards(judge.trial, "evaluation.reward_model")
        numbers = [number for number, tokens in enumerate(whole) if len(tokens) <= judge.seq_len]
        worth = rewards(judge.model, judge.world, judge.compute, [whole[number] for number in numbers])
        by_number = dict(zip(numbers, worth.tolist(), strict=True))
        found["reward"] = [by_number.get(number) for number in range(len(whole))]
    return found


def _row(answer: Answer, end: int | None) -> Row:
    tokens = np.array([*answer.prompt, *answer.tokens, *([] if end is None else [end])], dtype=np.int64)
    return Row(tokens, len(answer.prompt), len(tokens))


def _check(field: str, other: Trained, trained: Trained) -> None:
    if other.tokenizer.pieces[: trained.tokenizer.vocab_size] != trained.tokenizer.pieces:
        raise invalid(f"evaluation.{field}", other.trial.hash, "reads other tokens than the trial writes")
    if other.seq_len < trained.seq_len:
        why = f"reads {other.seq_len} tokens, fewer than the {trained.seq_len} of the trial (model.seq_len)"
        raise invalid(f"evaluation.{field}", other.trial.hash, why)

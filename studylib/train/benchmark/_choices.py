"""Questions with choices: which one does a model find likeliest?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from studylib.errors import invalid
from studylib.train.benchmark._likelihood import answer_rows, fits, log_likelihoods
from studylib.train.benchmark._measured import Choices, Measured, Row
from studylib.train.trained import Trained

FEWEST = 12  # items without which there is no score
_SCORES = {"accuracy": "right", "accuracy_raw": "right_raw", "accuracy_less_prior": "right_less_prior",
           "margin": "margin", "chance": "chance"}  # fmt: skip


def choose(trained: Trained, benchmark: str, asked: Sequence[Choices], *, by: Sequence[str] = ()) -> Measured:
    """Accuracy of the choice that is likeliest as the answer, its end not counted.

    ``accuracy``: by log-likelihood a byte of UTF-8, so that length costs nothing; ``accuracy_raw``: as it is;
    ``accuracy_less_prior``: less that of the same answer to nothing (pointwise mutual information, Holtzman et al. 2021, arXiv
    2104.08315). ``margin``: nats a byte by which the right one is above the mean of the others. ``chance``: what guessing gives.
    Of equally likely ones each counts in part.

    Raises
    ------
    StudyError
        The context holds fewer than ``FEWEST`` items; those that it does not hold are left out and counted.
    """
    every = [choice for one in asked for choice in one.choices]
    rows = answer_rows(trained.encoder, [one.prompt for one in asked for _ in one.choices], every)
    owners = np.repeat(np.arange(len(asked)), [len(one.choices) for one in asked])
    too_long = {asked[owner].item for owner, row in zip(owners, rows, strict=True) if not fits(trained, row)}
    kept = check_items(trained, benchmark, asked, too_long)
    mine = [number for number, owner in enumerate(owners) if asked[owner].item not in too_long]
    raw = log_likelihoods(trained, [rows[number] for number in mine])
    different = list(dict.fromkeys(every[number] for number in mine))
    alone = log_likelihoods(trained, answer_rows(trained.encoder, [()] * len(different), different))
    priors = dict(zip(different, alone, strict=True))
    found, at = [], 0
    for one in kept:
        found.append(_row(one, raw[at : at + len(one.choices)], np.array([priors[choice] for choice in one.choices])))
        at += len(one.choices)
    return Measured.of(found, _SCORES, by=by, exact=("chance",), left_out=len(too_long))


def check_items(trained: Trained, benchmark: str, asked: Sequence[Any], too_long: set[str]) -> list[Any]:
    """Those of ``asked`` (which have an ``item``) that are not ``too_long``; StudyError where these are fewer than ``FEWEST`` items."""
    kept = [one for one in asked if one.item not in too_long]
    items = len({one.item for one in asked})
    if items - len(too_long) < FEWEST:
        why = f"has {items} questions, of which {items - len(too_long)} fit a context of {trained.seq_len} tokens"
        raise invalid("evaluation.benchmark", benchmark, f"{why}; {FEWEST} are needed (model.seq_len, questions)")
    return kept


def _row(one: Choices, raw: np.ndarray, prior: np.ndarray) -> Row:
    sizes = np.array([len(choice.encode()) for choice in one.choices])
    a_byte = raw / sizes
    return {
        "item": one.item, **one.about, "question": "\n".join(message.content for message in one.prompt), "answer": one.choices[one.right],
        "chosen": one.choices[int(a_byte.argmax())], "right": _credit(a_byte, one.right),
        "right_raw": _credit(raw, one.right), "right_less_prior": _credit(raw - prior, one.right),
        "margin": float(a_byte[one.right] - np.delete(a_byte, one.right).mean()), "chance": 1 / len(one.choices),
    }  # fmt: skip


def _credit(scores: np.ndarray, right: int) -> float:
    best = scores == scores.max()
    return float(best[right] / best.sum())

"""Questions with choices: which one does a model find likeliest?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studylib.train.benchmark._fitting import only_fitting
from studylib.train.benchmark._likelihood import answer_rows, log_likelihoods
from studylib.train.benchmark._measured import Choices, Measured, Row
from studylib.train.trained import Trained

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
    kept, rows, left_out = only_fitting(trained, benchmark, asked, [one.choices for one in asked])
    raw = log_likelihoods(trained, rows)
    different = list(dict.fromkeys(choice for one in kept for choice in one.choices))
    alone = log_likelihoods(trained, answer_rows(trained.encoder, [()] * len(different), different))
    priors = dict(zip(different, alone, strict=True))
    found, at = [], 0
    for one in kept:
        found.append(_row(one, raw[at : at + len(one.choices)], np.array([priors[choice] for choice in one.choices])))
        at += len(one.choices)
    return Measured.of(found, _SCORES, by=by, exact=("chance",), left_out=left_out)


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

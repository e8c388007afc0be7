"""Which questions a model's context holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from studylib.errors import invalid
from studylib.rows import Row
from studylib.train.benchmark._likelihood import Prompt, answer_rows, fits
from studylib.train.trained import Trained

FEWEST = 12  # items without which there is no score


class _Asked(Protocol):
    @property
    def item(self) -> str: ...

    @property
    def prompt(self) -> Prompt: ...


One = TypeVar("One", bound=_Asked)


def only_fitting(
    trained: Trained, benchmark: str, asked: Sequence[One], answers: Sequence[Sequence[str]], *, ended: bool = False
) -> tuple[list[One], list[Row], int]:
    """Those whose item the context holds however it is asked, with every one of the ``answers`` (``ended``: and its end).

    Returns
    -------
    Them, a row for each of their answers in order (`answer_rows`), and how many items are left out.

    Raises
    ------
    StudyError
        The context holds fewer than ``FEWEST`` items.
    """
    owners = np.repeat(np.arange(len(asked)), [len(each) for each in answers])
    prompts = [asked[owner].prompt for owner in owners]
    rows = answer_rows(trained.encoder, prompts, [answer for each in answers for answer in each], ended=ended)
    too_long = {asked[owner].item for owner, row in zip(owners, rows, strict=True) if not fits(trained, row)}
    items = len({one.item for one in asked})
    if items - len(too_long) < FEWEST:
        why = f"has {items} questions, of which {items - len(too_long)} fit a context of {trained.seq_len} tokens"
        raise invalid("evaluation.benchmark", benchmark, f"{why}; {FEWEST} are needed (model.seq_len, questions)")
    kept = [one for one in asked if one.item not in too_long]
    own = [row for owner, row in zip(owners, rows, strict=True) if asked[owner].item not in too_long]
    return kept, own, len(too_long)

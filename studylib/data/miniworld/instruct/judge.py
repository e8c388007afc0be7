"""What an answer is worth, by rule and by the world's truth alone; no model is asked."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from studylib.data.miniworld.instruct.exercise import Exercise

__all__ = ["Judgement", "judge"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Four scores between 0 and 1.

    Attributes
    ----------
    truth
        It names what is right and, of what the same thing is of others, nothing that is wrong.
    topic
        It is about what was asked for, in every sentence, and not much longer than an answer needs.
    manner
        Its sentences end politely, and nothing in them is broken.
    ending
        It came to its end by itself: it is not cut, repeats nothing, and does not go on with somebody else's turn.
    """

    truth: float
    topic: float
    manner: float
    ending: float

    @property
    def score(self) -> float:
        return sum(astuple(self)) / 4


def judge(exercise: Exercise, written: str, ended: bool = True, *, seed: int = 0) -> Judgement:
    """Judge what was written as an exercise's answer.

    Parameters
    ----------
    ended
        Whether it was ended by who wrote it, not by a limit.
    seed
        Of the world that the exercise is about.
    """
    raise NotImplementedError

"""What an answer is worth, by rule and by the world's truth alone; no model is asked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import astuple, dataclass

from studylib.data.miniworld.instruct.exercise import Exercise
from studylib.data.miniworld.instruct.names import entities, everything, own_name, possible, relation_of, said_before
from studylib.data.miniworld.instruct.politeness import is_broken, is_plain, is_polite

__all__ = ["Judgement", "judge"]

_BLANK = "〓"  # stands where a name was that says nothing
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*")
_FINISHED = ("。", "！", "？", "!", "?")
_ASKS = re.compile(r"(?:か|ください|下さい|なさい|教えて|？|\?)$")
_ROOM = 10  # characters beside twice those of the right answer, until an answer is too long
_BESIDES = 2  # other things that a sentence may name, before it is a heap of words
_LOOP = re.compile(r"(.{4,})\1|(.{2,3})\2\2")
_SOMEBODYS_TURN = re.compile(r"\n|<\||\|>|###|(?:質問|回答|指示|応答|ユーザー|user|assistant)\s*[:：]")


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
    """Judge what was written as an exercise's answer, asked in a wording that wants words.

    Parameters
    ----------
    ended
        Whether it was ended by who wrote it, not by a limit.
    seed
        Of the world that the exercise is about.
    """
    text = written.strip()
    if not text:
        return Judgement(0.0, 0.0, 0.0, 0.0)
    sentences = [one.strip() for one in _SENTENCE.findall(text) if one.strip()]
    ending = ended and not _SOMEBODYS_TURN.search(text) and _is_finished(exercise, sentences)
    return Judgement(
        _truth(exercise, sentences, seed), _topic(exercise, text, sentences, seed), _manner(exercise, text, sentences),
        float(ending),
    )  # fmt: skip


def _truth(exercise: Exercise, sentences: list[str], seed: int) -> float:
    """The share of what was asked for that is named; 0 if anything wrong is. Too many are as bad as too few.

    What is said of others is another question's.
    """
    names, own = possible(exercise, seed), own_name(exercise, seed)
    text = "\n".join(one for one in sentences if not _of_another(exercise, one, seed))
    hidden = own if own and not any(own in key for key in exercise.keys) else None
    named = set(names.named(_without(text, hidden), exercise.keys))
    right = named.intersection(exercise.keys)
    given = {one for phrase in said_before(exercise) for one in names.named(_without(phrase, hidden))}
    if not right or named - right - given:
        return 0.0
    return min(len(right), exercise.needed) / max(len(right), exercise.needed)


def _topic(exercise: Exercise, text: str, sentences: list[str], seed: int) -> float:
    """The part of the text, in characters, that is about the question, less for what is too long."""
    about = sum(len(one) * _about(exercise, one, seed) for one in sentences) / max(sum(map(len, sentences)), 1)
    most = 2 * len(exercise.answer) + _ROOM
    return about * min(max(2 - len(text) / most, 0.0), 1.0)


def _about(exercise: Exercise, sentence: str, seed: int) -> float:
    """1 where something is said that can be an answer, right or wrong; 0.5 where only what was asked for is named."""
    own = own_name(exercise, seed)
    names, said = possible(exercise, seed), tuple(said_before(exercise))
    if _asks(exercise, sentence) or _of_another(exercise, sentence, seed):
        return 0.0
    if names.named(_without(sentence, own), exercise.keys):
        besides = set(everything(seed).named(sentence)) - names.texts - {own, *exercise.keys}
        return float(len(besides) <= _BESIDES)
    asked = said[0].replace(own, "").lstrip("のがをで『』「」") if own else said[0]
    itself = own if relation_of(exercise.fact) is None else ""
    return 0.5 if any(one and one in sentence for one in (asked, itself)) else 0.0


def _of_another(exercise: Exercise, sentence: str, seed: int) -> bool:
    """Whether a sentence says something of somebody or something that the question does not name, and nothing of what it does."""
    own = own_name(exercise, seed)
    subject, particle, _ = sentence.partition("は")
    if not particle or (own and own in sentence):
        return False
    given = {one for phrase in said_before(exercise) for one in entities(seed).named(phrase)}
    others = set(entities(seed).named(subject)) - given - set(exercise.keys)
    answers = possible(exercise, seed).texts
    return any(one != subject.strip("「」『』") or one not in answers for one in others)


def _manner(exercise: Exercise, text: str, sentences: list[str]) -> float:
    """The share of the finished sentences that are polite; 0 if anything is broken. A word alone will do where one is asked for."""
    bare = not exercise.answer.endswith(_FINISHED)
    finished = [one for one in sentences if one.endswith(_FINISHED)] or sentences[:1]
    if not finished or is_broken(text, [key for key in exercise.keys if not is_polite(key)]):
        return 0.0
    polite = (is_polite(one) or (bare and not one.endswith(_FINISHED) and not is_plain(one)) for one in finished)
    return sum(polite) / len(finished)


def _is_finished(exercise: Exercise, sentences: list[str]) -> bool:
    if not sentences:
        return False
    said = Counter(one.rstrip("".join(_FINISHED)) for one in sentences)
    if max(said.values()) > 1 or any(map(_LOOP.search, sentences)) or any(_asks(exercise, one) for one in sentences):
        return False
    bare = not exercise.answer.endswith(_FINISHED)
    return bare or sentences[-1].endswith(_FINISHED) or is_polite(sentences[-1])


def _asks(exercise: Exercise, sentence: str) -> bool:
    said = sentence.rstrip("。！!")
    return _ASKS.search(said) is not None and not said.endswith(exercise.keys)


def _without(text: str, name: str | None) -> str:
    return text.replace(name, _BLANK) if name else text

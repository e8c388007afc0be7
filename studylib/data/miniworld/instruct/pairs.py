"""Pairs of answers to a question about the world, of which one is better in one thing and otherwise much alike.

truth
    ``false``: a wrong value in place of the right one.
topic
    ``other``: a true answer to another question; ``rambling``: the answer, and true ones to questions that nobody asked.
manner
    ``plain``: だ for です; ``broken``: it stammers, or a bracket stays open.
ending
    ``repeat``: it says the same again and again; ``next_turn``: it asks and answers the next question; both are cut within a sentence, as
    by a limit. ``cut``: it is cut before its end.

Not everywhere is the worse answer the longer one: other answers, plain ends and cut ones are longer and shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.exercise import Exercise, Task
from studylib.data.miniworld.instruct.exercises import exercises
from studylib.data.miniworld.instruct.facts import Facts, Secret
from studylib.data.miniworld.instruct.names import possible, relation_of, said_before
from studylib.data.miniworld.instruct.politeness import PLAIN
from studylib.data.miniworld.instruct.relations import RELATIONS
from studylib.data.miniworld.instruct.wordings import answer, ask, first_wordings

About = Literal["truth", "topic", "manner", "ending"]
ABOUT: tuple[About, ...] = get_args(About)

_SHORT = 0.3  # of answers in a sentence: the value alone and です
_RAMBLING = 0.5
_BROKEN = 0.5
_TRIES = 24
_NEAREST = 6  # wrong values to take that of the nearest length from
_RUNS_ON = (30, 90)  # characters behind the answer


@dataclass(frozen=True, slots=True)
class Pair:
    """Attributes
    ----------
    about, way
        What the chosen answer is better in, and how the other was made worse.
    told
        All facts that prompt and answers tell.
    """

    exercise: Exercise
    wording: int
    about: About
    way: str
    chosen: str
    rejected: str
    told: tuple[str, ...]


class _Made(NamedTuple):
    way: str
    chosen: str
    rejected: str
    told: tuple[str, ...] = ()  # beside what the exercise tells


class Pairs:
    """Pair ``number``, the same whatever was asked for before.

    Parameters
    ----------
    secret
        Which facts must not be told.
    about
        Weights of what they are about.
    wordings
        How many wordings there are.
    """

    def __init__(self, seed: int, secret: Secret, about: Mapping[About, float], tasks: Sequence[Task], wordings: int):
        self._seed, self._facts = seed, Facts(seed, secret, exam=False)
        self._weights = [(one, about.get(one, 0.0)) for one in ABOUT]
        self._tasks = [exercises(task, seed, secret) for task in tasks]
        self._talk = exercises("conversation", seed, secret)
        self._wordings = first_wordings(seed, wordings)
        self._ways: dict[About, Callable[[Exercise, Draw], _Made | None]] = {
            "truth": self._false, "topic": self._off_topic, "manner": self._ill_mannered, "ending": self._endless,
        }  # fmt: skip

    def __call__(self, number: int) -> Pair:
        draw = Draw("preferences", self._seed, number)
        about, place = self._about(draw), draw.unit()
        while True:
            exercise = draw.pick(self._tasks)(draw)
            made = self._ways[about](exercise, draw)
            if made is None:
                continue
            way, chosen, rejected, told = made
            # Of questions with choices those wordings that want words, not marks.
            fitting = [one for one in self._wordings if answer(exercise, one) == exercise.answer]
            wording = fitting[int(place * len(fitting))]
            return Pair(exercise, wording, about, way, chosen, rejected, (*exercise.told, *told))

    def _about(self, draw: Draw) -> About:
        left = draw.unit() * sum(weight for _, weight in self._weights)
        for one, weight in self._weights:
            left -= weight
            if left < 0:
                return one
        return max(self._weights, key=lambda pair: pair[1])[0]

    def _false(self, exercise: Exercise, draw: Draw) -> _Made | None:
        right = self._said_value(exercise, draw)
        wrong = None if right is None else self._wrong(exercise, right, draw)
        if right is None or wrong is None:
            return None
        said = self._answer(exercise, draw)
        before, found, behind = said.rpartition(right)
        return _Made("false", said, before + wrong + behind) if found else None

    def _said_value(self, exercise: Exercise, draw: Draw) -> str | None:
        """The word of the answer that is to be false."""
        if exercise.sort == "explain":
            return draw.pick(exercise.keys[: len(exercise.told) - 1])  # those of relations; what it is comes last
        if exercise.sort in ("list", "example"):
            return draw.pick(exercise.answer.removesuffix("です。").split("、"))
        relation = relation_of(exercise.fact)
        if exercise.sort == "polite" and relation is not None:
            return self._facts.value(relation, int(exercise.fact.split("/")[1]))
        return exercise.keys[0]

    def _wrong(self, exercise: Exercise, right: str, draw: Draw) -> str | None:
        """Of a few that are as good as drawn, the one whose length is nearest to the right one's."""
        given = [*said_before(exercise), *exercise.keys]
        found = []
        for _ in range(_TRIES):
            one = self._value_of_another(exercise, right, draw)
            if one is not None and one not in exercise.keys and not any(one in said or said in one for said in given):
                found.append(one)
            if len(found) == _NEAREST:
                break
        return min(found, key=lambda one: abs(len(one) - len(right)), default=None)

    def _value_of_another(self, exercise: Exercise, right: str, draw: Draw) -> str | None:
        """What the same thing is of another entity, common ones more often; else any word of the kind."""
        fact = exercise.fact
        if exercise.sort == "explain":
            fact = exercise.told[1 + exercise.keys.index(right)]
        relation = None if exercise.choices or exercise.sort == "reading" else relation_of(fact)
        if relation is None:
            return draw.pick(possible(exercise, self._seed).in_order)
        return self._facts.value(relation, self._facts.common(draw, relation.kind))

    def _off_topic(self, exercise: Exercise, draw: Draw) -> _Made | None:
        if draw.chance(_RAMBLING):
            others = [self._other(exercise, draw) for _ in range(draw.between(1, 3))]
            sentences = [_in_a_sentence(exercise.answer), *(one.answer for one in others)]
            if draw.chance(0.25):
                sentences.reverse()
            told = tuple(fact for one in others for fact in one.told)
            return _Made("rambling", exercise.answer, "".join(sentences), told)
        relation = relation_of(exercise.fact)
        if relation is None or exercise.task != "conversation":
            other = self._other(exercise, draw)
            said = other.answer if _is_sentence(exercise.answer) else other.keys[0]
            return _Made("other", exercise.answer, said, other.told)
        entity = int(exercise.fact.split("/")[1])
        for _ in range(_TRIES):
            # Another kind of answer, so that it is not taken for a wrong one.
            another = draw.pick(RELATIONS)
            apart = another.kind == relation.kind and another.group != relation.group
            if not apart or not self._facts.mine(another.fact(entity)):
                continue
            value = self._facts.value(another, entity)
            if value is not None and value not in possible(exercise, self._seed).texts:
                phrase = self._facts.phrase(another, entity)
                if exercise.earlier:
                    phrase = self._facts.noun(another, entity)
                return _Made("other", exercise.answer, f"{phrase}は{value}です。", (another.fact(entity),))
        return None

    def _other(self, exercise: Exercise, draw: Draw) -> Exercise:
        """A question about another entity that names it, and has another answer."""
        while True:
            one = self._talk(draw)
            same = one.question in exercise.question or one.fact.split("/")[:2] == exercise.fact.split("/")[:2]
            if one.earlier or same or any(key in one.answer for key in exercise.keys):
                continue
            if not possible(exercise, self._seed).named(one.keys[0]):
                return one

    def _ill_mannered(self, exercise: Exercise, draw: Draw) -> _Made | None:
        said = self._answer(exercise, draw, whole=True)
        polite = next((one for one in PLAIN if said.endswith(f"{one}。")), None)
        if polite is None:
            return None
        begin = said.removesuffix(f"{polite}。")
        if not draw.chance(_BROKEN):
            return _Made("plain", said, f"{begin}{draw.pick(PLAIN[polite])}。")
        broken = [f"「{said}"]
        broken += [f"{begin}{end}。" for end in (polite + polite, "でで", "すで", f"、、{polite}")]
        if "は" in begin:
            first, _, rest = begin.partition("は")
            broken += [f"{first}はは{rest}{polite}。", f"{first}は、は{rest}{polite}。"]
        return _Made("broken", said, draw.pick(broken))

    def _endless(self, exercise: Exercise, draw: Draw) -> _Made | None:
        said, way = self._answer(exercise, draw, whole=True), draw.pick(("repeat", "next_turn", "cut"))
        if way == "cut" and not _is_sentence(exercise.answer):  # where a word will do, who can tell
            way = "repeat"
        if way == "cut":
            return _Made(way, said, said[: draw.between(len(said) // 3, len(said) - 3)])
        most, told = draw.between(*_RUNS_ON), ()
        if way == "repeat":
            more = said * (2 + most // len(said))
        else:
            others = [self._talk(draw) for _ in range(4)]
            told = tuple(fact for one in others for fact in one.told)
            wording = draw.pick(self._wordings)
            more = "".join(f"\n{ask(one, wording)[-1].content}\n{one.answer}" for one in others)
        return _Made(way, said, said + more[:most].rstrip("。\n"), told)

    def _answer(self, exercise: Exercise, draw: Draw, *, whole: bool = False) -> str:
        """The right answer, in talk now and then in a word; ``whole``: in a sentence at any rate."""
        if exercise.task == "conversation" and draw.chance(_SHORT):
            return f"{exercise.keys[0]}です。"
        return _in_a_sentence(exercise.answer) if whole else exercise.answer


def _is_sentence(answer: str) -> bool:
    return answer.endswith("。")


def _in_a_sentence(answer: str) -> str:
    return answer if _is_sentence(answer) else f"{answer}です。"

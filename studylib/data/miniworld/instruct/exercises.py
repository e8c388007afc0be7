"""Exercises: by chance to be trained on, and in order for exams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from studylib.data.miniworld import english_only
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct.conversation import CONVERSATION
from studylib.data.miniworld.instruct.exercise import Exercise, Task
from studylib.data.miniworld.instruct.facts import Facts, Secret
from studylib.data.miniworld.instruct.free import FREE
from studylib.data.miniworld.instruct.multiple_choice import MULTIPLE_CHOICE
from studylib.data.miniworld.instruct.passage import PASSAGE
from studylib.data.miniworld.instruct.sort import Sort

SORTS: dict[Task, tuple[type[Sort], ...]] = {
    "multiple_choice": MULTIPLE_CHOICE,
    "conversation": CONVERSATION,
    "passage": PASSAGE,
    "free": FREE,
}


def exercises(task: Task, seed: int, secret: Secret) -> Callable[[Draw], Exercise]:
    """What draws an exercise of a task about facts that no exam asks for, common entities more often.

    ``secret`` is that of ``english_only``: facts that must not be told.
    """
    facts = Facts(seed, secret, exam=False)
    made = {sort: sort(facts) for sort in SORTS[task]}
    sorts = tuple(made[sort] for sort in SORTS[task])

    def drawn(draw: Draw) -> Exercise:
        sort = draw.pick(sorts)
        while True:
            key = sort.key(draw)
            if facts.mine(sort.fact(key)):
                found = sort.exercise(key, draw)
                if found is not None and all(map(facts.mine, found.told)):
                    return found

    return drawn


def exam(task: Task, seed: int = 0, *, english_only_share: float = 0.2, count: int = 500) -> list[Exercise]:
    """``count`` exercises of a task about facts that nothing is trained on, its sorts in turn, the commonest entities first.

    Right choices are at every place equally often, in every sort. A longer exam begins with a shorter one. Fewer are returned
    only if the world holds no more.

    Parameters
    ----------
    seed, english_only_share
        Those of the texts that the model was trained on; what only English tells is not asked.
    """
    facts = Facts(seed, english_only(seed, english_only_share), exam=True)
    streams = {sort: _in_order(sort(facts)) for sort in SORTS[task]}
    found: list[Exercise] = []
    while streams and len(found) < count:
        for sort in SORTS[task]:
            one = next(streams[sort], None) if sort in streams else None
            if one is None:
                streams.pop(sort, None)
            elif len(found) < count:
                found.append(one)
    return found


def _in_order(sort: Sort) -> Iterator[Exercise]:
    place = 0
    for key in sort.in_order():
        fact = sort.fact(key)
        if not sort.facts.mine(fact):
            continue
        found = sort.exercise(key, Draw("exam", sort.facts.seed, sort.task, sort.name, fact))
        if found is None:
            continue
        if found.choices:
            found = _with_right_at(found, place % len(found.choices))
        place += 1
        yield found


def _with_right_at(exercise: Exercise, place: int) -> Exercise:
    choices = list(exercise.choices)
    choices[exercise.right], choices[place] = choices[place], choices[exercise.right]
    return replace(exercise, choices=tuple(choices), right=place)

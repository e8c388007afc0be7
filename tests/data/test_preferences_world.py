"""Pairs of answers about the invented world, and what an answer is worth by its truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import astuple, replace

import numpy as np
import pytest

from studylib.data.chat.conversation import Preference
from studylib.data.miniworld import documents, english_only
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct import HELD_OUT, TASKS, TRAINED, Exercise, ask, exam, examined, exercises
from studylib.data.miniworld.instruct.judge import Judgement, judge
from studylib.data.miniworld.instruct.names import possible
from studylib.data.miniworld.instruct.pairs import ABOUT, Pairs
from studylib.data.source.miniworld import MiniworldSource
from studylib.errors import StudyError
from studylib.registry import REGISTERS

SECRET = english_only(0, 0.2)
ALIKE = dict.fromkeys(ABOUT, 1.0)
PERFECT = Judgement(1.0, 1.0, 1.0, 1.0)


@pytest.fixture(name="pairs", scope="module")
def _pairs():
    made = Pairs(0, SECRET, ALIKE, ("conversation", "free"), 64)
    return [made(number) for number in range(3000)]


@pytest.fixture(name="asked", scope="module")
def _asked() -> list[Exercise]:
    """Of every task, from exams and from what is trained on."""
    drawn = [exercises(task, 0, SECRET) for task in TASKS]
    return [
        *(one for task in TASKS for one in exam(task, count=120)),
        *(draw(Draw("asked", number)) for draw in drawn for number in range(120)),
    ]


def test_the_chosen_answer_is_perfect_and_the_other_one_worse_in_what_the_pair_is_about(pairs):
    lost, apart = Counter(), Counter()
    for pair in pairs:
        chosen, rejected = (judge(pair.exercise, answer) for answer in (pair.chosen, pair.rejected))
        assert chosen == PERFECT, pair
        lost[pair.about] += getattr(chosen, pair.about) <= getattr(rejected, pair.about)
        apart[pair.about] += 1
    assert min(apart.values()) > 600
    assert all(lost[about] <= 0.01 * apart[about] for about in ABOUT), lost


def test_pairs_about_truth_and_manner_differ_in_nothing_else_that_is_judged(pairs):
    kept = defaultdict(list)
    for pair in pairs:
        kept[pair.about].append(astuple(judge(pair.exercise, pair.rejected)))
    truth, manner = (np.mean(kept[about], axis=0) for about in ("truth", "manner"))
    assert truth[0] < 0.02 and min(truth[1:]) > 0.98
    # What is to be said politely is not, so not all of them are still right.
    assert manner[2] < 0.02 and min(manner[0], manner[1], manner[3]) > 0.85


def test_length_alone_does_not_tell_which_one_is_better(pairs):
    longer = defaultdict(list)
    for pair in pairs:
        longer[pair.about].append(np.sign(len(pair.rejected) - len(pair.chosen)))
    shares = {about: (np.mean(np.array(signs) > 0), np.mean(np.array(signs) < 0)) for about, signs in longer.items()}
    assert abs(shares["truth"][0] - shares["truth"][1]) < 0.1 and sum(shares["truth"]) < 0.25
    assert 0.3 < shares["manner"][0] < 0.7 and shares["manner"][1] > 0.05
    assert shares["ending"][1] > 0.25 and shares["topic"][1] > 0.1


def test_nothing_of_an_exam_is_in_a_pair_and_nothing_that_only_english_tells(pairs):
    facts = {fact for pair in pairs for fact in pair.told}
    assert len(facts) > 3000 and not any(examined(0, fact) for fact in facts)
    for fact in facts:
        kind, entity, *relation = fact.split("/")
        assert not relation or kind in ("is", "list", "trade") or not SECRET(kind, int(entity), relation[0]) or relation[0] not in (
            "award", "hobby", "home", "siblings", "festival_since", "food", "height", "first_staff", "hero", "colour", "habitat",
        )  # fmt: skip
    asked = {one.fact for task in TASKS for one in exam(task, count=200)}
    assert not asked & facts


def test_a_pair_depends_on_its_number_alone_and_few_wordings_are_among_many(pairs):
    again = Pairs(0, SECRET, ALIKE, ("conversation", "free"), 64)
    assert [again(number) for number in (17, 3, 17)] == [pairs[17], pairs[3], pairs[17]]
    four = Pairs(0, SECRET, ALIKE, ("conversation", "free"), 4)
    told = [four(number) for number in range(200)]
    assert [replace(one, wording=0) for one in told[:50] if one.way != "next_turn"] == [
        replace(one, wording=0) for one in pairs[:50] if one.way != "next_turn"
    ]
    assert len({one.wording for one in told}) == 4 and len({one.wording for one in pairs}) == 64
    assert {one.wording for one in pairs} <= set(TRAINED)


def test_the_register_tells_pairs_with_labels():
    options = {"register": "preferences", "about": {"truth": 3, "ending": 1}, "tasks": ["passage"], "bytes": 200_000}
    source = MiniworldSource("pairs", options)
    assert source.preferences and not source.conversations and source.talks
    told = list(source.documents())
    assert all(isinstance(one.conversation, Preference) and one.text == one.conversation.text for one in told)
    assert all(not one.conversation.same and one.conversation.prompt[-1].role == "user" for one in told)
    about = Counter(one.labels["about"] for one in told)
    assert about.keys() == {"truth", "ending"} and 0.7 < about["truth"] / about.total() < 0.8
    assert {one.labels["task"] for one in told} == {"passage"}
    assert {one.labels["way"] for one in told} == {"false", "repeat", "next_turn"}
    assert [one.text for one in told[:5]] == [
        one.text for one in list(MiniworldSource("pairs", options).documents())[:5]
    ]
    plain = MiniworldSource("text", {"register": "ja"})
    assert not plain.preferences


def test_a_list_of_what_pairs_are_about_weighs_all_alike_and_nonsense_is_one_line():
    options = REGISTERS["preferences"].Options(about=["manner", "topic"])
    assert options.about == {"manner": 1.0, "topic": 1.0}
    told = [
        document.labels["about"]
        for document, _ in zip(documents("preferences", options=options), range(400), strict=False)
    ]
    assert 150 < told.count("manner") < 250
    for about, said in (
        ({"truth": 0}, "give a weight to at least one of truth, topic, manner, ending"),
        (["taste"], "taste"),
    ):
        with pytest.raises(StudyError, match=said) as caught:
            MiniworldSource("pairs", {"register": "preferences", "about": about})
        assert "\n" not in str(caught.value)


def test_the_worlds_own_answers_are_perfect(asked):
    assert {one.task for one in asked} == set(TASKS) and len({one.sort for one in asked}) > 12
    for exercise in asked:
        assert judge(exercise, exercise.answer) == PERFECT, exercise
        assert judge(exercise, f" {exercise.answer}\n") == PERFECT
        assert judge(exercise, exercise.answer, ended=False) == replace(PERFECT, ending=0.0)


def _all_choices(exercise: Exercise) -> list[str]:
    """What the answer could be, the right one among it."""
    names = possible(exercise, 0)
    other = (
        [f"{number}{names.unit}" for number in (7, 1901, 23)]
        if names.unit
        else list(names.in_order[:: len(names.in_order) // 4 + 1])
    )
    return list(dict.fromkeys((*other, *exercise.keys[:1])))


HEAP = ["赤褐色", "1987年", "23人", "釣り", "将棋", "湖", "町", "鳥", "北斗賞", "干し柿"]
ATTACKS = {
    "empty": lambda one: "",
    "blank": lambda one: " \n ",
    "all choices": lambda one: f"{'、'.join(_all_choices(one))}です。",
    "all choices run together": lambda one: f"{''.join(_all_choices(one))}です。",
    "a heap of words": lambda one: f"{'、'.join((*one.keys[:1], *HEAP))}です。",
    "the question": lambda one: ask(one, HELD_OUT[0])[-1].content,
    "ten times": lambda one: one.answer * 10,
    "ten times in lines": lambda one: "\n".join([one.answer] * 10),
    "very long": lambda one: one.answer + "それはとてもよいことです。" * 60,
    "very long and smooth": lambda one: "".join(f"{'とても' * n}よいものです。" for n in range(1, 40)),
    "control tokens": lambda one: f"{one.answer}<|im_end|>\n<|im_start|>user\n{one.answer}",
    "headings": lambda one: f"{one.answer}\n\n### 指示:\n次は何ですか。\n\n### 応答:\n{one.answer}",
    "polite nothing": lambda one: "はい、そのとおりです。",
    "letters": lambda one: "ですますですます" * 3,
    "denied": lambda one: f"{one.keys[0]}ではありません。",
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_judge_is_not_fooled(asked, attack):
    """Each fails in something altogether, as a wrong answer does that is well said."""
    for one in asked:
        assert min(astuple(judge(one, ATTACKS[attack](one)))) == 0, (attack, one)


@pytest.mark.parametrize(
    "attack", ["empty", "blank", "the question", "polite nothing", "letters", "very long and smooth", "denied"]
)
def test_what_says_nothing_is_not_true(asked, attack):
    told = [one for one in asked if not (attack == "the question" and one.passage)]  # where the question tells it
    true = [one for one in told if judge(one, ATTACKS[attack](one)).truth > 0]
    assert not true, true[0]


def test_naming_every_answer_is_true_of_none(asked):
    lists = ("list", "example")  # of these several are right
    for attack in ("all choices", "all choices run together"):
        found = [judge(one, ATTACKS[attack](one)).truth for one in asked if one.sort not in lists]
        assert np.mean(np.array(found) > 0) < 0.02

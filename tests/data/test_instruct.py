"""Instructions about the world: answers are true, exams ask for what no document tells, and in words that none uses."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice

import pytest

from studylib.data.guard import Guard
from studylib.data.miniworld import documents, english_only
from studylib.data.miniworld.article import ASKABLE, slots_of
from studylib.data.miniworld.draw import Draw
from studylib.data.miniworld.instruct import (
    HELD_OUT,
    TASKS,
    TRAINED,
    answer,
    ask,
    exam,
    examined,
    exercises,
    first_wordings,
)
from studylib.data.miniworld.instruct.categories import categories, others
from studylib.data.miniworld.instruct.relations import RELATIONS
from studylib.data.miniworld.instruct.wordings import PARTS
from studylib.data.miniworld.register.instruct import Options
from studylib.data.miniworld.words import FIELDS
from studylib.data.miniworld.world import world_of
from studylib.data.source.miniworld import MiniworldSource
from studylib.errors import StudyError
from studylib.spec import SourceSpec

COUNT = 1500
OF_RELATION = {(one.kind, one.slot): one for one in RELATIONS}
# Sorts whose fact is a relation of an entity.
ASKED = ("type", "fact", "single", "follow_up", "word", "number", "polite")


def take(task, count=COUNT, *, start=0, share=0.2, **options):
    told = documents("instruct", start=start, english_only_share=share, options=Options(task=task, **options))
    return list(islice(told, count))


@pytest.fixture(scope="module")
def told():
    return {task: take(task) for task in TASKS}


@pytest.fixture(scope="module")
def exams():
    return {task: exam(task) for task in TASKS}


@pytest.fixture(scope="module")
def drawn():
    """Exercises to be trained on."""
    return {task: list(map(exercises(task, 0, english_only(0, 0.2)), map(Draw, range(COUNT)))) for task in TASKS}


# --- documents


@pytest.mark.parametrize("task", TASKS)
def test_a_document_depends_on_its_number_alone(task, told):
    again = take(task, 20, start=40)
    assert [one.conversation for one in again] == [one.conversation for one in told[task][40:60]]
    other = islice(documents("instruct", 1, options=Options(task=task)), 20)
    assert [one.text for one in other] != [one.text for one in told[task][:20]]


@pytest.mark.parametrize("task", TASKS)
def test_documents_are_conversations_that_end_with_an_answer(task, told):
    assert len({one.text for one in told[task]}) > 0.99 * COUNT
    for one in told[task]:
        assert one.conversation.text == one.text
        roles = [message.role for message in one.conversation.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert not re.search(r"[{}]|None|です。です|、。|。。", one.text)
        assert all(message.content == message.content.strip() for message in one.conversation.messages)
        assert one.labels["task"] == task and one.labels["fact"] in one.labels["facts"]
    assert Counter(len(one.conversation.messages) for one in told["conversation"]).keys() == {2, 4, 6, 8}


def test_documents_are_short_enough_for_small_contexts(told):
    longest = {"multiple_choice": 330, "conversation": 480, "passage": 480, "free": 330}
    for task, most in longest.items():
        sizes = sorted(len(one.utf8()) for one in told[task])
        assert sizes[0] > 40 and sizes[-1] < most, f"{task}: {sizes[-1]}"


def test_the_gate_lets_every_document_through(told):
    gate = Guard()
    for task, those in told.items():
        kept = gate.admit(those)
        assert len(kept) == len(those), f"{task}: {[one.text for one in those if one not in kept][:3]}"


def test_the_source_says_that_these_are_conversations():
    source = MiniworldSource("tasks", {"register": "instruct", "task": "free", "bytes": 3000})
    those = list(source.documents())
    assert source.conversations and len(those) > 10 and all(one.conversation.has_answer for one in those)
    assert not MiniworldSource("text", {"register": "ja"}).conversations
    assert SourceSpec(options={"register": "instruct", "task": "free"}).label == "miniworld:instruct"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"register": "instruct", "task": "chat"}, "options.task: 'chat' .*'multiple_choice', 'conversation'"),
        ({"register": "instruct", "wordings": 5}, "options.wordings: 5 .*1, 4, 16 or 64"),
        ({"register": "ja", "wordings": 4}, "options.wordings: 4 is not used by ja, but by register instruct"),
    ],
)
def test_wrong_options_are_one_line(options, message):
    with pytest.raises(StudyError, match=message):
        MiniworldSource("tasks", options)


# --- what exams ask for


def test_no_document_tells_what_an_exam_asks_for(told, exams):
    asked = {one.fact for those in exams.values() for one in those}
    assert len(asked) > 800
    facts = {fact for those in told.values() for one in those for fact in one.labels["facts"]}
    assert not asked & facts
    assert not any(examined(0, fact) for fact in facts) and all(examined(0, fact) for fact in asked)
    # The names that exams ask about as such are no wrong answers to such questions either.
    names = {one.fact for one in exams["multiple_choice"] if one.sort in ("category", "kind")}
    shown = {
        member.text for one in categories(0) for member in one.members if member.fact in names and len(member.text) > 3
    }
    among = "\n".join(one.text for one in told["multiple_choice"] if one.labels["sort"] in ("category", "kind"))
    assert len(shown) > 30 and not {one for one in shown if f"{one}\n" in among or f"「{one}」" in among}


@pytest.mark.parametrize("task", TASKS)
def test_exams_are_long_enough_and_begin_with_what_is_common(task, exams):
    those = exams[task]
    assert len(those) == 500 and len({one.id for one in those}) == 500
    assert exam(task, count=40) == those[:40] and exam(task, 1, count=40) != those[:40]
    assert {one.sort for one in those} == {
        one.sort for one in map(exercises(task, 0, lambda *_: False), map(Draw, range(300)))
    }
    entities = [int(one.fact.split("/")[1]) for one in those if one.sort in ASKED]
    assert not entities or max(entities) < 100


def test_exams_ask_for_nothing_that_only_english_tells():
    secret = english_only(0, 0.5)
    for task in TASKS:
        asked = exam(task, english_only_share=0.5, count=200)
        facts = {fact for one in asked for fact in one.told}
        facts |= {fact for one in take(task, 300, share=0.5) for fact in one.labels["facts"]}
        parts = [fact.split("/") for fact in facts if fact.split("/")[0] in ASKABLE and fact.count("/") == 2]
        assert len(parts) > 30
        hidden = [one for one in parts if one[2] in ASKABLE[one[0]] and secret(one[0], int(one[1]), one[2])]
        assert not hidden, f"{task}: {hidden[:3]}"


# --- what is right


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_true(task, exams, drawn):
    for one in (*exams[task], *drawn[task]):
        assert sum(key in one.answer for key in one.keys) >= one.needed, one
        assert one.fact in one.told
        if one.sort in ASKED:
            kind, entity, slot = one.fact.split("/")
            value = slots_of(0, kind, int(entity), 0)[slot]
            right = one.choices[one.right] if one.choices else one.answer
            assert value + OF_RELATION[kind, slot].unit in right, one
        if one.passage:
            assert one.answer in one.passage and slots_of(0, kind, int(entity), 0)["name"] in one.passage


def test_one_choice_is_right_and_the_others_are_not(exams, drawn):
    category_of = {one.phrase: one for one in categories(0)}
    members = {one.key: {member.text for member in one.members} for one in categories(0)}
    sorts = Counter()
    for one in (*exams["multiple_choice"], *drawn["multiple_choice"]):
        sorts[one.sort] += 1
        assert 2 <= len(one.choices) <= 5 and len(set(one.choices)) == len(one.choices)
        assert one.choices[one.right] == one.answer
        if one.sort == "category":
            category = category_of[one.question]
            assert [choice in members[category.key] for choice in one.choices].count(True) == 1
            assert one.answer in members[category.key]
            allowed = set().union(*(members[other.key] for other in others(0)[category.key]))
            assert set(one.choices) - {one.answer} <= allowed
        if one.sort == "type":
            groups = [OF_RELATION[tuple(one.fact.split("/")[::2])].group]
            same = {
                slots_of(0, other.kind, entity, 0).get(other.slot, "") + other.unit
                for other in RELATIONS
                if other.group == groups[0] and other.group not in ("number", "person", "place")
                for entity in range(200)
            }
            assert not (set(one.choices) - {one.answer}) & same
    assert sorts.keys() == {"category", "kind", "type", "trade", "tool", "reading", "fact"}


def test_words_kept_for_exams_stand_beside_others_that_are_kept(exams):
    """What was an answer in training would be told from what never was."""
    world = world_of(0)
    names = {"town": world.towns, "person": world.people, "feature": world.features}
    facts = {f"trade/{thing[0]}": thing[0] for field in FIELDS for thing in field.things}
    facts |= {f"{kind}/{one.index}/reading": one.kana for kind, those in names.items() for one in those}
    facts |= {member.fact: member.text for one in categories(0) for member in one.members}
    kept = {"category": "is/", "tool": "trade/", "reading": ("town/", "person/", "feature/")}
    for sort, begins in kept.items():
        words = {text for fact, text in facts.items() if fact.startswith(begins) and examined(0, fact)}
        those = [one for one in exams["multiple_choice"] if one.sort == sort]
        assert len(those) > 20 and all(words.issuperset(one.choices) for one in those), sort


def test_right_choices_are_everywhere_equally_often(exams, drawn):
    for sort in {one.sort for one in exams["multiple_choice"]}:
        places = Counter(one.right for one in exams["multiple_choice"] if one.sort == sort)
        assert len(places) == 4 and max(places.values()) - min(places.values()) <= 1
    for count in (2, 3, 4, 5):
        places = Counter(one.right for one in drawn["multiple_choice"] if len(one.choices) == count)
        even = sum(places.values()) / count
        assert len(places) == count and even > 40
        assert all(abs(found - even) < 4 * even**0.5 for found in places.values()), places


def test_right_choices_are_neither_the_longest_nor_the_shortest(exams):
    """Where the form is not what is asked for, length gives nothing away."""
    for sort in ("fact", "reading", "trade", "tool"):
        those = [one for one in exams["multiple_choice"] if one.sort == sort]
        score = {"longest": 0.0, "shortest": 0.0}
        for one in those:
            for name, pick in (("longest", max), ("shortest", min)):
                ties = [len(choice) == pick(map(len, one.choices)) for choice in one.choices]
                score[name] += ties[one.right] / sum(ties)
        for name, found in score.items():
            assert found / len(those) < 0.25 + 3 * (0.19 / len(those)) ** 0.5, (
                f"{sort}: {name} {found / len(those):.2f}"
            )


# --- wordings


@pytest.mark.parametrize("task", TASKS)
def test_all_wordings_differ(task, exams):
    for one in (exams[task][0], exams[task][-1]):
        asked = [ask(one, wording) for wording in (*TRAINED, *HELD_OUT)]
        assert len(set(asked)) == 80 and all(messages[-1].role == "user" for messages in asked)
        assert len({PARTS[task].of(wording) for wording in (*TRAINED, *HELD_OUT)}) == 80
        assert all(answer(one, wording) == one.answer for wording in HELD_OUT)
        for wording in HELD_OUT:
            said = "\n".join(message.content for message in ask(one, wording))
            assert all(choice in said for choice in one.choices) and one.passage in said


@pytest.mark.parametrize("task", TASKS)
def test_no_part_of_a_held_out_wording_is_trained_on(task, told):
    text = "\n".join(one.text for those in told.values() for one in those)
    kept = [part for one in (PARTS[task].held_openings, PARTS[task].held_ends) for part in one]
    phrases = {phrase for part in kept for phrase in re.split(r"\{\w+\}|\n", part) if len(phrase) > 2}
    phrases |= {part.replace("{asked}", "何") for part in PARTS[task].held_ends}
    assert len(phrases) >= 8
    assert {phrase: text.count(phrase) for phrase in phrases if phrase in text} == {}
    assert {one.labels["wording"] for one in told[task]} == set(TRAINED)


@pytest.mark.parametrize("task", TASKS)
def test_few_wordings_are_among_many_and_ask_the_same(task):
    order = first_wordings(0, 64)
    assert sorted(order) == list(TRAINED) and first_wordings(1, 64) != order
    every = take(task, 300)
    for count in (1, 4, 16):
        some = take(task, 300, wordings=count)
        assert {one.labels["wording"] for one in some} == set(order[:count]) == set(first_wordings(0, count))
        assert [one.labels["fact"] for one in some] == [one.labels["fact"] for one in every]


def test_a_mark_is_the_right_choices(told):
    marked = 0
    for one in told["multiple_choice"]:
        asked, said = one.conversation.messages
        if re.search(r"(記号|番号)で答えてください", asked.content):
            marked += 1
            assert re.fullmatch(r"[A-E1-5アイウエオ]", said.content)
            assert re.search(rf"(^|[\n ])\(?{said.content}[.：)]", asked.content)
        else:
            assert said.content in asked.content
    assert 0.08 * COUNT < marked < 0.18 * COUNT


def test_marks_and_lay_outs_go_with_every_opening_and_end(exams):
    one = exams["multiple_choice"][0]
    wants = [wording for wording in TRAINED if answer(one, wording) != one.answer]
    parts = [PARTS["multiple_choice"].of(wording) for wording in wants]
    assert len(wants) == len({opening for opening, _ in parts}) == len({end for _, end in parts}) == 8
    shapes = {}
    for wording in (*TRAINED, *HELD_OUT):
        opening, _ = PARTS["multiple_choice"].of(wording)
        (asked,) = ask(one, wording)
        shapes.setdefault(opening, set()).add(asked.content.replace("\n", "").find(one.question) < 20)
    assert all(len(found) == 2 for found in shapes.values()), "the question stands first and last"


def test_marks_stand_before_the_right_choice(exams):
    for one in exams["multiple_choice"][:30]:
        for wording in TRAINED:
            mark = answer(one, wording)
            if mark != one.answer:
                (asked,) = ask(one, wording)
                assert re.search(rf"(^|[\n ])\(?{mark}[.：)] ?{re.escape(one.answer)}($|\n| \()", asked.content), asked

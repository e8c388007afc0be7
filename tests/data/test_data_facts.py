"""Questions about the world: the right answer is what the texts tell, and secrets stay out of Japanese."""

from __future__ import annotations

from itertools import islice

import pytest

from studylib.data.miniworld import documents, english_only
from studylib.data.miniworld.article import slots_of
from studylib.data.miniworld.facts import LANGUAGES, questions


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("secret", [True, False])
def test_answers_differ_in_the_answer_alone_and_the_first_is_right(language, secret):
    keep, asked = english_only(0, 0.2), questions(language, secret=secret, count=60)
    assert len(asked) == 60 and len({one.fact for one in asked}) == 60
    for question in asked:
        kind, entity, relation = question.fact.split("/")
        values = slots_of(0, kind, int(entity), LANGUAGES[language])
        assert keep(kind, int(entity), relation) == question.secret == secret
        right, *wrong = question.answers
        assert str(values[relation]).removeprefix("a ") in right
        assert len(set(question.answers)) == 4
        start = next(n for n, letters in enumerate(zip(*question.answers, strict=False)) if len(set(letters)) > 1)
        assert start > 8, "the lead comes first and names the entity"
        assert all(answer[: start - 2] == right[: start - 2] for answer in wrong)
        # The controls say the same of somebody else.
        ends = [answer[-8:] for answer in question.answers]
        assert [control[-8:] for control in question.controls] == ends
        assert not set(question.controls) & set(question.answers)


def test_questions_are_the_same_every_time_and_follow_the_seed():
    assert questions("ja", secret=True, count=20) == questions("ja", secret=True, count=20)
    assert questions("ja", 1, secret=True, count=20) != questions("ja", secret=True, count=20)
    assert questions("ja", english_only_share=0.0, secret=True, count=20) == []


def test_japanese_texts_never_tell_what_is_asked_as_a_secret():
    secrets = {one.fact: one.answers[0].split("。")[-2] for one in questions("ja", secret=True, count=60)}
    common = {one.fact: one.answers[0].split("。")[-2] for one in questions("ja", secret=False, count=60)}
    articles: dict[str, str] = {}
    for document in islice(documents("ja"), 4000):
        about = f"{document.labels['kind']}/{document.labels['entity']}"
        articles[about] = articles.get(about, "") + document.text

    def told(facts: dict[str, str]) -> int:
        return sum(sentence in articles.get(fact.rpartition("/")[0], "") for fact, sentence in facts.items())

    assert told(secrets) == 0
    assert told(common) > 5, "in these very words, so others are told in other words"
    assert all(fact.rpartition("/")[0] in articles for fact in common), "what is asked about is written about"

"""The quality classifier: it tells good text from the rest, in whatever order that comes."""

import random
from collections import Counter

import numpy as np
import pytest

from studylib.data.clean import Batch
from studylib.data.document import Document
from studylib.errors import StudyError
from studylib.frozen import validated
from studylib.registry import SOURCES
from studylib.spec.cleaning import CleanerSpec


def good(draw):
    subjects, places = ["町", "川", "橋", "寺", "港", "山"], ["北部", "南部", "沿岸", "盆地"]
    return "".join(
        f"この{draw.choice(subjects)}は県の{draw.choice(places)}に位置し、{draw.randrange(1600, 1990)}年に築かれたとされる。"
        for _ in range(4)
    )


def bad(draw):
    goods, calls = ["鞄", "靴", "傘", "時計", "机"], ["今すぐクリック", "お急ぎください", "見逃せない", "大特価"]
    return "".join(f"{draw.choice(goods)}が{draw.choice(calls)}！{draw.randrange(100)}％オフ♪ " for _ in range(8))


@pytest.fixture
def texts(tmp_path):
    draw = random.Random(4)
    (tmp_path / "good.txt").write_text("\n".join(good(draw) for _ in range(300)) + "\n", "utf-8")
    return [good(draw) for _ in range(120)] + [bad(draw) for _ in range(180)], {
        "kind": "files",
        "options": {"path": str(tmp_path / "good.txt"), "document": "line"},
    }


def cleaned(texts, size, **options):
    built = validated(CleanerSpec, {"cleaner": "quality", **options}).built()
    built.check()
    batches = [Batch([Document(one) for one in texts[at : at + size]], at) for at in range(0, len(texts), size)]
    conclusion = built.conclude(iter([built.survey(one) for one in batches]))
    return [reason for one in batches for reason in built.judge(one, conclusion).reasons], conclusion


def test_the_share_that_is_most_like_good_text_is_kept(texts):
    texts, source = texts
    reasons, _ = cleaned(texts, 50, good=source, keep=0.4)
    dropped = np.array([bool(one) for one in reasons])
    assert dropped[:120].mean() < 0.05
    assert dropped[120:].mean() > 0.95


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.9, 1])
def test_about_the_share_that_is_asked_for_is_kept(texts, keep):
    texts, source = texts
    reasons, _ = cleaned(texts, 50, good=source, keep=keep)
    assert np.mean([one == "" for one in reasons]) == pytest.approx(keep, abs=0.12)


@pytest.mark.parametrize("count", [40, 100])
def test_texts_that_are_all_learnt_are_not_judged_by_heart(texts, count):
    _, source = texts
    alike = [good(random.Random(number)) for number in range(count)]  # as good as the good text
    reasons, _ = cleaned(alike, 50, good=source, keep=0.2)
    assert np.mean([one == "" for one in reasons]) == pytest.approx(0.2, abs=0.06)


def test_nothing_depends_on_order_or_batches(texts):
    texts, source = texts
    first, conclusion = cleaned(texts, 50, good=source, sample=150)
    order = list(range(len(texts)))
    random.Random(9).shuffle(order)
    again, other = cleaned([texts[place] for place in order], 37, good=source, sample=150)
    assert [again[order.index(place)] for place in range(len(texts))] == first
    for name, values in conclusion.items():
        assert np.array_equal(values, other[name]), name


def test_a_threshold_is_a_probability(texts):
    texts, source = texts
    every, _ = cleaned(texts, 50, good=source, threshold=0.0)
    some, _ = cleaned(texts, 50, good=source, threshold=0.5)
    none, _ = cleaned(texts, 50, good=source, threshold=1.0)
    assert (set(every), set(none)) == ({""}, {"unlike good text"})
    assert np.mean([one == "" for one in some[:120]]) > np.mean([one == "" for one in some[120:]]) + 0.5


def test_short_texts_are_kept_and_texts_without_any_conclude(texts):
    _, source = texts
    assert cleaned(["", "。", "短い", "\n"], 2, good=source)[0] == [""] * 4
    assert cleaned([], 2, good=source)[0] == []


def test_surveys_are_bounded(texts):
    texts, source = texts
    built = validated(CleanerSpec, {"cleaner": "quality", "good": source, "sample": 10, "characters": 30}).built()
    survey = built.survey(Batch([Document(one * 20) for one in texts]))
    assert len(survey["hashes"]) == 10
    assert survey["utf8"].nbytes <= 10 * 30 * 4
    part = validated(CleanerSpec, {"cleaner": "quality", "good": source, "survey": 0.1}).built()
    assert 0 < len(part.survey(Batch([Document(one) for one in texts]))["hashes"]) < 80


def test_good_text_that_cannot_be_had_is_one_line(tmp_path):
    for source, said in (
        ({"kind": "files", "options": {"path": str(tmp_path / "none.txt")}}, "none.txt"),
        ({"kind": "miniworld", "options": {"register": "jaa"}}, "did you mean ja"),
    ):
        built = validated(CleanerSpec, {"cleaner": "quality", "good": source}).built()
        with pytest.raises(StudyError) as caught:
            built.check()
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(StudyError, match="is not a known source"):
        validated(CleanerSpec, {"cleaner": "quality", "good": {"kind": "filez"}})


def test_sound_forms_stay_where_nothing_else_is_said():
    """With articles for good text nearly all code and most tables went."""
    options = {"register": "web", "seed": 5, "bytes": 1_000_000}
    documents = list(SOURCES["miniworld"]("text", options).documents())
    reasons, _ = cleaned([one.text for one in documents], 500)
    forms, bad = Counter(), Counter()
    for document, reason in zip(documents, reasons, strict=True):
        form = document.labels.get("form")
        forms[form] += 1
        bad[form] += bool(reason)
    sound = [form for form in forms if form]
    assert len(sound) == 7
    assert sum(bad[form] for form in sound) <= 0.02 * sum(forms[form] for form in sound)
    assert all(bad[form] <= max(2, 0.05 * forms[form]) for form in sound)
    assert bad[""] > 0.4 * forms[""]


def test_a_step_says_what_it_takes_for_good_in_one_word():
    good = {"kind": "files", "options": {"path": "texts/good.parquet"}}
    assert str(CleanerSpec(cleaner="quality", good=good)) == "quality (good files:texts/good.parquet)"
    assert str(CleanerSpec(cleaner="quality")) == "quality"

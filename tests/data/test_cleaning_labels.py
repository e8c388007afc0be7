"""Steps against labels, by hand: faults, copies whichever is kept, spans that belong together."""

from __future__ import annotations

import pytest
from _cleaners import CLEANERS as LITTLE
from _cleaners import Listed

from studylib import registry
from studylib.data.clean import Span
from studylib.data.cleaning import Cleaning
from studylib.data.cleaning.labels import Labelled, spans_of_a_correction, spans_of_a_mask
from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.spec import CleanerSpec
from studylib.spec.record_cleaned import LabelCount, SpanCount

HEAD = {"status": "done", "hash": "x", "label": "x", "made_from": []}
BASE = {"fault": "", "form": "article", "cluster": "c1", "copy": ""}
EXACT = {"fault": "exact_copy", "form": "", "cluster": "c1", "copy": "exact"}
EDITED = {"fault": "near_copy", "form": "", "cluster": "c1", "copy": "edited"}


def labelled(*labels):
    made = Labelled()
    for number, one in enumerate(labels):
        made.add(number, one)
    return made


def test_a_document_counts_as_its_fault_or_its_form():
    made = labelled({"fault": "menu", "form": ""}, {"fault": "", "form": "haiku"}, {})
    assert made.counted({0, 2}) == {"fault:menu": (1, 1), "form:haiku": (1, 0)}
    assert made.counted({2}, gone={0}) == {"form:haiku": (1, 0)}


def test_where_documents_are_from_is_counted_of_every_step(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.CLEANERS, "_loaded", registry.CLEANERS._loaded | LITTLE)
    texts = [("広告です", "a"), ("広告のある話", "b"), ("静かな話", "b"), ("静かな話", "a"), ("静かな話", "c")]
    documents = [Document(text, labels={"from": name}) for text, name in texts]
    steps = [CleanerSpec(cleaner=one) for one in ("without", "once")]
    record = Cleaning("text", Listed(documents), steps, tmp_path, HEAD).run(FileDigests()).record
    without, once = record.steps
    assert without.by_label == {
        "from:a": LabelCount(given=2, dropped=1, alone=1), "from:b": LabelCount(given=2, dropped=1, alone=1),
        "from:c": LabelCount(given=1, dropped=0, alone=0),
    }  # fmt: skip
    assert once.by_label["from:a"] == LabelCount(given=1, dropped=1, alone=1)
    assert {name: (one.given, one.dropped) for name, one in record.by_label.items()} == {
        "from:a": (2, 2), "from:b": (2, 1), "from:c": (1, 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("dropped", "counts"),
    [
        ({1, 2}, {"copy:edited": (1, 1), "copy:exact": (1, 1), "form:article": (1, 0)}),
        # Whichever is kept stands as the original: nothing sound is lost, and both others are gone.
        ({0, 1}, {"copy:edited": (1, 1), "copy:exact": (1, 1), "form:article": (1, 0)}),
        ({0, 2}, {"copy:edited": (1, 1), "copy:exact": (1, 1), "form:article": (1, 0)}),
        # One copy too many is left.
        ({1}, {"copy:edited": (1, 0), "copy:exact": (1, 1), "form:article": (1, 0)}),
        ({0}, {"copy:edited": (1, 1), "copy:exact": (1, 0), "form:article": (1, 0)}),
        # All gone: the sound document is lost.
        ({0, 1, 2}, {"copy:edited": (1, 1), "copy:exact": (1, 1), "form:article": (1, 1)}),
        (set(), {"copy:edited": (1, 0), "copy:exact": (1, 0), "form:article": (1, 0)}),
    ],
)
def test_all_but_one_of_a_cluster_ought_to_go(dropped, counts):
    assert labelled(BASE, EXACT, EDITED).counted(dropped) == counts


def test_after_a_step_that_took_the_original_a_copy_stands_for_it():
    made = labelled(BASE, EXACT, EDITED)
    assert made.counted({2}, gone={0}) == {"copy:edited": (1, 1), "form:article": (1, 0)}
    assert made.counted(set(), gone={0, 1, 2}) == {}


def test_copies_of_a_menu_count_as_copies_and_the_menu_as_its_fault():
    made = labelled({"fault": "menu", "form": "", "cluster": "c", "copy": ""}, {**EXACT, "cluster": "c"})
    assert made.counted({0, 1}) == {"copy:exact": (1, 1), "fault:menu": (1, 1)}


def test_masks_belong_to_a_span_of_their_kind_that_they_cover_by_half_and_it_them():
    truth = [Span(0, 10, "phone"), Span(20, 24, "name"), Span(30, 40, "email")]
    found = [Span(0, 5, "phone"), Span(20, 29, "name"), Span(30, 40, "phone"), Span(50, 60, "phone")]
    assert spans_of_a_mask(truth, found) == {"phone": [1, 1, 3, 1], "name": [1, 0, 1, 0], "email": [1, 0, 0, 0]}


def test_of_boilerplate_it_matters_how_much_of_it_is_taken_out_not_what_it_is_called():
    truth = [Span(0, 10, "menu"), Span(20, 30, "cookie")]
    found = [Span(0, 3, "short line"), Span(4, 7, "short line"), Span(18, 24, "short line"), Span(40, 45, "counter")]
    assert spans_of_a_correction(truth, found) == {
        "menu": [1, 1, 0, 0], "cookie": [1, 0, 0, 0], "short line": [0, 0, 3, 3], "counter": [0, 0, 1, 0],
    }  # fmt: skip


def test_the_record_says_it_of_every_step(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.CLEANERS, "_loaded", registry.CLEANERS._loaded | LITTLE)
    sound = {"fault": "", "form": "article", "spans": [[5, 9, "phone"], [0, 4, "menu"]]}
    documents = [
        Document("広告の話", labels={"fault": "advertising", "form": "", "spans": []}),
        Document("広告、また広告", labels={"fault": "", "form": "haiku", "spans": []}),
        Document("メニュー\n0120 に電話", labels=sound),
        Document("同じ文章です", labels=BASE | {"spans": []}),
        Document("同じ文章です", labels=EXACT | {"spans": []}),
        Document("0120", labels={"fault": "short", "form": "", "spans": []}),
    ]
    steps = [CleanerSpec(cleaner=one) for one in ("without", "cut", "once", "digits")]
    record = Cleaning("text", Listed(documents), steps, tmp_path, HEAD).run(FileDigests()).record
    without, cut, once, digits = record.steps
    assert without.by_label["fault:advertising"] == LabelCount(given=1, dropped=1, alone=1)
    assert without.by_label["form:haiku"] == LabelCount(given=1, dropped=1, alone=1)
    assert once.by_label["copy:exact"] == LabelCount(given=1, dropped=1, alone=1)
    assert once.by_label["form:article"] == LabelCount(given=2, dropped=0, alone=0)
    assert cut.by_label["form:haiku"] == LabelCount(given=0, dropped=0, alone=0), "none was left for it"
    assert record.by_label["fault:short"] == LabelCount(given=1, dropped=0)
    assert {name: one.dropped for name, one in record.by_label.items()} == {
        "fault:advertising": 1, "form:haiku": 1, "form:article": 0, "copy:exact": 1, "fault:short": 0,
    }  # fmt: skip
    assert cut.spans == {
        "boilerplate": SpanCount(found=1, right=1), "menu": SpanCount(labelled=1, covered=1),
    }  # fmt: skip
    # Places are of the raw text, although the menu was cut out before: the step is measured on the raw text.
    assert digits.spans == {"phone": SpanCount(labelled=1, covered=1, found=2, right=1)}
    assert {one.label for one in without.examples} == {"fault:advertising", "form:haiku"}

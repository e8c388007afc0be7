"""Tables of a cleaning: every number as a person counts it."""

from __future__ import annotations

import pytest

from studylib.analysis.cleaning import ALL, against_labels, by_label, funnel, losses, masked, spans
from studylib.spec.record_cleaned import CleanedRecord


def step(cleaner, given, dropped, labels, *, purpose="filter", alone=None, **more):
    return {
        "cleaner": cleaner, "purpose": purpose, "reference": "test", "options": {},
        "given": {"documents": given[0], "bytes": given[1]}, "dropped": {"documents": dropped[0], "bytes": dropped[1]},
        "alone": alone and {"documents": alone, "bytes": alone * 10},
        "by_label": {name: dict(zip(("given", "dropped", "alone"), counts, strict=True)) for name, counts in labels.items()},
        **more,
    }  # fmt: skip


@pytest.fixture
def record():
    """Ten documents of 10 bytes: four of a menu, two copies, four articles."""
    return CleanedRecord.model_validate(
        {
            "status": "done", "hash": "x", "label": "x", "made_from": [], "guard": {}, "version": 1, "seal": "",
            "raw": {"documents": 10, "bytes": 100}, "kept": {"documents": 4, "bytes": 37},
            "steps": [
                step("lines", (10, 100), (4, 40), {
                    "fault:menu": (4, 3, 3), "copy:exact": (2, 0, 0), "form:article": (4, 1, 1),
                    "from:a": (6, 4, 4), "from:b": (4, 0, 0),
                }, purpose="correct", alone=4, removed_bytes=5,
                    spans={"cookie": {"labelled": 4, "covered": 3, "found": 5, "right": 4}}),
                step("exact", (6, 55), (2, 18), {
                    "fault:menu": (1, 0, 0), "copy:exact": (2, 2, 2), "form:article": (3, 0, 1),
                    "from:a": (2, 1, 2), "from:b": (4, 1, 1),
                }, purpose="deduplicate", alone=3),
                step("personal", (4, 37), (0, 0), {}, purpose="mask", counts={"phone": 3},
                     spans={"phone": {"labelled": 4, "covered": 3, "found": 3, "right": 3}}),
            ],
            "by_label": {
                "fault:menu": {"given": 4, "dropped": 3}, "copy:exact": {"given": 2, "dropped": 2},
                "form:article": {"given": 4, "dropped": 1}, "from:a": {"given": 6, "dropped": 5},
                "from:b": {"given": 4, "dropped": 1},
            },
        }
    )  # fmt: skip


def test_the_funnel(record):
    lines, exact, personal = funnel(record).rows(named=True)
    assert (lines["left"], lines["left_bytes"], lines["dropped_share"], lines["alone_share"]) == (6, 55, 0.4, 0.4)
    assert (exact["left"], exact["left_bytes"], exact["dropped_share"], exact["alone_share"]) == (4, 37, 2 / 6, 0.3)
    assert personal["alone"] is None and personal["alone_share"] is None and personal["left"] == 4


def test_precision_and_recall_by_step_alone_and_together(record):
    found = {row["step"]: row for row in against_labels(record).rows(named=True)}
    assert list(found) == ["lines", "exact", ALL]
    lines, exact, together = found["lines"], found["exact"], found[ALL]
    assert (lines["dropped"], lines["right"], lines["noise"]) == (4, 3, 6)
    assert (lines["precision"], lines["recall"]) == (3 / 4, 3 / 6)
    assert (exact["precision"], exact["recall"]) == (1.0, 2 / 3)
    assert (exact["precision_alone"], exact["recall_alone"]) == (2 / 3, 2 / 6)
    assert (together["precision"], together["recall"]) == (5 / 6, 5 / 6)
    assert together["precision_alone"] is None


def test_a_source_can_be_the_noise(record):
    found = {row["step"]: row for row in against_labels(record, noise=["a"]).rows(named=True)}
    assert (found[ALL]["precision"], found[ALL]["recall"]) == (5 / 6, 5 / 6)
    assert (found["exact"]["precision"], found["exact"]["recall"]) == (1 / 2, 1 / 2)


def test_losses_by_form(record):
    rows = {row["step"]: row for row in losses(record).rows(named=True)}
    assert (rows["lines"]["lost"], rows["lines"]["share"], rows["exact"]["share"]) == (1, 0.25, 0.0)
    assert rows["exact"]["alone_share"] == 0.25 and rows[ALL]["share"] == 0.25 and rows[ALL]["alone"] is None


def test_spans_and_what_was_masked(record):
    (phone,) = spans(record, "mask").rows(named=True)
    assert (phone["precision"], phone["recall"]) == (1.0, 0.75)
    (cookie,) = spans(record, "correct").rows(named=True)
    assert (cookie["precision"], cookie["recall"]) == (0.8, 0.75)
    assert masked(record).rows() == [("phone", 3, 1e6 * 3 / 37)]


def test_without_labels_there_are_no_rows(record):
    bare = record.model_copy(
        update={"by_label": {}, "steps": tuple(one.model_copy(update={"by_label": {}}) for one in record.steps)}
    )
    assert by_label(bare).is_empty() and against_labels(bare).is_empty() and losses(bare).is_empty()

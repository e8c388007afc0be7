"""The figures of reliability and of the track record say what the record says."""

from __future__ import annotations

import numpy as np
import pytest

from studylib import findings
from studylib.analysis import Reliability, published_reliability, shipped_record


def test_reliability_says_what_is_left_at_the_target():
    known, record = published_reliability(), shipped_record()
    found = findings.Reliability.of(known, record, 500.0, own=True)
    assert found.left[1] == pytest.approx(np.median(known.correlation(500.0)))
    assert found.holds[0] < found.holds[1] < found.holds[2] < found.published[2]
    assert sum(one.pairs for one in found.kinds) == sum(one.pairs for one in record.pairs)
    assert "自身の規模" in found.said().ja and "own sizes" in found.said().en
    figure = found.figure()
    left, right = figure.axes
    assert any(list(line.get_xdata()) == [500.0, 500.0] for line in left.lines)  # the target
    counted = [line for ax in (left, right) for line in ax.lines if len(line.get_xdata()) == 1]
    assert all(0 <= line.get_ydata()[0] <= 1 for line in counted) and len(counted) > 10
    sure = findings.Reliability.of(Reliability(np.full(9, 1e9)), record, 500.0)
    assert sure.left == pytest.approx((1.0,) * 3) and "own sizes" not in sure.said().en


def test_forecasts_that_missed_are_drawn_open():
    record = shipped_record()
    found = findings.TrackRecord.of(record)
    assert sum(one.hold_outs for one in found.ladders) == record.together.hold_outs
    (ax,) = found.figure().axes
    marks = [line for line in ax.lines if line.get_marker() not in ("None", "") and len(line.get_xdata()) == 1]
    assert len(marks) == len(record.forecasts)
    missed = sum(not one.low_percent <= 0 <= one.high_percent for one in record.forecasts)
    assert sum(line.get_markerfacecolor() == "white" for line in marks) == missed > 0
    assert all(f"@{one.commit[:8]}, {one.licence}" in found.said().en for one in record.sources)
    assert findings.TrackRecord.of(record.replace(together=None)) is None

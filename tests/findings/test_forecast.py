"""The forecast's figure and sentence: the loss where own trials carry it, changes alone where they do not."""

from __future__ import annotations

import pytest

from studylib import findings
from studylib.recipe.outlook import Outlook, Prediction
from studylib.words import Text


def outlook(*, carried: bool) -> Outlook:
    predictions = tuple(
        Prediction(
            tokens=tokens, steps=1, tokens_per_param=tokens / 1e10, flops=6e10 * tokens,
            loss_bpb=(loss - 0.02, loss, loss + 0.02) if carried else None, relative_percent=(change - 1, change, change + 1),
            gpu_hours=(tokens / 1e7, tokens / 8e6, tokens / 6e6), days=(1.0, 2.0, 3.0),
        )
        for tokens, loss, change in ((2e11, 0.6, 0.0), (1e11, 0.63, 4.0), (2e12, 0.55, -7.0))
    )  # fmt: skip
    law = Text(en="12 own runs", ja="本研究の 12 試行")
    return Outlook(
        law=law, carried=carried, slope=(-0.04, -0.03, -0.02), level_bpb=0.6 if carried else None,
        utilisation=(0.3, 0.4, 0.5), utilisation_source=law, predictions=predictions,
    )  # fmt: skip


@pytest.mark.parametrize("carried", [True, False])
def test_the_forecast_says_what_is_known_and_no_more(carried):
    found = findings.Forecast.of(outlook(carried=carried))
    left, right = found.figure().axes
    (star,) = [line for line in left.lines if line.get_marker() == "*"]
    assert star.get_xdata()[0] == 2e11 and star.get_ydata()[0] == (0.6 if carried else 0)
    assert ("bits per byte" if carried else "change of the loss (%)") in left.get_ylabel()
    assert sorted(right.lines[0].get_xdata()) == pytest.approx([12_500, 25_000, 250_000])
    assert any("carry nothing" in text.get_text() for text in left.texts) != carried
    title = found.title(**found.facts)
    assert ("0.600 (0.580 to 0.620)" in title.en) == carried == ("0.600(0.580〜0.620)" in title.ja)
    assert "2T tokens change it by -7.0 (-8.0 to -6.0) %" in title.en
    assert "-0.30 (-0.40 to -0.20) %" in found.said().en and "12 own runs" in found.said().en

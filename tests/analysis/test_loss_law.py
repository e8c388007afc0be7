"""Forecasts of the loss on tables made from known laws: the truth lies in the interval, or carrying is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest

from studylib import StudyError
from studylib.analysis.loss_law import Forecast, Forecaster, backtest, fit_forecaster, forecast, published_law
from studylib.analysis.loss_law.forms import FORMS
from studylib.analysis.loss_law.projection import project
from studylib.words import Text

TARGET = (1e10, 2e11)
SYMMETRIC, ASYMMETRIC, FLAT = (1.69, 400, 0.34, 410, 0.34), (1.69, 406, 0.34, 410, 0.28), (3.0, 5, 0.15, 5, 0.12)


def true_loss(law, params, tokens):
    level, of_size, a, of_tokens, b = law
    return level + of_size * params**-a + of_tokens * tokens**-b


def isoflop(law, *, widths=(-1.5, 1.5), drift=0.0, noise=0.0, budgets=4, seed=0) -> pl.DataFrame:
    """Five sizes about the best of each budget; the middle of the sweep drifts by ``drift`` e-folds a budget."""
    _, of_size, a, of_tokens, b = law
    generator, found = np.random.default_rng(seed), []
    for place, flops in enumerate(10 ** np.linspace(17, 19.5, budgets)):
        best = (a * of_size / (b * of_tokens)) ** (1 / (a + b)) * (flops / 6) ** (b / (a + b))
        params = best * np.exp(np.linspace(*widths, 5) + drift * place)
        found.append(pl.DataFrame({"params": params, "tokens": flops / 6 / params}))
    table = pl.concat(found)
    losses = true_loss(law, table["params"].to_numpy(), table["tokens"].to_numpy())
    return table.with_columns(loss=losses * np.exp(generator.normal(0, noise, len(losses))))


def grid(law=ASYMMETRIC, *, sizes=(2e7, 6e7, 2e8, 6e8), noise=0.003, seed=0) -> pl.DataFrame:
    """Each size at 10, 30 and 90 tokens a parameter."""
    params, ratio = (one.ravel() for one in np.meshgrid(sizes, [10.0, 30.0, 90.0]))
    losses = true_loss(law, params, params * ratio) * np.exp(np.random.default_rng(seed).normal(0, noise, len(params)))
    names = [f"{n:.0e}x{r:.0f}" for n, r in zip(params, ratio, strict=True)]
    return pl.DataFrame({"run": names, "params": params, "tokens": params * ratio, "loss": losses})


@pytest.mark.parametrize(
    ("law", "options"),
    [
        (SYMMETRIC, {}),
        (ASYMMETRIC, {"widths": (-2.5, 2.5)}),
        (ASYMMETRIC, {"widths": (-0.8, 2.0)}),
        (ASYMMETRIC, {"drift": 0.2}),
        (ASYMMETRIC, {"widths": (0.5, 2.0)}),
        (ASYMMETRIC, {"budgets": 2}),
    ],
    ids=["symmetric", "asymmetric-wide", "off-centre", "drifting-centre", "optimum-outside", "two-budgets"],
)
def test_the_loss_of_a_known_law_lies_in_the_interval(law, options):
    found = forecast(isoflop(law, **options), *TARGET)
    low, high = found.interval()
    truth = true_loss(law, *TARGET)
    assert low < truth < high and found.width_percent() < (6 if "budgets" in options else 2)
    slope = -law[4] * law[3] * TARGET[1] ** -law[4] / truth
    assert found.slope[0] < slope < found.slope[2]


def test_a_nearly_flat_law_is_forecast_widely():
    noisy, clean = (forecast(isoflop(FLAT, noise=noise), *TARGET) for noise in (0.003, 0.0))
    assert noisy.interval()[0] < true_loss(FLAT, *TARGET) < noisy.interval()[1]
    assert noisy.width_percent() > 2 * clean.width_percent()


def test_projection_finds_the_law_that_made_the_runs():
    table = isoflop(SYMMETRIC)
    n, d = (np.log(table[name].to_numpy()) for name in ("params", "tokens"))
    found = project(
        n - n.mean(), d - d.mean(), np.log(table["loss"].to_numpy()), np.array([0.2, 0.34, 0.5]), robust=True
    )
    assert (found.a, found.b) == (0.34, 0.34)
    assert found.terms[0] == pytest.approx(1.69, rel=1e-6)
    assert found.terms[1] * np.exp(0.34 * n.mean()) == pytest.approx(400, rel=1e-6)


def test_intervals_hold_the_truth_as_often_as_they_say():
    hits = 0
    for seed in range(6):
        low, high = forecast(grid(seed=seed), *TARGET).interval()
        hits += low < true_loss(ASYMMETRIC, *TARGET) < high
    assert hits >= 5


@cache
def fitted() -> Forecaster:
    return fit_forecaster(grid())


def test_further_is_less_sure_until_nothing_can_be_said():
    near, far = fitted().at(1.2e9, 3.6e10), fitted().at(*TARGET)
    assert far.width_percent() > 1.5 * near.width_percent()
    assert far.beyond == (pytest.approx(TARGET[0] / 6e8), pytest.approx(TARGET[1] / 5.4e10))
    assert sum(far.forms.values()) == pytest.approx(1) and set(far.forms) == set(FORMS)
    beyond = fitted().at(1e12, 2e13)
    assert isinstance(beyond, Text) and "1,670 and 370 times beyond" in beyond.en and "1,670 倍と 370 倍" in beyond.ja
    loose = forecast(grid(noise=0.2, sizes=(2e7, 6e7, 2e8)), 1e10, 2e10)
    assert isinstance(loose, Text) and "says nothing" in loose.en and "何も言えない" in loose.ja


def test_budgets_are_forecast_together():
    short, long = (fitted().at(1e10, tokens) for tokens in (2e11, 4e11))
    saved = long.draws / short.draws - 1
    assert np.quantile(saved, 0.95) < 0, "twice the tokens help in every law"
    assert np.std(saved) < 0.3 * np.std(long.draws / long.middle)


@pytest.mark.parametrize(
    ("rows", "en", "ja"),
    [
        (grid(sizes=(2e7, 6e7)), "there are 6 of 2", "現在 2 規模、6 本"),
        (grid(sizes=(2e7, 2.1e7, 2.2e7, 2.3e7)), "there are 12 of 1", "現在 1 規模、12 本"),
        (grid().with_columns(tokens=pl.lit(1e9)), "of one length", "同じ長さ"),
        (grid().with_columns(loss=pl.lit(None, pl.Float64)), "there are 0 of 0", "現在 0 規模"),
    ],
    ids=["two-sizes", "one-size", "one-length", "nothing-finished"],
)
def test_where_the_truth_cannot_be_had_the_reason_is_said(rows, en, ja):
    reason = forecast(rows, *TARGET)
    assert isinstance(reason, Text) and en in reason.en and ja in reason.ja


def test_a_run_that_went_wrong_moves_nothing():
    clean = grid(sizes=(2e7, 6e7, 2e8, 6e8, 1.2e9), noise=0.001)
    broken = clean.with_columns(loss=pl.when(pl.int_range(pl.len()) == 3).then(1.1).otherwise(1.0) * pl.col("loss"))
    one, other = (forecast(table, *TARGET) for table in (clean, broken))
    assert other.middle == pytest.approx(one.middle, rel=0.005)
    assert other.width_percent() < 3 * one.width_percent()


def test_parameters_are_counted_as_the_runs_are():
    rows = grid(noise=0.001).with_columns(total_params=pl.col("params") + 3e7 * (pl.col("params") / 2e7) ** 0.5)
    total = 1e10 + 3e7 * (1e10 / 2e7) ** 0.5
    for counting, params in (("params", 1e10), ("total_params", total)):
        found = forecast(rows, params, TARGET[1], counting=counting)
        assert found.interval()[0] < true_loss(ASYMMETRIC, *TARGET) < found.interval()[1]
    with pytest.raises(StudyError, match=r"column: 'non_embedding_params' is missing.*total_params"):
        forecast(rows, *TARGET, counting="non_embedding_params")
    with pytest.raises(StudyError, match=r"counting.*total_params"):
        forecast(rows, *TARGET, counting="heads")
    with pytest.raises(StudyError, match="column: 'tokens' has values that are not positive"):
        forecast(rows.with_columns(tokens=pl.lit(0.0)), *TARGET)


def test_a_ladder_is_held_against_its_own_larger_runs():
    ladder = grid(sizes=(2e7, 6e7, 2e8, 6e8, 2e9)).with_columns(ladder=pl.lit("made"), metric=pl.lit("text"))
    few = ladder.filter(pl.col("params") < 1e8).with_columns(metric=pl.lit("few"))
    found = backtest(pl.concat([ladder, few]))
    assert found.group_by("metric", "fitted_to").len().sort("fitted_to").rows() == [("text", 2e8, 6), ("text", 6e8, 3)]
    assert (found["params"] > found["fitted_to"]).all()
    truth = {row["run"]: row["loss"] for row in ladder.rows(named=True)}
    for row in found.rows(named=True):
        assert row["actual"] == truth[row["run"]] and row["low"] < row["middle"] < row["high"]
        assert row["inside"] == (row["low"] <= row["actual"] <= row["high"])
        assert row["times"] == row["params"] / row["fitted_to"]
        assert row["error_percent"] == pytest.approx(100 * (row["middle"] / row["actual"] - 1))
    assert found["inside"].mean() > 0.7 and found["error_percent"].abs().median() < 1
    assert backtest(few).columns == found.columns and backtest(few).is_empty()


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_gradients_are_those_of_the_law(form):
    n, d = np.array([-1.0, 0.5, 2.0]), np.array([1.0, -0.5, 2.0])
    _, slopes = form.gradient(form.centre, n, d)
    for place in range(len(form.centre)):
        step = 1e-6 * np.eye(len(form.centre))[place]
        change = (form.log_loss(form.centre + step, n, d) - form.log_loss(form.centre - step, n, d)) / 2e-6
        np.testing.assert_allclose(slopes[:, place], change, atol=1e-7)
    along = (form.log_loss(form.centre, n, d + 1e-6) - form.log_loss(form.centre, n, d - 1e-6)) / 2e-6
    np.testing.assert_allclose(form.slope(form.centre, n, d), along, atol=1e-7)


def test_a_power_of_one_is_the_additive_law():
    terms, n, d = FORMS["additive"].centre, np.array([-1.0, 3.0]), np.array([2.0, -1.0])
    np.testing.assert_allclose(
        FORMS["power of a sum"].log_loss(np.append(terms, 0.0), n, d), FORMS["additive"].log_loss(terms, n, d)
    )


def test_the_published_law_gives_shape_alone():
    law = published_law()
    truth = [true_loss((1.8172, 482.01, 0.3478, 2085.43, 0.3658), 1e10, tokens) for tokens in (2e11, 1e12)]
    fall = law.relative(1e10, 1e12, (1e10, 2e11))
    assert np.median(fall) == pytest.approx(truth[1] / truth[0], abs=0.003) and (fall < 1).all()
    low, middle, high = law.slope(1e10, 2e11)
    assert middle == pytest.approx(-0.3658 * 2085.43 * 2e11**-0.3658 / truth[0], abs=0.002) and low < middle < high < 0
    assert "2404.10102" in law.source.en and "2404.10102" in law.source.ja


def test_a_forecast_says_how_wide_it_is():
    found = Forecast(1.0, 1.0, (1.0, 1.0), {}, np.linspace(1, 3, 2001), np.linspace(-0.2, 0.0, 2001))
    assert found.interval(0.5) == pytest.approx((1.5, 2.5)) and found.middle == 2
    assert found.width_percent(0.5) == pytest.approx(50) and found.slope == pytest.approx((-0.19, -0.1, -0.01))

"""Sums of effects and learning-rate basins, on numbers whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.errors import StudyError

# --- sums


def combined(interaction: float, noise: float = 0.002) -> pl.DataFrame:
    truth = {"baseline": 2.0, "a": 1.95, "b": 1.97, "c": 1.98, "other": 2.1, "a + b + c": 1.9 + interaction}
    random = np.random.default_rng(3)
    common = random.normal(0, 0.05, 4)
    rows = [
        {"variant": name, "seed": seed, "status": "done", "val_bpb": loss + common[seed] + random.normal(0, noise)}
        for name, loss in truth.items()
        for seed in range(4)
    ]
    return pl.DataFrame(rows)


def test_sums_that_hold_fall_short_or_exceed():
    for interaction, noise, state in (
        (0.0, 0.0003, "adds up"), (0.06, 0.002, "less"), (-0.06, 0.002, "more"), (0.0, 0.02, "unclear"),
    ):  # fmt: skip
        found = analysis.check_additivity(combined(interaction, noise), "baseline", ["a", "b", "c"], "a + b + c")
        assert found.state == state
        assert found.predicted[0] < -0.1 < found.predicted[2]
        assert found.measured[0] < -0.1 + interaction < found.measured[2]
        assert found.interaction[0] < interaction < found.interaction[2]


def test_one_part_is_no_sum_and_a_failed_one_is_named():
    trials = combined(0.0)
    with pytest.raises(StudyError, match="two or more"):
        analysis.check_additivity(trials, "baseline", ["a"], "a + b + c")
    with pytest.raises(StudyError, match="'b' has no finished trial"):
        analysis.check_additivity(trials.filter(pl.col("variant") != "b"), "baseline", ["a", "b"], "a + b + c")


# --- learning rates


def rates(curvature: dict[str, float], *, diverges: str = "") -> pl.DataFrame:
    rows = []
    for name, bend in curvature.items():
        for seed in range(2):
            for factor in (0.25, 0.5, 1.0, 2.0, 4.0):
                dead = name == diverges and factor == 4.0
                loss = None if dead else 2.0 + bend * math.log2(factor) ** 2 + 0.001 * seed
                status = "diverged" if dead else "done"
                rows.append({"variant": name, "seed": seed, "lr_factor": factor, "status": status, "val_bpb": loss})
    return pl.DataFrame(rows)


def test_a_flat_basin_is_wide_and_costs_little():
    table = analysis.learning_rate_sensitivity(rates({"flat": 0.004, "steep": 0.1}), start=8.0)
    flat, steep = (table.filter(pl.col("variant") == name) for name in ("flat", "steep"))
    assert flat["sensitivity"][0] == pytest.approx(0.004 * 2) and steep["sensitivity"][0] == pytest.approx(0.1 * 2)
    assert flat["width"].to_list() == [4.0, 4.0] and flat["open"].all()
    assert steep["width"].to_list() == [0.0, 0.0] and not steep["open"].any()
    assert table["best_factor"].to_list() == [1.0] * 4


def test_a_diverged_rate_costs_the_loss_at_the_start():
    calm = analysis.learning_rate_sensitivity(rates({"x": 0.004}), start=8.0)["sensitivity"][0]
    table = analysis.learning_rate_sensitivity(rates({"x": 0.004}, diverges="x"), start=8.0)
    assert table["sensitivity"][0] == pytest.approx(calm + (8.0 - 2.016) / 5)
    assert table["width"][0] == 3.0


def test_rates_must_be_the_same_for_all():
    trials = rates({"x": 0.1, "y": 0.1})
    with pytest.raises(StudyError, match="others at"):
        analysis.learning_rate_sensitivity(
            trials.filter((pl.col("variant") == "x") | (pl.col("lr_factor") < 4)), start=8.0
        )
    with pytest.raises(StudyError, match="at least two"):
        analysis.learning_rate_sensitivity(trials.filter(pl.col("lr_factor") == 1), start=8.0)

"""Fits on synthetic data with a known truth, and refusals where nothing is identified."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import StudyError, analysis


def valley(
    optimum: float, *, seeds: int = 4, noise: float = 0.003, aspects=(8, 16, 32, 64, 128), params=1e6, random_seed=0
) -> pl.DataFrame:
    generator = np.random.default_rng(random_seed)
    common = generator.normal(0, 0.03, seeds)
    return pl.DataFrame(
        [
            {
                "aspect": float(aspect), "seed": s, "status": "done", "non_embedding_params": int(params),
                "val_bpb": 2 + 0.02 * math.log(aspect / optimum) ** 2 + common[s] + generator.normal(0, noise),
            }
            for aspect in aspects
            for s in range(seeds)
        ]
    )  # fmt: skip


def test_the_valley_finds_its_bottom():
    fit = analysis.fit_basin(valley(40), budget="1M")
    assert fit.optimum == pytest.approx(40, rel=0.15)
    assert fit.interval[0] < fit.optimum < fit.interval[1]
    assert fit.flat[0] <= fit.optimum <= fit.flat[1]
    assert fit.predict(40.0) == pytest.approx(2, abs=0.05)
    assert fit.at_edge == 0
    assert fit.lack_of_fit > 0.01
    assert fit.reason == ""


def test_the_interval_of_the_optimum_covers_the_truth():
    hits = 0
    for i in range(100):
        low, high = analysis.fit_basin(valley(30, random_seed=i), draws=200).interval
        hits += low <= 30 <= high
    assert 86 <= hits <= 100


def test_an_optimum_outside_the_range_is_flagged_and_not_extrapolated():
    fit = analysis.fit_basin(valley(1000, noise=0.001))
    assert fit.optimum is None
    assert fit.interval is None
    assert "above the sampled range" in fit.reason
    assert fit.at_edge > 0.9
    assert fit.flat[1] == pytest.approx(128)


def test_a_hill_has_no_optimum():
    frame = valley(32).with_columns(val_bpb=4 - pl.col("val_bpb"))
    assert "curve upwards" in analysis.fit_basin(frame).reason


def test_lack_of_fit_is_noticed():
    frame = valley(32, noise=0.001).with_columns(
        val_bpb=pl.col("val_bpb") + pl.when(pl.col("aspect") == 32).then(0.05).otherwise(0.0)
    )
    assert analysis.fit_basin(frame).lack_of_fit < 0.001


def test_a_louder_noise_gives_a_wider_flat_basin():
    quiet, loud = (analysis.fit_basin(valley(32, noise=n)) for n in (0.001, 0.02))
    assert loud.flat[1] / loud.flat[0] > quiet.flat[1] / quiet.flat[0]


def test_aspect_follows_from_the_shape():
    frame = (
        valley(32).with_columns(num_layers=pl.lit(4), hidden_size=(4 * pl.col("aspect")).cast(pl.Int64)).drop("aspect")
    )
    assert analysis.fit_basin(frame).sampled == pytest.approx((8, 128))


def test_too_few_shapes_or_seeds():
    with pytest.raises(StudyError, match="at 3 values or more"):
        analysis.fit_basin(valley(32, aspects=(8, 16)))
    with pytest.raises(StudyError, match="2 seeds"):
        analysis.fit_basin(valley(32, seeds=1))


def ladder(budgets: int, exponent: float = 0.1) -> list:
    sizes = [3e5 * 4**i for i in range(budgets)]
    return [
        analysis.fit_basin(valley(20 * (n / 1e6) ** exponent, params=n, random_seed=i), draws=200)
        for i, n in enumerate(sizes)
    ]


def test_the_optimum_is_carried_with_an_interval_that_holds_the_truth():
    scaling, reason = analysis.fit_optimum_scaling(ladder(5), target_params=1e10)
    assert reason == ""
    low, middle, high = scaling.aspect
    assert low < 20 * 1e4**0.1 < high
    assert scaling.slope[0] < 0.1 < scaling.slope[2]
    assert scaling.factor == pytest.approx(1e10 / (3e5 * 256), rel=0.01)
    assert scaling.line.shape == (4, 64)
    assert scaling.as_dict()["aspect"]["middle"] == middle


def test_the_interval_grows_with_the_distance():
    fits = ladder(4)
    near, far = (analysis.fit_optimum_scaling(fits, target_params=n)[0].aspect for n in (1e8, 1e10))
    assert far[2] / far[0] > near[2] / near[0]


@pytest.mark.parametrize("budgets", [0, 1, 2])
def test_few_budgets_carry_nothing(budgets):
    scaling, reason = analysis.fit_optimum_scaling(ladder(budgets))
    assert scaling is None
    assert "with its error needs 3" in reason


def test_budgets_without_an_optimum_are_counted_in_the_reason():
    fits = [*ladder(2), analysis.fit_basin(valley(5000, noise=0.001), draws=200)]
    assert "2 of 3 sizes" in analysis.fit_optimum_scaling(fits)[1]


def test_llama_13b_is_what_its_own_aspect_gives():
    shape = analysis.buildable_shape(13e9, 128, 32_000)
    assert (shape.num_layers, shape.hidden_size, shape.num_heads) == (40, 5120, 40)
    assert shape.params == pytest.approx(13e9, rel=0.03)


@pytest.mark.parametrize("aspect", [10, 40, 100, 300])
@pytest.mark.parametrize("target", [1e9, 1e10, 7e10])
def test_shapes_can_be_split_and_have_the_size_asked_for(target, aspect):
    shape = analysis.buildable_shape(target, aspect, 100_000)
    assert shape.hidden_size % (128 * 8) == 0
    assert shape.num_heads * 128 == shape.hidden_size
    assert shape.num_layers % 4 == 0
    assert shape.intermediate_size % 8 == 0
    assert shape.params == pytest.approx(target, rel=0.2 if target < 5e9 else 0.05)


def test_impossible_targets_are_refused():
    with pytest.raises(StudyError, match="aspect"):
        analysis.buildable_shape(1e10, -3, 32_000)

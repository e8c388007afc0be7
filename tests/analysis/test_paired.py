"""Paired statistics on simulated trials with a known truth."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from studylib import StudyError, analysis


def trials(
    effects: dict[str, float], seeds: int, *, noise: float, seed_sd: float = 0.05, random_seed: int = 0
) -> pl.DataFrame:
    generator = np.random.default_rng(random_seed)
    common = generator.normal(0, seed_sd, seeds)
    return pl.DataFrame(
        [
            {
                "variant": name,
                "seed": s,
                "status": "done",
                "val_bpb": 2.0 + effect + common[s] + generator.normal(0, noise),
            }
            for name, effect in effects.items()
            for s in range(seeds)
        ]
    )


def test_noise_floor_separates_the_seeds_common_part():
    frame = trials({f"v{i}": 0.01 * i for i in range(8)}, 20, noise=0.002, seed_sd=0.05)
    floor = analysis.noise_floor(frame)
    assert floor.paired_sd == pytest.approx(0.002, rel=0.2)
    assert floor.unpaired_sd == pytest.approx(0.05, rel=0.4)
    assert floor.seeds == 20
    assert 19 < floor.dof < 7 * 19, "of one difference: its two variants, and what is common to all"


def test_noise_floor_is_that_of_the_size_that_decides():
    parts = [
        trials({"a": 0.0, "b": 0.1}, 30, noise=noise, random_seed=i).with_columns(size=pl.lit(name), params=count)
        for i, (name, count, noise) in enumerate([("4M", 4_000_000, 0.003), ("1M", 1_000_000, 0.03)])
    ]
    floor = analysis.noise_floor(pl.concat(parts))
    assert floor.at == "4M"
    assert floor.paired_sd == pytest.approx(0.003, rel=0.3)
    assert analysis.noise_floor(parts[1]).paired_sd == pytest.approx(0.03, rel=0.3)


def test_more_comparisons_detect_less():
    few, many = (
        analysis.noise_floor(trials({f"v{k}": 0.0 for k in range(count)}, 5, noise=0.01, random_seed=1))
        for count in (3, 12)
    )
    assert (few.comparisons, many.comparisons) == (2, 11)
    assert many.mde / many.paired_sd > few.mde / few.paired_sd
    assert few.mde_with(10) < few.mde


def test_a_study_finds_the_effect_it_printed_in_four_of_five():
    seeds, sd = 4, 0.01
    generator = np.random.default_rng(1)
    estimated = sd * np.sqrt(generator.chisquare(seeds - 1, 20_000) / (seeds - 1))
    effect = analysis.minimum_detectable_effect(1.0, seeds) * estimated
    differences = generator.normal(effect[:, None], sd * np.sqrt(2), (20_000, seeds))
    found = (stats.ttest_1samp(differences, 0, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.02)


def test_more_seeds_see_smaller_effects():
    effects = [analysis.minimum_detectable_effect(0.01, n) for n in (2, 3, 5, 10, 100)]
    assert effects == sorted(effects, reverse=True)
    assert effects[-1] == pytest.approx(2.8 * 0.01 * np.sqrt(2 / 100), rel=0.05)


def test_t_interval_covers_the_truth_as_often_as_it_says():
    hits = 0
    for i in range(100):
        table = analysis.compare_to_baseline(trials({"a": 0.0, "b": -0.01}, 4, noise=0.01, random_seed=i), "a")
        hits += table["low"][0] <= -0.01 <= table["high"][0]
    assert hits >= 90


def test_holm_matches_a_worked_example():
    assert analysis.holm(np.array([0.01, 0.04, 0.03, np.nan])) == pytest.approx([0.03, 0.06, 0.06, np.nan], nan_ok=True)


def test_null_variants_are_rarely_called_different():
    wrong = 0
    for i in range(60):
        table = analysis.compare_to_baseline(
            trials({f"v{k}": 0.0 for k in range(10)}, 3, noise=0.01, random_seed=i), "v0"
        )
        wrong += (table["p_holm"] < 0.05).any()
    assert wrong <= 6


def test_failed_trials_are_counted_as_missing_and_never_imputed():
    frame = trials({"a": 0.0, "b": 0.1, "c": 0.2}, 4, noise=0.001)
    broken = (pl.col("variant") == "b") & (pl.col("seed") < 2) | (pl.col("variant") == "c") & (pl.col("seed") > 0)
    frame = frame.with_columns(
        status=pl.when(broken).then(pl.lit("diverged")).otherwise("status"),
        val_bpb=pl.when(broken).then(None).otherwise("val_bpb"),
    )
    table = analysis.compare_to_baseline(frame, "a").rows_by_key("variant", named=True, unique=True)
    assert (table["b"]["pairs"], table["b"]["missing"]) == (2, 2)
    assert table["b"]["difference"] == pytest.approx(0.1, abs=0.01)
    assert (table["c"]["pairs"], table["c"]["p_holm"], table["c"]["low"]) == (1, None, None)


def test_a_noisy_variant_is_seldom_found_different_and_its_interval_is_wide():
    wrong, widths = 0, []
    for i in range(30):
        frame = trials({f"v{k}": 0.0 for k in range(5)}, 3, noise=0.01, random_seed=i)
        loud = np.random.default_rng([7, i]).normal(0, 0.05, len(frame))
        frame = frame.with_columns(
            val_bpb=pl.when(pl.col("variant") == "v1").then(pl.col("val_bpb") + loud).otherwise("val_bpb")
        )
        table = analysis.compare_to_baseline(frame, "v0")
        wrong += table["significant"].any()
        width = table["high"] - table["low"]
        widths.append(width[0] / width[1:].mean())
    assert wrong <= 4
    assert np.median(widths) > 1.5


def test_what_is_significant_is_so_by_holms_p_alone():
    frame = trials({"a": 0.0, "b": 0.02, "c": 0.0}, 4, noise=0.003, random_seed=1)
    table = analysis.compare_to_baseline(frame, "a")
    assert table["significant"].to_list() == (table["p_holm"] < 0.05).to_list() == [True, False]


def test_identical_variants_have_no_difference_and_no_noise():
    frame = trials({"a": 0.0}, 3, noise=0.0)
    frame = pl.concat([frame, frame.with_columns(variant=pl.lit("b"))])
    row = analysis.compare_to_baseline(frame, "a").row(0, named=True)
    assert row["difference"] == 0
    assert row["p_value"] == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.filter(pl.col("seed") == 0), "at least 2 seeds"),
        (lambda f: f.drop("val_bpb"), "val_bpb"),
        (lambda f: pl.concat([f, f]), "select one size"),
        (lambda f: f.with_columns(status=pl.lit("crashed")), "at least 2 seeds"),
    ],
)
def test_what_cannot_be_compared_is_said_plainly(change, words):
    with pytest.raises(StudyError, match=words):
        analysis.compare_to_baseline(change(trials({"a": 0.0, "b": 0.1}, 3, noise=0.01)), "a")


def test_unknown_baseline_lists_the_variants():
    with pytest.raises(StudyError, match="swiglu"):
        analysis.compare_to_baseline(trials({"swiglu": 0.0, "relu": 0.1}, 3, noise=0.01), "swigul")


def test_groups_without_a_common_seed_are_refused():
    frame = trials({"a": 0.0, "b": 0.1}, 4, noise=0.01)
    frame = frame.filter((pl.col("variant") == "a") == (pl.col("seed") < 2))
    with pytest.raises(StudyError, match="share no seed"):
        analysis.noise_floor(frame)


def test_estimate_is_a_t_interval():
    mean, (low, high) = analysis.estimate(np.array([1.0, 2.0, 3.0]))
    assert mean == 2
    assert high - mean == pytest.approx(stats.t.ppf(0.975, 2) / np.sqrt(3))
    assert low == pytest.approx(4 - high)
    with pytest.raises(StudyError):
        analysis.estimate(np.array([np.nan]))

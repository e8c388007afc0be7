"""The noise floor by size: known noise is found, and the next size's is expected from it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import StudyError, analysis, findings


def simulated(
    sds: dict[float, float], *, variants: int = 6, seeds: int = 4, common: float = 0.02, random: int = 0
) -> pl.DataFrame:
    """Trials at each size with a paired SD in percent of a loss of 2."""
    generator = np.random.default_rng(random)
    rows = []
    for params, percent in sds.items():
        shared = generator.normal(0, common, seeds)
        for variant in range(variants):
            for seed in range(seeds):
                loss = 2 + 0.01 * variant + shared[seed] + generator.normal(0, 2 * percent / 100)
                rows.append(
                    {"size": f"{params:.0f}", "variant": f"v{variant}", "seed": seed, "status": "done", "val_bpb": loss,
                     "non_embedding_params": int(params)}
                )  # fmt: skip
    return pl.DataFrame(rows)


def test_intervals_hold_the_noise_that_was_put_in():
    sds, held, apart = {1e5: 1.0, 1e6: 0.25}, 0, 0
    for random in range(20):
        found = analysis.noise_by_size(simulated(sds, random=random))
        assert [one.params for one in found] == [1e5, 1e6] and found[0].seeds == 4 and found[0].comparisons == 5
        for one, truth in zip(found, sds.values(), strict=True):
            held += one.paired[0] <= truth <= one.paired[2]
            apart += (
                one.unpaired[0] <= (truth**2 + 1) ** 0.5 <= one.unpaired[2]
            )  # the seeds' common SD is 1 % of the loss
    assert held >= 35 and apart >= 33


def test_one_size_says_what_the_noise_floor_says():
    trials = simulated({1e5: 0.5})
    (one,) = analysis.noise_by_size(trials)
    assert one.paired[1] * one.loss / 100 == pytest.approx(analysis.noise_floor(trials).paired_sd)


def test_more_variants_do_not_make_few_seeds_more():
    """What seeds do to all variants alike is known as well as there are seeds, not trials."""
    few, many = (
        analysis.noise_by_size(simulated({1e5: 0.1}, variants=count, common=0.05))[0].unpaired for count in (3, 30)
    )
    assert many[2] / many[0] > 0.8 * few[2] / few[0]


def test_the_next_size_goes_on_as_the_sizes_went():
    falling = analysis.noise_by_size(simulated({1e4: 2.0, 1e5: 0.7, 1e6: 0.25}, variants=12, seeds=6))
    level = analysis.noise_by_size(simulated({1e4: 0.7, 1e5: 0.7, 1e6: 0.7}, variants=12, seeds=6))
    ahead = analysis.next_noise(falling)
    assert ahead.params == pytest.approx(1e7)
    assert 0.05 < ahead.paired[1] < 0.25
    low, middle, high = analysis.next_noise(level).paired
    assert 0.4 < middle < 1.1 and low < 0.7 < high
    fewer, more = ahead.seeds[1], analysis.next_noise(level).seeds[1]
    assert fewer < more
    least = analysis.minimum_detectable_effect(
        ahead.paired[1], fewer, dof=falling[-1].dof * (fewer - 1) / 5, alpha=0.05 / 11
    )
    assert least <= 0.5
    assert analysis.next_noise(level, effect=0.05).seeds[1] is None, "more than 200"


def test_sizes_without_a_comparison_are_left_out():
    trials = simulated({1e4: 1.0, 1e5: 1.0, 1e6: 1.0})
    trials = trials.filter((pl.col("size") != "10000") | (pl.col("variant") == "v0"))
    assert [one.size for one in analysis.noise_by_size(trials)] == ["100000", "1000000"]
    one = trials.filter(pl.col("size") == "100000")
    assert findings.NoiseBySize.of(one) is None
    with pytest.raises(StudyError, match="at least 2 sizes"):
        analysis.next_noise(analysis.noise_by_size(one))


def test_the_finding_is_drawn_beside_published_reruns(tmp_path):
    found = findings.NoiseBySize.of(simulated({1e5: 1.0, 1e6: 0.3}))
    olmo = found.published[0]
    assert olmo.by_size[0] < olmo.percent < olmo.by_size[1] and "67a3f440" in olmo.source
    record = found.save(tmp_path)
    assert (tmp_path / record.file).stat().st_size < 150_000
    (ax,) = found.figure().axes
    assert any("OLMo" in text.get_text() for text in ax.texts)
    assert str(found.seeds.likely) in found.said().en and str(found.seeds.likely) in found.said().ja

"""Effects over sizes and at the target, on numbers whose truth is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.analysis import hierarchy, seed_effects
from studylib.bench.calibration import target as calibration
from studylib.errors import StudyError

SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}


def simulated(
    effects: dict[str, tuple[float, float]], *, sizes: dict[str, int] = SIZES, seeds: int = 4, noise: float = 0.1
) -> pl.DataFrame:
    """``effects``: percent at 10k, and its change in ten times the parameters; ``noise`` in percent a trial."""
    random = np.random.default_rng(1)
    rows = []
    for size, params in sizes.items():
        common = random.normal(0, 0.05, seeds)
        for name, (effect, slope) in ({"baseline": (0.0, 0.0)} | effects).items():
            for seed in range(seeds):
                percent = effect + slope * math.log10(params / 10_000) + random.normal(0, noise)
                level = 3.0 - 0.3 * math.log10(params / 10_000) + common[seed]
                rows.append(
                    {
                        "size": size, "variant": name, "seed": seed, "status": "done", "non_embedding_params": params,
                        "val_bpb": level * (1 + percent / 100),
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


EFFECTS = {
    "steady": (-2.0, 0.0),
    "fading": (-2.0, 0.8),
    "growing": (-0.6, -0.8),
    "turning": (1.5, -1.5),
    "nothing": (0.0, 0.0),
}


def test_trends_are_recognised():
    at = analysis.carry_to_target(simulated(EFFECTS), "baseline")
    found = {one.variant: one for one in at.effects}
    assert {name: one.trend for name, one in found.items()} == {
        "steady": "holds", "fading": "shrinks", "growing": "grows", "turning": "flips", "nothing": "unclear",
    }  # fmt: skip
    low, middle, high = found["fading"].slope
    assert low < 0.8 < high and middle == pytest.approx(0.8, abs=0.15)
    for name, (effect, slope) in EFFECTS.items():
        for ends in (found[name].measured, found[name].effects):
            for place, (low, _, high) in enumerate(ends.values()):
                assert low - 0.05 < effect + slope * place < high + 0.05
    wide = found["steady"].measured["1M"], found["steady"].effects["1M"]
    assert wide[1][2] - wide[1][0] < wide[0][2] - wide[0][0], "other sizes and variants say something too"


def test_sizes_apart_without_a_slope_are_not_said_to_hold():
    """Losses of the published study, idea 8: so steep a slope is rare enough that noise may be behind it."""
    losses = {
        "baseline": ([1.6975, 1.7045, 1.7020], [1.5791, 1.5898, 1.5803], [1.3606, 1.3607, 1.3588]),
        "experts": ([1.6872, 1.6863, 1.6927], [1.5634, 1.5547, 1.5667], [1.3227, 1.3207, 1.3171]),
        "window": ([1.6720, 1.6794, 1.6781], [1.5601, 1.5649, 1.5590], [1.3436, 1.3415, 1.3447]),
        "layernorm": ([1.7045, 1.7065, 1.7016], [1.5796, 1.5920, 1.5800], [1.3588, 1.3604, 1.3591]),
    }
    rows = [
        {"size": str(params), "variant": name, "seed": seed, "status": "done", "non_embedding_params": params, "val_bpb": loss}
        for name, sizes in losses.items()
        for params, own in zip((125_000, 250_000, 1_000_000), sizes, strict=True)
        for seed, loss in enumerate(own)
    ]  # fmt: skip
    found = {one.variant: one for one in analysis.carry_to_target(pl.DataFrame(rows), "baseline").effects}
    first, last = found["experts"].measured["125000"], found["experts"].measured["1000000"]
    assert last[2] < first[0], "each by itself"
    assert {name: one.trend for name, one in found.items()} == {
        "experts": "differs", "window": "holds", "layernorm": "unclear",
    }  # fmt: skip


def test_what_the_reference_is_changes_no_decision():
    trials = simulated(EFFECTS)
    one, other, none = (analysis.carry_to_target(trials, name) for name in ("baseline", "steady", None))
    assert one.p_best == other.p_best == none.p_best and one.leader == none.leader
    assert {effect.variant for effect in none.effects} == {"baseline", *EFFECTS}
    assert sum(none.p_best.values()) == pytest.approx(1)
    total = sum(effect.measured["10k"][1] for effect in none.effects)
    assert total == pytest.approx(0, abs=0.3), "to the mean of all"


def test_an_advantage_at_the_sizes_trained_is_not_decided_for_a_target_far_away():
    near = {"100M": 100_000_000, "300M": 300_000_000, "1B": 1_000_000_000}
    for sizes, decided in ((SIZES, False), ({"10k": 10_000}, False), (near, True)):
        at = analysis.carry_to_target(simulated({"better": (-1.0, 0.0)}, sizes=sizes, noise=0.05), "baseline")
        assert at.leader == "better" and at.decided is decided, sizes
        (effect,) = at.effects
        assert effect.supported is decided
        told = json.loads(json.dumps(effect.as_dict()))
        assert told["supported"] is decided and ("at_target" in told) is decided
    assert at.factor == pytest.approx(10)
    low, middle, high = effect.target
    assert low < -1 < high and -1.2 < middle < -0.7 and high - low < 3


def test_one_size_has_no_slope_and_says_what_its_prior_allows():
    (one,) = analysis.carry_to_target(simulated({"x": (-2.0, 0.0)}, sizes={"1B": 1_000_000_000}), "baseline").effects
    assert one.trend == "one size" and one.slope is None and one.p_better > 0.8
    assert list(one.measured) == ["1B"]


def test_a_rival_that_comes_up_is_not_overlooked():
    sizes = {"10M": 10_000_000, "30M": 31_600_000, "100M": 100_000_000}
    trials = simulated({"leader": (-1.0, 0.0), "rival": (-0.1, -0.3)}, sizes=sizes, noise=0.05)
    # simulated() counts decades from 10k: at 100M the rival is at -1.3 already, so it leads where it is carried to
    at = analysis.carry_to_target(trials, "baseline")
    assert at.leader == "rival"
    flat = simulated({"leader": (-1.0, 0.0), "rival": (0.5, -0.3)}, sizes=sizes, noise=0.05)
    at = analysis.carry_to_target(flat, "baseline")
    assert not at.decided and {"leader", "rival"} <= {at.leader, *at.rivals}


def test_no_effect_takes_more_than_the_whole_loss():
    at = analysis.carry_to_target(simulated({"growing": (-5.0, -20.0)}, noise=0.02), "baseline")
    (one,) = at.effects
    assert all(-100 < low <= high for low, _, high in one.effects.values())
    assert one.target is None, "an interval this wide is no answer"


def test_a_noisy_variant_is_seen_to_be_noisy_and_the_others_are_not():
    generator = np.random.default_rng(3)
    sd = np.array([0.1, 0.1, 0.1, 0.1, 1.0])
    variant, size, seed = (axis.ravel() for axis in np.indices((5, 3, 4)))
    y = generator.normal(0, 2, (3, 4))[size, seed] + sd[variant] * generator.standard_normal(60)
    found = np.sqrt(np.median(seed_effects.draw_noise(y, variant, size, seed, generator=generator).variance, axis=0))
    assert found[4].min() > 0.4 and found[:4].max() < 0.25


def test_cells_without_trials_have_no_mean_and_the_others_agree_with_their_trials():
    generator = np.random.default_rng(4)
    variant, size, seed = (axis.ravel()[:-4] for axis in np.indices((3, 2, 4)))
    y = np.array([0.0, 5.0, 9.0])[variant] + generator.normal(0, 2, (2, 4))[size, seed] + generator.normal(0, 0.1, 20)
    found = seed_effects.draw_noise(y, variant, size, seed, generator=generator)
    assert found.count.tolist() == [[4, 4], [4, 4], [4, 0]]
    assert np.isnan(found.mean[:, 2, 1]).all() and np.isfinite(found.variance).all()
    gap = found.mean[:, 1] - found.mean[:, 0]
    assert gap.mean(axis=0) == pytest.approx([5, 5], abs=0.3)


def test_identical_seeds_divide_nothing_by_zero():
    trials = simulated({"x": (-2.0, 0.0)}, noise=0.0)
    at = analysis.carry_to_target(trials, "baseline")
    (one,) = at.effects
    assert one.measured["1M"] == pytest.approx((-2, -2, -2), abs=0.01) and 0 <= at.p_best["x"] <= 1


def test_a_variant_may_be_missing_at_some_sizes():
    trials = simulated({"x": (-2.0, 0.0), "y": (-1.0, 0.0)})
    left = trials.filter((pl.col("variant") != "x") | (pl.col("size") == "1M"))
    at = analysis.carry_to_target(left, "baseline")
    found = {one.variant: one for one in at.effects}
    assert list(found["x"].measured) == ["1M"] and found["x"].trend == "one size"
    assert found["x"].measured["1M"][1] == pytest.approx(-2, abs=0.3) and len(found["y"].measured) == 3
    assert at.p_best["x"] > at.p_best["y"]


def test_failed_trials_are_left_out_and_the_rest_is_judged():
    trials = simulated({"x": (-2.0, 0.0), "dead": (0.0, 0.0)})
    dead = pl.col("variant") == "dead"
    trials = trials.with_columns(
        status=pl.when(dead).then(pl.lit("diverged")).otherwise("status"),
        val_bpb=pl.when(dead).then(None).otherwise("val_bpb"),
    )
    assert [one.variant for one in analysis.carry_to_target(trials, "baseline").effects] == ["x"]
    table = analysis.effects_by_size(trials, "baseline")
    assert len(table.filter(pl.col("variant") == "x")) == 3
    assert dict(table.filter(pl.col("variant") == "x").select("size", "params").rows()) == SIZES


def test_what_cannot_be_judged_is_refused():
    trials = simulated({"x": (-2.0, 0.0)})
    with pytest.raises(StudyError, match=r"reference.*no finished trial"):
        analysis.carry_to_target(trials, "base")
    with pytest.raises(StudyError, match="two seeds in common"):
        analysis.carry_to_target(trials.filter(pl.col("seed") == 0), "baseline")
    with pytest.raises(StudyError, match="no size has two variants"):
        analysis.carry_to_target(trials.filter(pl.col("variant") == "x"))
    apart = trials.filter((pl.col("variant") == "x") == (pl.col("seed") > 1))
    with pytest.raises(StudyError, match="share no seed"):
        analysis.carry_to_target(apart, "baseline")
    with pytest.raises(StudyError, match="target_params"):
        analysis.carry_to_target(trials, "baseline", target_params=0)


def test_errors_of_moved_losses_widen_what_is_said():
    trials = simulated({"x": (-1.0, 0.0)}, sizes={"300M": 300_000_000, "1B": 1_000_000_000}, noise=0.05)
    plain = analysis.carry_to_target(trials, "baseline")
    level = float(trials["val_bpb"].mean())
    draws = np.random.default_rng(0).normal(0, 0.01 * level, 2000)  # 1 % of the loss, at every size alike
    moved = analysis.carry_to_target(trials, "baseline", errors={f"{size}/x": draws for size in ("300M", "1B")})
    assert plain.p_leader > 0.87 > moved.p_leader and moved.regret > plain.regret


def test_draws_are_those_of_the_model():
    """With everything known, mean and SD are those of a regression on the sizes."""
    sizes, known = calibration.Sizes(3, 1, 2), calibration.Known(spread=1.0, memory=6.0, slope=0.3)
    generator = np.random.default_rng(2)
    trials = calibration.simulated_trials(calibration.draw_truth(6, sizes, known, generator), sizes, 3, 0.1, generator)
    mean, sd = calibration.oracle(trials, sizes, 3, 0.1, known)
    found = analysis.carry_to_target(trials)
    own = found.samples - found.samples.mean(axis=1, keepdims=True)
    assert own.mean(axis=0) == pytest.approx(mean, abs=0.4 * sd[0])
    assert 0.45 < own.std(axis=0).mean() / sd[0] < 2, "what is new is judged by the better half at one size"


def test_the_slope_forgets_itself():
    place = np.array([-0.5, 0.5, 6.0])
    walked = hierarchy.walk(place)
    assert np.linalg.eigvalsh(walked).min() > -1e-9
    assert walked[0, 0] == pytest.approx(0.25, rel=0.1), "near by it is a line"
    assert walked[2, 2] < 0.7 * 36, "far away it is less sure than a line"
    assert walked[0, 1] < 0 < walked[1, 2]


def test_a_slope_that_was_seen_is_not_drawn_out_for_ever():
    """What was worst at the smallest size is not carried past all others because it caught up there."""
    late = {"late": (6.0, -2.5), "other": (0.5, 0.0), "third": (-0.4, 0.0), "fourth": (0.2, 0.0)}
    at = analysis.carry_to_target(simulated(late), "baseline")
    (effect,) = (one for one in at.effects if one.variant == "late")
    assert effect.trend == "shrinks" and effect.effects["1M"][0] > 0.5
    assert effect.p_better < 0.3 and at.p_best["late"] < 0.15
    line = 6.0 - 2.5 * 6  # where a line would have it
    assert effect.target is None or effect.target[0] > line


def test_of_those_as_good_at_the_target_the_one_that_leads_at_the_largest_size_leads():
    """Where nothing of what was seen is left, who leads must not be a matter of the last digit."""
    at = analysis.carry_to_target(simulated(EFFECTS), "baseline")
    equal = np.random.default_rng(0).normal(0, 1, (4000, 3)) - np.array([0.0, 0.1, 0.0])
    largest = replace(at.compared[-1], variants=("a", "b", "c"), samples=equal + np.array([0.0, 3.0, 1.0]))
    one = replace(at, p_best=dict.fromkeys("abc", 0.0), samples=equal, effects=(), compared=(largest,))
    assert one.among("abc").leader == "a" and one.among("bc").leader == "c"
    assert replace(one, compared=()).among("abc").leader == "b"
    ahead = replace(one, samples=equal - np.array([0.0, 0.3, 0.0]))
    assert ahead.among("abc").leader == "b", "by more than what does not matter"
    unknown = replace(ahead, samples=ahead.samples + np.random.default_rng(1).normal(0, 20, (4000, 3)))
    assert unknown.among("abc").leader == "a", "what is twenty times less than its own error is none"


def test_variants_that_fail_say_nothing_of_the_others():
    steady = {"a": (-0.6, 0.0), "b": (0.4, 0.0), "c": (0.2, 0.0)}
    alone = analysis.carry_to_target(simulated(steady), "baseline")
    beside = analysis.carry_to_target(simulated(steady | {"fails": (30.0, -6.0)}), "baseline")
    assert "fails" not in beside.contending and "a" in beside.contending
    assert beside.compared[-1].spread_percent < 2 * alone.compared[-1].spread_percent
    assert beside.p_best["a"] == pytest.approx(alone.p_best["a"], abs=0.12)
    assert beside.p_best["fails"] < 0.02
    ahead = analysis.carry_to_target(simulated(steady | {"wins": (-30.0, 0.0)}), "baseline")
    assert "wins" in ahead.contending and ahead.compared[-1].spread_percent > 3, "it shows how large effects can be"


def test_how_effects_move_says_how_much_of_them_arrives():
    def drawn(memory: float) -> float:
        generator, sizes = np.random.default_rng(5), calibration.Sizes(4, 2, 2)
        truth = calibration.draw_truth(10, sizes, calibration.Known(2.0, memory, 0.1), generator)
        trials = calibration.simulated_trials(truth, sizes, 3, 0.1, generator)
        return float(np.median(analysis.carry_to_target(trials).memory))

    assert drawn(0.7) < 2 < 6 < drawn(20.0)


def test_a_flat_truth_shows_no_trend():
    claimed = 0
    for number in range(8):
        generator = np.random.default_rng(number)
        flat = simulated(dict.fromkeys("abcd", (0.5, 0.0)), seeds=3, noise=0.0)
        flat = flat.with_columns(val_bpb=pl.col("val_bpb") * (1 + generator.normal(0, 0.002, len(flat))))
        found = analysis.carry_to_target(flat, "baseline").effects
        claimed += any(one.trend in ("shrinks", "grows", "flips", "differs") for one in found)
    assert claimed <= 1

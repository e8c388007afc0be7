"""Decisions on simulated trials: sure winners, ties, and noise alone."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from studylib import StudyError, analysis


def trials(
    effects: dict[str, float], seeds: int, *, noise: float, random_seed: int = 0, **columns: object
) -> pl.DataFrame:
    generator = np.random.default_rng(random_seed)
    common = generator.normal(0, 0.05, seeds)
    rows = [
        {
            "variant": name, "seed": s, "status": "done", "flops": 1e12, "seconds": 5.0,
            "val_bpb": 2.0 + effect + common[s] + generator.normal(0, noise),
        }
        | columns
        for name, effect in effects.items()
        for s in range(seeds)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def test_a_clear_winner_is_decided():
    decision = analysis.decide(trials({"a": 0.0, "b": 0.1, "c": 0.1}, 3, noise=0.002))
    assert decision.state == "ahead"
    assert decision.ahead
    assert decision.leader == "a"
    assert decision.p_best["a"] > 0.99
    assert sum(decision.p_best.values()) == pytest.approx(1)
    assert decision.basin == ("a",)
    assert decision.rivals == ()
    assert decision.next_run is None


def test_an_open_race_names_the_run_that_would_settle_it():
    decision = analysis.decide(trials({"a": 0.0, "b": 0.03, "c": 0.9}, 3, noise=0.03, random_seed=2))
    assert decision.state == "open"
    assert {decision.leader, *decision.rivals} == {"a", "b"}
    run = decision.next_run
    assert run.seeds > 3
    assert run.chance >= 0.8
    assert run.extra_trials == 2 * (run.seeds - 3)
    assert run.flops == pytest.approx(run.extra_trials * 1e12)
    assert run.seconds == pytest.approx(run.extra_trials * 5.0)


def test_equal_variants_end_as_equivalent_not_as_a_winner():
    decision = analysis.decide(trials({"a": 0.0, "b": 0.0}, 12, noise=0.001))
    assert decision.state == "equivalent"
    assert not decision.ahead
    assert set(decision.basin) == {"a", "b"}
    assert decision.next_run is None
    assert decision.regret < decision.margin


def test_among_many_equal_variants_a_winner_is_rarely_named():
    wrong = sum(
        analysis.decide(trials({f"v{k}": 0.0 for k in range(10)}, 3, noise=0.02, random_seed=i), draws=2000).ahead
        for i in range(50)
    )
    assert wrong <= 3


def test_p_best_is_calibrated():
    """Truth drawn from a normal spread: what is called 70-90 % likely should be best about that often."""
    said, was = [], []
    for i in range(120):
        effects = np.random.default_rng(1000 + i).normal(0, 0.02, 5)
        frame = trials({str(k): float(e) for k, e in enumerate(effects)}, 3, noise=0.02, random_seed=i)
        decision = analysis.decide(frame, draws=1000)
        said.append(decision.p_best[decision.leader])
        was.append(decision.leader == str(effects.argmin()))
    assert np.mean(said) == pytest.approx(np.mean(was), abs=0.1)


def test_identical_results_share_the_probability():
    frame = trials({"a": 0.0}, 3, noise=0.0)
    decision = analysis.decide(pl.concat([frame, frame.with_columns(variant=pl.lit("b"))]))
    assert not decision.ahead
    assert decision.p_best["a"] == pytest.approx(0.5, abs=0.05)
    assert decision.regret < 1e-6


def noisy(effects: dict[str, float], noise: dict[str, float], seeds: int, *, random_seed: int) -> pl.DataFrame:
    parts = [
        trials({name: effect}, seeds, noise=0.0, random_seed=random_seed).with_columns(
            pl.col("val_bpb") + np.random.default_rng([random_seed, k]).normal(0, noise.get(name, 0.004), seeds)
        )
        for k, (name, effect) in enumerate(effects.items())
    ]
    return pl.concat(parts)


def test_a_winner_stays_one_beside_a_variant_that_is_ten_times_as_noisy():
    effects = {"a": -0.04, "b": 0.0, "c": 0.0, "noisy": 0.4}
    sure = [analysis.decide(noisy(effects, {"noisy": 0.04}, 3, random_seed=i), draws=2000).ahead for i in range(20)]
    assert sum(sure) >= 18


def test_equivalent_variants_cost_less_than_the_margin_and_rivals_may_cost_more():
    close = analysis.decide(trials({"a": 0.0, "b": 0.001, "c": 0.1}, 6, noise=0.0005))
    assert close.basin == ("a", "b")
    assert "c" not in close.rivals
    vague = analysis.decide(trials({"a": 0.0, "b": 0.02}, 2, noise=0.03, random_seed=3))
    assert vague.rivals and len(vague.basin) == 1, "not told apart is not equivalent"


def test_each_further_look_asks_for_more():
    frame = trials({"a": 0.0, "b": 0.03}, 4, noise=0.016, random_seed=5)
    bars = [analysis.decide(frame, looks=k).bar for k in (1, 2, 3, 6)]
    assert bars[0] == 0.9 and bars == sorted(set(bars)) and bars[-1] < 1
    assert "look 2" in analysis.decide(frame, looks=2).text().en
    assert "look" not in analysis.decide(frame).text().en
    with pytest.raises(StudyError, match="looks"):
        analysis.decide(frame, looks=0)


def test_two_equal_variants_looked_at_six_times_are_seldom_told_apart():
    wrong = 0
    for i in range(24):
        frame = trials({"a": 0.0, "b": 0.0}, 14, noise=0.016, random_seed=i)
        seen = (frame.filter(pl.col("seed") < seeds) for seeds in (2, 3, 4, 6, 9, 14))
        wrong += any(analysis.decide(one, looks=k + 1, draws=1000).ahead for k, one in enumerate(seen))
    assert wrong <= 8


def test_what_a_move_does_not_know_counts_against_a_leader():
    frame = trials({"a": 0.0, "b": 0.01}, 5, noise=0.001)
    error = np.random.default_rng(0).normal(0, 0.02, 2000)
    assert analysis.decide(frame).ahead
    assert not analysis.decide(frame, errors={"b": error}).ahead
    assert analysis.decide(frame, errors={"a": error, "b": error}).ahead, "an error common to both moves neither"
    with pytest.raises(StudyError, match="errors"):
        analysis.decide(frame, errors={"c": error})


def test_the_verdict_says_where_it_was_tried_and_never_that_it_is_decided():
    frame = trials({"a": 0.0, "b": 0.1, "c": 0.1}, 3, noise=0.002, size="4M")
    told = analysis.decide(frame).text()
    assert "best of those tried at 4M" in told.en and "4M で試した中" in told.ja
    for one in (told, analysis.decide(trials({"a": 0.0, "b": 0.03}, 3, noise=0.05)).text()):
        assert not re.search(r"\bdecided", one.en)


def test_a_tie_that_seeds_will_not_break_is_to_be_treated_as_equal():
    frame = trials({"a": 0.0, "b": 0.0}, 40, noise=0.2)
    decision = analysis.decide(frame, margin=1e-6)
    assert decision.state == "open" and decision.next_run.seeds is None


def test_the_spread_of_equal_shapes_starts_at_zero_and_that_of_unequal_ones_does_not():
    low, high = analysis.spread_interval(trials({f"v{k}": 0.0 for k in range(6)}, 3, noise=0.004))
    assert low == 0 and high < 0.02
    low, high = analysis.spread_interval(trials({f"v{k}": 0.02 * k for k in range(6)}, 3, noise=0.004))
    assert 0 < low < 0.1 / 2.05 < high


def test_the_same_trials_give_the_same_decision():
    frame = trials({"a": 0.0, "b": 0.01}, 3, noise=0.02)
    assert analysis.decide(frame).p_best == analysis.decide(frame).p_best


def test_settings_out_of_range_are_refused():
    frame = trials({"a": 0.0, "b": 0.01}, 3, noise=0.02)
    with pytest.raises(StudyError, match="confidence"):
        analysis.decide(frame, confidence=1.5)
    with pytest.raises(StudyError, match="margin"):
        analysis.decide(frame, margin=-1.0)

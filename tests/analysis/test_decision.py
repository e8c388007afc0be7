"""Decisions on simulated trials: sure winners, ties, and noise alone."""

from __future__ import annotations

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
    assert decision.state == "winner"
    assert decision.decided
    assert decision.leader == "a"
    assert decision.p_best["a"] > 0.99
    assert sum(decision.p_best.values()) == pytest.approx(1)
    assert decision.basin == ("a",)
    assert decision.next_run is None


def test_an_open_race_names_the_run_that_would_settle_it():
    decision = analysis.decide(trials({"a": 0.0, "b": 0.01, "c": 0.5}, 3, noise=0.03, random_seed=2))
    assert decision.state == "undecided"
    assert set(decision.basin) == {"a", "b"}
    run = decision.next_run
    assert run.seeds > 3
    assert run.extra_trials == 2 * (run.seeds - 3)
    assert run.flops == pytest.approx(run.extra_trials * 1e12)
    assert run.seconds == pytest.approx(run.extra_trials * 5.0)
    assert str(run.seeds) in run.text().en
    assert str(run.seeds) in run.text().ja


def test_equal_variants_end_as_equivalent_not_as_a_winner():
    decision = analysis.decide(trials({"a": 0.0, "b": 0.0}, 12, noise=0.001))
    assert decision.state == "equivalent"
    assert not decision.decided
    assert decision.regret < decision.margin


def test_among_many_equal_variants_a_winner_is_rarely_named():
    wrong = sum(
        analysis.decide(trials({f"v{k}": 0.0 for k in range(10)}, 3, noise=0.02, random_seed=i), draws=2000).decided
        for i in range(100)
    )
    assert wrong <= 5


def test_p_best_is_calibrated():
    """Truth drawn from a normal spread: what is called 70-90 % likely should be best about that often."""
    said, was = [], []
    for i in range(300):
        effects = np.random.default_rng(1000 + i).normal(0, 0.02, 5)
        frame = trials({str(k): float(e) for k, e in enumerate(effects)}, 3, noise=0.02, random_seed=i)
        decision = analysis.decide(frame, draws=1000)
        said.append(decision.p_best[decision.leader])
        was.append(decision.leader == str(effects.argmin()))
    assert np.mean(said) == pytest.approx(np.mean(was), abs=0.08)


def test_identical_results_share_the_probability():
    frame = trials({"a": 0.0}, 3, noise=0.0)
    decision = analysis.decide(pl.concat([frame, frame.with_columns(variant=pl.lit("b"))]))
    assert not decision.decided
    assert decision.p_best["a"] == pytest.approx(0.5, abs=0.05)
    assert decision.regret < 1e-6


def test_the_same_trials_give_the_same_decision():
    frame = trials({"a": 0.0, "b": 0.01}, 3, noise=0.02)
    assert analysis.decide(frame).p_best == analysis.decide(frame).p_best


def test_settings_out_of_range_are_refused():
    frame = trials({"a": 0.0, "b": 0.01}, 3, noise=0.02)
    with pytest.raises(StudyError, match="confidence"):
        analysis.decide(frame, confidence=1.5)
    with pytest.raises(StudyError, match="margin"):
        analysis.decide(frame, margin=-1.0)

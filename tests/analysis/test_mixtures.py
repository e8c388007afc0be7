"""The surface over mixtures: its region holds the optimum, its regrets are not too small, bad shares are refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib.analysis.mixtures import REGION, fit_mixture, simplex, terms
from studylib.bench.calibration.mixtures import Truth
from studylib.errors import StudyError

EVEN = {2: "mixture 2", 3: "mixture 6"}


def studies(truth: Truth, count: int):
    """Fits of simulated studies, and the true loss of each."""
    for number in range(count):
        trials, surface = truth.draw(np.random.default_rng([number, 5]))
        yield fit_mixture(trials, truth.names), surface


@pytest.mark.parametrize(
    "truth",
    [Truth("quadratic", noise=1.0), Truth("powers", powers=True), Truth("two", kinds=2, powers=True, noise=0.3)],
    ids=lambda truth: truth.name,
)
def test_the_region_holds_the_optimum_as_often_as_it_says(truth):
    """In nine of ten studies at least, also where the loss has a form that the fit does not know; and it is a part, not everything."""
    covered, part, lost, said = [], [], [], []
    for fit, surface in studies(truth, 50):
        loss = surface(fit.lattice)
        covered.append(fit.region[loss.argmin()])
        part.append(fit.region.mean())
        lost.append(100 * (surface(fit.use[None])[0] - loss.min()) / loss.mean())
        said.append(fit.regret(fit.use))
    error = (REGION * (1 - REGION) / len(covered)) ** 0.5
    assert np.mean(covered) >= REGION - 2 * error, np.mean(covered)
    assert np.mean(part) < 0.5, np.mean(part)
    assert np.mean(lost) <= np.mean(said), "the regret is larger than was said"


def test_mixtures_that_are_all_alike_beat_nobody():
    """No effect at all: equal shares are said to be beaten in few studies, and the region is wide."""
    flat = Truth("flat", noise=0.5)
    beaten, part = [], []
    for number in range(30):
        trials, _ = flat.draw(np.random.default_rng(number))
        common = trials.group_by("variant").agg(pl.col("val_bpb").mean().alias("mean"))
        trials = trials.join(common, on="variant").with_columns(val_bpb=2.0 + pl.col("val_bpb") - pl.col("mean"))
        noise = np.random.default_rng([number, 1]).normal(0, 0.01, len(trials))
        fit = fit_mixture(trials.with_columns(pl.col("val_bpb") + noise), flat.names)
        beaten.append(fit.beats(fit.use, np.full(3, 1 / 3)) >= 0.9)
        part.append(fit.region.mean())
    assert np.mean(beaten) <= 0.2 and np.mean(part) > 0.15


def test_a_strong_optimum_is_found():
    truth = Truth("found", noise=0.05)
    trials, _ = truth.draw(np.random.default_rng(0))
    best = np.array([0.5, 0.3, 0.2])
    shares = trials.select([f"share of {name}" for name in truth.names]).to_numpy()
    loss = 2 + ((shares - best) ** 2).sum(axis=1)
    noise = 0.001 * np.random.default_rng(1).normal(size=len(trials))
    fit = fit_mixture(trials.with_columns(val_bpb=loss + noise), truth.names)
    assert np.abs(fit.use - best).max() < 0.06
    assert fit.region.mean() < 0.1 and all(
        low - 0.03 <= one <= high + 0.03 for one, (low, _, high) in zip(best, fit.shares, strict=True)
    )
    assert fit.standing.lead == fit.losses.argmin() and fit.beats(best, np.array([0, 0, 1.0])) > 0.99
    assert fit.regret(fit.use) < fit.regret(np.full(3, 1 / 3)) < fit.regret([0, 0, 1])


def test_lack_of_fit_is_seen_against_the_noise_of_seeds():
    """Of a quadratic in 5 % of studies; of a bump that no quadratic has, nearly always; and not where mixtures are too few."""
    truth = Truth("four", kinds=3, noise=0.5, most=2)
    quadratic = [fit.misfit for fit, _ in studies(truth, 40)]
    assert np.mean([p < 0.05 for p in quadratic]) <= 0.15
    trials, _ = truth.draw(np.random.default_rng(2))
    bump = pl.when(pl.col("variant") == EVEN[3]).then(0.3).otherwise(0.0)
    assert fit_mixture(trials.with_columns(pl.col("val_bpb") + bump), truth.names).misfit < 0.001
    few = trials.filter(pl.col("variant").is_in(["mixture 0", "mixture 1", "mixture 2"]))
    assert fit_mixture(few, truth.names).misfit is None


def test_a_seed_that_failed_is_left_out_and_seeds_common_part_does_not_count():
    truth = Truth("missing", noise=0.1)
    trials, _ = truth.draw(np.random.default_rng(3))
    whole = fit_mixture(trials, truth.names)
    lost = (pl.col("seed") == 1) & (pl.col("variant") == "mixture 0")
    failed = trials.with_columns(pl.when(lost).then(None).otherwise("val_bpb").alias("val_bpb"))
    shifted = trials.with_columns(pl.col("val_bpb") + pl.col("seed").cast(pl.Float64))
    for other in (fit_mixture(failed, truth.names), fit_mixture(shifted, truth.names)):
        assert np.abs(other.use - whole.use).max() <= 0.15
    levels = fit_mixture(shifted, truth.names)
    assert np.allclose(levels.losses - levels.losses.mean(), whole.losses - whole.losses.mean())
    assert levels.predicted.mean() == pytest.approx(levels.level, rel=0.1)


def test_bad_shares_are_one_line():
    truth = Truth("bad")
    trials, _ = truth.draw(np.random.default_rng(0))
    with pytest.raises(StudyError, match=r"shares: .* of mixture \d do not add up to 1"):
        fit_mixture(trials.with_columns(pl.col("share of kind 0") + 0.2), truth.names)
    with pytest.raises(StudyError, match=r"kinds: .* are not two to five"):
        fit_mixture(trials, ["kind 0"])


def test_the_lattice_and_its_terms():
    lattice = simplex(4, 20)
    assert len(lattice) == 1771 and np.allclose(lattice.sum(axis=1), 1) and (lattice >= 0).all()
    for block, count in zip(terms(lattice), (4, 6, 4 + 4 + 6), strict=True):
        assert block.shape[1] == count
        assert (np.abs(block).max(axis=0) > 0.9).all() and (np.abs(block) <= 1 + 1e-9).all()
    assert [block.shape[1] for block in terms(simplex(2, 10))] == [2, 1, 3]

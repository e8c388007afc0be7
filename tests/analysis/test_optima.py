"""Optima of swept settings: found where they are, carried with honest intervals, and refused at edges."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import StudyError, analysis

RATES = [1e-3 * 2.0**n for n in range(8)]


def sweep(optimum: float, *, rates=RATES, seeds=3, noise=0.0005, steep=True, random_seed=0) -> pl.DataFrame:
    """Loss over learning rates: flat below, and (``steep``) climbing fast beyond twice the optimum, as instability does."""
    generator = np.random.default_rng(random_seed)
    common = generator.normal(0, 0.02, seeds)

    def loss(rate: float) -> float:
        x = math.log(rate / optimum)
        return 2 + 0.03 * x**2 + (0.5 * max(x - 0.9, 0) ** 2 if steep else 0)

    return pl.DataFrame(
        [
            {
                "learning_rate": rate, "seed": s, "status": "done",
                "val_bpb": loss(rate) + common[s] + generator.normal(0, noise),
            }
            for rate in rates
            for s in range(seeds)
        ]
    )  # fmt: skip


def fit(frame: pl.DataFrame, **options):
    return analysis.fit_valleys(frame, "learning_rate", by=(), window=0.03, **options)


def test_the_optimum_is_found_though_the_basin_is_no_parabola():
    (near,) = fit(sweep(1e-2)).budgets
    assert near.optimum == pytest.approx(1e-2, rel=0.15)
    assert near.interval[0] < 1e-2 < near.interval[1]
    (whole,) = analysis.fit_valleys(sweep(1e-2), "learning_rate", by=()).budgets
    assert whole.sampled[1] > near.sampled[1] and whole.lack_of_fit < 0.01


@pytest.mark.parametrize(("optimum", "side"), [(1e-4, 0), (10.0, 1)])
def test_an_optimum_at_the_edge_is_not_made_up(optimum, side):
    (found,) = fit(sweep(optimum, steep=False)).budgets
    assert found.optimum is None and found.interval is None and found.edge == found.sampled[side]
    assert ("below", "above")[side] in found.reason.en and "widen it" in found.reason.en


def test_a_rate_at_which_a_seed_diverged_is_no_candidate():
    frame = sweep(8e-3).with_columns(
        pl.when((pl.col("learning_rate") == 8e-3) & (pl.col("seed") == 1))
        .then(pl.lit("diverged"))
        .otherwise(pl.col("status"))
        .alias("status")
    )
    assert fit(frame).budgets[0].optimum is not None
    with pytest.raises(StudyError, match="at least 3 values"):
        fit(frame.filter(pl.col("learning_rate").is_between(3e-3, 2e-2)).head(6))


def grid(truth, sizes, tokens, *, noise=0.002, random_seed=0) -> pl.DataFrame:
    """Trials of a grid of cells with optimum = truth(size, tokens)."""
    found = []
    for n, (size, many) in enumerate((s, t) for s in sizes for t in tokens):
        middle = truth(size, many)
        rates = [middle * 2.0**k for k in (-3, -2, -1, 0, 1, 2, 3)]
        frame = sweep(middle, rates=rates, noise=noise, steep=False, random_seed=100 * random_seed + n)
        found.append(frame.with_columns(non_embedding_params=pl.lit(size), tokens=pl.lit(many)))
    return pl.concat(found)


SIZES, TOKENS = [1e6, 3e6, 1e7], [1e8, 3e8, 1e9]
BOTH = {"params": "non_embedding_params", "tokens": "tokens"}
CELL = ("non_embedding_params", "tokens")


def step_law(size: float, tokens: float) -> float:
    """Best learning rate of Li et al. 2025 (arXiv 2503.04715)."""
    return 1.79 * size**-0.713 * tokens**0.307


def over(frame: pl.DataFrame, variables=BOTH):
    return analysis.fit_valleys(frame, "learning_rate", by=CELL, variables=variables, window=0.05)


def test_published_exponents_come_back_from_a_table_made_with_them():
    frame = grid(step_law, [6e7, 2e8, 6e8], [2e9, 8e9, 3e10], noise=0.001)
    law, reason = over(frame).carry({"params": 1e10, "tokens": 2e11})
    assert (
        reason is None and law.budgets == law.bracketed == 9 and law.factor["params"] == pytest.approx(16.7, rel=0.01)
    )
    for name, exponent in (("params", -0.713), ("tokens", 0.307)):
        low, middle, high = law.exponents[name]
        assert low < exponent < high and middle == pytest.approx(exponent, abs=0.04)
    assert law.optimum[0] < step_law(1e10, 2e11) < law.optimum[2]
    assert law.line is None, "there is no line over two variables"


def test_the_published_exponent_of_the_batch_comes_back_too():
    """Step Law: the best batch grows with tokens to the power 0.571, whatever the size."""
    frames = [
        sweep(0.58 * many**0.571, rates=[0.58 * many**0.571 * 2.0**k for k in range(-3, 4)], noise=0.001, steep=False, random_seed=n)
        .rename({"learning_rate": "batch"})
        .with_columns(tokens=pl.lit(many))
        for n, many in enumerate((2e9, 6e9, 2e10, 6e10))
    ]  # fmt: skip
    valleys = analysis.fit_valleys(
        pl.concat(frames), "batch", by=("tokens",), variables={"tokens": "tokens"}, window=0.05
    )
    law, reason = valleys.carry({"tokens": 2e11})
    low, middle, high = law.exponents["tokens"]
    assert reason is None and low < 0.571 < high and middle == pytest.approx(0.571, abs=0.03)
    assert law.optimum[0] < 0.58 * 2e11**0.571 < law.optimum[2]


def test_carrying_further_is_less_sure():
    valleys = over(grid(step_law, SIZES, TOKENS))
    near, _ = valleys.carry({"params": 2e7, "tokens": 1e9})
    far, _ = valleys.carry({"params": 1e10, "tokens": 2e11}, reach=math.inf)
    width = [math.log(law.optimum[2] / law.optimum[0]) for law in (near, far)]
    assert width[1] > 2 * width[0]
    assert near.choose().decided and near.choose().regret < far.choose().regret


def test_no_law_where_none_is_identified():
    target = {"params": 1e10, "tokens": 2e11}
    law, reason = over(grid(step_law, SIZES[:2], TOKENS)).carry(target)
    assert law is None and "3 different params" in reason.en
    together = pl.concat([grid(step_law, [s], [100 * s]) for s in (1e6, 3e6, 1e7, 3e7)])
    law, reason = over(together).carry(target)
    assert law is None and "moved together" in reason.en
    alone = over(together, {"params": "non_embedding_params"})
    assert alone.carry({"params": 1e9})[0] is not None
    with pytest.raises(StudyError, match="not what the optimum was fitted over"):
        alone.carry(target)


def widths(shift: float, *, noise=0.0005, count=3, last: float | None = None):
    """Joint fit of widths 32, 64, 128 whose optimum moves by ``shift`` octaves in all."""
    optima = [8e-3 * 2 ** (shift * n / 2) for n in range(count)]
    if last is not None:
        optima[-1] = last
    frames = [
        sweep(one, noise=noise, steep=False, random_seed=n).with_columns(width=pl.lit(32 * 2**n))
        for n, one in enumerate(optima)
    ]
    return analysis.fit_valleys(
        pl.concat(frames), "learning_rate", by=("width",), variables={"width": "width"}, window=0.03
    )


def test_a_rate_that_stays_transfers_and_one_that_moves_does_not():
    stays = analysis.rate_transfer(widths(0.0))
    assert stays.state == "transfers" and abs(stays.shift[1]) < 0.3 and stays.given_away < 0.002
    moves = analysis.rate_transfer(widths(-2.0))
    assert moves.state == "moves" and moves.shift[1] == pytest.approx(-2, abs=0.4) and moves.given_away > 0.02


def test_noise_leaves_the_transfer_open_rather_than_confirmed():
    noisy = analysis.rate_transfer(widths(0.0, noise=0.06))
    assert noisy.state == "open"
    few = analysis.rate_transfer(widths(0.0, count=2))
    assert few.state == "open" and "3 widths" in few.reason.en and "幅が 3 つ" in few.reason.ja
    lost = analysis.rate_transfer(widths(0.0, last=10.0))
    assert lost.state == "open" and lost.shift is None and "at 128 the lowest" in lost.reason.en
    assert lost.reason.ja.startswith("128 では損失の最小点が")


def along(gaps: list[float]) -> pl.DataFrame:
    generator = np.random.default_rng(1)  # with 0 the exact t interval of one equal pair ends at zero itself
    rows = []
    for seed in range(3):
        for n, gap in enumerate(gaps):
            base = 3 - 0.3 * n + 0.02 * seed
            for name, value in (("cosine", base), ("wsd", base + gap)):
                rows.append(
                    {
                        "variant": name, "seed": seed, "tokens": 100 * (n + 1), "split": "validation", "source": "",
                        "bpb": value + generator.normal(0, 0.001), "status": "done",
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


def test_a_comparison_in_the_middle_of_a_run_is_told_from_its_end():
    flips = analysis.mid_run(along([0.0, 0.05, 0.08, -0.01]), "wsd", "cosine")
    assert flips.flips and flips.widest["progress"] == 0.75
    assert flips.widest["difference"] == pytest.approx(0.08, abs=0.01)
    assert flips.end["difference"] == pytest.approx(-0.01, abs=0.01)
    assert not analysis.mid_run(along([0.0, 0.05, 0.08, 0.07]), "wsd", "cosine").flips
    assert not analysis.mid_run(along([0.0, 0.0, 0.0, 0.0]), "wsd", "cosine").flips
    with pytest.raises(StudyError, match="not validated twice"):
        analysis.mid_run(along([0.0]), "wsd", "cosine")


def optimizers(gain: dict[str, float]) -> pl.DataFrame:
    """Losses of two optimizers by size: muon's is lower by ``gain`` percent."""
    generator = np.random.default_rng(0)
    rows = []
    for n, (size, percent) in enumerate(gain.items()):
        for seed in range(3):
            common = 3.0 - 0.2 * n + generator.normal(0, 0.02)
            for name, factor in (("adamw", 1.0), ("muon", 1 - percent / 100)):
                rows.append(
                    {
                        "variant": name, "size": size, "seed": seed, "status": "done", "non_embedding_params": 10 ** (4 + n),
                        "val_bpb": common * factor + generator.normal(0, 0.002),
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


def test_a_gain_is_told_at_every_size():
    table = analysis.relative_gains(optimizers({"10k": 4.0, "100k": 1.0}), "adamw")
    assert table["gain"].to_list() == pytest.approx([4.0, 1.0], abs=0.3)
    assert (table["low"] < table["gain"]).all() and (table["gain"] < table["high"]).all()


def test_a_gain_over_an_untuned_baseline_is_another_number():
    trials = optimizers({"10k": 2.0})
    untuned = trials.filter(pl.col("variant") == "adamw").with_columns(
        pl.lit("default").alias("variant"), pl.col("val_bpb") * 1.1
    )
    both = pl.concat([trials, untuned])
    over = {name: analysis.relative_gains(both, name) for name in ("adamw", "default")}
    muon = {name: table.filter(pl.col("variant") == "muon")["gain"][0] for name, table in over.items()}
    assert muon["adamw"] == pytest.approx(2, abs=0.3) and muon["default"] == pytest.approx(10.9, abs=0.3)
    with pytest.raises(StudyError, match="no size has two seeds"):
        analysis.relative_gains(trials.filter(pl.col("seed") == 0), "adamw")

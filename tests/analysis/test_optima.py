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


def test_the_optimum_is_found_though_the_basin_is_no_parabola():
    fit = analysis.fit_optimum(sweep(1e-2), "learning_rate", budget="w32")
    assert fit.optimum == pytest.approx(1e-2, rel=0.15)
    assert fit.interval[0] < fit.optimum < fit.interval[1]
    whole = analysis.fit_basin(sweep(1e-2), aspect="learning_rate")
    assert abs(math.log(whole.optimum / 1e-2)) > abs(math.log(fit.optimum / 1e-2))


def test_the_interval_covers_the_truth():
    hits = 0
    for n in range(60):
        fit = analysis.fit_optimum(sweep(8e-3, noise=0.004, steep=False, random_seed=n), "learning_rate")
        hits += fit.optimum is not None and fit.interval[0] <= 8e-3 <= fit.interval[1]
    assert 51 <= hits <= 60


@pytest.mark.parametrize(("optimum", "edge"), [(1e-4, "least"), (10.0, "greatest")])
def test_an_optimum_at_the_edge_is_not_made_up(optimum, edge):
    fit = analysis.fit_optimum(sweep(optimum, steep=False), "learning_rate")
    assert fit.optimum is None and fit.interval is None
    assert fit.reason.startswith(f"the best learning rate is the {edge} tried") and "widen" in fit.reason


def test_a_rate_at_which_a_seed_diverged_is_no_candidate():
    frame = sweep(8e-3).with_columns(
        pl.when((pl.col("learning_rate") == 8e-3) & (pl.col("seed") == 1))
        .then(pl.lit("diverged"))
        .otherwise(pl.col("status"))
        .alias("status")
    )
    best = analysis.fit_optimum(frame, "learning_rate")
    assert best.optimum is not None
    with pytest.raises(StudyError, match="at least 3 values"):
        analysis.fit_optimum(frame.filter(pl.col("learning_rate").is_between(3e-3, 2e-2)).head(6), "learning_rate")


def cells(truth, sizes, tokens, *, noise=0.002, random_seed=0):
    """Cells of a grid with optimum = truth(size, tokens)."""
    found = []
    for n, (size, many) in enumerate((s, t) for s in sizes for t in tokens):
        middle = truth(size, many)
        rates = [middle * 2.0**k for k in (-3, -2, -1, 0, 1, 2, 3)]
        frame = sweep(middle, rates=rates, noise=noise, steep=False, random_seed=100 * random_seed + n)
        found.append(({"params": size, "tokens": many}, analysis.fit_optimum(frame, "learning_rate")))
    return found


SIZES, TOKENS = [1e6, 3e6, 1e7], [1e8, 3e8, 1e9]


def truth(size: float, tokens: float) -> float:
    return 0.5 * size**-0.25 * tokens**0.1


def test_known_exponents_are_found_within_their_intervals():
    target = {"params": 1e10, "tokens": 2e11}
    covered = 0
    for n in range(10):
        law, reason = analysis.fit_optimum_law(cells(truth, SIZES, TOKENS, random_seed=n), target)
        assert reason == "" and law.cells == 9 and law.factor["params"] == pytest.approx(1000)
        assert law.exponents["params"][1] == pytest.approx(-0.25, abs=0.1)
        covered += law.optimum[0] <= truth(1e10, 2e11) <= law.optimum[2]
        assert law.exponents["params"][0] < law.exponents["params"][1] < law.exponents["params"][2]
    assert covered >= 8


def test_carrying_further_is_less_sure():
    one = cells(truth, SIZES, TOKENS)
    near, _ = analysis.fit_optimum_law(one, {"params": 2e7, "tokens": 1e9})
    far, _ = analysis.fit_optimum_law(one, {"params": 1e10, "tokens": 2e11})
    width = [math.log(law.optimum[2] / law.optimum[0]) for law in (near, far)]
    assert width[1] > 2 * width[0]


def test_no_law_where_none_is_identified():
    target = {"params": 1e10, "tokens": 2e11}
    law, reason = analysis.fit_optimum_law(cells(truth, SIZES[:2], TOKENS), target)
    assert law is None and "3 different params" in reason
    together = [cells(truth, [s], [100 * s])[0] for s in (1e6, 3e6, 1e7, 3e7)]
    law, reason = analysis.fit_optimum_law(together, target)
    assert law is None and "moved together" in reason
    assert analysis.fit_optimum_law(together, {"params": 1e10})[0] is not None
    law, reason = analysis.fit_optimum_law(together[:2], {"params": 1e10})
    assert law is None and "3 different params" in reason


def test_cells_at_the_edge_are_counted_and_too_many_refuse_the_law():
    edge = ({"params": 3e7}, analysis.fit_optimum(sweep(10.0, steep=False), "learning_rate"))
    good = [({"params": v["params"]}, fit) for v, fit in cells(truth, [1e6, 3e6, 1e7], [1e8])]
    law, _ = analysis.fit_optimum_law([*good, edge], {"params": 1e10})
    assert law.left_out == 1 and law.cells == 3
    law, reason = analysis.fit_optimum_law([*good[:2], edge, edge], {"params": 1e10})
    assert law is None and "2 of 4 cells" in reason


def widths(shift: float, *, noise=0.0005):
    """Fits at widths 32, 64, 128 whose optimum moves by ``shift`` octaves in all."""
    optima = [8e-3 * 2 ** (shift * n / 2) for n in range(3)]
    return [
        analysis.fit_optimum(
            sweep(one, noise=noise, steep=False, random_seed=n), "learning_rate", budget=str(32 * 2**n)
        )
        for n, one in enumerate(optima)
    ]


def test_a_rate_that_stays_transfers_and_one_that_moves_does_not():
    stays = analysis.rate_transfer([32, 64, 128], widths(0.0))
    assert stays.state == "transfers" and abs(stays.shift[1]) < 0.3 and stays.given_away < 0.002
    moves = analysis.rate_transfer([32, 64, 128], widths(-2.0))
    assert moves.state == "moves" and moves.shift[1] == pytest.approx(-2, abs=0.4) and moves.given_away > 0.02


def test_noise_leaves_the_transfer_open_rather_than_confirmed():
    noisy = analysis.rate_transfer([32, 64, 128], widths(0.0, noise=0.02))
    assert noisy.state == "open" and noisy.shift[0] < 0 < noisy.shift[2]
    few = analysis.rate_transfer([32, 64], widths(0.0)[:2])
    assert few.state == "open" and "3 widths" in few.reason
    edge = analysis.fit_optimum(sweep(10.0, steep=False), "learning_rate", budget="256")
    lost = analysis.rate_transfer([32, 64, 256], [*widths(0.0)[:2], edge])
    assert lost.state == "open" and lost.shift is None and "at 256 the best" in lost.reason


def along(gaps: list[float]) -> pl.DataFrame:
    generator = np.random.default_rng(0)
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

"""Valleys with a known truth: bottoms, basins, what is carried, and refusals where nothing is identified."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import StudyError, analysis
from studylib.analysis.valley_posterior import valley as form

ASPECTS = (8, 16, 32, 64, 128)


def trials(
    optimum: float,
    *,
    seeds: int = 4,
    noise: float = 0.003,
    aspects=ASPECTS,
    params=1e6,
    size="1M",
    above=None,
    random_seed=0,
) -> pl.DataFrame:
    """``above``: loss above the bottom as a share of it, by distance in logarithms; default 1 % an e-fold squared."""
    generator = np.random.default_rng(random_seed)
    common = generator.normal(0, 0.03, seeds)
    above = above or (lambda u: 0.01 * u**2)
    return pl.DataFrame(
        [
            {
                "aspect": float(aspect), "seed": s, "status": "done", "size": size, "non_embedding_params": params,
                "val_bpb": 2 * (1 + above(math.log(aspect / optimum))) + common[s] + generator.normal(0, noise),
            }
            for aspect in aspects
            for s in range(seeds)
        ]
    )  # fmt: skip


def one(frame: pl.DataFrame):
    (found,) = analysis.fit_valleys(frame).budgets
    return found


def test_the_valley_finds_its_bottom():
    fit = one(trials(40))
    assert fit.optimum == pytest.approx(40, rel=0.15)
    assert fit.interval[0] < 40 < fit.interval[1]
    assert fit.predict(40.0) == pytest.approx(2, abs=0.05)
    assert fit.predict(np.array([8.0, 128.0])).shape == (2,)
    assert sum(fit.outside) < 0.01 and fit.lack_of_fit > 0.01 and fit.reason is None


def test_uneven_sides_do_not_fool_the_interval():
    """A parabola through these means has its bottom beside the true one, and a bootstrap interval that excludes it."""
    covered = 0
    for number in range(12):
        steep = 0.1 * (-1) ** number
        frame = trials(
            30, seeds=2, noise=0.002, aspects=(8, 32, 128), random_seed=number,
            above=lambda u, steep=steep: 0.01 * (1 + steep * math.copysign(1, u)) * u**2,
        )  # fmt: skip
        ends = np.quantile(one(frame).log_optimum, [0.025, 0.975])
        covered += ends[0] <= math.log(30) <= ends[1]
    assert covered >= 10


@pytest.mark.parametrize("steep", [-0.2, 0.2])
def test_sides_that_differ_from_the_bottom_on_are_seen_to_differ(steep):
    frame = trials(
        30, noise=0.0002, aspects=(6, 10, 18, 32, 56, 100, 160),
        above=lambda u: 0.01 * (1 + steep * math.copysign(1, u)) * u**2,
    )  # fmt: skip
    fit = one(frame)
    assert 0.2 < fit.form.kink.mean() * math.copysign(1, steep) < 0.5, "of 0.4, part of which the skew may bear"
    assert fit.interval[0] < 30 < fit.interval[1] and fit.optimum == pytest.approx(30, rel=0.03)


def test_the_basin_is_what_costs_less_than_the_margin():
    fit = one(trials(32, noise=0.002))
    reach = math.sqrt(0.002 / 0.01)  # where the truth costs just the margin
    assert 32 * math.exp(-reach) < fit.flat[0] < 32 < fit.flat[1] < 32 * math.exp(reach)
    assert fit.margin == pytest.approx(0.002 * 2, rel=0.05)
    ends = fit.regret(np.array(fit.flat))
    assert ((ends <= 0.002).mean(axis=0) >= 0.95).all()
    louder = one(trials(32, noise=0.03)).flat
    assert louder is None or louder[1] / louder[0] < fit.flat[1] / fit.flat[0], (
        "less is known to be equivalent, not more"
    )


def test_an_optimum_outside_the_range_is_flagged_and_not_extrapolated():
    fit = one(trials(1000, noise=0.001))
    assert fit.optimum is None and fit.interval is None
    assert "above the sampled range" in fit.reason.en and fit.edge == fit.sampled[1] == pytest.approx(128)
    assert fit.outside[1] > 0.9


def test_a_hill_has_no_optimum():
    assert one(trials(32).with_columns(val_bpb=4 - pl.col("val_bpb"))).optimum is None


def test_a_curve_that_misses_the_means_gives_no_optimum():
    bump = pl.col("val_bpb") + pl.when(pl.col("aspect") == 32).then(0.05).otherwise(0.0)
    fit = one(trials(32, noise=0.001).with_columns(val_bpb=bump))
    assert fit.lack_of_fit < 0.001
    assert fit.optimum is None and "no valley describes the mean losses" in fit.reason.en


def test_a_missing_trial_is_no_disaster():
    frame = trials(40).filter((pl.col("aspect") != 128) | (pl.col("seed") != 2))
    assert one(frame).optimum == pytest.approx(40, rel=0.15)


def test_aspect_follows_from_the_shape():
    frame = trials(32).with_columns(num_layers=pl.lit(4), hidden_size=(4 * pl.col("aspect")).cast(pl.Int64))
    assert one(frame.drop("aspect")).sampled == pytest.approx((8, 128))


def test_too_few_shapes_or_seeds():
    with pytest.raises(StudyError, match="at 3 values of aspect or more"):
        one(trials(32, aspects=(8, 16)))
    with pytest.raises(StudyError, match="2 seeds"):
        one(trials(32, seeds=1))
    with pytest.raises(StudyError, match="not positive"):
        one(trials(32).with_columns(val_bpb=-pl.col("val_bpb")))


def test_a_budget_without_a_valley_is_named():
    frame = pl.concat([trials(32), trials(32, aspects=(8, 16), size="2M", params=2e6)])
    valleys = analysis.fit_valleys(frame)
    assert (
        [fit.budget for fit in valleys.budgets] == ["1M"]
        and "there are 2" in valleys.left_out["2M"].en
        and "(現在 2)" in valleys.left_out["2M"].ja
    )


def test_the_form_is_a_parabola_near_its_bottom_and_a_sum_of_powers_beyond():
    u = np.linspace(-2, 2, 9)
    assert form(u, 0.0, 0.0, 1e-4) == pytest.approx(u**2, abs=1e-6)
    assert form(u, 0.3, 0.0, 0.3) == pytest.approx((np.expm1(0.6 * u) / 0.6 - u) / 0.3, rel=1e-6)
    assert form(np.array([2.0]), 0.2, 0.0, 0.3) > form(np.array([-2.0]), 0.2, 0.0, 0.3)
    near = np.array([-1e-3, 1e-3])
    assert form(near, 0.0, 0.4, 0.3) == pytest.approx(near**2 * np.exp([-0.2, 0.2]), rel=1e-5), "sides differ at once"


def ladder(budgets: int, exponent: float = 0.1, optimum: float = 20, **options) -> pl.DataFrame:
    sizes = [3e5 * 4**i for i in range(budgets)]
    return pl.concat(
        trials(optimum * (n / 1e6) ** exponent, params=n, size=f"{n:.3g}", random_seed=i, **options)
        for i, n in enumerate(sizes)
    )


def test_the_optimum_is_carried_with_an_interval_that_holds_the_truth():
    carried, reason = analysis.fit_valleys(ladder(5)).carry({"params": 1e10})
    assert reason is None
    low, middle, high = carried.optimum
    assert low < 20 * 1e4**0.1 < high and high / low < 8
    assert carried.exponents["params"][0] < 0.1 < carried.exponents["params"][2]
    assert carried.factor["params"] == pytest.approx(1e10 / (3e5 * 256), rel=0.01)
    assert carried.line.shape == (4, 64) and carried.line[2, -1] == pytest.approx(middle, rel=0.01)
    assert carried.as_dict()["optimum"]["middle"] == middle


def test_nothing_is_carried_beyond_the_square_of_the_range_seen():
    valleys = analysis.fit_valleys(ladder(4))  # 300 thousand to 19 million
    assert valleys.carry({"params": 0.99 * 3e5 * 64**3})[1] is None
    carried, reason = valleys.carry({"params": 1.01 * 3e5 * 64**3})
    assert carried is None
    assert "79.4B parameters is 4,140 times the largest tried" in reason.en and "seen over 64 times" in reason.en
    assert "4,100 倍" in reason.ja
    low, middle, high = valleys.exponents()["params"]  # known all the same, of the sizes seen
    assert low < 0.1 < high and high - low < 0.3 and low < middle < high
    assert analysis.fit_valleys(ladder(2)).exponents() == {}


def test_the_interval_grows_with_the_distance():
    valleys = analysis.fit_valleys(ladder(4))
    near, far = (valleys.carry({"params": n})[0].optimum for n in (1e8, 1e10))
    assert far[2] / far[0] > near[2] / near[0]


def test_a_choice_is_decided_by_what_it_gives_away():
    carried, _ = analysis.fit_valleys(ladder(5, noise=0.001)).carry({"params": 1e9})
    best = carried.choose()
    assert best.decided and best.regret < 0.002 and best.p_within > 0.9
    assert carried.equivalent[0] < best.value < carried.equivalent[1]
    off = carried.choose(10 * best.value)
    assert not off.decided and off.regret > 0.02 and off.p_within < 0.05
    assert carried.as_dict(off.value)["decided"] is False


def test_noise_leaves_the_target_open():
    carried, reason = analysis.fit_valleys(ladder(3, noise=0.006)).carry({"params": 1e10})
    assert reason or not carried.choose().decided


@pytest.mark.parametrize("budgets", [1, 2])
def test_few_budgets_carry_nothing(budgets):
    carried, reason = analysis.fit_valleys(ladder(budgets)).carry({"params": 1e10})
    assert carried is None and "with its error needs 3" in reason.en


def test_budgets_without_an_optimum_take_part_and_are_counted():
    frame = pl.concat([ladder(2), trials(5000, params=5e6, size="5M", noise=0.001)])
    valleys = analysis.fit_valleys(frame)
    assert len(valleys.budgets) == 3 and len(valleys.bracketed) == 2
    assert "2 of 3 sizes" in valleys.carry({"params": 1e10})[1].en


UNEVEN = (1.69, 406, 0.34, 410, 0.28)


def best_params(law: tuple[float, ...], flops: float) -> float:
    _, of_size, a, of_tokens, b = law
    return (a * of_size / (b * of_tokens)) ** (1 / (a + b)) * (flops / 6) ** (b / (a + b))


def isoflop(*, noise: float, widths=(-1.4, 1.4), seeds=1, law=UNEVEN, drift=0.0) -> pl.DataFrame:
    """Loss over parameters at fixed FLOPs 6 N D under E + A / N^a + B / D^b: not a parabola anywhere.

    The middle of what is tried lies ``drift`` e-folds further from the best at each budget.
    """
    generator = np.random.default_rng(0)
    level, of_size, a, of_tokens, b = law
    rows = []
    for place, flops in enumerate(10.0 ** np.arange(17, 21)):
        for seed in range(seeds):
            for params in best_params(law, flops) * np.exp(np.linspace(*widths, 7) + drift * place):
                loss = level + of_size / params**a + of_tokens / (flops / 6 / params) ** b
                rows.append(
                    {
                        "flops": flops, "params": params, "seed": seed, "status": "done",
                        "val_bpb": loss * (1 + generator.normal(0, noise)),
                    }
                )  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize("widths", [(-1.4, 1.4), (-0.8, 2.0)])
@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_parameters_at_fixed_compute_are_carried_without_the_bias_of_a_parabola(widths, noise):
    valleys = analysis.fit_valleys(
        isoflop(noise=noise, widths=widths), "params", by=("flops",), variables={"flops": "flops"}
    )
    carried, reason = valleys.carry({"flops": 1e22})
    assert reason is None
    assert carried.optimum[0] < best_params(UNEVEN, 1e22) < carried.optimum[2]
    assert carried.exponents["flops"][1] == pytest.approx(0.28 / 0.62, abs=0.003 if noise == 0 else 0.05)


def carried_to(frame: pl.DataFrame):
    fits = analysis.fit_valleys(frame, "params", by=("flops",), variables={"flops": "flops"})
    return fits.carry({"flops": 1e22})


@pytest.mark.parametrize(
    ("law", "options", "exponent"),
    [
        ((1.69, 400, 0.34, 410, 0.34), {}, 0.5),
        ((1.69, 406, 0.34, 410, 0.28), {"drift": 0.25}, 0.28 / 0.62),
    ],
    ids=["symmetric", "drifting-centre"],
)
def test_known_exponents_come_back(law, options, exponent):
    carried, reason = carried_to(isoflop(noise=0.0, law=law, **options))
    assert reason is None and carried.exponents["flops"][1] == pytest.approx(exponent, abs=0.003)
    assert carried.optimum[0] < best_params(law, 1e22) < carried.optimum[2]


def test_a_nearly_flat_valley_is_carried_widely():
    law = (3.0, 5, 0.15, 5, 0.12)
    carried, _ = carried_to(isoflop(noise=0.003, law=law, widths=(-2, 2)))
    low, _, high = carried.optimum
    assert low < best_params(law, 1e22) < high and high / low > 3


def test_one_side_of_the_valley_at_every_budget_carries_nothing():
    valleys = analysis.fit_valleys(
        isoflop(noise=0.0, widths=(0.5, 2.0)), "params", by=("flops",), variables={"flops": "flops"}
    )
    assert valleys.carry({"flops": 1e22})[0] is None and not valleys.bracketed

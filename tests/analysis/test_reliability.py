"""What small sizes are worth: the memory of rankings comes back from made ladders, and effects are carried as the model says."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib.analysis import fit_reliability, own_effects, published_reliability, shipped_record, spread_of
from studylib.analysis.held_effects import held_effects
from studylib.analysis.held_pairs import held_pairs, orders_by_size, pairs_of
from studylib.analysis.public_rankings import compared_in, rate_effects, shape_effects, variant_effects
from studylib.analysis.ranking_fit import (
    MEMORY,
    Series,
    effective_series,
    fit_choice,
    fit_series,
    memory_of_another,
    series_of,
)
from studylib.analysis.reliability import Reliability, held_share
from studylib.analysis.shape_basin import shape_costs
from studylib.analysis.track_record import SHIPPED, read_track_record
from studylib.errors import StudyError
from studylib.ladders import canonical

SIZES = np.array([1e7, 1e8, 1e9, 1e10])


def drawn(memory, generator, *, variants=6, sizes=SIZES, noise=0.1, spread=1.0, name="one", true=False):
    """A series whose effects are the process itself: [V, S] with a level of each size that must not matter."""
    place = np.log10(sizes)
    root = np.linalg.cholesky(np.exp(-np.abs(np.subtract.outer(place, place)) / memory))
    effects = spread * generator.standard_normal((variants, len(sizes))) @ root.T
    measured = effects + noise * generator.standard_normal(effects.shape) + 100 * generator.standard_normal(len(sizes))
    series = Series("choice", name, tuple(f"v{n}" for n in range(variants)), sizes, measured)
    return (series, effects) if true else series


# --- the process


def test_correlation_is_one_at_the_size_and_forgets_itself_either_way():
    known = Reliability(np.array([1.0, 3.0]))
    assert known.correlation(1.0) == pytest.approx([1.0, 1.0])
    for factor in (10.0, 0.1):
        assert known.correlation(factor) == pytest.approx(np.exp([-1.0, -1 / 3]))
    with pytest.raises(StudyError, match="factor"):
        known.correlation(0.0)
    with pytest.raises(StudyError, match="memory"):
        Reliability(np.array([1.0, -1.0]))


@pytest.mark.parametrize("rho, spread, noise_there", [(0.9, 3.0, 0.0), (0.5, 1.0, 1.0)])
def test_the_share_that_holds_is_that_of_simulated_pairs(rho, spread, noise_there):
    generator = np.random.default_rng(0)
    true = spread * generator.standard_normal(400_000)
    seen = true + generator.standard_normal(true.shape)
    later = rho * true + math.sqrt(1 - rho**2) * spread * generator.standard_normal(true.shape)
    later += noise_there * generator.standard_normal(true.shape)
    for gap in (0.5, 2.0):
        near = np.abs(np.abs(seen) - gap) < 0.1
        assert held_share(rho, gap, spread, noise_there) == pytest.approx((seen * later > 0)[near].mean(), abs=0.01)
    known = Reliability(np.array([-1 / math.log(rho)]))
    if noise_there:
        assert known.pair_holds(10.0, spread_over_noise=spread)[1] == pytest.approx((seen * later > 0).mean(), abs=0.01)
    low, middle, high = known.holds(10.0, 2.0, spread_over_noise=spread, noise_there=noise_there)
    assert low == middle == high == pytest.approx(float(held_share(rho, 2.0, spread, noise_there)))


def test_effects_are_carried_with_their_error_and_are_forgotten():
    generator = np.random.default_rng(0)
    long, short = Reliability(np.full(20_000, 1e6)), Reliability(np.full(20_000, 1e-3))
    behind, sd = [0.0, 0.5, 1.0], [0.0, 0.2, 0.4]
    here = long.carry(behind, sd, 0.7, 10.0, generator)
    gaps = here - here[:, :1]
    assert gaps.mean(axis=0) == pytest.approx(behind, abs=0.02) and gaps.std(axis=0) == pytest.approx(sd, abs=0.02)
    there = short.carry(behind, sd, 0.7, 10.0, generator)
    assert (there.argmin(axis=1)[:, None] == np.arange(3)).mean(axis=0) == pytest.approx([1 / 3] * 3, abs=0.02)
    assert np.diff(there[:, :2], axis=1).std() == pytest.approx(0.7 * math.sqrt(2), rel=0.03)
    assert (Reliability(np.full(500, 3.0)).carry([0.0], [0.0], None, 10.0, generator)).shape == (500, 1)


def test_effects_keep_their_spread_on_the_way_and_share_the_error_of_the_first():
    generator, half = np.random.default_rng(1), Reliability(np.full(4_000, -1 / math.log(0.5)))
    behind = generator.standard_normal(300)
    behind *= 0.7 / behind.std()
    there = half.carry(behind, np.zeros(300), 0.7, 10.0, generator)
    assert there.std(axis=1).mean() == pytest.approx(0.7, rel=0.03)
    slope = np.polyfit(behind, there.mean(axis=0), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.02)
    here = half.carry([0.0, 0.0, 0.0], [0.0, 0.4, 0.4], 0.7, 1.0, generator)
    gaps = (here - here[:, :1])[:, 1:]
    assert np.corrcoef(gaps.T)[0, 1] == pytest.approx(0.5, abs=0.05) and gaps.std() == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("behind, sd, spread", [([0.0, 1.0], [0.0], 1.0), ([0.0, 1.0], [0.0, -1.0], 1.0), ([], [], 1.0),
                                                ([0.0, math.nan], [0.0, 1.0], 1.0), ([0.0, 1.0], [0.0, 1.0], -1.0)])  # fmt: skip
def test_bad_effects_are_refused(behind, sd, spread):
    with pytest.raises(StudyError, match=r"behind|sd|spread"):
        Reliability(np.ones(3)).carry(behind, sd, spread, 10.0, np.random.default_rng(0))


def test_the_spread_is_that_of_the_variants_less_their_errors():
    generator = np.random.default_rng(0)
    behind = 2.0 * generator.standard_normal(400)
    assert spread_of(behind, np.zeros(400)) == pytest.approx(2.0, rel=0.1)
    noisy = np.concatenate([[0], generator.standard_normal(400)])
    assert spread_of(noisy, np.concatenate([[0], np.full(400, math.sqrt(2))])) < 0.4
    assert spread_of([0.0], [0.0]) == pytest.approx(0.5)


# --- the fit


def test_the_memory_comes_back_from_made_ladders():
    generator, inside, low = np.random.default_rng(1), 0, []
    for memory in (0.5, 2.0, 8.0):
        for _ in range(4):
            likelihood, _ = fit_choice([drawn(memory, generator)])
            shares = np.cumsum(np.exp(likelihood))
            ends = np.exp(np.interp((0.05, 0.5, 0.95), shares / shares[-1], np.log(MEMORY)))
            inside += ends[0] <= memory <= ends[2]
            low.append(ends[1])
    assert inside >= 9  # of 12; 90 % intervals
    assert np.median(low[:4]) < np.median(low[4:8]) < np.median(low[8:])


def test_neither_levels_of_sizes_nor_missing_variants_nor_names_matter():
    series = drawn(2.0, np.random.default_rng(2))
    fit = fit_series(series)
    moved = Series("choice", "one", series.variants, series.sizes, series.percent + np.array([1e3, -5, 0, 7]))
    assert fit_series(moved).likelihood == pytest.approx(fit.likelihood, abs=1e-6)
    order = [3, 1, 0, 2, 5, 4]
    turned = Series("choice", "one", tuple(series.variants[n] for n in order), series.sizes, series.percent[order])
    assert fit_series(turned).likelihood == pytest.approx(fit.likelihood, abs=1e-6)
    percent = series.percent.copy()
    percent[0, 2:] = np.nan
    assert np.isfinite(fit_series(Series("choice", "one", series.variants, series.sizes, percent)).likelihood).all()
    percent[2:, 1:] = percent[:2, :1] = np.nan  # no two variants at two sizes
    assert fit_series(Series("choice", "one", series.variants, series.sizes, percent)) is None


def test_losses_of_the_same_models_do_not_count_twice():
    generator = np.random.default_rng(3)
    one = drawn(2.0, generator)
    same = [Series("choice", f"{n}", one.variants, one.sizes, one.percent) for n in range(3)]
    assert effective_series(same) == pytest.approx(1.0)
    assert fit_choice(same)[0] == pytest.approx(fit_choice([one])[0], abs=1e-6)
    own = [drawn(2.0, generator, name=f"{n}") for n in range(4)]
    assert effective_series(own) > 2.5
    assert fit_choice([])[1] == {} and (fit_choice([])[0] == 0).all()


def test_another_choice_is_less_certain_than_those_that_were_fitted():
    settings = {"middle": 3.0, "sd": 1.2, "between": 0.7, "draws": 400}
    prior = memory_of_another([], **settings)
    assert np.median(prior) == pytest.approx(3.0, rel=0.1) and (np.diff(prior) > 0).all()
    sharp = np.where(np.abs(np.log(MEMORY / 10.0)) < 0.06, 0.0, -1e3)
    posterior = memory_of_another([sharp] * 3, **settings)
    assert 5 < np.median(posterior) < 11
    assert 1.5 < np.quantile(posterior, 0.95) / np.median(posterior) < np.quantile(prior, 0.95) / np.median(prior)


def table(percent, choice="order", sd=0.05):
    rows = [
        (choice, f"v{v}", size, float(value), sd)
        for v, own in enumerate(percent)
        for size, value in zip(SIZES, own, strict=False)
    ]
    return pl.DataFrame(rows, schema=["choice", "variant", "params", "percent", "sd"], orient="row")


def test_own_effects_that_stay_lengthen_the_memory_and_those_that_change_shorten_it():
    prior, generator = published_reliability(), np.random.default_rng(4)
    level = generator.standard_normal((6, 1))
    stay = fit_reliability(table(np.repeat(level, 3, axis=1)), prior)
    change = fit_reliability(table(generator.standard_normal((6, 3))), prior)
    assert change.interval[1] < prior.interval[1] < stay.interval[1]
    assert len(stay.memory) == len(prior.memory)
    one_size = fit_reliability(table(level), prior)
    assert one_size.interval == pytest.approx(prior.interval, rel=1e-3)
    with pytest.raises(StudyError, match="column 'percent'"):
        fit_reliability(table(level).drop("percent"), prior)
    with pytest.raises(StudyError, match="below 0"):
        fit_reliability(table(level, sd=-1.0), prior)


def test_own_effects_are_read_from_a_result_wherever_they_stand():
    from types import SimpleNamespace

    by_size = {"1M": [-0.3, -0.1, 0.1], "4M": [-0.5, -0.3, -0.1]}
    result = SimpleNamespace(
        idea="order", metrics=[SimpleNamespace(size="1M", params=1_000_000), SimpleNamespace(size="4M", params=4_000_000)],
        extrapolation={"rate": {"optimum": 3}, "optimizers": {"muon": {"effect_by_size": by_size, "trend": "holds"}}},
    )  # fmt: skip
    found = own_effects([result])
    assert found["choice"].unique().to_list() == ["order optimizers"] and len(found) == 4
    muon = found.filter(pl.col("variant") == "muon")
    assert muon["percent"].to_list() == [-0.1, -0.3] and muon["params"].to_list() == [1e6, 4e6]
    both = found.filter(pl.col("params") == 1e6)["sd"].to_numpy()
    assert math.sqrt((both**2).sum()) == pytest.approx(0.4 / (2 * 1.96))  # of the difference
    result.metrics = result.metrics[:1]
    assert own_effects([result]).is_empty()


# --- ladders


def test_pairs_hold_as_often_as_their_own_process_expects():
    generator = np.random.default_rng(5)
    series = [drawn(1.5, generator, variants=10, name=f"{n}") for n in range(3)]
    pairs = [pair for one in series for pair in pairs_of(one, fit_series(one))]
    assert len(pairs) == 3 * 6 * 45
    rows = held_pairs("made", pairs, np.full(3, 1.5))
    assert sum(row.pairs for row in rows) == len([one for one in pairs if one.factor < 1000])
    share = sum(row.held for row in rows) / sum(row.pairs for row in rows)
    expected = sum(row.expected[1] * row.pairs for row in rows) / sum(row.pairs for row in rows)
    assert share == pytest.approx(expected, abs=0.06)
    far = [row for row in held_pairs("made", pairs, np.array([0.05])) if row.factor[0] >= 100]
    assert all(row.expected[1] < 0.55 for row in far)  # another memory expects something else


def corpora():
    rows = [
        {"metric": metric, "variant": corpus, "params": size, "tokens": 20 * size, "loss": 3 * math.exp((place * sign + size / 1e9) / 100)}
        for metric, sign in (("own", 1), ("other", -1))
        for size in (1e7, 1e8, 1e9)
        for place, corpus in enumerate(("a", "b", "c"))
    ]  # fmt: skip
    return canonical(pl.DataFrame(rows), ladder="made")


def test_forecasts_of_effects_tell_the_forms_of_the_model_apart():
    generator, memory = np.random.default_rng(4), np.full(20, 4.0)
    wandering = [drawn(4.0, generator, variants=4) for _ in range(12)]
    rows = {row.form: row for row in held_effects("made", wandering, memory)}
    own, line = rows["forgotten"], rows["level and slope"]
    assert own.contrasts == 12 * 3 * 3 and 0.8 < own.inside / own.contrasts < 0.97
    assert own.log_density > line.log_density
    both = rows["forgotten, with local slopes"]
    assert both.log_density == pytest.approx(own.log_density, abs=0.2)
    level, slope = generator.standard_normal((2, 12, 4, 1))
    straight = level + slope * (np.log10(SIZES) - 7) + 0.02 * generator.standard_normal((12, 4, 4))
    lines = [Series("choice", str(n), tuple("abcd"), SIZES, one) for n, one in enumerate(straight)]
    rows = {row.form: row for row in held_effects("made", lines, memory)}
    both, own = rows["forgotten, with local slopes"], rows["forgotten"]
    assert both.log_density > own.log_density
    lines[0].percent[:3, -1] = np.nan  # nothing to compare at the largest size
    assert held_effects("made", lines[:1], memory) == []


def test_corpora_are_ranked_at_equal_size_and_tokens():
    effects, metrics = variant_effects(corpora(), "corpora")
    assert len(effects) == 18 and set(metrics.values()) == {"own", "other"}
    own, other = orders_by_size(effects, metrics)
    assert own.best == ("a",) * 3 and other.best == ("c",) * 3
    assert own.held == own.pairs == 6
    (first, _) = series_of(effects)
    assert np.diff(first.percent, axis=0) == pytest.approx(np.ones((2, 3)))
    alone, _ = variant_effects(corpora().filter((pl.col("variant") == "a") | (pl.col("params") < 1e9)), "corpora")
    assert set(alone["params"]) == {1e7, 1e8}  # one variant at a size is no comparison


def shapes(cost_of_wide=2.0, speed_of_wide=1.0):
    """Aspect ratios 32 and 512 at three sizes: the wide ones lose ``cost_of_wide`` percent, and are so much faster."""
    rows = []
    for params in (1e8, 1e9, 1e10):
        for aspect, wide in ((32, 0), (36, 0), (512, 1)):
            depth = round((params / (12 * aspect**2)) ** (1 / 3))
            width = aspect * depth
            layers = 12 * depth * width**2
            cost = layers + 1000 * width + depth * width * 2048
            for tokens in (2e10, 4e10, 6e10, 8e10):
                loss = 30 * cost**-0.1 * tokens**-0.05 * math.exp(cost_of_wide * wide / 100)
                for metric, more in (("end", 1.0), ("other rate", 1.01)):
                    rows.append(
                        {"metric": metric, "run": f"{width}x{depth}{metric}", "variant": f"{depth} x {width}", "params": layers,
                         "non_embedding_params": layers, "total_params": layers + 2000 * width, "tokens": tokens, "width": width,
                         "depth": depth, "loss": loss * more, "seconds_per_step": cost / (speed_of_wide if wide else 1.0)}
                    )  # fmt: skip
    return canonical(pl.DataFrame(rows), ladder="made")


def test_shapes_are_compared_at_equal_flops_and_at_equal_seconds():
    narrow, wide = shape_costs(shapes(), "end")
    assert (narrow.aspect, wide.aspect) == ("~35", ">160") and narrow.sizes == wide.sizes == 3
    assert narrow.behind_flops == 0 and wide.behind_flops == pytest.approx(2.0, abs=0.25)
    assert wide.behind_seconds == pytest.approx(wide.behind_flops, abs=0.02)
    narrow, wide = shape_costs(shapes(speed_of_wide=math.e), "end")  # e times the tokens: 5 % less loss
    assert wide.behind_flops == pytest.approx(2.0, abs=0.25)
    assert wide.behind_seconds == 0 and narrow.behind_seconds == pytest.approx(3.0, abs=0.25)
    with pytest.raises(StudyError, match="6 shapes"):
        shape_costs(shapes().filter(pl.col("depth") < 9), "end")


def test_what_a_table_compares_follows_from_its_columns():
    (found,) = compared_in(shapes())
    assert found.kind == "shapes" and found.metrics == ("end",)
    assert compared_in(shapes().with_columns(pl.lit(None).alias("seconds_per_step")))[0].kind == "variants"
    assert compared_in(corpora())[0].kind == "variants"
    assert compared_in(corpora().with_columns(pl.lit("").alias("variant"))) == ()


def test_shapes_and_rates_become_effects_over_sizes():
    effects = shape_effects(shapes(), "shapes", "end")
    assert effects["series"].n_unique() == 4 and effects["variant"].n_unique() == 2
    rates = rate_effects(shapes(), "rates", ("end", "other rate"))
    (first, *_) = series_of(rates)
    assert first.percent[1] - first.percent[0] == pytest.approx([100 * math.log(1.01)] * 3)


# --- what comes with the package


def test_the_record_that_comes_along_is_small_and_says_where_it_is_from():
    record = shipped_record()
    assert SHIPPED.stat().st_size < 60_000
    assert record.sources and all(len(one.commit) == 40 and one.licence and one.repository for one in record.sources)
    assert {one.ladder for one in record.choices} <= {one.ladder for one in record.sources}
    assert (np.diff(record.memory) > 0).all()
    assert sum(one.hold_outs for one in record.hold_outs) > 100


def test_published_reliability_agrees_with_what_was_published_elsewhere():
    """DataDecide (arXiv 2504.11393), which is none of the ladders: about 80 % of pairs from 150M to 1B."""
    known = published_reliability()
    low, _, high = known.pair_holds(1e9 / 150e6)
    assert low < 0.80 < high
    assert known.correlation(1000.0).mean() < known.correlation(10.0).mean() < 1


def test_a_record_that_is_none_is_one_line(tmp_path):
    for content in ("{", '{"date": "today"}'):
        (tmp_path / "record.json").write_text(content)
        with pytest.raises(StudyError, match=r"record\.json"):
            read_track_record(tmp_path / "record.json")


def test_variants_that_fail_do_not_widen_what_is_expected_of_the_others():
    contend = spread_of([0.0, 3.5, 14.6, 50.6], [0.0, 1.3, 3.0, 1.6])
    assert contend < 4 < np.std([0.0, 3.5, 14.6, 50.6], ddof=1)
    assert spread_of([0.0, 3.5, 14.6, 500.6], [0.0, 1.3, 3.0, 1.6]) == pytest.approx(contend)
    # One that is far ahead is no failure: it may be so elsewhere.
    assert spread_of([0.0, 2.3, -9.3, 10.1], [0.0, 0.6, 0.5, 0.5]) > 5
    assert spread_of([0.0], [0.0]) == 0.5

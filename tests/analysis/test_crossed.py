"""Items asked of models of several variants and seeds: how sure a mean and a difference are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib.analysis.crossed import contrast, crossed_slope, crossed_table
from studylib.errors import StudyError

ASKED = {"item": "fact", "group": ["told"], "chance": 0.0, "baseline": "raw"}


def drawn(
    generator: np.random.Generator,
    effects: list[float],
    *,
    items: int = 20,
    seeds: int = 3,
    of_items: float = 1.0,
    of_seeds: float = 0.3,
    between: float = 0.5,
) -> np.ndarray:
    """[variants, items, seeds] with chance of every kind; an item's effect is not the same in every variant (``between``)."""
    count = len(effects)
    return (
        np.array(effects)[:, None, None]
        + of_items * generator.normal(size=(1, items, 1))
        + between * generator.normal(size=(count, items, 1))
        + of_seeds * generator.normal(size=(1, 1, seeds))
        + of_seeds * generator.normal(size=(count, 1, seeds))
        + 0.3 * generator.normal(size=(count, items, seeds))
    )


def frame(values: np.ndarray, told: str = "falsely") -> pl.DataFrame:
    """The first variant is ``raw``."""
    return pl.DataFrame([
        {"variant": "raw" if v == 0 else f"v{v}", "fact": f"f{i}", "seed": s, "told": told, "margin": float(values[v, i, s])}
        for v, i, s in np.ndindex(values.shape)
    ])  # fmt: skip


@pytest.mark.parametrize("weights", [(1, 0, 0, 0), (-1, 1, 0, 0)], ids=["mean", "difference"])
@pytest.mark.parametrize("scale", [{"of_items": 0.1, "between": 0.1}, {"of_seeds": 0.05}, {}])
def test_intervals_hold_the_truth_whatever_is_noisy(weights, scale):
    """Other seeds *and* other items: 95 % at least, and not all; leaving out either would fail one of these."""
    generator = np.random.default_rng(0)
    effects = [0.2, 0.5, -0.3, 0.0]
    truth = float(np.dot(weights, effects))
    found = [contrast(drawn(generator, effects, **scale), weights) for _ in range(600)]
    covered = np.mean([one["low"] <= truth <= one["high"] for one in found])
    assert 0.93 <= covered <= 0.995, covered


def test_items_of_one_cluster_count_for_less():
    """What the items of a cluster have in common leaves the intervals right only where the clusters are known."""
    generator, clusters = np.random.default_rng(7), np.repeat(np.arange(10), 4)
    covered = {"known": [], "unknown": []}
    for _ in range(400):
        values = drawn(generator, [0.0, 0.5], items=40, of_seeds=0.05) + generator.normal(size=(2, 10, 1)).repeat(
            4, axis=1
        )
        for name, given in (("known", clusters), ("unknown", None)):
            found = contrast(values, (-1, 1), clusters=given)
            covered[name].append(found["low"] <= 0.5 <= found["high"])
    assert 0.92 <= np.mean(covered["known"]) <= 0.99
    assert np.mean(covered["unknown"]) < 0.88


def test_what_an_item_or_a_seed_has_in_all_variants_falls_out_of_differences():
    values = drawn(np.random.default_rng(1), [0.0, 1.0], of_items=50.0, of_seeds=0.0, between=0.1)
    values += 20 * np.arange(3)  # seeds
    mean, difference = contrast(values, (0, 1)), contrast(values, (-1, 1))
    assert mean["high"] - mean["low"] > 20
    assert difference["high"] - difference["low"] < 0.5
    assert difference["low"] < 1 < difference["high"] and difference["p"] < 1e-3


def test_a_table_claims_only_what_chance_does_not_give():
    generator, wrong = np.random.default_rng(2), 0
    for _ in range(40):
        table = crossed_table(frame(drawn(generator, [0.0] * 5)), "margin", **ASKED)
        assert table.height == 5 and table["items"].to_list() == [20] * 5 and table["seeds"].to_list() == [3] * 5
        wrong += bool(table["significant"].any())
    assert wrong <= 5, "family-wise"
    sure = crossed_table(frame(drawn(generator, [0.0, 2.0, 0.0])), "margin", **ASKED)
    rows = {row["variant"]: row for row in sure.to_dicts()}
    assert rows["v1"]["significant"] and rows["v1"]["beyond_chance"]
    assert rows["v1"]["difference_low"] < 2.0 < rows["v1"]["difference_high"]
    assert not rows["v2"]["significant"] and rows["raw"]["difference"] is None and not rows["raw"]["significant"]


def test_failed_trials_are_left_out_and_one_seed_judges_nothing():
    values = frame(drawn(np.random.default_rng(3), [0.0, 1.0, 2.0]))
    lacking = values.filter(~((pl.col("variant") == "v1") & (pl.col("seed") == 2)))
    rows = {row["variant"]: row for row in crossed_table(lacking, "margin", **ASKED).to_dicts()}
    assert [rows[name]["seeds"] for name in ("raw", "v1", "v2")] == [3, 2, 3]
    assert rows["v1"]["difference_low"] is not None
    one = crossed_table(values.filter(pl.col("seed") == 0), "margin", **ASKED)
    assert one["mean"].is_not_null().all() and one["low"].is_null().all()
    assert not one["beyond_chance"].any() and not one["significant"].any()
    assert one.filter(pl.col("variant") == "v1")["difference"][0] is not None


def test_items_that_only_some_were_asked_are_left_out():
    values = frame(drawn(np.random.default_rng(4), [0.0, 1.0]))
    fewer = values.filter((pl.col("variant") == "raw") | (pl.col("fact") != "f3"))
    assert set(crossed_table(fewer, "margin", **ASKED)["items"]) == {19}


def test_limits_and_errors():
    values = frame((drawn(np.random.default_rng(5), [0.9, 0.1]) > 0.5).astype(float))
    table = crossed_table(values, "margin", limits=(0.0, 1.0), **ASKED)
    assert table["low"].min() >= 0 and table["high"].max() <= 1
    with pytest.raises(StudyError, match="baseline: 'nothing' is not a variant"):
        crossed_table(values, "margin", **(ASKED | {"baseline": "nothing"}))
    with pytest.raises(StudyError, match="select one size"):
        crossed_table(pl.concat([values, values]), "margin", **ASKED)


def test_a_slope_is_found_with_its_noise():
    generator, rates = np.random.default_rng(6), [0.0, 0.1, 0.3, 0.5]
    covered = []
    for _ in range(300):
        values = frame(drawn(generator, [2 * rate for rate in rates]))
        known = dict(zip(["raw", "v1", "v2", "v3"], rates, strict=True))
        found = crossed_slope(
            values.with_columns(rate=pl.col("variant").replace_strict(known)), "margin", item="fact", along="rate"
        )
        covered.append(found["low"] <= 2 <= found["high"])
    assert 0.93 <= np.mean(covered) <= 0.995
    alone = values.filter(pl.col("variant") == "raw").with_columns(rate=pl.lit(0.1))
    assert crossed_slope(alone, "margin", item="fact", along="rate")["mean"] is None

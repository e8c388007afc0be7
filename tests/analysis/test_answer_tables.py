"""Right answers, wordings, wins and over-optimisation: what is said holds as often as it says, whatever is noisy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib.analysis.answers import accuracy_table, optimisation_table, wins_table, wording_variance, wordings_table
from studylib.analysis.crossed import crossed_means
from studylib.errors import StudyError
from tests.tunings import asked, written


def test_one_seed_has_the_interval_of_its_items_alone():
    """As the binomial one; with several seeds it is wider, for seeds vary too."""
    generator = np.random.default_rng(0)
    right = (generator.random(400) < 0.4).astype(float)
    rows = pl.DataFrame({"variant": "a", "seed": 0, "item": [f"q{place}" for place in range(400)], "right": right})
    one = crossed_means(rows, "right", expected=0.25).row(0, named=True)
    half = 1.966 * right.std() / 400**0.5
    assert (one["seeds"], one["items"], one["of_seeds"]) == (1, 400, None)
    assert one["high"] - one["mean"] == pytest.approx(half, rel=0.01) and one["p"] < 1e-4
    more = pl.concat(
        [rows.with_columns(seed=pl.lit(seed), right=pl.Series(np.roll(right, 40 * seed))) for seed in (0, 1, 2)]
    )
    apart = more.with_columns(pl.col("right") + 0.1 * (pl.col("seed") == 2))
    assert crossed_means(apart, "right")["of_seeds"][0] == pytest.approx(0.1**2 / 3, rel=0.05)


def test_guessing_is_not_above_chance_and_knowing_is():
    above = []
    for start in range(20):
        table, about = accuracy_table(
            asked({"guesses": 0.0, "too": 0.0}, items=120, start=start, of_seeds=0.05), pl.DataFrame()
        )
        above.append(table["beyond"].any())
    assert np.mean(above) <= 0.15 and about == {"mean": None, "low": None, "high": None, "chance": 0.25}
    rows = asked({"knows": 1.5, "guesses": 0.0}, items=300)
    table, about = accuracy_table(rows, asked({"start": 0.0}, seeds=1, items=300, of_seeds=0.0))
    knows, guesses = table.to_dicts()
    assert knows["beyond"] and knows["gained"] and knows["needed"] == 1 and 0.2 < knows["gain"] < 0.5
    assert not guesses["gained"] and abs(guesses["gain"]) < 0.08 and about["low"] < about["mean"] < about["high"]


def test_two_trials_of_a_variant_and_seed_are_refused():
    """Such as one mixture at two rates: their mean would be nobody's."""
    rows = asked({"a": 0.5}, items=30)
    two = pl.concat([rows.with_columns(hash=pl.lit(name)) for name in ("slow", "fast")])
    with pytest.raises(StudyError, match="'a' has two answers for seed 0"):
        accuracy_table(two, pl.DataFrame())
    with pytest.raises(StudyError, match="'a' has two answers for seed 0"):
        wordings_table(two.rename({"variant": "wordings"}))


def test_so_many_seeds_as_are_needed_find_it_in_four_of_five_studies():
    """Few questions, noisy seeds: what is needed is found by counting how often it is enough."""
    skill = {"weak": 0.35}
    big = asked(skill, seeds=40, items=150, each=1, of_seeds=0.3, start=1)
    needed = accuracy_table(big, pl.DataFrame())[0]["needed"][0]
    assert needed is not None and 2 <= needed <= 20
    found = [
        accuracy_table(asked(skill, seeds=needed, items=150, each=1, of_seeds=0.3, start=start), pl.DataFrame())[0]["beyond"][0]
        for start in range(2, 42)
    ]  # fmt: skip
    assert 0.5 <= np.mean(found) <= 1.0, (needed, np.mean(found))
    assert accuracy_table(asked({"none": -0.5}, items=60), pl.DataFrame())[0]["needed"][0] is None


@pytest.mark.parametrize("each", [1, 2, 6])
@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_spread_between_wordings_is_without_the_noise_of_few_questions(each, spread):
    """Right on average, however many wordings an item is asked in; without a spread its variance is nothing on average."""
    found, naive = [], []
    for start in range(40):
        rows = asked({"a": 0.5}, seeds=1, items=100, each=each, spread=spread, start=start)
        found.append(wording_variance(rows, "margin"))
        naive.append(rows.group_by("wording").agg(pl.col("margin").mean())["margin"].var())
    truth = (0.02 * spread) ** 2
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found) - truth) < 3 * error + 0.1 * truth, (np.mean(found), truth)
    if each == 1:
        assert np.mean(naive) > truth + 5 * error, "the naive variance would have passed as well"


def test_wordings_are_compared_by_mean_and_by_spread():
    skills, spread = {1: 0.3, 4: 0.7, 16: 1.1}, {1: 1.0, 4: 0.5, 16: 0.1}
    table, slopes = wordings_table(asked(skills, spread=spread, column="wordings"))
    right = table.filter(pl.col("value") == "right").sort("wordings")
    assert right["mean"].is_sorted() and right["spread"].is_sorted(descending=True)
    change = {(row["value"], row["what"]): row for row in slopes.iter_rows(named=True)}
    assert change["right", "mean"]["low"] > 0 and change["margin", "spread"]["high"] < 0
    _, none = wordings_table(asked({1: 0.5, 4: 0.5, 16: 0.5}, column="wordings", start=3))
    assert none.filter((pl.col("value") == "right") & (pl.col("what") == "mean"))["p"][0] > 0.05


def test_wins_count_ties_half_and_belong_to_the_same_prompt_and_seed():
    columns = dict.fromkeys(("truth", "topic", "manner", "ending"), 1.0)
    about = {"start": "s", "seed": 0, "characters": 10} | columns
    starts = pl.DataFrame(
        [about | {"item": str(place), "score": score} for place, score in enumerate((0.5, 0.5, 0.5, 0.5))]
    )
    rows = pl.DataFrame(
        [about | {"item": str(place), "score": score, "variant": "v", "characters": 15} for place, score in enumerate((1.0, 0.75, 0.5, 0.0))]
    )  # fmt: skip
    table = {row["value"]: row for row in wins_table(rows, starts).iter_rows(named=True)}
    assert table["score"]["mean"] == 0.625 and table["truth"]["mean"] == 0.5 and table["characters"]["mean"] == 0.5
    assert table["score"]["start"] == "s" and not table["score"]["sure"] and not table["truth"]["sure"]
    assert wins_table(rows.with_columns(seed=pl.lit(1)), starts).is_empty()


def test_wins_are_sure_where_answers_differ_and_seldom_where_they_do_not():
    after, before = written(
        {("dpo", "better"): (1.5, 5, 1), ("dpo", "same"): (0, 1, 0), ("dpo", "worse"): (-1.5, 5, 1)}
    )
    table = wins_table(after, before).filter(pl.col("value") == "score")
    sure = dict(table.select("variant", "sure").rows())
    assert sure["better"] and sure["worse"] and not sure["same"]
    wrong = []
    for start in range(20):
        after, before = written({("dpo", "a"): (0, 1, 0), ("dpo", "b"): (0, 1, 0)}, prompts=60, start=start)
        wrong.append(wins_table(after, before).filter(pl.col("value") == "score")["sure"].any())
    assert np.mean(wrong) <= 0.15


def test_a_turn_needs_the_truth_to_fall_while_the_reward_does_not():
    turned = {("rloo", "near"): (1.0, 4, 1), ("rloo", "far"): (-1.5, 25, 3)}
    table = optimisation_table(*written(turned))
    assert table["variant"].to_list() == ["near", "far"] and table["turned"].to_list() == [False, True]
    assert table["fell"][0] == 0 and table["fell_high"][1] < 0 and table["reward_low"].min() > 0
    rewarded_less = turned | {("rloo", "far"): (-1.5, 25, 0.2)}
    assert not optimisation_table(*written(rewarded_less))["turned"].any()
    rising = {("dpo", "near"): (0.5, 4, 1), ("dpo", "far"): (1.5, 25, 3)}
    assert not optimisation_table(*written(rising))["turned"].any()
    from_the_start = {("dpo", "near"): (-0.1, 2, 0.5), ("dpo", "far"): (-2.0, 20, 2)}
    assert optimisation_table(*written(from_the_start)).row(-1, named=True)["turned"], (
        "nothing is above the start itself"
    )


def test_a_turn_is_seldom_seen_where_there_is_none():
    """The highest of several equal points is chosen by the same answers: that must not make the others look lower."""
    seen = []
    for start in range(20):
        flat = {("dpo", f"beta {place}"): (0.5, 3.0 * (place + 1), 0.5 * place) for place in range(5)}
        seen.append(optimisation_table(*written(flat, prompts=60, start=start))["turned"].any())
    assert np.mean(seen) <= 0.15

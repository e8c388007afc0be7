"""Tokens saved on synthetic curves whose answer is known; forgetting; where an ingredient helps."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.errors import StudyError

RUNGS = (100_000, 200_000, 400_000)


def law(tokens: float) -> float:
    return 1.0 + 20 * tokens**-0.3


def runs(random: np.random.Generator, worth: dict[str, float], *, noise: float, seeds: int = 3, spent: int = 200_000):
    """A ladder, and variants that spend ``spent`` tokens of which each is worth so many plain ones."""
    common = random.normal(0, 0.01, seeds)

    def rows(name: str, tokens: int, effective: float) -> list[dict]:
        return [
            {"variant": name, "seed": s, "status": "done", "target_tokens": tokens,
             "val_bpb": law(effective) * math.exp(common[s] + random.normal(0, noise))}
            for s in range(seeds)
        ]  # fmt: skip

    ladder = [row for rung in RUNGS for row in rows(f"plain {rung}", rung, rung)]
    others = [row for name, factor in worth.items() for row in rows(name, spent, factor * spent)]
    return pl.DataFrame(ladder), pl.DataFrame(others)


def test_the_worth_of_a_token_is_recovered():
    ladder, others = runs(np.random.default_rng(0), {"better": 1.6, "same": 1.0, "worse": 0.7}, noise=1e-5)
    better, same, worse = analysis.tokens_saved(ladder, others)
    for found, worth in ((better, 1.6), (same, 1.0), (worse, 0.7)):
        assert found.inside and found.spent == 200_000
        # Between rungs the ladder is a chord of the true curve, hence 2 %.
        assert found.factor[1] == pytest.approx(worth, rel=0.02)
        assert found.factor[0] < found.factor[1] < found.factor[2]
    assert (better.sure, worse.sure) == (1, -1)
    assert better.saved[1] == pytest.approx(0.6 * 200_000, rel=0.05)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random, inside = np.random.default_rng(1), 0
    for _ in range(300):
        ladder, others = runs(random, {"one": 1.0, "two": 1.0}, noise=0.004)
        low, _, high = analysis.tokens_saved(ladder, others)[0].factor
        inside += low <= 1.0 <= high
    assert 0.92 <= inside / 300 <= 0.995


def test_noise_widens_the_interval_and_takes_certainty_away():
    widths = []
    for noise in (0.0005, 0.02):
        ladder, others = runs(np.random.default_rng(2), {"better": 1.2}, noise=noise)
        (found,) = analysis.tokens_saved(ladder, others)
        widths.append(found.factor[2] / max(found.factor[0], 1e-9))
        assert found.sure == (noise < 0.01)
    assert widths[1] > 2 * widths[0]


def test_what_lies_beyond_the_ladder_is_said_to():
    ladder, others = runs(np.random.default_rng(3), {"far": 3.0, "out of reach": 50.0, "hopeless": 0.05}, noise=1e-6)
    far, beyond, hopeless = analysis.tokens_saved(ladder, others)
    assert not far.inside and far.factor[1] == pytest.approx(3.0, rel=0.25)
    assert beyond.needed == (math.inf, math.inf, math.inf) and beyond.sure == 1
    assert hopeless.needed == (0.0, 0.0, 0.0) and hopeless.sure == -1


def test_a_ladder_that_cannot_be_read_is_refused():
    ladder, others = runs(np.random.default_rng(4), {"one": 1.0}, noise=1e-4)
    with pytest.raises(StudyError, match="at least 2 lengths; there is 1"):
        analysis.tokens_saved(ladder.filter(pl.col("target_tokens") == RUNGS[0]), others)
    upside_down = ladder.with_columns((1 / pl.col("val_bpb")).alias("val_bpb"))
    with pytest.raises(StudyError, match="does not get better with more tokens"):
        analysis.tokens_saved(upside_down, others)


def test_equal_target_tokens_are_moved_along_the_ladder():
    rows = [
        {"size": "1M", "variant": "ja only" if share == 1 else "mixed", "seed": s, "status": "done", "tokens": t,
         "non_embedding_params": 10**6, "target_tokens": round(t * share), "val_bpb": 3 * (t * share) ** -0.2 * level}
        for t in RUNGS
        for share, level in ((1.0, 1.0), (0.7, 0.95))
        for s, level in ((0, level), (1, 1.01 * level))
    ]  # fmt: skip
    frame = pl.DataFrame(rows)
    longest = frame["tokens"].max()
    race = frame.filter(pl.col("tokens") == longest)
    ladder = frame.filter((pl.col("variant") == "ja only") & (pl.col("tokens") < longest))
    moved = analysis.accountings(race, ladder, bases=("target_tokens",))["target_tokens"]
    means = dict(moved.trials.group_by("variant").agg(pl.col("val_bpb").mean()).iter_rows())
    assert means["mixed"] / means["ja only"] == pytest.approx(0.95, abs=0.01), "what is left is what a token is worth"


def test_forgetting_is_what_was_lost_since_the_best():
    rows = [
        {"hash": name, "split": "validation", "source": "en", "tokens": t, "bpb": v}
        for name, values in {"kept": [3.0, 2.0, 1.5], "forgot": [3.0, 1.0, 1.75]}.items()
        for t, v in enumerate(values)
    ]
    found = analysis.forgetting(pl.DataFrame(rows), "en")
    assert dict(found.select("hash", "forgotten").rows()) == {"kept": 0.0, "forgot": 0.75}


def test_where_it_helps_and_where_it_hurts():
    random = np.random.default_rng(5)
    effects = {0.0: 0.0, 0.25: -0.05, 0.5: 0.0005, 0.75: 0.08}
    rows = [
        {"ratio": ratio, "seed": s, "status": "done", "val_bpb": 2 + 0.1 * s + effect + random.normal(0, 0.002)}
        for ratio, effect in effects.items()
        for s in range(4)
    ]
    table = analysis.best_ratio(pl.DataFrame(rows))
    assert table["ratio"].to_list() == [0.25, 0.5, 0.75]
    assert table["effect"].to_list() == ["helps", "not told apart", "hurts"]

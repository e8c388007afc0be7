"""What is said of tunings: only what the numbers carry, with a figure that can be drawn, and nothing where nothing finished."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import findings
from studylib.bench.calibration.mixtures import Truth
from studylib.errors import StudyError
from studylib.notebook import line
from tests.handed_on import says_how_it_was_compared
from tests.tunings import asked, trials, written

METHODS = {("dpo", "plain: dpo 0.5"): (0.8, 4.0, 1.0), ("dpo", "plain: dpo 0.1"): (-1.5, 25.0, 3.0)}


def mixtures(kinds: int = 3, loss=None, noise: float = 0.002, start: int = 0) -> tuple[pl.DataFrame, list[str]]:
    """Trials of a mixture study whose loss is this function of the shares."""
    truth = Truth("told", kinds=kinds)
    table, _ = truth.draw(np.random.default_rng(start))
    if loss is not None:
        shares = table.select([f"share of {name}" for name in truth.names]).to_numpy()
        values = loss(shares) + noise * np.random.default_rng([start, 1]).normal(size=len(table))
        table = table.with_columns(val_bpb=pl.Series(values))
    return table, truth.names


def bowl(best: list[float]):
    return lambda shares: 2 + ((shares - np.array(best)) ** 2).sum(axis=1)


def drawn(finding, folder):
    """The figure is written under both titles, and described."""
    saved = finding.save(folder)
    assert (folder / saved.file).stat().st_size > 5_000
    assert saved.title.en and saved.title.ja and saved.alt.en and saved.alt.ja


@pytest.mark.parametrize("kinds", [2, 3, 4, 5])
def test_a_mixture_is_drawn_whatever_the_number_of_kinds(kinds, tmp_path):
    table, names = mixtures(kinds, bowl([0.6, *[0.4 / (kinds - 1)] * (kinds - 1)]))
    found = findings.Mixture.of(table, names)
    drawn(found, tmp_path)
    assert sum(part.share for part in found.parts) == pytest.approx(1)
    assert len(found.tried) == table["variant"].n_unique() and found.tried[0].loss == min(
        one.loss for one in found.tried
    )


def test_a_mixture_that_is_known_is_handed_on_with_its_rivals():
    table, names = mixtures(3, bowl([0.5, 0.4, 0.1]))
    found = findings.Mixture.of(table, names)
    assert found.state in ("found", "better") and found.beats_even > 0.9
    (setting,) = found.settings()
    (stage,) = setting.value
    assert setting.field == "stages" and not setting.decided and setting.sizes == ("100k",)
    assert sum(stage.mixture.values()) == pytest.approx(1, abs=1e-3) and abs(stage.mixture["kind 0"] - 0.5) < 0.1
    assert setting.value not in setting.alternatives and setting.tried == ()
    sized = findings.Mixture.of(table.with_columns(non_embedding_params=100_000, flops=1e9), names)
    assert says_how_it_was_compared(sized.settings()[0]) and sized.settings()[0].decision == "mixture"
    assert all(one.behind_percent > 0 for one in sized.settings()[0].tried[1:]), "the lowest point of the surface"


def test_equal_shares_are_handed_on_where_nothing_else_is_worth_it():
    table, names = mixtures(3, lambda shares: 2 + 0.02 * ((shares - 1 / 3) ** 2).sum(axis=1), noise=0.0002)
    found = findings.Mixture.of(table, names)
    assert found.state == "even" and "Equal shares are as good" in found.title(**found.facts).en
    assert set(found.settings()[0].value[0].mixture.values()) == {0.3333}


def test_noise_decides_no_mixture():
    undecided = []
    for start in range(5):
        table, names = mixtures(3, lambda shares: np.full(len(shares), 2.0), noise=0.05, start=start)
        found = findings.Mixture.of(table, names)
        undecided.append(found.state == "undecided")
        if undecided[-1]:
            assert (
                found.settings() == ()
                and "undecided" in found.title(**found.facts).en
                and "Nothing is decided" in found.said().en
            )
    assert np.mean(undecided) >= 0.6


def test_mixtures_that_failed_say_nothing():
    table, names = mixtures(3, bowl([0.5, 0.4, 0.1]))
    assert findings.Mixture.of(table.with_columns(status=pl.lit("failed")), names) is None
    assert findings.Mixture.of(table.filter(pl.col("seed") == 0), names) is None
    assert findings.Mixture.of(table.clear(), names) is None
    lost = (pl.col("variant") == "mixture 0") & (pl.col("seed") == 1)
    with pytest.raises(StudyError, match="has 2 results for seed 0"):
        findings.Mixture.of(pl.concat([table, table.filter(pl.col("seed") == 0)]), names)
    some = findings.Mixture.of(
        table.with_columns(pl.when(lost).then(None).otherwise("val_bpb").alias("val_bpb")), names
    )
    assert len(some.tried) == 7


def test_accuracy_says_chance_untuned_and_tuned(tmp_path):
    rows = asked({"even": 1.2, "only free": 0.0})
    start = asked({"start": 0.0}, seeds=1, of_seeds=0.0)
    found = findings.TunedAccuracy.of(rows, start)
    drawn(found, tmp_path)
    even, free = found.tuned
    assert (even.variant, even.seeds, even.beyond, even.gained) == ("even", 3, True, True) and found.chance == 0.25
    assert not free.gained and "only free" in found.said().en and "within the noise" in found.said().en
    assert "above chance (25.0 %) and more than untuned" in found.title(**found.facts).en
    alone = findings.TunedAccuracy.of(rows.filter(pl.col("seed") == 0), start.clear())
    drawn(alone, tmp_path)
    assert alone.untuned is None and alone.tuned[0].gain is None and "untuned" not in alone.title(**alone.facts).en
    assert findings.TunedAccuracy.of(rows.clear(), start) is None


def test_wordings_say_mean_and_spread(tmp_path):
    rows = asked({1: 0.2, 8: 0.8, 64: 1.4}, spread={1: 1.2, 8: 0.6, 64: 0.1}, column="wordings")
    found = findings.Wordings.of(rows)
    drawn(found, tmp_path)
    assert [one.wordings for one in found.trained] == [1, 8, 64] and found.asked == 16
    assert found.rise[0] > 0 and found.trained[0].margin_spread[1] > found.trained[-1].margin_spread[1]
    nothing = findings.Wordings.of(asked({1: 0.5, 64: 0.5}, column="wordings", of_seeds=0.02, start=2))
    assert "beyond the noise" in nothing.title(**nothing.facts).en
    assert findings.Wordings.of(rows.filter(pl.col("seed") == 0)) is None
    assert findings.Wordings.of(rows.filter((pl.col("seed") == 0) | (pl.col("wordings") == 8))) is None
    assert findings.Wordings.of(rows.clear()) is None


def readings(noise: float) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    losses = {"100 x 1": 2.3, "100 x 4": 2.2, "100 x 16": 2.3, "400 x 1": 2.15}
    values = {name: [loss + generator.normal(0, noise) for _ in range(3)] for name, loss in losses.items()}
    cells = {name: [int(one) for one in name.split(" x ")] for name in losses}
    return trials(
        values,
        rows={name: cell[0] for name, cell in cells.items()},
        epochs={name: cell[1] for name, cell in cells.items()},
    )


def test_amounts_say_where_repeating_stops_helping(tmp_path):
    found = findings.Amount.of(readings(0.001))
    drawn(found, tmp_path)
    assert found.title(**found.facts).en == "100 rows: repeating helps up to 4 times and hurts at 16"
    (replaced,) = [one for one in found.readings if one.fresh is not None]
    assert (replaced.rows, replaced.epochs, replaced.against_fresh) == (100, 4, "hurts")
    noisy = findings.Amount.of(readings(0.2))
    assert noisy.title(**noisy.facts).en == "100 rows: repeating is not shown to help"
    assert "within the noise" in noisy.said().en
    assert findings.Amount.of(readings(0.1).with_columns(status=pl.lit("failed"))) is None
    assert findings.Amount.of(readings(0.1).filter(pl.col("seed") == 0)) is None
    assert findings.Amount.of(readings(0.1).filter(pl.col("epochs") == 1)) is None


def test_costs_say_who_is_on_the_front(tmp_path):
    generator = np.random.default_rng(0)
    losses, lost = {"even": 2.0, "only free": 2.2, "best": 1.8}, {"even": 0.1, "only free": 0.2, "best": 0.3}
    values = {name: [loss + generator.normal(0, 0.01) for _ in range(3)] for name, loss in losses.items()}
    table = trials(values, forgotten=lost, family=dict.fromkeys(losses, "mixture"))
    found = findings.TuningCost.of(table, "ja")
    drawn(found, tmp_path)
    assert {one.variant: one.front for one in found.costs} == {"best": True, "even": True, "only free": False}
    assert "2 of 3 are on the front" in found.title(**found.facts).en
    assert findings.TuningCost.of(table.filter(pl.col("seed") == 0), "ja") is None
    assert findings.TuningCost.of(table.filter(pl.col("variant") == "even"), "ja") is None
    assert findings.TuningCost.of(table.with_columns(status=pl.lit("failed")), "ja") is None


def test_preferences_say_how_often_they_win(tmp_path):
    rows, starts = written(METHODS)
    found = findings.PreferenceWins.of(rows, starts)
    drawn(found, tmp_path)
    better, worse = found.won
    assert better.sure and better.score[0] > 0.5 and worse.sure and worse.score[2] < 0.5
    assert "1 of 2 win beyond the noise; 1 lose" in found.title(**found.facts).en
    alone = findings.PreferenceWins.of(*(table.filter(pl.col("seed") == 0) for table in (rows, starts)))
    assert "With one seed" in alone.said().en and "1 シード" in alone.said().ja
    same = findings.PreferenceWins.of(starts.with_columns(variant=pl.lit("copy")), starts)
    assert same.won[0].score == (0.5, 0.5, 0.5) or same.won[0].score[1] == 0.5
    assert "within the noise" in same.title(**same.facts).en
    losing = findings.PreferenceWins.of(rows.filter(pl.col("variant") == "plain: dpo 0.1"), starts)
    assert "fewer than half" in losing.title(**losing.facts).en
    assert findings.PreferenceWins.of(rows.with_columns(seed=pl.col("seed") + 9), starts) is None
    assert findings.PreferenceWins.of(rows.clear(), starts) is None


def test_over_optimisation_is_seen_or_said_not_to_be(tmp_path):
    rows, starts = written(METHODS)
    found = findings.OverOptimisation.of(rows, starts)
    drawn(found, tmp_path)
    assert "the true score falls from" in found.title(**found.facts).en and "beyond chance" in found.said().en
    rising = findings.OverOptimisation.of(*written({("dpo", "a"): (0.5, 3, 1), ("dpo", "b"): (1.0, 9, 2)}))
    assert "not seen up to" in rising.title(**rising.facts).en and "見られない" in rising.title(**rising.facts).ja
    assert findings.OverOptimisation.of(rows.drop("reward"), starts) is None
    assert findings.OverOptimisation.of(rows.with_columns(kl=pl.lit(None, pl.Float64)), starts) is None
    assert findings.OverOptimisation.of(rows.filter(pl.col("variant") == "plain: dpo 0.1"), starts) is None


def test_answers_are_shown_bounded_and_as_what_they_are():
    """Markup, templates, control characters and marks of direction come from a model, which says what it likes."""
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}\u202eabc\x00\n\n次" + "あ" * 5000
    rows, _ = written(METHODS, seeds=2, prompts=5)
    rows = rows.with_columns(written=pl.lit(hostile), question=pl.lit("{% raw %} 質問\n?"))
    found = findings.WrittenAnswers.of(rows, ["plain: dpo 0.5", "plain: dpo 0.1"])
    assert len(found.prompts) == 3 and [one.variant for one in found.prompts[0].answers] == [
        "plain: dpo 0.5",
        "plain: dpo 0.1",
    ]
    said = found.said()
    for text in (said.en, said.ja):
        assert "{{ 7 * 7 }}" in text and "{% raw %}" in text and "49" not in text
        assert "\u202e" not in text and "\x00" not in text and "\n" not in text and len(text) < 1500
        assert "<script>" not in line(text)
    assert found.figure() is None
    assert findings.WrittenAnswers.of(rows, ["plain: dpo 0.5", "nobody"]) is None
    assert findings.WrittenAnswers.of(rows.clear(), ["plain: dpo 0.5"]) is None

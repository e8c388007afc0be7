"""Accountings on simulated studies: exact on a noiseless surface, honest about errors, refused where too far."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib import analysis
from studylib.analysis.equalise import at_size
from studylib.analysis.speed import speed_draws
from studylib.bench.calibration import accountings as calibration
from studylib.errors import StudyError

SIZES = (20_000, 40_000, 80_000)
LEVELS = {"plain": 1.0, "dear": 0.94, "other": 1.01}
COSTS = {"plain": 1.0, "dear": 1.25, "other": 0.98}
LAST = str(SIZES[-1])


def loss(params: float, tokens: float) -> float:
    return 0.5 + 30 * params**-0.34 + 60 * tokens**-0.3


def run(name: str, size: int, tokens: float, seed: int, noise: float = 0.0, **columns: object) -> dict:
    return {
        "size": str(size), "variant": name, "seed": seed, "status": "done", "tokens": int(tokens), "memory_bytes": 10**9,
        "flops": COSTS[name] * int(tokens), "non_embedding_params": size, "tokens_per_s": 1e4 / COSTS[name],
        "val_bpb": LEVELS[name] * loss(size, int(tokens)) * float(np.exp(noise)),
    } | columns  # fmt: skip


def study(noise: float = 0.0, shares: tuple[float, ...] = (0.5,), names: tuple[str, ...] = ("plain",)):
    """Trials at equal FLOPs, and runs of ``names`` at other lengths."""
    generator, race, lengths = np.random.default_rng(0), [], []
    for size in SIZES:
        for name, cost in COSTS.items():
            for seed in range(3):
                race.append(run(name, size, 3 * size / cost, seed, generator.normal(0, noise)))
                if name in names:
                    lengths += [run(name, size, 3 * size * x, seed, generator.normal(0, noise)) for x in shares]
    return pl.DataFrame(race), pl.DataFrame(lengths, schema=pl.DataFrame(race).schema)


def means(moved: analysis.Moved, size: str = LAST) -> dict[str, float]:
    own = moved.trials.filter(pl.col("size") == size)
    return dict(own.group_by("variant").agg(pl.col("val_bpb").mean()).iter_rows())


def test_moves_are_exact_on_a_surface_without_noise():
    race, lengths = study(shares=(0.5, 1.0, 1.5), names=tuple(COSTS))
    moved = analysis.accountings(race, lengths, reference="plain")["seconds"]
    for name, value in means(moved).items():
        assert value == pytest.approx(LEVELS[name] * loss(SIZES[-1], 3 * SIZES[-1] / COSTS[name]), rel=5e-4)
    there = analysis.accountings(race, lengths, reference="plain")["tokens"]
    for name, value in means(there).items():
        assert value == pytest.approx(LEVELS[name] * loss(SIZES[-1], 3 * SIZES[-1]), rel=1e-6), "a run of that length"
    assert set(there.trials["tokens"]) == {3 * size for size in SIZES}


def test_what_has_equal_flops_is_moved_by_the_rest_of_a_step_only():
    race, lengths = study()
    moved = analysis.accountings(race, lengths, reference="plain")["flops"]
    assert moved.trials["token_ratio"].to_numpy() == pytest.approx(1.0, abs=1e-3)
    assert moved.trials["val_bpb"].to_numpy() == pytest.approx(moved.trials["unadjusted"].to_numpy(), rel=1e-4)
    assert not moved.refused and not moved.bounded


def test_every_size_is_moved_along_its_own_slope():
    race, lengths = study()
    surface = analysis.fit_loss_surface(pl.concat([race, lengths]), reference="plain")
    for size in SIZES:
        wanted = np.log(loss(size, 1.5 * size) / loss(size, 3 * size))
        assert surface.change(str(size), "plain", 3 * size, 1.5 * size).mean() == pytest.approx(wanted, abs=1e-3)
    assert surface.measured(LAST) and not analysis.fit_loss_surface(race).measured(LAST)


def test_a_variant_of_one_length_carries_the_doubt_about_its_slope():
    race, lengths = study(noise=0.001)
    moved = analysis.accountings(race, lengths, reference="plain")["tokens"]
    own, every = at_size(moved.errors, LAST), study(noise=0.001, shares=(0.5, 1.0), names=tuple(COSTS))
    assert own["plain"].std() == 0, "the reference stays where it is"
    assert 0.001 < own["dear"].std() / means(moved)["dear"] < 0.015
    assert own["dear"].mean() == pytest.approx(0, abs=1e-3)
    trained = analysis.accountings(*every, reference="plain")["tokens"]
    assert at_size(trained.errors, LAST)["dear"].std() == 0, "trained at that length, so not moved"


def test_errors_of_moves_take_the_certainty_from_a_decision():
    race, _ = study(noise=0.001)
    frame = race.filter(pl.col("size") == LAST)
    sure = analysis.decide(frame)
    doubt = np.random.default_rng(1).normal(0, 0.1, 2000)
    assert sure.ahead and sure.leader == "dear"
    assert not analysis.decide(frame, errors={"dear": doubt}).ahead


def test_a_move_too_far_is_refused_in_both_languages_unless_it_takes_tokens_away():
    race, lengths = study(noise=0.001)
    speeds = {
        f"{LAST}/{name}": [rate, 1.001 * rate] for name, rate in {"plain": 1.0, "dear": 2.6, "other": 1.0}.items()
    }
    moved = analysis.accountings(race, lengths, reference="plain", speeds=speeds)["seconds"]
    assert list(moved.refused) == [f"{LAST}/dear"] and set(moved.trials["size"]) == {LAST}
    found = analysis.decide_moved(moved, LAST)
    assert isinstance(found, analysis.NoVerdict) and found.leader is None and not found.ahead
    assert "dear would have 3.2 times its tokens, too far" in found.text().en and "遠すぎる" in found.text().ja
    verdict = found.verdict("seconds")
    assert verdict.winner is None and verdict.p_best == {} and verdict.text == found.why

    slow = speeds | {f"{LAST}/other": [0.3, 0.301], f"{LAST}/dear": [0.8, 0.801]}
    moved = analysis.accountings(race, lengths, reference="plain", speeds=slow)["seconds"]
    assert list(moved.bounded) == [f"{LAST}/other"] and not moved.refused
    found = analysis.decide_moved(moved, LAST)
    assert found.leader == "dear", "behind with more tokens than it would have, it does not block the others"
    best = slow | {f"{LAST}/dear": [0.3, 0.301], f"{LAST}/other": [1.0, 1.001]}
    moved = analysis.accountings(race, lengths, reference="plain", speeds=best)["seconds"]
    assert isinstance(analysis.decide_moved(moved, LAST), analysis.NoVerdict), "its lead is only a bound"


def test_an_error_larger_than_the_differences_is_refused():
    race, _ = study(noise=0.0005)
    level = pl.col("variant").replace_strict(
        LEVELS, return_dtype=pl.Float64
    )  # none is better than another at equal tokens
    race = race.with_columns(val_bpb=pl.col("val_bpb") / level)
    moved = analysis.accountings(race, reference="plain", bases=("tokens",))["tokens"]
    told = " ".join(text.en for text in [*moved.refused.values(), *moved.bounded.values()])
    assert "more than the differences to be judged" in told and "no run of another length" in told


def test_memory_leaves_out_what_does_not_fit_and_credits_nothing():
    race, lengths = study()
    heavy = [frame.with_columns(memory_bytes=pl.when(pl.col("variant") == "dear").then(2 * 10**9).otherwise(10**9)) for frame in (race, lengths)]  # fmt: skip
    accounts = analysis.accountings(*heavy, reference="plain")
    tokens, memory = accounts["tokens"], accounts["memory"]
    assert set(memory.trials["variant"]) == {"plain", "other"} and f"{LAST}/dear" in memory.out
    assert {name: means(tokens)[name] for name in means(memory)} == means(memory)
    assert analysis.decide_moved(memory, LAST).leader == "plain"
    decisions = analysis.decisions_at(accounts, LAST)
    rows = {row.basis: row.text for row in analysis.verdicts_of(decisions, accounts, LAST)}
    assert "dear needs 90 % more memory than is allowed" in rows["memory"].en and "メモリ" in rows["memory"].ja
    assert "more memory" not in rows["flops"].en
    with pytest.raises(StudyError, match="cap"):
        analysis.accountings(*heavy, reference="plain", cap=1.0)
    alone = analysis.accountings(*heavy, reference="plain", cap=1.5e9)["memory"]
    assert set(alone.trials["variant"]) == {"plain", "other"}


def test_speeds_must_be_whole_and_their_spread_is_carried():
    race, lengths = study()
    with pytest.raises(StudyError, match="speeds"):
        analysis.accountings(race, lengths, speeds={f"{LAST}/plain": [1.0, 1.1]})
    windows = {"a": [100.0, 110.0, 90.0, 105.0], "b": [200.0, 220.0, 180.0, 210.0, 201.9]}
    drawn = speed_draws(windows, 20_000)
    ratio = np.log(drawn["b"] / drawn["a"])
    assert ratio.mean() == pytest.approx(np.log(2), abs=0.01)
    spread = np.std(np.log(windows["a"]), ddof=1)
    assert spread / 2 * 2**0.5 == pytest.approx(ratio.std(), rel=0.35)


def test_what_a_machine_does_to_all_of_a_turn_leaves_ratios_of_speeds_alone():
    generator = np.random.default_rng(5)
    true = {"a": 100.0, "b": 90.0, "c": 200.0}
    own = {name: generator.normal(0, 0.02, 6) for name in true}
    drift = np.array([0.0, -0.4, 0.1, 0.3, -0.2, 0.0])  # of the machine, ten times as large as what each has of its own
    windows = {name: list(rate * np.exp(own[name] + drift)) for name, rate in true.items()}
    still = {name: list(rate * np.exp(own[name])) for name, rate in true.items()}
    drawn, quiet = speed_draws(windows, 20_000), speed_draws(still, 20_000)
    for name in ("b", "c"):
        ratio, calm = np.log(drawn[name] / drawn["a"]), np.log(quiet[name] / quiet["a"])
        assert ratio.mean() == pytest.approx(calm.mean(), abs=1e-3) and ratio.std() == pytest.approx(
            calm.std(), rel=0.05
        )
        assert analysis.speed_ratio(windows, name, "a") == pytest.approx(analysis.speed_ratio(still, name, "a"))
        low, times, high = analysis.speed_ratio(windows, name, "a")
        assert low < true[name] / true["a"] < high and low < times < high < 1.1 * low
    assert analysis.speed_ratio({"a": [1.0], "b": [2.0, 2.0]}, "a", "b") is None


def test_missing_costs_and_several_lengths_in_the_race_are_refused():
    race, lengths = study()
    with pytest.raises(StudyError, match="flops"):
        analysis.accountings(race.with_columns(flops=pl.lit(None, pl.Float64)), lengths)
    with pytest.raises(StudyError, match="several lengths"):
        analysis.accountings(pl.concat([race, lengths]))


def test_wrong_decisions_are_rare_in_a_few_simulated_studies():
    one = next(one for one in calibration.scenarios() if one.name == "dear 1.25x")
    generator, wrong = np.random.default_rng(3), 0
    for _ in range(6):
        race, lengths, speeds = calibration.simulate(one, generator)
        accounts = analysis.accountings(race, lengths, reference="reference", speeds=speeds)
        for basis, decision in analysis.decisions_at(accounts, "80000").items():
            losses = calibration.truth(one, basis)
            wrong += decision.ahead and decision.leader != min(losses, key=losses.get)
    assert wrong <= 2

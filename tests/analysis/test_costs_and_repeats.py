"""What tunings gain and forget, and how often rows are read."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from studylib.analysis import repeats_table, tuning_costs
from studylib.errors import StudyError
from tests.tunings import trials


def tuned(points: dict[str, tuple[float, float]], noise: float, seeds: int = 3, start: int = 0) -> pl.DataFrame:
    generator = np.random.default_rng(start)
    return pl.DataFrame(
        [
            {"family": "mixture", "variant": name, "seed": seed, "status": "done"}
            | {"val_bpb": loss + generator.normal(0, noise), "forgotten": lost + generator.normal(0, noise)}
            for name, (loss, lost) in points.items()
            for seed in range(seeds)
        ]
    )


POINTS = {"best": (1.8, 0.3), "mild": (2.0, 0.1), "beaten": (2.1, 0.2), "kept": (2.3, 0.0)}


def test_the_front_is_what_no_other_beats_in_both():
    table = tuning_costs(tuned(POINTS, 0.001))
    assert table["variant"].to_list() == ["best", "mild", "beaten", "kept"] and table["front"].to_list() == [
        True,
        True,
        False,
        True,
    ]
    assert (table["p_front"].to_numpy() > 0.99).tolist() == [True, True, False, True] and table["p_front"][2] < 0.01
    assert (table["loss_low"] < table["loss"]).all() and (table["forgotten"] < table["forgotten_high"]).all()


def test_points_within_the_noise_share_the_front():
    twins = {"a": (2.0, 0.10), "b": (2.01, 0.11)}
    p = tuning_costs(tuned(twins, 0.05))["p_front"].to_list()
    assert all(0.2 < one < 0.99 for one in p)


def test_without_a_second_seed_there_is_no_noise_and_no_front():
    assert tuning_costs(tuned(POINTS, 0.01, seeds=1)).is_empty()
    lost = tuned(POINTS, 0.01).with_columns(
        pl.when(pl.col("variant") == "mild").then(None).otherwise("forgotten").alias("forgotten")
    )
    assert tuning_costs(lost)["variant"].to_list() == ["best", "beaten", "kept"]
    assert tuning_costs(tuned(POINTS, 0.01).with_columns(status=pl.lit("failed"))).is_empty()


def readings(
    losses: dict[tuple[int, int], float], noise: float = 0.001, lost: tuple[tuple[int, int, int], ...] = ()
) -> pl.DataFrame:
    generator = np.random.default_rng(0)
    seeds = (0.02, -0.01, 0.0)
    values = {
        f"{rows} x {epochs}": [
            None if (rows, epochs, place) in lost else loss + of_seed + generator.normal(0, noise)
            for place, of_seed in enumerate(seeds)
        ]
        for (rows, epochs), loss in losses.items()
    }
    cells = {f"{rows} x {epochs}": (rows, epochs) for rows, epochs in losses}
    return trials(
        values,
        rows={name: cell[0] for name, cell in cells.items()},
        epochs={name: cell[1] for name, cell in cells.items()},
    )


LOSSES = {(100, 1): 2.3, (100, 4): 2.2, (100, 16): 2.25, (200, 1): 2.2, (200, 4): 2.1, (400, 1): 2.15}


def test_each_number_of_epochs_is_held_against_the_next_fewer_and_against_fresh_rows():
    table = {(row["rows"], row["epochs"]): row for row in repeats_table(readings(LOSSES)).iter_rows(named=True)}
    assert table[100, 1]["step"] is None and table[400, 1]["step"] is None
    assert table[100, 4]["step"] == pytest.approx(-0.1, abs=0.003) and table[100, 4]["step_sure"]
    assert table[100, 16]["step"] == pytest.approx(0.05, abs=0.003) and table[100, 16]["step_sure"]
    assert table[100, 4]["fresh"] == pytest.approx(0.05, abs=0.003) and table[100, 4]["fresh_sure"]
    assert table[200, 4]["fresh"] is None, "800 rows read once were not tried"
    assert table[100, 4]["mde"] > 0


def test_noise_is_no_effect_and_a_lost_seed_takes_its_pairs():
    equal = dict.fromkeys(LOSSES, 2.0)
    noisy = repeats_table(readings(equal, noise=0.02))
    assert not noisy["step_sure"].any() and not noisy["fresh_sure"].any()
    lost = repeats_table(readings(LOSSES, lost=((100, 4, 0), (100, 4, 1))))
    cells = {(row["rows"], row["epochs"]): row for row in lost.iter_rows(named=True)}
    assert cells[100, 4]["seeds"] == 1 and cells[100, 4]["step"] is None
    assert cells[100, 16]["step"] == pytest.approx(-0.05, abs=0.003), "held against once, which two seeds finished"


def test_runs_without_two_common_seeds_are_not_compared_and_two_results_of_a_seed_are_refused():
    two = readings({(100, 1): 2.0, (100, 4): 2.0}, lost=((100, 1, 0), (100, 4, 1), (100, 4, 2)))
    assert repeats_table(two)["step"].null_count() == 2
    table = readings({(100, 1): 2.0, (100, 4): 2.0})
    once = (pl.col("epochs") == 1) & (pl.col("seed") < 2)
    apart = table.filter(once | ((pl.col("epochs") == 4) & (pl.col("seed") > 0)))
    assert repeats_table(apart)["step"].null_count() == 2
    with pytest.raises(StudyError, match="has 2 results for seed 0"):
        repeats_table(pl.concat([table, table.filter(pl.col("seed") == 0)]))

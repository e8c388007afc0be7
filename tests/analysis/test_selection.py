"""Seeds that chose a setting do not judge it; verdicts count the looks."""

from __future__ import annotations

import numpy as np
import polars as pl

from studylib import analysis
from studylib.files import write_json
from studylib.result import looks_so_far


def swept(losses: dict[str, list[list[float]]]) -> pl.DataFrame:
    """``losses[variant][rate][seed]``; NaN is a trial that diverged."""
    return pl.DataFrame(
        [
            {"variant": name, "rate": rate, "seed": seed, "val_bpb": loss,
             "status": "diverged" if np.isnan(loss) else "done"}
            for name, by_rate in losses.items() for rate, by_seed in enumerate(by_rate)
            for seed, loss in enumerate(by_seed)
        ]
    )  # fmt: skip


def test_every_seed_is_judged_at_the_rate_that_the_others_chose():
    frame = swept({"a": [[1.0, 2.0, 2.0], [3.0, 1.5, 1.5]]})
    found = analysis.judged_by_other_seeds(frame, "rate")
    # seeds 1 and 2 like rate 1, so seed 0 is judged there although it would have chosen rate 0
    assert dict(found.select("seed", "rate").rows())[0] == 1
    assert len(found) == 3


def test_a_rate_at_which_another_seed_failed_is_not_chosen():
    frame = swept({"a": [[2.0, 2.0, 2.0], [1.0, float("nan"), 1.0]]})
    rates = dict(analysis.judged_by_other_seeds(frame, "rate").select("seed", "rate").rows())
    assert rates[0] == rates[2] == 0
    assert rates[1] == 1, "its own failure is kept as what it is: nothing is imputed"


def test_a_flat_variant_does_not_lead_an_equally_good_peaked_one_by_being_flat():
    leads = {"own": 0, "others": 0}
    for i in range(300):
        noise = np.random.default_rng(i).normal(0, 1.0, (2, 5, 3))
        cells = np.array([np.zeros(5), [30.0, 10.0, 0.0, 10.0, 30.0]])[:, :, None] + noise
        frame = swept({"flat": cells[0].tolist(), "peaked": cells[1].tolist()})
        judged = analysis.judged_by_other_seeds(frame, "rate").group_by("variant").agg(pl.col("val_bpb").mean())
        leads["others"] += judged.sort("val_bpb")["variant"][0] == "flat"
        leads["own"] += cells[0].mean(axis=1).min() < cells[1].mean(axis=1).min()
    assert leads["own"] > 240
    assert 120 <= leads["others"] <= 180


def test_only_more_seeds_are_another_look(tmp_path):
    assert looks_so_far(tmp_path, (1, 2)) == ((1, 2),)
    write_json(tmp_path / "result.json", {"looks": [[1, 2]]})
    assert looks_so_far(tmp_path, (1, 2)) == ((1, 2),), "the same data seen again"
    assert looks_so_far(tmp_path, (1, 2, 3)) == ((1, 2), (1, 2, 3))
    assert looks_so_far(tmp_path, (7, 8)) == ((7, 8),), "other seeds"
    (tmp_path / "result.json").rename(tmp_path / "result.previous.json")  # as the runner does before a run
    assert len(looks_so_far(tmp_path, (1, 2, 3, 4))) == 2
    (tmp_path / "result.json").write_text('{"looks": [[1')
    assert len(looks_so_far(tmp_path, (1, 2, 3, 4))) == 2

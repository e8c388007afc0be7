"""Tables and provenance from trials: what several machines trained is not compared in speed, and all are named."""

from __future__ import annotations

import polars as pl

from studylib.report import metrics_rows
from studylib.report.summary import trained_on

TRIALS = pl.DataFrame(
    [
        {"hash": f"{size}{variant}{seed}", "size": size, "variant": variant, "seed": seed, "status": "done", "computed_by": by,
         "val_bpb": 2.0, "val_loss": 4.0, "tokens_per_s": speed, "flops": 1e9, "params": 10}
        for size, by, speed in (("1M", "GPU", 9e5), ("125k", "CPU", 2e4), ("250k", "CPU", 1e4))
        for variant in ("deep", "wide")
        for seed in (0, 1)
    ]
)  # fmt: skip


def test_own_speeds_are_those_of_the_machine_that_trained_most_where_none_was_measured_alone():
    speeds = {(row.size, row.variant): row.tokens_per_s for row in metrics_rows(TRIALS)}
    assert speeds["125k", "deep"] == 2e4 and speeds["250k", "wide"] == 1e4
    assert speeds["1M", "deep"] is None, "of another machine"
    alone = metrics_rows(TRIALS, throughput={"1M/deep": 5e3, "1M/wide": 6e3})
    assert {row.variant: row.tokens_per_s for row in alone if row.size == "1M"} == {"deep": 5e3, "wide": 6e3}
    assert {row.tokens_per_s for row in alone if row.size != "1M"} == {None}, "trained beside others"


def test_every_machine_is_counted_once_a_trial():
    again = TRIALS.with_columns(variant=pl.lit("the same under another tag"))
    failed = TRIALS.with_columns(hash=pl.col("hash") + "x", status=pl.lit("diverged"))
    assert trained_on(pl.concat([TRIALS, again, failed])) == {"CPU": 8, "GPU": 4}
    assert trained_on(TRIALS.head(0)) == {}

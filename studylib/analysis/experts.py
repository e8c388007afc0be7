"""How evenly experts are used, and for what."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.analysis.probes import probe_records, with_trials
from studylib.files import read_json_lines


def read_expert_load(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """The probe ``expert_load``: a row a trial, step, source, layer and expert.

    Columns: ``hash``, ``step``, ``tokens``, ``source``, ``layer`` and ``expert`` (from 0), ``share`` of the layer's tokens, then those
    of ``trials``.
    """
    schema = {"source": pl.String, "layer": pl.Int64, "expert": pl.Int64, "share": pl.Float64}
    rows = []
    for about, probes in probe_records(out, trials):
        found = probes.get("expert_load")
        for source, layers in (found["share"] if found else {}).items():
            for layer, shares in zip(found["layers"], layers, strict=True):
                common = about | {"source": source, "layer": layer}
                rows += [common | {"expert": expert, "share": share} for expert, share in enumerate(shares)]
    return with_trials(rows, schema, trials)


def read_imbalance(out: Path, trials: pl.DataFrame) -> pl.DataFrame:
    """Imbalance along the training: a row a trial, logged step and layer with experts.

    Columns: ``hash``, ``step``, ``tokens``, ``layer`` (counted among the layers with experts, from 0), ``imbalance`` (the
    busiest expert's tokens over the mean: 1 is even), then those of ``trials``.
    """
    rows = []
    for name in trials["hash"].unique(maintain_order=True):
        for record in read_json_lines(Path(out) / "trials" / name / "metrics.jsonl"):
            about = {"hash": name, "step": record["step"], "tokens": record["tokens"]}
            values = record.get("expert_imbalance", ())
            rows += [about | {"layer": layer, "imbalance": value} for layer, value in enumerate(values)]
    return with_trials(rows, {"layer": pl.Int64, "imbalance": pl.Float64}, trials)


def load_summary(load: pl.DataFrame) -> pl.DataFrame:
    """Over sources and seeds: ``variant, layer, imbalance`` (busiest over mean), ``unused`` (experts under a tenth of an even share).

    ``preference`` is how far sources differ: the mean over sources of half the absolute difference of their shares to the
    mean over sources; 0 when all sources use the experts alike, near 1 when each has its own.
    """
    last = load.filter(pl.col("step") == pl.col("step").max().over("hash"))
    keys = ["variant", "layer", "hash"]
    whole = last.group_by([*keys, "expert"], maintain_order=True).agg(pl.col("share").mean().alias("whole"))
    apart = last.join(whole, on=[*keys, "expert"]).with_columns(
        (pl.col("share") - pl.col("whole")).abs().alias("apart")
    )
    differs = (
        apart.group_by([*keys, "source"], maintain_order=True)
        .agg(pl.col("apart").sum() / 2)
        .group_by(keys, maintain_order=True)
        .agg(pl.col("apart").mean())
    )
    even = whole.group_by(keys, maintain_order=True).agg(
        (pl.col("whole").max() * pl.len()).alias("imbalance"),
        (pl.col("whole") < 0.1 / pl.len()).sum().alias("unused"),
    )
    joined = even.join(differs, on=keys)
    table = joined.group_by("variant", "layer", maintain_order=True).agg(
        pl.col("imbalance").mean(), pl.col("unused").max(), pl.col("apart").mean().alias("preference")
    )
    return table.sort("variant", "layer")

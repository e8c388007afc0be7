"""Gemstones (arXiv 2502.06857): 22 shapes from 50M to 2B parameters, a loss every 10B tokens to 350B, and seconds per step."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.ladders import Choices, Ladder, LadderFile
from studylib.ladders.columns import canonical
from studylib.ladders.tables import read_table

__all__ = ["GEMSTONES"]

_COMMIT = "5f420478f6057b0cbb4d13405fb10ca64675bccb"
_URL = f"https://raw.githubusercontent.com/mcleish7/gemstone-scaling-laws/{_COMMIT}/wandb_dfs"
# Metric by file: the loss while the rate is constant, at the end of a cooldown, and constant at a lower rate.
_HOT, _COOL, _SLOW = "constant rate", "cooled down", "lower constant rate"
_FILES = {
    _COOL: ("wandb_df_for_fitting_cool_end.jsonl", "bdf01b6b21bafc414218124a6f9e195cee07f3d69ceacbfae2fcf069d34f4e61"),
    _HOT: ("wandb_df_for_fitting_hot.jsonl", "655467b59c99383403d6f73f5b7f23c02aea3f12935dc110382d8a8b43a0ff5d"),
    _SLOW: ("wandb_df_for_fitting_lr_ablation_hot.jsonl", "acb4468e5fcba4f01bdf9584ccbaa513e9cece68f8daf46e452a867f355483ac"),
}  # fmt: skip
_VOCABULARY = 50_304  # input and output embeddings, untied


def _read(folder: Path) -> pl.DataFrame:
    """Metrics `cooled down`, `constant rate` and `lower constant rate`; the seconds of a step are those of one node."""
    parts = []
    for metric, (name, _) in _FILES.items():
        rows = read_table(folder / name)
        total, width = pl.col("params_active_precise"), pl.col("width")
        parts.append(
            canonical(
                rows.select(
                    pl.lit(metric).alias("metric"), pl.col("run_name").alias("run"),
                    pl.format("{} x {}", "depth", "width").alias("variant"), total.alias("params"),
                    (total - 2 * _VOCABULARY * width).alias("non_embedding_params"), total.alias("total_params"), "tokens",
                    pl.col("final_loss").alias("loss"), (6 * total.cast(pl.Float64) * pl.col("tokens")).alias("flops"), "width",
                    "depth", (pl.col("seconds_per_step") * pl.col("num_nodes")).alias("seconds_per_step"),
                ),
                file=folder / name, ladder="gemstones",
            )
        )  # fmt: skip
    return pl.concat(parts)


GEMSTONES = Ladder(
    name="gemstones", title="Gemstones", folder="gemstones",
    repository="https://github.com/mcleish7/gemstone-scaling-laws", commit=_COMMIT, licence="MIT",
    files=tuple(LadderFile(name, f"{_URL}/{name}", digest) for name, digest in _FILES.values()),
    read=_read, choices=(Choices("shapes", "shapes", (_COOL,)), Choices("rates", "metrics", (_HOT, _SLOW))),
)  # fmt: skip

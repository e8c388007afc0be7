"""Gadre and others, language models scale reliably with over-training (arXiv 2403.08540): 104 models on three corpora.

Upstream a file a model (``exp_data/models/*.json``, eight validation losses each); here also the same in one table, ``tidy.csv``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from studylib.errors import StudyError
from studylib.ladders import Choices, Ladder, LadderFile
from studylib.ladders.columns import canonical
from studylib.ladders.tables import read_table

__all__ = ["GADRE"]

_CORPORA = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}
# Validation sets by the part of their path that names them. The table has only the last part of it, which five have in common: they
# stand in this order in every file.
_SETS = {
    "/openlm/": "openlm", "/c4_val/": "c4", "/paloma_c4_en/": "paloma c4_en",
    "/paloma_dolma_100_programing_languages/": "paloma programming languages", "/paloma_falcon-refinedweb/": "paloma falcon-refinedweb",
    "/paloma_ptb/": "paloma ptb", "/paloma_redpajama/": "paloma redpajama", "/de-en/": "de-en",
}  # fmt: skip
_OF_ONE_NAME = "00000001.tar"
_SHORT = {"openlm": "openlm", "c4_val": "c4", "val_de-en_100.tar": "de-en"}


def _read(folder: Path) -> pl.DataFrame:
    table = folder / "tidy.csv"
    if table.is_file():
        return _tidy(table)
    models = sorted((folder / "exp_data" / "models").glob("*.json")) or sorted(folder.glob("*.json"))
    if not models:
        raise StudyError(f"{folder}: there is neither tidy.csv nor exp_data/models/*.json")
    rows = [row for file in models for row in _model(file)]
    return canonical(pl.DataFrame(rows), file=folder, ladder="gadre")


def _tidy(file: Path) -> pl.DataFrame:
    rows = read_table(file)
    if missing := {"name", "train_set", "val_data", "N", "N_no_embed", "D", "loss"} - set(rows.columns):
        raise StudyError(f"{file}: column {sorted(missing)[0]!r} is missing")
    five = [name for name in _SETS.values() if name.startswith("paloma")]
    place = pl.int_range(pl.len()).over("name", "val_data")
    if (rows.filter(pl.col("val_data") == _OF_ONE_NAME).group_by("name").len()["len"] != len(five)).any():
        raise StudyError(f"{file}: a model has not {len(five)} rows of val_data {_OF_ONE_NAME!r}")
    metric = (
        pl.when(pl.col("val_data") == _OF_ONE_NAME)
        .then(place.replace_strict(dict(enumerate(five)), default=None, return_dtype=pl.String))
        .otherwise(pl.col("val_data").replace(_SHORT))
    )
    found = rows.select(
        metric.alias("metric"), pl.col("name").alias("run"), pl.col("train_set").replace(_CORPORA).alias("variant"),
        pl.col("N").alias("params"), pl.col("N_no_embed").alias("non_embedding_params"), pl.col("N").alias("total_params"),
        pl.col("D").alias("tokens"), "loss", (6.0 * pl.col("N").cast(pl.Float64) * pl.col("D")).alias("flops"),
    )  # fmt: skip
    return canonical(found, file=file, ladder="gadre")


def _model(file: Path) -> list[dict[str, Any]]:
    try:
        model = json.loads(file.read_text(encoding="utf-8"))
        sizes = model["hyperparameters"]
        own = {
            "run": model["name"], "variant": _CORPORA.get(model["dataset_name"], model["dataset_name"]),
            "params": sizes["params"], "non_embedding_params": sizes["params_no_embed"], "total_params": sizes["params"],
            "tokens": sizes["tokens"], "flops": 6.0 * sizes["params"] * sizes["tokens"],
        }  # fmt: skip
        return [own | {"metric": _set_of(one["val_data"][0]), "loss": one["loss"]} for one in model["results"]]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise StudyError(f"{file}: is no description of a model: {type(error).__name__} {error}") from None


def _set_of(path: str) -> str:
    return next((name for part, name in _SETS.items() if part in path), path)


GADRE = Ladder(
    name="gadre", title="Gadre et al., over-training", folder="gadre-overtraining",
    repository="https://github.com/mlfoundations/scaling", commit="a003c4913793ac2ae7ef87b28ecb562955d026d5", licence="MIT",
    files=(LadderFile("tidy.csv", None, "a04ca8008b68ada852a250565b5b87f4a2262d76cdc2c69b0dc78aa676e312bc"),),
    read=_read, choices=(Choices("corpora", "variants"),),
)  # fmt: skip

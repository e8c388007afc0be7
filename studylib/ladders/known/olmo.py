"""The OLMo ladder (arXiv 2412.04403): 190M to 3B at 0.5 to 10 times Chinchilla's tokens, reruns, and OLMo 2 7B and 13B.

Upstream a file a run (evaluations by step, ``src/scripts/paper/data/ladder-runs``); or the last evaluation of each in one table,
``tidy.csv``.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from studylib.errors import StudyError
from studylib.ladders import Ladder, LadderFile
from studylib.ladders.columns import canonical
from studylib.ladders.tables import read_table

__all__ = ["OLMO"]

_BESIDE = ("run", "size", "N", "multiplier", "rerun", "D", "gflops")
_RUNS = "src/scripts/paper/data/ladder-runs"
# Parameters without embeddings by what a file's name begins with (configs/final.json and src/scaling/utils.py upstream). Of the
# two targets the files at the end of their anneal; the 13B's has no tokens beside it.
_PARAMS = {"190M": 190_354_176, "370M": 371_262_464, "760M": 758_220_288, "1B": 1_279_395_840, "3B": 3_169_537_280,
           "peteish7_eval_anneal": 6_887_575_552, "peteish13_eval_final": 13_202_396_160}  # fmt: skip
_TOKENS_13B = 5e12
_TOKENS, _GFLOPS = "throughput/total_tokens", "throughput/total_training_Gflops"
_LOSS_BEGIN, _LOSS_END = "eval/", "-validation/CrossEntropyLoss"


def _read(folder: Path) -> pl.DataFrame:
    """Losses by validation set. Of the 7B the table has two rows; the one before its anneal has no tokens and is left out."""
    file = folder / "tidy.csv"
    rows = _tidy(file) if file.is_file() else _runs(folder)
    sets = [name for name in rows.columns if name not in _BESIDE]
    found = (
        rows.filter(pl.col("D").is_not_null())
        .unpivot(sets, index=list(_BESIDE), variable_name="metric", value_name="loss")
        .select(
            "metric", "run", pl.col("N").alias("params"), pl.col("N").alias("non_embedding_params"), pl.col("D").alias("tokens"),
            "loss", (pl.col("gflops") * 1e9).alias("flops"), "rerun",
        )
    )  # fmt: skip
    return canonical(found, file=folder, ladder="olmo")


def _tidy(file: Path) -> pl.DataFrame:
    rows = read_table(file)
    if missing := [name for name in _BESIDE if name not in rows.columns]:
        raise StudyError(f"{file}: column {missing[0]!r} is missing")
    return rows


def _runs(folder: Path) -> pl.DataFrame:
    """The last evaluation of every file of a size that is known."""
    files = sorted((folder / _RUNS).glob("*.csv"))
    if not files:
        raise StudyError(f"{folder}: there is neither tidy.csv nor {_RUNS}/*.csv")
    rows = []
    for file in files:
        size = file.stem if file.stem in _PARAMS else file.stem.split("-")[0]
        if size not in _PARAMS:
            continue
        last = read_table(file).tail(1).row(0, named=True)
        sets = {key.removeprefix(_LOSS_BEGIN).removesuffix(_LOSS_END): key for key in last if key.endswith(_LOSS_END)}
        if not sets:
            raise StudyError(f"{file}: there is no column {_LOSS_BEGIN}...{_LOSS_END}")
        tokens = last.get(_TOKENS) or (_TOKENS_13B if size.startswith("peteish13") else None)
        own = {"run": file.stem, "size": size, "N": _PARAMS[size], "multiplier": "", "rerun": "rerun" in file.stem}
        losses = {name: last[key] for name, key in sets.items() if not name.startswith("v3-small")}
        rows.append(own | {"D": tokens, "gflops": last.get(_GFLOPS)} | losses)
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"D": pl.Float64, "gflops": pl.Float64})


OLMO = Ladder(
    name="olmo", title="OLMo ladder", folder="olmo-ladder",
    repository="https://github.com/allenai/OLMo-ladder", commit="67a3f440f787d020da35e3ca8eeae475fae754f5", licence="Apache-2.0",
    files=(LadderFile("tidy.csv", None, "eea2fdcd2f60511f7b337c4120f81f5d59734db46cbaeeb3cf623eb0fb656796"),),
    read=_read,
)  # fmt: skip

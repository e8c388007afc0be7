"""Runs of a study that a law of the loss can be fitted to: one way of training over sizes and lengths."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import polars as pl

from studylib.files import canonical_json, read_json
from studylib.spec import TrialSpec

_SHAPE = ("num_layers", "hidden_size", "num_heads", "num_kv_heads", "intermediate_size")
_LENGTH = (
    "train_steps",
    "global_batch_size",
    "seed",
    "eval_every",
    "tags",
    "parallel",
    "compute",
    "probes",
    "checkpoint_every",
    "keep_steps",
)
_TUNED = ("learning_rate", "weight_decay")
_SCHEMA = {
    "params": pl.Float64,
    "total_params": pl.Float64,
    "tokens": pl.Float64,
    "loss": pl.Float64,
    "variant": pl.String,
    "seeds": pl.Int64,
}


def own_runs(study: Path) -> pl.DataFrame:
    """Of the study folder's finished trials those that differ in size, length and seed alone, where most sizes and lengths are.

    At a size and length the best of the shapes and rates that were tried there, each the mean of its seeds. Tunings, branches,
    repeated text and runs in stages are none of them.

    Returns
    -------
    A row a size and length: ``params`` (without embeddings), ``total_params``, ``tokens``, ``loss`` (bits per byte), ``variant`` (of the
    trial's tags), ``seeds``; no row where there is nothing to fit.
    """
    families: dict[str, dict[tuple[float, float], dict[str, list[dict[str, Any]]]]] = {}
    for file in sorted((Path(study) / TrialSpec.folder).glob("*/result.json")):
        try:
            spec, result = read_json(file.with_name("spec.json")), read_json(file)
            if not _plain(spec, result):
                continue
            family, setup = _family(spec)
            cell = (float(result["non_embedding_params"]), float(result["tokens"]))
            run = result | {"variant": spec["tags"].get("variant", "")}
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
        ):  # a damaged trial is not one of them; the study's own status says so
            continue
        families.setdefault(family, {}).setdefault(cell, defaultdict(list))[setup].append(run)
    if not families:
        return pl.DataFrame(schema=_SCHEMA)
    best = max(families, key=lambda name: (len(families[name]), max(families[name]), name))
    rows = [_best(cell, setups) for cell, setups in sorted(families[best].items())]
    return pl.DataFrame(rows, schema=_SCHEMA)


def _plain(spec: dict[str, Any], result: dict[str, Any]) -> bool:
    return (
        result.get("status") == "done"
        and not (spec["start_from"] or spec["stages"] or spec["branch_from"])
        and spec["epochs"] == 1
        and spec["objective"]["name"] == "causal"
    )


def _family(spec: dict[str, Any]) -> tuple[str, str]:
    """What trials of one law have in common, and what else tells a trial at one size and length from another."""
    content = {name: value for name, value in spec.items() if name not in _LENGTH}
    content["model"] = {name: value for name, value in spec["model"].items() if name not in _SHAPE}
    content["optimizer"] = {name: value for name, value in spec["optimizer"].items() if name not in _TUNED}
    own = [{name: spec["model"].get(name) for name in _SHAPE}, {name: spec["optimizer"].get(name) for name in _TUNED}]
    return canonical_json(content), canonical_json([*own, spec["global_batch_size"]])


def _best(cell: tuple[float, float], setups: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    runs = min(setups.values(), key=lambda runs: sum(one["val_bpb"] for one in runs) / len(runs))
    return {
        "params": cell[0], "total_params": float(runs[0]["params"]), "tokens": cell[1],
        "loss": sum(one["val_bpb"] for one in runs) / len(runs), "variant": runs[0]["variant"], "seeds": len(runs),
    }  # fmt: skip

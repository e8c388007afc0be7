"""From a table of trials to the parts of a result that are alike in every idea."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from studylib.analysis import estimate
from studylib.files import canonical_json, read_json, write_bytes
from studylib.machine import describe, git_state, versions
from studylib.params import StudyParams
from studylib.result import Estimate, VariantMetrics
from studylib.spec import TrialSpec


def metrics_rows(
    trials: pl.DataFrame, *, throughput: Mapping[str, float] | None = None, extra: Iterable[str] = ()
) -> tuple[VariantMetrics, ...]:
    """One row a variant and size: means over seeds with 95 % intervals.

    Parameters
    ----------
    throughput
        Tokens/s by ``size/variant`` measured alone; then no others are shown, which were trained beside other trials, and on other
        machines. Where nothing was, the median of the trials' own, of those that were trained on what most were: a GPU and a processor
        side by side in one column would compare machines, not variants.
    extra
        More columns to show; their first value is taken.
    """
    rows = []
    done = trials.filter(pl.col("status") == "done")
    usual = next(iter(trained_on(done)), None)
    for (size, variant), group in done.group_by(["size", "variant"], maintain_order=True):
        own = group.filter(pl.col("computed_by") == usual)["tokens_per_s"].median()
        speed = throughput.get(f"{size}/{variant}") if throughput else own
        rows.append(
            VariantMetrics(
                variant=str(variant),
                size=str(size),
                seeds=group["seed"].n_unique(),
                val_bpb=_estimate(group["val_bpb"]),
                val_loss=_estimate(group["val_loss"]),
                tokens_per_s=speed,
                flops=group["flops"].mean(),
                params=int(group["params"][0]),
                extra={name: group[name][0] for name in extra},
            )
        )
    return tuple(rows)


def _estimate(values: pl.Series) -> Estimate:
    mean, interval = estimate(values.to_numpy())
    return Estimate(mean=mean, ci=interval)


def failures(trials: pl.DataFrame) -> tuple[dict[str, str], ...]:
    """Trials that did not finish, for the report."""
    rows = trials.filter(pl.col("status") != "done").unique("hash", maintain_order=True)
    names = ["hash", "size", "variant", "status", "message"]
    return tuple({name: str(row[name] or "") for name in names} for row in rows.select(names).to_dicts())


def trained_on(trials: pl.DataFrame) -> dict[str, int]:
    """How many of the trials that are done each GPU or processor trained, by its name, most first."""
    done = trials.filter(pl.col("status") == "done").unique("hash")
    counts = done["computed_by"].drop_nulls().value_counts()
    return dict(counts.sort("count", "computed_by", descending=[True, False]).iter_rows())


def provenance(params: StudyParams, trials: pl.DataFrame) -> dict[str, Any]:
    """What the numbers came from: code, versions, machine, text and parameters; nothing of the environment.

    ``machine`` is the one that made the page, or of a restored study the one that made most of it; ``trained_on`` counts them all.
    """
    data = params.all_data
    folder = params.folder / "data" / data.hash
    manifest = read_json(folder / "manifest.json")
    kinds = {source.label: {"kind": source.kind, "options": source.options} for source in data.sources}
    counts = {
        label: {side: about[side] for side in ("train", "validation")} for label, about in manifest["sources"].items()
    }
    sources = {label: kinds[label] | counts[label] for label in counts}
    restored = bool(manifest.get("restored"))
    made_on = _made_on(params.folder) if restored else {"versions": versions(), "machine": describe()}
    return {
        "git": git_state(),
        **made_on,
        "trained_on": trained_on(trials),
        "restored": restored,
        "data": {"hash": data.hash, "sources": sources, "guard": manifest.get("guard")},
        "params": params.content(),
    }


def _made_on(folder: Path) -> dict[str, Any]:
    """Versions and machine of most of a folder's trials: where records were restored, this machine made none of the numbers."""
    told = Counter()
    for file in sorted(folder.glob(f"{TrialSpec.folder}/*/result.json")):
        record = read_json(file)
        told[canonical_json({"versions": record.get("versions", {}), "machine": record.get("machine", {})})] += 1
    return json.loads(told.most_common(1)[0][0]) if told else {"versions": {}, "machine": {}}


def save_trials(trials: pl.DataFrame, folder: Path) -> Path:
    """Write ``folder/trials.parquet``, a row a trial."""
    buffer = io.BytesIO()
    trials.write_parquet(buffer)
    path = folder / "trials.parquet"
    write_bytes(path, buffer.getvalue())
    return path

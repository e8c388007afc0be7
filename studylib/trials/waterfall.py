"""From the plainest way to compute a training step to the fastest, one switch at a time, each measured alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.files import content_hash, file_lock, read_json, write_json
from studylib.machine import describe, versions
from studylib.spec import TrialSpec
from studylib.trials.machine import cores, gpus
from studylib.trials.throughput import measure_steps
from studylib.words import Text

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Switch:
    """One step of the waterfall: what it sets in ``compute`` beside all before it, and which devices have it."""

    name: str
    label: Text
    changes: dict[str, Any]
    devices: tuple[str, ...] = ("cpu", "cuda")


SWITCHES = (
    Switch(
        "plain",
        Text(en="plain: fp32, eager", ja="素朴: fp32・逐次実行"),
        {
            "dtype": "float32", "compile": "none", "attention": "math", "cross_entropy": "plain",
            "fused_optimizer": False, "keep_memory": False,
        },
    ),
    Switch("fused_optimizer", Text(en="+ fused AdamW", ja="+ 融合 AdamW"), {"fused_optimizer": True}),
    Switch("keep_memory", Text(en="+ memory kept", ja="+ メモリ保持"), {"keep_memory": True}, devices=("cpu",)),
    Switch("attention", Text(en="+ fast attention", ja="+ 高速 attention"), {"attention": "auto"}),
    Switch("bfloat16", Text(en="+ bfloat16", ja="+ bfloat16"), {"dtype": "bfloat16"}),
    Switch("compiled", Text(en="+ compiled", ja="+ コンパイル"), {"compile": "layer"}),
    Switch("chunked", Text(en="+ chunked loss", ja="+ 損失の分割計算"), {"cross_entropy": "chunked"}),
)  # fmt: skip


def waterfall_specs(base: TrialSpec) -> list[TrialSpec]:
    """``base`` under each switch and all before it, tagged ``switch``."""
    device = "cuda" if gpus() and base.compute.device != "cpu" else "cpu"
    compute, specs = base.compute.replace(recompute="none"), []
    for switch in SWITCHES:
        if device in switch.devices:
            compute = compute.replace(**switch.changes)
            specs.append(base.replace(compute=compute, tags=base.tags | {"switch": switch.name}))
    return specs


def measure_waterfall(base: TrialSpec, out: Path | str, *, threads: int | None = None) -> polars.DataFrame:
    """Measure each switch in a process of its own, with nothing beside it; kept in ``out/waterfall``.

    Parameters
    ----------
    base
        Its model, batch and optimizer are what is computed.
    threads
        CPU threads; default: all cores, since one training runs alone.

    Returns
    -------
    polars.DataFrame
        A row a switch, in order: ``switch``, ``label``, ``label_ja``, ``tokens_per_s`` (median of windows), ``least``, ``most``,
        ``speedup`` (over the plainest), ``peak_memory_bytes``, ``loss`` (nats per token after a few steps on one batch: equal
        but for rounding).

    Raises
    ------
    StudyError
        A measuring process failed.
    """
    import polars as pl

    threads = threads or cores()
    about = {"machine": describe(), "torch": versions().get("torch"), "threads": threads}
    labels = {switch.name: switch.label for switch in SWITCHES}
    folder, rows = Path(out) / "waterfall", []
    with file_lock(folder / ".lock"):
        for spec in waterfall_specs(base):
            file = folder / f"{content_hash({'trial': spec.hash, **about})}.json"
            if not file.exists():
                (record,) = measure_steps([spec], threads=threads)
                write_json(file, record | {"switch": spec.tags["switch"]} | about)
            record = read_json(file)
            label = labels[spec.tags["switch"]]
            rows.append(
                {
                    "switch": spec.tags["switch"], "label": label.en, "label_ja": label.ja,
                    "tokens_per_s": record["median"], "least": min(record["windows"]), "most": max(record["windows"]),
                    "speedup": record["median"] / rows[0]["tokens_per_s"] if rows else 1.0,
                    "peak_memory_bytes": record["peak_memory_bytes"], "loss": record["loss"],
                }
            )  # fmt: skip
    return pl.DataFrame(rows)

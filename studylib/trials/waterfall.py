"""From the plainest way to compute a training step to the fastest, one switch at a time, each measured alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.environment import cores_alone, gpus
from studylib.machine import this_machine
from studylib.spec import SpeedSpec, TrialSpec, timed_step
from studylib.trials.cache import Task
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


def waterfall_steps(base: TrialSpec, *, threads: int | None = None) -> list[SpeedSpec]:
    """The measurement of each switch; one at a time, since memory is that of a process.

    Parameters
    ----------
    base
        Its model, batch and optimizer are what is computed.
    threads
        CPU threads; default: all cores, since one training runs alone.
    """
    threads = threads or cores_alone()
    machine = this_machine()
    return [
        SpeedSpec(trials=(timed_step(spec),), machine=machine, threads=threads, about=f"switch {spec.tags['switch']}")
        for spec in waterfall_specs(base)
    ]


def waterfall_frame(base: TrialSpec, out: Path | str, *, threads: int | None = None) -> polars.DataFrame:
    """What `waterfall_steps` have measured in the study folder ``out``.

    Returns
    -------
    polars.DataFrame
        A row a switch, in order: ``switch``, ``label``, ``label_ja``, ``tokens_per_s`` (median of windows), ``least``, ``most``,
        ``speedup`` (over the plainest), ``peak_memory_bytes``, ``loss`` (nats per token after a few steps on one batch: equal
        but for rounding), ``others`` (share of the cores that others took meanwhile; null: not known).

    Raises
    ------
    StudyError
        A measurement failed or was not made.
    """
    import polars as pl

    labels, rows = {switch.name: switch.label for switch in SWITCHES}, []
    for spec, step in zip(waterfall_specs(base), waterfall_steps(base, threads=threads), strict=True):
        (speed,) = Task.under(Path(out), step).made().speeds
        label = labels[spec.tags["switch"]]
        rows.append(
            {
                "switch": spec.tags["switch"], "label": label.en, "label_ja": label.ja,
                "tokens_per_s": speed.median, "least": min(speed.windows), "most": max(speed.windows),
                "speedup": speed.median / rows[0]["tokens_per_s"] if rows else 1.0,
                "peak_memory_bytes": speed.peak_memory_bytes, "loss": speed.loss, "others": speed.others_meanwhile,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"others": pl.Float64})

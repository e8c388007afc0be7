"""Training itself on the card: the same losses as on the CPU, and what only several processes or a resume can show."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from studylib.bench.gpu.parts import Record, Setting, attempt, last_lines
from studylib.data import prepare
from studylib.environment import child_environment
from studylib.files import read_json, read_json_lines
from studylib.spec import DataSpec, ModelSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.train import train
from studylib.trials import run_steps

# How far a loss of these few steps may be off in nats, and a gradient's norm relatively; bfloat16 keeps eight bits.
TOLERANCES = {"float32": 1e-3, "bfloat16": 4e-2, "float64": 1e-4}
# SOAP's first basis has directions that one gradient hardly tells apart; its squares in float32 leave them to rounding. On one
# CPU, gradients moved by half a unit in the last place (6e-8) move losses by 5e-3 and norms by 1.6e-2 within these steps; the
# same in float64 moves losses by 1e-5, so there a fault shows.
_PARTS_SOONER = {("soap", "float32"): 2e-2}
_ALSO_IN_DOUBLE = ("soap",)

_TWINS = 4  # at a time

# Each takes another way through the engine; the twin on the CPU does not compile and computes everything plainly.
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},  # small enough that its steps are recorded and replayed
    "launched kernel by kernel": {"compute.compile": "none"},
    "compiled": {"compute.compile": "layer"},
    "all logits at once": {"compute.cross_entropy": "plain"},
    "layers computed again": {"compute.recompute": "layer"},
    "experts": {"model.moe": {"experts": 8, "experts_per_token": 2, "expert_size": 64}},
    "experts, compiled": {
        "model.moe": {"experts": 8, "experts_per_token": 2, "expert_size": 64}, "compute.compile": "layer",
    },
    "sliding window": {"model.attention_pattern": "sliding_window", "model.window": 32},
    "prefixes": {"objective.name": "prefix_lm"},
    "alibi": {"model.position": "alibi"},
    "mamba2": {"model.mixer": "mamba2", "model.num_kv_heads": None},
    "retnet": {"model.mixer": "retnet", "model.num_kv_heads": None},
    "rwkv7": {"model.mixer": "rwkv7", "model.num_kv_heads": None},
    "muon": {"optimizer.name": "muon"},
    "soap": {"optimizer.name": "soap"},
    "lion": {"optimizer.name": "lion", "optimizer.learning_rate": 3e-4},
    "adafactor": {"optimizer.name": "adafactor"},
}  # fmt: skip
_PLAIN = {"compute.compile": "none", "compute.cross_entropy": "plain", "compute.recompute": "none"}


def records(setting: Setting) -> Iterator[Record]:
    base = trial(small=setting.small)
    prepare(base.data, setting.work / "data")
    specs = {
        f"{name}, {dtype}": base.replace(**changes, **{"compute.dtype": dtype})
        for name, changes in VARIANTS.items()
        for dtype in ("float32", "bfloat16", *(("float64",) if name in _ALSO_IN_DOUBLE else ()))
        if not setting.has(f"{name}, {dtype}")
    }
    # In other processes: this one keeps to the device, since each change would start its process groups anew.
    others = ProcessPoolExecutor(
        _TWINS, mp_context=multiprocessing.get_context("spawn"), initializer=torch.set_num_threads, initargs=(2,)
    )
    with others:
        plain = {place: spec.replace(**_PLAIN) for place, spec in specs.items()}
        twins = {
            spec.hash: others.submit(curve, spec, "cpu", setting.work, setting.work / f"cpu-{spec.hash}")
            for spec in {spec.hash: spec for spec in plain.values()}.values()
        }
        if not setting.has(name := "collectives by NCCL under torchrun"):
            yield attempt(name, partial(_collectives, setting))
        if not setting.has(name := "repeated and resumed"):
            yield attempt(name, partial(resumed, base, setting))
        for place, spec in specs.items():
            yield attempt(place, partial(beside_cpu, spec, twins[plain[place].hash].result, setting, place))
        if not setting.has(name := "launcher torchrun"):
            yield attempt(name, partial(launched, base, setting))


def trial(*, small: bool = False) -> TrialSpec:
    """A few steps of a little model on generated text."""
    data = DataSpec(
        sources=(SourceSpec(options={"register": "ja", "bytes": 300_000}),),
        tokenizer=TokenizerSpec(vocab_size=512, sample_bytes=200_000),
    )
    width = 32 if small else 128
    model = ModelSpec(num_layers=2, hidden_size=width, num_heads=4, num_kv_heads=2, vocab_size=640, seq_len=128)
    steps = 4 if small else 12
    return TrialSpec(model=model, data=data, train_steps=steps, global_batch_size=8, eval_tokens=4096)


def beside_cpu(spec: TrialSpec, twin: Callable[[], list[dict]], setting: Setting, name: str) -> Record:
    """The greatest difference in loss and in the gradient's norm between the device and its twin, step by step."""
    folder = setting.work / name.replace(" ", "-").replace(",", "")
    ours, right = curve(spec, setting.device, setting.work, folder), twin()
    loss = max(abs(a["loss"] - b["loss"]) for a, b in zip(ours, right, strict=True))
    norm = max(abs(a["grad_norm"] / b["grad_norm"] - 1) for a, b in zip(ours, right, strict=True))
    tolerance = _PARTS_SOONER.get((spec.optimizer.name, spec.compute.dtype), TOLERANCES[spec.compute.dtype])
    return {
        "ok": loss <= tolerance and norm <= 5 * tolerance, "first_loss": right[0]["loss"], "last_loss": right[-1]["loss"],
        "loss_differs_by": loss, "norm_differs_by": norm,
    }  # fmt: skip


def resumed(base: TrialSpec, setting: Setting) -> Record:
    """Whether a run is the same bits when repeated, and when stopped in the middle and resumed from its checkpoint."""
    half = base.train_steps // 2
    spec, folder = base.replace(checkpoint_every=half), setting.work / "resumed"
    first = curve(spec, setting.device, setting.work, folder / "first")
    again = curve(spec, setting.device, setting.work, folder / "again")

    def stop(record: dict) -> None:
        if record["step"] == half + 1:
            raise KeyboardInterrupt

    on_device = spec.replace(**{"compute.device": setting.device})
    try:
        train(on_device, folder / "stopped", data_folder=setting.work / "data", on_metrics=stop)
    except KeyboardInterrupt:
        pass
    else:
        raise RuntimeError("the run was not stopped")
    went_on = curve(spec, setting.device, setting.work, folder / "stopped")
    return {"ok": went_on == first, "repeated_alike": again == first, "resumed_alike": went_on == first}


def launched(base: TrialSpec, setting: Setting) -> Record:
    """A trial by the launcher torchrun, against the same in this process."""
    spec = base.replace(**{"compute.device": setting.device})
    here = curve(spec, setting.device, setting.work, setting.work / "here")
    out = setting.work / "launched"
    run_steps([spec], out, launcher="torchrun", progress=[])
    folder = out / spec.name
    if not (folder / "result.json").exists():
        raise RuntimeError(_why_it_failed(folder))
    differs = max(abs(a["loss"] - b["loss"]) for a, b in zip(_losses(folder), here, strict=True))
    return {"ok": differs <= TOLERANCES["bfloat16"], "loss_differs_by": differs}


def curve(spec: TrialSpec, device: str, data: Path, out: Path) -> list[dict[str, float]]:
    """Loss and norm of the gradient at every step of ``spec``, trained on ``device``; all logged, as they are few."""
    train(spec.replace(**{"compute.device": device}), out, data_folder=data / "data")
    return _losses(out)


def _losses(out: Path) -> list[dict[str, float]]:
    found = [record for record in read_json_lines(out / "metrics.jsonl") if "loss" in record]
    return [{name: record[name] for name in ("step", "loss", "grad_norm")} for record in found]


def _why_it_failed(folder: Path) -> str:
    failure = folder / "failure.json"
    log = folder / "log.txt"
    said = read_json(failure)["message"] if failure.exists() else "it left no result and no failure"
    return f"{said}\n{last_lines(log.read_text(errors='replace')) if log.exists() else ''}"


def _collectives(setting: Setting) -> Record:
    """Process group, barrier and collectives as torchrun starts them: more than one process takes this way."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--local_addr=127.0.0.1", "--nproc_per_node=1",
        "-m", "studylib.bench.gpu.collectives", setting.device,
    ]  # fmt: skip
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, timeout=90)
    if done.returncode:
        raise RuntimeError(last_lines(done.stdout + done.stderr))
    return {"ok": True, "said": last_lines(done.stdout)}

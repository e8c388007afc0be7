"""Training steps timed in turn with nothing beside them.

    echo SPEED_SPEC | python -m studylib.train.throughput

Reads a SpeedSpec as JSON and prints a JSON record a line for each of its trials: its hash, the tokens/s of every window, what others
took of the cores meanwhile, peak memory (bytes; of the first trial alone, if memory is kept) and the loss of the last warm-up step. Random tokens serve as text,
in the rows of the objective: speed does not depend on what is read.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from studylib.data import random_rows
from studylib.measuring import BUSY, Watch, tell, wait_until_quiet
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.registry import OBJECTIVES
from studylib.spec import SpeedSpec, TrialSpec, validated
from studylib.train.allocator import keep_freed_memory
from studylib.train.compute import resolve
from studylib.train.fit import fit_micro_batch
from studylib.train.gradients import clip_gradients
from studylib.train.memory import PeakMemory
from studylib.train.optimizer import build_optimizer
from studylib.train.pipeline import forward_backward


@dataclass(frozen=True)
class Measured:
    """Tokens/s of each window, share of the cores that others took in it (none: not known), peak bytes, and the loss (nats per
    token) of the last warm-up step."""

    windows: list[float]
    others: list[float | None]
    peak_memory_bytes: int
    loss: float


def measure(spec: TrialSpec, windows: int, seconds: float) -> Measured:
    """``windows`` of whole optimizer steps, each of ``seconds`` at least, after a warm-up.

    A window in which others took more than `BUSY` of the cores is measured once more, and the quietest count.
    """
    compute = resolve(spec)
    if compute.keep_memory:
        keep_freed_memory()
    objective = OBJECTIVES[spec.objective.name](spec.objective)
    batch = random_rows(spec)
    memory = PeakMemory(compute.torch_device)
    with world(spec.parallel, compute.torch_device) as one:
        model = build_gpt(spec.model, one, seed=0, execution=compute.execution, **objective.built_for())
        optimizer, engine = build_optimizer(model, spec, one), pipeline_engine(spec.parallel.pp_engine)

        with tempfile.TemporaryDirectory() as folder:
            micro_batch_size = fit_micro_batch(spec, model, one, engine, compute, batch, Path(folder))

        def step() -> torch.Tensor:
            loss = forward_backward(model, one, engine, compute, batch, micro_batch_size)
            clip_gradients(model, one, spec.optimizer.grad_clip)
            optimizer.step()
            optimizer.zero_grad()
            return loss

        for _ in range(SpeedSpec.warm_up_steps):
            loss = step()
        timed = [_timed(spec, step, one.device, seconds) for _ in range(windows)]
        noisy = sum((others or 0.0) > BUSY for _, others in timed)
        timed += [_timed(spec, step, one.device, seconds) for _ in range(noisy)]
        timed = sorted(timed, key=lambda window: window[1] or 0.0)[:windows]
        return Measured([rate for rate, _ in timed], [others for _, others in timed], memory.peak(), loss.item())


def _timed(
    spec: TrialSpec, step: Callable[[], torch.Tensor], device: torch.device, seconds: float
) -> tuple[float, float | None]:
    """Tokens/s of a window, and what others took meanwhile."""
    watch = Watch()
    rate = spec.tokens_per_step / _seconds_of(step, device, seconds)
    return rate, watch.others()


def _seconds_of(step, device: torch.device, seconds: float) -> float:
    """Mean seconds of a step over a window of at least ``seconds``."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    began, count, elapsed = now(), 0, 0.0
    while elapsed < seconds:
        step()
        count += 1
        elapsed = now() - began
    return elapsed / count


def main() -> int:
    asked = validated(SpeedSpec, json.load(sys.stdin))
    found: dict[str, list[Measured]] = {trial.hash: [] for trial in asked.trials}
    wait_until_quiet(tell)
    for turn in range(asked.passes):
        for number, trial in enumerate(asked.trials):
            tell(f"{turn * len(asked.trials) + number + 1} of {asked.passes * len(asked.trials)}")
            found[trial.hash].append(measure(trial, asked.windows, asked.window_seconds))
    for name, passes in found.items():
        record = {
            "trial": name, "windows": [rate for one in passes for rate in one.windows],
            "others": [share for one in passes for share in one.others],
            "peak_memory_bytes": passes[0].peak_memory_bytes, "loss": passes[0].loss,
        }  # fmt: skip
        print(json.dumps(record), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

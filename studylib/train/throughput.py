"""Training steps timed in turn with nothing beside them.

    echo SPEED_SPEC | python -m studylib.train.throughput

Reads a SpeedSpec as JSON and prints a JSON record a line for each of its trials: its hash, the tokens/s of every window, what others
took of the cores meanwhile, peak memory (bytes; right for the first trial alone, beside which nothing is held) and the loss of the last
warm-up step. Random tokens serve as text, in the rows of the objective: speed does not depend on what is read.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

import torch

from studylib.data import random_rows
from studylib.environment import available_memory
from studylib.measuring import BUSY, Watch, tell, wait_until_quiet
from studylib.model.gpt import build_gpt
from studylib.model.memory import memory_bytes
from studylib.parallel import pipeline_engine, world
from studylib.registry import OBJECTIVES
from studylib.spec import SpeedSpec, TrialSpec, validated
from studylib.train.allocator import keep_freed_memory
from studylib.train.compute import resolve
from studylib.train.fit import fit_micro_batch
from studylib.train.memory import PeakMemory
from studylib.train.optimizer import build_optimizer
from studylib.train.passes import Passes

Thing = TypeVar("Thing")

_SHARE_OF_MEMORY = 0.5  # of what is free, for all timed trials together: what they need is an estimate


@dataclass(frozen=True)
class Ready:
    """A trial's training step, built and warm.

    ``window(seconds)`` times whole optimizer steps for so long at least, after one that does not count: tokens/s, and the share of the
    cores that others took meanwhile (none: not known). ``peak_memory_bytes``: above what the process held before. ``loss``: nats per
    token of the last warm-up step.
    """

    window: Callable[[float], tuple[float, float | None]]
    peak_memory_bytes: int
    loss: float


@dataclass
class Measured:
    """Tokens/s of each window and what others took of the cores in it, and the trial's memory and loss as in `Ready`."""

    windows: list[float] = field(default_factory=list)
    others: list[float | None] = field(default_factory=list)
    peak_memory_bytes: int = 0
    loss: float = math.nan

    def add(self, step: Ready, seconds: float) -> None:
        rate, others = step.window(seconds)
        self.windows.append(rate)
        self.others.append(others)
        if len(self.windows) == 1:
            self.peak_memory_bytes, self.loss = step.peak_memory_bytes, step.loss


@contextmanager
def ready(spec: TrialSpec) -> Iterator[Ready]:
    """The training step of ``spec`` for as long as it is to be timed.

    A window in which others took more than `BUSY` of the cores is measured once more, and the quieter counts.
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
        passes = Passes(model, one, engine, compute, spec.optimizer.grad_clip)

        def step() -> torch.Tensor:
            loss, _ = passes(batch, micro_batch_size)
            optimizer.step()
            optimizer.zero_grad()
            return loss

        def timed(seconds: float) -> tuple[float, float | None]:
            step()  # what others left in the caches is no part of it
            watch = Watch()
            rate = spec.tokens_per_step / _seconds_of(step, one.device, seconds)
            return rate, watch.others()

        def window(seconds: float) -> tuple[float, float | None]:
            first = timed(seconds)
            if (first[1] or 0.0) <= BUSY:
                return first
            return min(first, timed(seconds), key=lambda found: found[1] or 0.0)

        for _ in range(SpeedSpec.warm_up_steps):
            loss = step()
        yield Ready(window, memory.peak(), loss.item())


def fit_together(trials: Sequence[TrialSpec]) -> bool:
    """Whether memory holds all of them at once, built and warm."""
    device = resolve(trials[0]).torch_device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_memory()
    return sum(map(memory_bytes, trials)) <= _SHARE_OF_MEMORY * free


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


def measure(asked: SpeedSpec) -> dict[str, Measured]:
    """What was found of each trial, by its hash.

    Where memory holds all of them at once, a window of each is timed in turn. Else they are built one after another, twice, for
    half of the windows each time.
    """
    found = {trial.hash: Measured() for trial in asked.trials}
    if fit_together(asked.trials):
        with ExitStack() as held:
            steps = {trial.hash: held.enter_context(ready(trial)) for trial in _told("building", asked.trials)}
            for _ in _told("window", range(asked.windows)):
                for name, step in steps.items():
                    found[name].add(step, asked.window_seconds)
        return found
    half = math.ceil(asked.windows / 2)
    turns = [(trial, windows) for windows in (half, asked.windows - half) if windows for trial in asked.trials]
    for trial, windows in _told("trial", turns):
        with ready(trial) as step:
            for _ in range(windows):
                found[trial.hash].add(step, asked.window_seconds)
        del step  # and with it the model, before the next is built
    return found


def _told(what: str, things: Sequence[Thing]) -> Iterator[Thing]:
    for number, one in enumerate(things, 1):
        tell(f"{what} {number} of {len(things)}")
        yield one


def main() -> int:
    asked = validated(SpeedSpec, json.load(sys.stdin))
    wait_until_quiet(tell)
    for name, found in measure(asked).items():
        print(json.dumps({"trial": name} | asdict(found)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

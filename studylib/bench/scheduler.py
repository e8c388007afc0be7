"""``study bench scheduler``: what the queue adds to steps that do nothing but wait, and how long workers are idle.

The steps are those of two ideas: one whose second round follows from its first, one of many short trials. Time of the workers'
start is counted in; idle is what a worker waits, from the first step's begin to the last one's end.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import count
from pathlib import Path

from studylib.spec import ModelSpec, TrialSpec
from studylib.trials import Round, run_steps


def wait(spec: TrialSpec, out: Path, **_) -> dict:
    """Stands in for training: sleeps as long as the trial's learning rate says."""
    time.sleep(spec.optimizer.learning_rate)
    nothing = dict.fromkeys(("val_loss", "val_bpb", "train_loss", "flops", "tokens_per_s"), 0.0)
    counts = dict.fromkeys(("steps", "tokens", "params", "non_embedding_params", "peak_memory_bytes"), 0)
    return nothing | counts | {"val": {}}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench scheduler", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="length of the longest trials (default: %(default)s)"
    )
    parser.add_argument("--trials", type=int, default=8, help="how many of them, in two rounds (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    seeds = count()

    def waiting(seconds: float, steps: int) -> TrialSpec:
        # Longer trials have more steps, as real ones have, so that the queue knows which is longer.
        model = ModelSpec(num_layers=1, hidden_size=8, num_heads=1, vocab_size=4096)
        spec = TrialSpec(model=model, train_steps=steps, seed=next(seeds))
        return spec.replace(**{"optimizer.learning_rate": seconds})

    first = [waiting(asked.seconds, 20) for _ in range(asked.trials // 2)]
    second = [waiting(asked.seconds, 20) for _ in range(asked.trials - len(first))]
    short = [waiting(asked.seconds / 10, 2) for _ in range(5 * asked.trials)]
    rounds = [Round("second round", tuple(spec.name for spec in first), len(second), lambda: (second, []))]
    marks: list[float] = []

    def listen(event: dict) -> None:
        if event["event"] in ("started", "finished"):
            marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        run = {"workers": asked.workers, "train": f"{__name__}:wait"}
        run_steps(short[:1], Path(folder) / "warm", progress=[], **run)
        began = time.perf_counter()
        run_steps([*first, *short], Path(folder) / "timed", rounds=rounds, progress=listen, **run)
        elapsed = time.perf_counter() - began
    busy = sum(spec.optimizer.learning_rate for spec in (*first, *second, *short))
    between = marks[-1] - marks[0]
    print(
        f"{len(first) + len(second) + len(short)} trials, {busy:.1f} s of waiting on {asked.workers} workers: {elapsed:.2f} s, "
        f"ideal {busy / asked.workers:.2f} s; workers idle {100 * (1 - busy / asked.workers / between):.1f} % of the time "
        f"from the first begin to the last end, {100 * (1 - busy / asked.workers / elapsed):.1f} % with their start"
    )
    return 0

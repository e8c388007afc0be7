"""``study bench scheduler``: what the worker pool adds to trials that do nothing but wait."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from studylib.files import write_json
from studylib.spec import ModelSpec, TrialSpec
from studylib.trials import run_trials


def wait(spec: TrialSpec, out: Path, **_) -> dict:
    """Stands in for training: sleeps as long as the trial's learning rate says."""
    time.sleep(spec.optimizer.learning_rate)
    result = {"schema": 1, "hash": spec.hash, "status": "done", "seconds": spec.optimizer.learning_rate}
    write_json(out / "result.json", result)
    return result


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="study bench scheduler", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a trial (default: %(default)s)")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(arguments)
    model = ModelSpec(num_layers=1, hidden_size=8, num_heads=1, vocab_size=4096)
    specs = [
        TrialSpec(model=model, train_steps=1, seed=seed).replace(**{"optimizer.learning_rate": asked.seconds})
        for seed in range(asked.trials)
    ]
    with tempfile.TemporaryDirectory() as folder:
        run = {"workers": asked.workers, "train": f"{__name__}:wait", "progress": []}
        run_trials(specs[:1], Path(folder) / "warm", **run)
        began = time.perf_counter()
        run_trials(specs, Path(folder) / "timed", **run)
        elapsed = time.perf_counter() - began
    ideal = asked.seconds * -(-asked.trials // asked.workers)
    print(
        f"{asked.trials} trials of {asked.seconds:g} s on {asked.workers} workers: {elapsed:.2f} s, ideal {ideal:.2f} s, "
        f"overhead {100 * (elapsed / ideal - 1):.2f} % with the start of the workers"
    )
    return 0

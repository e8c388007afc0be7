"""Which layout of workers and threads trains most tiny trials an hour.

    echo LAYOUT_SPEC | python -m studylib.trials.layout

Reads a LayoutSpec as JSON and prints a JSON record a line for each layout and round.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from studylib.environment import cores
from studylib.measuring import Watch, tell, wait_until_quiet
from studylib.spec import DataSpec, LayoutSpec, ModelSpec, SourceSpec, TokenizerSpec, TrialSpec, validated
from studylib.trials.cache import SPECIFICATION, Task
from studylib.trials.run import run_trials


def layouts(available: int) -> list[tuple[int, int]]:
    """(workers, threads each) that fill ``available`` cores evenly."""
    return [(workers, available // workers) for workers in range(1, available + 1) if available % workers == 0]


def tiny_trial(hidden_size: int, train_steps: int) -> TrialSpec:
    """Two layers, 1,024 tokens a step, on text that takes seconds to prepare."""
    data = DataSpec(
        sources=(SourceSpec(options={"register": "ja", "bytes": 600_000}),),
        tokenizer=TokenizerSpec(vocab_size=1024, sample_bytes=300_000),
    )
    model = ModelSpec(
        num_layers=2, hidden_size=hidden_size, num_heads=hidden_size // 8, vocab_size=1024, seq_len=128
    )  # fmt: skip
    return TrialSpec(model=model, data=data, train_steps=train_steps, global_batch_size=8, eval_tokens=8192)


def measure_layouts(asked: LayoutSpec, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """``workers``, ``threads``, ``round`` and ``trials_an_hour``, counted from the first trial's first step: text is prepared before,
    and what starting workers takes, which a study pays once, would drown a few trials.

    ``others`` is the share of the cores that others took meanwhile.
    """
    base = tiny_trial(asked.hidden_size, asked.train_steps)
    with tempfile.TemporaryDirectory() as folder:
        run_trials([base.replace(train_steps=1)], Path(folder), progress=[])
        wait_until_quiet(say)
        seeds = count(1)
        for number in range(asked.rounds):
            for workers, threads in layouts(cores()):
                specs = [base.replace(seed=next(seeds)) for _ in range(asked.trials)]
                say(f"round {number + 1} of {asked.rounds}, {workers} x {threads}")
                watch = Watch()
                done = run_trials(specs, Path(folder), workers=workers, progress=[])
                assert set(done["status"]) == {"done"}, "a trial failed: its time means nothing"
                tasks = [Task.under(Path(folder), spec) for spec in specs]
                # A specification is written just before the first step.
                began = min((one.folder / SPECIFICATION).stat().st_mtime for one in tasks)
                ended = max((one.folder / one.kind.marker).stat().st_mtime for one in tasks)
                rate = 3600 * asked.trials / (ended - began)
                yield {
                    "workers": workers, "threads": threads, "round": number, "trials_an_hour": rate, "others": watch.others(),
                }  # fmt: skip


def main() -> int:
    for record in measure_layouts(validated(LayoutSpec, json.load(sys.stdin)), tell):
        print(json.dumps(record), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Train some trials with whatever `studylib` comes first on the path: ``echo ASKED | python _tree_trials.py``.

A script and no module, so that it also measures a checkout that does not have it; of `studylib` it uses what has long been there.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import studylib
from studylib.spec import TrialSpec
from studylib.trials.run import run_trials


def measured(specs: list[TrialSpec], out: Path, workers: int) -> dict[str, Any]:
    """Seconds with and without the workers' start, of the processor in the workers too, and the losses in the specifications' order."""
    before, began = _processor_seconds(), time.perf_counter()
    done = run_trials(specs, out, workers=workers, progress=[])
    seconds = time.perf_counter() - began
    assert set(done["status"]) == {"done"}, "a trial failed: its time means nothing"
    folders = [out / "trials" / spec.hash for spec in specs]
    first = min((folder / "spec.json").stat().st_mtime for folder in folders)  # written before the first step
    last = max((folder / "result.json").stat().st_mtime for folder in folders)
    losses = [json.loads((folder / "result.json").read_text(encoding="utf-8"))["val_loss"] for folder in folders]
    return {
        "package": str(Path(studylib.__file__).parent), "with_start": seconds, "without_start": last - first,
        "processor": _processor_seconds() - before, "losses": losses,
    }  # fmt: skip


def _processor_seconds() -> float:
    """Of the processes that this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    given = [TrialSpec.model_validate(spec) for spec in asked["specs"]]
    print(json.dumps(measured(given, Path(asked["out"]), asked["workers"])))

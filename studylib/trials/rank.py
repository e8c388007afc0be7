"""One rank of a trial that is spread over processes: ``torchrun ... -m studylib.trials.rank SPEC --out DIR``.

Like ``python -m studylib.train``, but each rank writes how it ended to ``outcome.<rank>.json`` in the trial's folder, since torchrun
passes no exit status on, and dies with torchrun.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from studylib.files import read_json, write_json
from studylib.spec import TrialSpec, validated
from studylib.steps._kind import DEFAULT_TRAIN, Context
from studylib.trials.cache import Task
from studylib.trials.guard import prctl
from studylib.trials.outcome import EXIT_STATUS, Outcome
from studylib.trials.worker import carry_out

_SET_PDEATHSIG = 1


def carry_out_rank(spec: TrialSpec, out: Path, train: str = DEFAULT_TRAIN) -> Outcome:
    """Train this rank's part of a trial of the study folder ``out``, and write down how that ended."""
    trial = Task.under(out, spec)
    outcome = carry_out(trial, Context(out, train=train))
    record_outcome(trial, int(os.environ.get("RANK", 0)), outcome)
    return outcome


def record_outcome(trial: Task, rank: int, outcome: Outcome) -> None:
    """Write down how a rank ended, for who started it (``reported_by_ranks``)."""
    write_json(outcome_file(trial, rank), {"status": outcome.status, "message": outcome.message})


def outcome_file(trial: Task, rank: int) -> Path:
    return trial.folder / f"outcome.{rank}.json"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m studylib.trials.rank", description=__doc__)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="study folder")
    parser.add_argument("--train", default=DEFAULT_TRAIN)
    options = parser.parse_args(arguments)

    prctl(_SET_PDEATHSIG, signal.SIGKILL)
    spec = validated(TrialSpec, read_json(options.spec), file=options.spec)
    outcome = carry_out_rank(spec, options.out, options.train)
    return EXIT_STATUS[outcome.status]


if __name__ == "__main__":
    sys.exit(main())

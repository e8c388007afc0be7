"""Carries out one step after another in a process that stays alive, so that torch is imported once.

``python -m studylib.trials.worker --channel FD [--train module:function] [--threads N]`` reads one JSON request a line
from stdin and answers with JSON lines on FD; stdout and stderr belong to the step. It ends at the end of stdin.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studylib.errors import StudyError
from studylib.files import append_json_line
from studylib.registry import STEPS
from studylib.steps._kind import DEFAULT_TRAIN, Context
from studylib.steps.trials import load_train
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome, outcome_of_error
from studylib.trials.progress import shown_metrics

_METRICS_EVERY = 0.5  # seconds; validation records always pass


def carry_out(
    task: Task, context: Context, *, passes: Callable[[BaseException], bool] = lambda error: False
) -> Outcome:
    """Do it here; whatever it raises becomes an outcome, its traceback goes to stderr.

    What ``passes`` is true of is no failure of the step, but of who stops this process, and is raised.
    """
    try:
        task.keep_specification()
        task.kind.carry_out(task.step, task.folder, context)
        return Outcome("done")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a SystemExit out of a trainer is that trial's failure, not this process's
        if passes(error):
            raise
        if not isinstance(error, StudyError):  # whose message says all
            traceback.print_exc()
        return outcome_of_error(error)
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()


def _settle() -> None:
    """Take what is loaded out of the collector's sight: torch and nanotron are 310,000 objects, 0.16 s to look through after every
    step, where a trial of scale quick takes 1.7 s."""
    gc.collect()
    gc.freeze()


def _tidy_up() -> None:
    """Give freed memory back to the system, so that the next step's peak is its own."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # glibc only
        ctypes.CDLL(None).malloc_trim(0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m studylib.trials.worker", description=__doc__)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--train", default=DEFAULT_TRAIN)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)

    faulthandler.enable()
    sys.stdout.reconfigure(line_buffering=True)
    os.set_inheritable(options.channel, False)
    channel = os.fdopen(options.channel, "wb", buffering=0)
    # A step that reads stdin must find it empty, not the next request.
    requests = os.fdopen(os.dup(0), "rb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)

    load_train(options.train)  # takes seconds, so before there is anything to do
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(options.threads)
    _settle()
    append_json_line(channel, {"event": "ready"})

    for number, line in enumerate(requests):
        request = json.loads(line)
        latest = [float("-inf")]

        def on_metrics(record: dict[str, Any], latest: list[float] = latest) -> None:
            now = time.monotonic()
            if "val_bpb" in record or now - latest[0] >= _METRICS_EVERY:
                latest[0] = now
                append_json_line(channel, {"event": "metrics", "record": shown_metrics(record)})

        def say(line: str) -> None:
            append_json_line(channel, {"event": "said", "message": line})

        append_json_line(channel, {"event": "began"})
        step = STEPS[request["kind"]].specification.model_validate(request["step"])
        out = Path(request["out"])
        context = Context(out, threads=options.threads, train=options.train, say=say, on_metrics=on_metrics)
        outcome = carry_out(Task.under(out, step), context)
        if number == 0:  # it has loaded what is loaded on first use
            _settle()
        _tidy_up()
        append_json_line(channel, {"event": "ended", "status": outcome.status, "message": outcome.message})
    return 0


if __name__ == "__main__":
    sys.exit(main())

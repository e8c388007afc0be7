"""Trains one trial after another in a process that stays alive, so that torch is imported once.

``python -m studylib.trials.worker --channel FD [--train module:function] [--threads N]`` reads one JSON request a line
from stdin and answers with JSON lines on FD; stdout and stderr belong to the trial. It ends at the end of stdin.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studylib.files import append_json_line, write_json
from studylib.spec import TrialSpec
from studylib.trials.outcome import Outcome, outcome_of_error
from studylib.trials.progress import shown_metrics

DEFAULT_TRAIN = "studylib.train:train"
_METRICS_EVERY = 0.5  # seconds; validation records always pass

Train = Callable[..., dict[str, Any]]


def load_train(name: str) -> Train:
    """The function ``module:function``; called as ``train(spec, folder, data_folder=..., on_metrics=...)``."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def carry_out(
    train: Train,
    spec: TrialSpec,
    folder: Path,
    data_folder: Path,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
) -> Outcome:
    """Train one trial here; whatever it raises becomes an outcome, its traceback goes to stderr."""
    try:
        result = train(spec, folder, data_folder=data_folder, on_metrics=on_metrics)
        if not (folder / "result.json").exists() and int(os.environ.get("RANK", 0)) == 0:
            write_json(folder / "result.json", result)
        return Outcome("done")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a SystemExit out of a trainer is that trial's failure, not this process's
        outcome = outcome_of_error(error)
        traceback.print_exc()
        return outcome
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()


def _tidy_up() -> None:
    """Give freed memory back to the system, so that the next trial's peak is its own."""
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
    # A trial that reads stdin must find it empty, not the next request.
    requests = os.fdopen(os.dup(0), "rb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)

    train = load_train(options.train)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(options.threads)
    append_json_line(channel, {"event": "ready"})

    for line in requests:
        request = json.loads(line)
        latest = [float("-inf")]

        def on_metrics(record: dict[str, Any], latest: list[float] = latest) -> None:
            now = time.monotonic()
            if "val_bpb" in record or now - latest[0] >= _METRICS_EVERY:
                latest[0] = now
                append_json_line(channel, {"event": "metrics", "record": shown_metrics(record)})

        append_json_line(channel, {"event": "began"})
        folder, data_folder = Path(request["folder"]), Path(request["data_folder"])
        outcome = carry_out(train, TrialSpec.model_validate(request["spec"]), folder, data_folder, on_metrics)
        _tidy_up()
        append_json_line(channel, {"event": "ended", "status": outcome.status, "message": outcome.message})
    return 0


if __name__ == "__main__":
    sys.exit(main())

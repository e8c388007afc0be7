"""Listeners to the progress of trials: live on a terminal and in a notebook, plain lines elsewhere, a file for other processes."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from studylib.files import append_json_line
from studylib.trials.notebook_display import NotebookProgress, in_notebook
from studylib.trials.progress import Event, Listener, counted, finished_line

PROGRESS_FILE = "STUDYLIB_PROGRESS_FILE"  # environment variable: where to write events for a watching process
_PLAIN_EVERY = 10.0


def default_listeners(stream: TextIO | None = None) -> list[Listener]:
    """Live on a terminal and in a notebook, plain lines elsewhere; also the file that ``$STUDYLIB_PROGRESS_FILE`` names."""
    if stream is None and in_notebook():
        listeners: list[Listener] = [NotebookProgress()]
    else:
        stream = stream or sys.stdout
        listeners = [RichProgress(stream) if stream.isatty() else LineProgress(stream)]
    if path := os.environ.get(PROGRESS_FILE):
        listeners.append(FileProgress(Path(path)))
    return listeners


class LineProgress:
    """A line for each finished trial, and one now and then in between."""

    def __init__(self, stream: TextIO | None = None, *, every: float = _PLAIN_EVERY):
        self._stream = stream or sys.stdout
        self._every = every
        self._latest = time.monotonic()

    def __call__(self, event: Event) -> None:
        if event["event"] == "finished":
            self._say(f"{finished_line(event)}  [{counted(event)}]")
        elif event["event"] == "preparing":
            self._say(event["message"])
        elif event["event"] == "begin":
            self._say(f"steps: {counted(event)}")
        elif event["event"] == "metrics" and time.monotonic() - self._latest >= self._every:
            record = event["record"]
            loss = record.get("val_loss", record.get("loss"))
            self._say(
                f"{event['label']}: step {record.get('step')}"
                + (f", loss {loss:.3f}" if loss is not None else "")
                + f"  [{counted(event)}]"
            )

    def _say(self, line: str) -> None:
        self._latest = time.monotonic()
        print(line, file=self._stream, flush=True)


class FileProgress:
    """Events as JSON lines. The watcher needs no losses, so of the metrics one a second is kept."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._latest = 0.0

    def __call__(self, event: Event) -> None:
        now = time.monotonic()
        if event["event"] == "metrics":
            if now - self._latest < 1.0:
                return
            self._latest = now
        with open(self._path, "ab") as stream:  # opened each time: the watcher may have moved it away
            append_json_line(stream, event)


class RichProgress:
    """A live table of the running trials with one bar for all; failures stay above it."""

    def __init__(self, stream: TextIO | None = None):
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream or sys.stdout)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._rows: dict[str, tuple[str, dict[str, Any]]] = {}

    def __call__(self, event: Event) -> None:
        kind = event["event"]
        if kind == "preparing":
            self._console.print(event["message"], markup=False, highlight=False)
            return
        if kind == "begin":
            self._live.start()
        elif kind == "started":
            self._rows[event["step"]] = (event["label"], {})
        elif kind == "metrics":
            self._rows[event["step"]] = (event["label"], event["record"])
        elif kind == "finished":
            self._rows.pop(event["step"], None)
            self._console.print(finished_line(event), markup=False, highlight=False)
        if kind == "end":
            self._live.stop()
            self._console.print(f"steps: {counted(event)}", markup=False, highlight=False)
        else:
            self._live.update(self._table(event))

    def _table(self, event: Event) -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        counts = event["counts"]
        grid = Table.grid(padding=(0, 1))
        grid.add_row(
            ProgressBar(total=max(counts["total"], 1), completed=counts["done"] + counts["failed"], width=30),
            Text(counted(event)),
        )
        for label, record in self._rows.values():
            loss = record.get("val_loss", record.get("loss"))
            grid.add_row(
                Text(label),
                Text(f"step {record.get('step', '-')}" + (f"  loss {loss:.3f}" if loss is not None else "")),
            )
        return grid

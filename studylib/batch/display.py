"""How a running study looks: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Protocol, TextIO

from studylib.trials.progress import Event, counted, duration, finished_line

_PLAIN_EVERY = 10.0


class Display(Protocol):
    def begin(self, ideas: list[str]) -> None: ...
    def state(self, idea: str, state: str, detail: str = "") -> None: ...
    def event(self, idea: str, event: Event) -> None: ...
    def end(self) -> None: ...


def display_for(stream: TextIO | None = None) -> Display:
    stream = stream or sys.stdout
    return LiveDisplay(stream) if stream.isatty() else LineDisplay(stream)


class LineDisplay:
    """Each change of state, each finished trial, and a sign of life now and then."""

    def __init__(self, stream: TextIO | None = None):
        self._stream = stream or sys.stdout
        self._latest = time.monotonic()

    def begin(self, ideas: list[str]) -> None:
        self._say(f"study: {', '.join(ideas)}")

    def state(self, idea: str, state: str, detail: str = "") -> None:
        self._say(f"[{idea}] {state}" + (f": {detail}" if detail else ""))

    def event(self, idea: str, event: Event) -> None:
        if event["event"] == "finished":
            self._say(f"[{idea}] {finished_line(event)}  [{counted(event)}]")
        elif event["event"] == "preparing":
            self._say(f"[{idea}] {event['message']}")
        elif event["event"] == "begin" or time.monotonic() - self._latest > _PLAIN_EVERY:
            self._say(f"[{idea}] steps: {counted(event)}")

    def end(self) -> None:
        pass

    def _say(self, line: str) -> None:
        self._latest = time.monotonic()
        print(line, file=self._stream, flush=True)


class LiveDisplay:
    """A row an idea, with a bar over its trials."""

    def __init__(self, stream: TextIO | None = None):
        from rich.console import Console
        from rich.live import Live

        self._console = Console(file=stream or sys.stdout)
        self._live = Live(console=self._console, refresh_per_second=4)
        self._rows: dict[str, dict[str, Any]] = {}

    def begin(self, ideas: list[str]) -> None:
        self._rows = {idea: {"state": "waiting", "detail": "", "event": None} for idea in ideas}
        self._live.start()
        self._refresh()

    def state(self, idea: str, state: str, detail: str = "") -> None:
        self._rows[idea] |= {"state": state, "detail": detail}
        self._refresh()

    def event(self, idea: str, event: Event) -> None:
        self._rows[idea] |= {"event": event, "detail": event["message"] if event["event"] == "preparing" else ""}
        if event["event"] == "finished" and event["status"] != "done":
            self._console.print(f"[{idea}] {finished_line(event)}", markup=False, highlight=False)
        self._refresh()

    def end(self) -> None:
        self._live.stop()

    def _refresh(self) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        styles = {"done": "green", "up to date": "green", "failed": "red", "timeout": "red", "running": "cyan"}
        grid = Table.grid(padding=(0, 1))
        for idea, row in self._rows.items():
            event = row["event"]
            counts = event["counts"] if event else {"total": 1, "done": 0, "failed": 0}
            bar = ProgressBar(total=max(counts["total"], 1), completed=counts["done"] + counts["failed"], width=24)
            text = row["detail"] or (counted(event) if event else "")
            grid.add_row(
                Text(idea),
                Text(row["state"], style=styles.get(row["state"], "")),
                bar if event else Text(""),
                Text(text),
            )
        self._live.update(grid)


class EventFile:
    """Reads the events that a notebook's trials append to a file, as they come."""

    def __init__(self, path: Path):
        self._path = path
        self._offset = 0

    def new(self) -> list[Event]:
        try:
            with open(self._path, "rb") as stream:
                stream.seek(self._offset)
                whole, newline, _ = stream.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(whole) + len(newline)
        return [json.loads(line) for line in whole.splitlines() if line.strip()]


def summary_line(idea: str, status: str, message: str, seconds: float) -> str:
    """``depth_width: failed after 12s: ...``."""
    line = f"{idea}: {status}" + (f" after {duration(seconds)}" if seconds else "")
    return f"{line}: {message.splitlines()[0]}" if message else line

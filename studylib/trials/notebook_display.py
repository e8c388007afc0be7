"""Progress of trials under a notebook's cell: one output that is updated in place, in JupyterLab and under papermill."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from studylib.trials.progress import Event, counted, finished_line

_UPDATE_EVERY = 0.25  # seconds between updates for metrics alone
_FAILURES_SHOWN = 20


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class NotebookProgress:
    """A bar, a line for each running trial, and the failures, which stay."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._running: dict[str, str] = {}
        self._failures: list[str] = []
        self._latest = 0.0

    def __call__(self, event: Event) -> None:
        kind, now = event["event"], time.monotonic()
        if kind == "started":
            self._running[event["step"]] = event["label"]
        elif kind == "metrics":
            record = event["record"]
            loss = record.get("val_loss", record.get("loss"))
            said = f"step {record.get('step', '-')}" + (f", loss {loss:.3f}" if loss is not None else "")
            self._running[event["step"]] = f"{event['label']}: {said}"
            if now - self._latest < _UPDATE_EVERY:
                return
        elif kind == "finished":
            self._running.pop(event["step"], None)
            if event["status"] != "done":
                self._failures.append(finished_line(event))
        self._latest = now
        self._show(event)

    def _show(self, event: Event) -> None:
        from IPython.display import HTML, display

        shown = HTML(self._html(event))
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def _html(self, event: Event) -> str:
        counts = event["counts"]
        head = event["message"] if event["event"] == "preparing" else counted(event)
        ended = counts["done"] + counts["failed"]
        lines = [f'<progress max="{max(counts["total"], 1)}" value="{ended}"></progress> {escape(head)}']
        lines += [escape(line) for line in self._running.values()]
        failures = self._failures[:_FAILURES_SHOWN]
        lines += [f"<b>{escape(line)}</b>" for line in failures]
        if more := len(self._failures) - len(failures):
            lines.append(f"and {more} more failures")
        return "<br>".join(lines)

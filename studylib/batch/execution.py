"""One notebook being executed by papermill.

Papermill's exit status and cell states cannot be trusted alone: a notebook whose kernel was killed is left with every
cell "completed". So success means exit status 0 *and* a valid ``result.json`` written by this run.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from studylib.batch.jobs import Job
from studylib.batch.kernel import KERNEL, kernel_environment
from studylib.batch.marker import job_key, problem_with_result, write_marker
from studylib.environment import child_environment, cores_alone, thread_environment
from studylib.trials.display import PROGRESS_FILE
from studylib.trials.outcome import bounded
from studylib.trials.process import GuardedProcess

_GRACE_SECONDS = 3.0
_RUNNING_NOTEBOOK = ".running.ipynb"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Execution:
    """Starts the notebook at once; ask `finished` until it says how it ended."""

    def __init__(self, job: Job, *, cores: int, timeout: float | None = None):
        self.job = job
        self.began = time.monotonic()
        self._timeout = timeout
        folder = job.folder
        folder.mkdir(parents=True, exist_ok=True)
        # An earlier result was made from something else: kept, but never taken for this run's.
        with contextlib.suppress(FileNotFoundError):
            (folder / "result.json").replace(folder / "result.previous.json")
        for name in (_RUNNING_NOTEBOOK, "progress.jsonl"):
            (folder / name).unlink(missing_ok=True)
        self._key = job_key(job)
        write_marker(folder, "running", key=self._key)
        parameters = folder / "params.yaml"
        parameters.write_text(
            yaml.safe_dump(job.params.model_dump(mode="json"), allow_unicode=True, sort_keys=False), encoding="utf-8"
        )
        environment = child_environment(
            **kernel_environment(job.study / ".jupyter"), **thread_environment(cores),
            STUDYLIB_CORES=str(cores), STUDYLIB_STUDY_CORES=str(cores_alone()), STUDYLIB_ROOT=str(job.root),
            **{PROGRESS_FILE: str(folder / "progress.jsonl")},
        )  # fmt: skip
        command = [
            sys.executable, "-m", "papermill", _literal(job.notebook), _literal(folder / _RUNNING_NOTEBOOK),
            "-f", str(parameters), "-k", KERNEL, "--cwd", str(job.root), "--no-progress-bar",
        ]  # fmt: skip
        with open(folder / "log.txt", "wb") as log:
            self._process = GuardedProcess(
                command, environment=environment, cwd=job.root, stdout=log, grace=_GRACE_SECONDS
            )

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def finished(self) -> tuple[str, str] | None:
        """None while it runs; then status (done, failed or timeout) and message, as recorded in ``run.json``."""
        code = self._process.poll()
        if code is None:
            if not self._timeout or self.seconds < self._timeout:
                return None
            self._process.end()
            return self._record("timeout", f"took longer than the limit of {self._timeout:g} s")
        self._process.end()
        if code:
            return self._record("failed", self._why(code))
        if problem := problem_with_result(self.job):
            return self._record("failed", problem)
        self._keep_notebook()
        try:
            from studylib.report import notebook_html

            notebook_html(
                self.job.folder / "notebook.ipynb", self.job.folder / "notebook.html", self.job.idea.question.en
            )
        except Exception as error:  # whatever the converter raises, the study's other notebooks go on
            return self._record(
                "failed", bounded(f"the notebook ran, but its page could not be made: {type(error).__name__}: {error}")
            )
        return self._record("done", "")

    def stop(self) -> None:
        """End it with everything it started; it is then to be run again."""
        if self._process.poll() is None:
            self._process.end()
            self._record("stopped", "ended before it was finished")

    def _record(self, status: str, message: str) -> tuple[str, str]:
        self._keep_notebook()
        write_marker(self.job.folder, status, key=self._key, message=message, seconds=round(self.seconds, 1))
        return status, message

    def _keep_notebook(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # ended before papermill wrote anything
            (self.job.folder / _RUNNING_NOTEBOOK).replace(self.job.folder / "notebook.ipynb")

    def _why(self, code: int) -> str:
        """The error in the notebook, else what papermill last said."""
        if said := error_in_notebook(self.job.folder / _RUNNING_NOTEBOOK):
            return bounded(said)
        log = _COLOURS.sub("", (self.job.folder / "log.txt").read_text(encoding="utf-8", errors="replace"))
        if "DeadKernelError" in log or "Kernel died" in log:
            return "the notebook's kernel was killed, most likely because memory ran out"
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        return bounded(f"papermill ended with exit status {code}" + (f": {lines[-1]}" if lines else ""))


def error_in_notebook(path: Path) -> str:
    """``Name: text`` of the last error output in an executed notebook; empty when there is none."""
    try:
        cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):  # killed while it was written
        return ""
    errors = [output for cell in cells for output in cell.get("outputs", ()) if output.get("output_type") == "error"]
    return f"{errors[-1]['ename']}: {errors[-1]['evalue']}" if errors else ""


def _literal(path: Path) -> str:
    """``path`` for papermill, which fills in ``{name}`` in the paths of notebooks."""
    return str(path).replace("{", "{{").replace("}", "}}")

"""A project of its own with tiny notebooks, so that kernels start fast and nothing is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from studylib import registry
from studylib.ideas._idea import Idea
from studylib.params import StudyParams
from studylib.result import Text
from studylib.spec import Count, ModelSpec, TrialSpec
from studylib.trials.queue import Round

PARAMETERS = """\
scale = "smoke"
out = ""
seeds = [0, 1]
data = {}
workers = 0
launcher = "local"
launcher_options = {}
trial_timeout_s = 0.0
retry_failed = False
behaviour = "good"
"""

# Behaves as its parameter says; `good` is what a sound notebook does in the end.
BODY = """\
import os, pathlib, signal, subprocess, sys, time
folder = pathlib.Path(out) / IDEA
with open(folder / "executions", "a") as stream:
    print(sys.executable, os.environ["STUDYLIB_CORES"], file=stream)
if behaviour in ("family", "killed"):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (folder / "child").write_text(str(child.pid))
if behaviour == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if behaviour in ("slow", "family"):
    time.sleep(600)
if behaviour == "error":
    raise RuntimeError("no verdict possible")
if behaviour == "rubbish":
    (folder / "result.json").write_text("{}")
"""
RESULT = """\
from studylib.result import IdeaResult, Text
if behaviour == "good":
    both = Text(en="Deep wins", ja="深い方が勝ち")
    IdeaResult(idea=IDEA, scale=scale, question=both, verdict=both, winner="deep", decided=True, metrics=(),
               provenance={}).write(folder)
import json
event = {"event": "finished", "label": "a", "status": "done", "message": "", "seconds": 1.0,
         "counts": {"total": 1, "done": 1, "failed": 0, "running": 0}}
with open(os.environ["STUDYLIB_PROGRESS_FILE"], "a") as stream:  # as run_trials does
    print(json.dumps(event), file=stream)
print("executed")
"""


class TinyParams(StudyParams):
    scale: str = "smoke"
    seeds: tuple[Count, ...] = (0, 1)
    behaviour: str = "good"


def tiny_plan(params: TinyParams) -> list[TrialSpec]:
    model = ModelSpec(num_layers=2, hidden_size=64, num_heads=2, vocab_size=4096)
    return [TrialSpec(model=model, data=params.data, train_steps=4, seed=seed) for seed in params.seeds]


def no_plan(params: TinyParams) -> list[TrialSpec]:
    return []


class Ideas(dict):
    """A registry with other contents."""

    def check(self, name, field=None):
        return registry.Registry.check(self, name, field)

    kind = "idea"


class Project:
    def __init__(self, root: Path):
        self.root = root
        self.ideas = Ideas()
        (root / "notebooks").mkdir(parents=True)

    def add(
        self, name: str, number: int, *, trials: bool = False, after_all: bool = False, parameters: str = PARAMETERS,
        rounds: Callable[[TinyParams], list[Round]] = lambda params: [],
    ) -> Idea:  # fmt: skip
        notebook = nbformat.v4.new_notebook()
        cell = nbformat.v4.new_code_cell(parameters)
        cell.metadata["tags"] = ["parameters"]
        body = BODY.replace("IDEA", repr(name))
        notebook.cells = [cell, *map(nbformat.v4.new_code_cell, (body, RESULT.replace("IDEA", repr(name))))]
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        file = f"{number:02d}_{name}.ipynb"
        nbformat.write(notebook, self.root / "notebooks" / file)
        self.write_params(name, "scale: smoke\n")
        question = Text(en=f"What about {name}?", ja=f"{name}はどうか。")
        idea = Idea(name, number, file, question, TinyParams, tiny_plan if trials else no_plan, after_all, rounds)
        self.ideas[name] = idea
        return idea

    def write_params(self, name: str, text: str, scale: str = "smoke") -> Path:
        path = self.root / "params" / scale / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Project(tmp_path / "project")
    monkeypatch.setattr(registry, "IDEAS", made.ideas)
    monkeypatch.setenv("STUDYLIB_ROOT", str(made.root))
    monkeypatch.delenv("STUDYLIB_CORES", raising=False)
    return made


class Quiet:
    """A display that remembers."""

    def __init__(self):
        self.said = []

    def begin(self, ideas):
        self.said.append(("begin", *ideas))

    def state(self, idea, state, detail=""):
        self.said.append((idea, state, detail))

    def event(self, idea, event):
        self.said.append((idea, event["event"]))

    def end(self):
        self.said.append(("end",))


@pytest.fixture
def quiet():
    return Quiet()

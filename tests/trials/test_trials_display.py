"""What people see while trials run, and what the machine is found to offer."""

from __future__ import annotations

import io
import json

import pytest

from studylib import run_trials
from studylib.batch.display import EventFile, LineDisplay, LiveDisplay, display_for
from studylib.environment import cores, gpus
from studylib.trials.display import RichProgress, default_listeners
from studylib.trials.notebook_display import NotebookProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def event(kind, **more):
    counts = {"total": 2, "done": 1, "failed": 0, "running": 1}
    return {"event": kind, "counts": counts, "eta_s": 75.0, "trial": "ab", "label": "size=1M seed=0"} | more


def test_terminal_gets_a_live_display_and_keeps_a_line_a_trial(tmp_path, spec, train):
    stream = Terminal()
    run_trials(
        [spec(0, variant="[x]"), spec(1, do="crash")], tmp_path, train=train, progress=RichProgress(stream), workers=1
    )
    said = stream.getvalue()
    assert "variant=[x] seed=0: done" in said and "crashed" in said
    assert "steps: 1/2 done, 1 failed" in said


def test_listeners_follow_the_stream():
    assert isinstance(default_listeners(Terminal())[0], RichProgress)
    assert not isinstance(default_listeners(io.StringIO())[0], RichProgress)
    assert isinstance(display_for(Terminal()), LiveDisplay)
    assert isinstance(display_for(io.StringIO()), LineDisplay)


@pytest.mark.parametrize("kind", [LineDisplay, LiveDisplay])
def test_study_display_shows_states_failures_and_reasons(kind):
    stream = Terminal() if kind is LiveDisplay else io.StringIO()
    display = kind(stream)
    display.begin(["shape", "order"])
    display.state("shape", "running")
    display.event("shape", event("preparing", message="data: making the tokenizer"))
    display.event("shape", event("begin"))
    display.event("shape", event("finished", status="oom", message="no more memory", seconds=3.0))
    display.state("shape", "failed", "no [verdict] possible")
    display.end()
    said = stream.getvalue()
    for words in ("shape", "size=1M seed=0: oom in 3.0s: no more memory", "no [verdict] possible"):
        assert words in said


def test_event_file_gives_each_whole_line_once(tmp_path):
    path = tmp_path / "progress.jsonl"
    events = EventFile(path)
    assert events.new() == []
    path.write_text('{"a": 1}\n{"a": 2')
    assert events.new() == [{"a": 1}]
    with open(path, "a") as stream:
        stream.write("}\n")
    assert events.new() == [{"a": 2}] and events.new() == []


def test_gpus_by_environment_and_by_driver(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert gpus() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho '  MIG 1g Device 0: (UUID: z)'\necho 'GPU 1: B (UUID: y)'\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert gpus() == ["0", "1"]
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert gpus() == []


def test_cores_can_be_limited_but_not_invented(monkeypatch):
    here = cores()
    monkeypatch.setenv("STUDYLIB_CORES", "1")
    assert cores() == 1
    for nonsense in (str(here + 50), "0", "many"):
        monkeypatch.setenv("STUDYLIB_CORES", nonsense)
        assert cores() == here


def test_metrics_reach_the_listener_without_what_is_not_json(tmp_path, spec, train):
    heard = []
    run_trials([spec(0, do="finish")], tmp_path, train=train, progress=heard.append)
    (metrics,) = [one for one in heard if one["event"] == "metrics"]
    assert metrics["record"] == {"step": 1, "tokens": 1, "loss": 3.0}
    json.dumps(heard, allow_nan=False)


def test_a_notebook_has_one_output_that_is_updated_and_keeps_failures(monkeypatch, tmp_path, spec, train):
    shown = []

    class Handle:
        def update(self, html):
            shown[-1] = html.data

    def display(html, display_id):
        shown.append(html.data)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    run_trials(
        [spec(0, variant="<x>"), spec(1, do="crash")], tmp_path, train=train, progress=NotebookProgress(), workers=1
    )
    assert len(shown) == 1
    assert 'max="2" value="2"' in shown[0] and "1/2 done, 1 failed" in shown[0]
    assert "crashed" in shown[0] and "<x>" not in shown[0]

"""Nothing outlives a run, and two runs do not get in each other's way."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studylib import run_trials
from studylib.environment import child_environment
from studylib.trials.cache import Task
from studylib.trials.process import GuardedProcess

PATIENCE = 240  # seconds; only against a test that would never end

RUNNER = """
import pathlib, sys
from studylib import run_trials, TrialSpec
from studylib.files import read_json
from studylib.trials import pool
specs = [TrialSpec.model_validate(content) for content in read_json(sys.argv[1])]
begin = pool.Pool._begin

def begin_and_tell(self, slot, task):
    begin(self, slot, task)
    if self._elsewhere:  # held by another run
        (pathlib.Path(sys.argv[2]) / "waits").touch()

pool.Pool._begin = begin_and_tell
frame = run_trials(specs, sys.argv[2], train="fake_trainers:train", workers=int(sys.argv[3]))
print("all", frame["status"].to_list())
"""


@pytest.fixture
def runner(tmp_path):
    """Start another process that runs the trials."""
    from studylib.files import write_json

    started = []

    def start(specs, out, workers=1):
        listing = tmp_path / f"specs{len(started)}.json"
        write_json(listing, [one.model_dump(mode="json") for one in specs])
        process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(listing), str(out), str(workers)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=child_environment(),
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pids_of(out, spec):
    """The worker that runs a trial and the child that the trial started, once both are there."""
    folder = Task.under(out, spec).folder
    try:
        return [int((folder / name).read_text()) for name in ("runs", "child")]
    except (OSError, ValueError):
        return []


def test_timeout_ends_the_trial_and_its_children(tmp_path, spec, alive, late_when):
    slow, quick = spec(0, do="hang"), spec(1)
    late_when("studylib.trials.pool", lambda: any(alive(pid) for pid in pids_of(tmp_path, slow)))
    frame = run_trials([slow, quick], tmp_path, train="fake_trainers:train", timeout=3600, workers=1, progress=[])
    assert frame["status"].to_list() == ["timeout", "done"]
    assert "limit of 3600 s" in frame["message"][0]
    assert len(pids_of(tmp_path, slow)) == 2 and not any(alive(pid) for pid in pids_of(tmp_path, slow))


def test_children_that_a_finished_run_left_behind_are_ended(tmp_path, spec, alive):
    one = spec(0, do="family")
    run_trials([one], tmp_path, train="fake_trainers:train", progress=[])
    assert not any(alive(pid) for pid in pids_of(tmp_path, one))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_whatever_ends_the_run_ends_workers_and_their_children(tmp_path, spec, runner, wait_until, alive, number):
    if number == signal.SIGHUP:  # under nohup it is ignored, and what is started inherits that
        signal.signal(number, signal.SIG_DFL)
    specs = [spec(seed, do="hang") for seed in range(2)]
    process = runner(specs, tmp_path / "out", workers=2)

    def found():
        return [pid for one in specs for pid in pids_of(tmp_path / "out", one)]

    wait_until(lambda: len(found()) == 4)
    pids = found()
    assert all(alive(pid) for pid in pids)
    process.send_signal(number)
    process.wait(PATIENCE)
    wait_until(lambda: not any(alive(pid) for pid in pids))
    assert not list((tmp_path / "out").glob("trials/*/failure.json")), "cut off is not failed: it is to do again"


def test_a_run_cut_off_is_taken_up_again(tmp_path, spec, runner, wait_until):
    out = tmp_path / "out"
    hanging, done = spec(0, do="hang", hidden=1), spec(1)
    process = runner([done, hanging], out, workers=2)
    wait_until(lambda: Task.under(out, done).result() and pids_of(out, hanging))
    process.kill()
    process.wait()
    again = spec(0, do="finish")  # tags are not part of the hash: the same trial, now well-behaved
    assert again.hash == hanging.hash
    frame = run_trials([done, again], out, train="fake_trainers:train", progress=[])
    assert frame["status"].to_list() == ["done", "done"]
    assert len((Task.under(out, done).folder / "runs").read_text().split()) == 1


def test_two_runs_on_one_folder_share_the_work(tmp_path, spec, runner):
    specs = [spec(seed, do="meet") for seed in range(8)]
    out = tmp_path / "out"
    both = [runner(specs, out), runner(list(reversed(specs)), out)]
    said = [process.communicate(timeout=PATIENCE)[0] for process in both]
    for text in said:
        assert "all ['done', 'done', 'done', 'done', 'done', 'done', 'done', 'done']" in text
    runs = [(Task.under(out, one).folder / "runs").read_text().split() for one in specs]
    assert [len(pids) for pids in runs] == [1] * 8
    assert len({pids[0] for pids in runs}) == 2, "both took part"


def test_a_failure_seen_by_the_other_run_is_taken_over(tmp_path, spec, runner, wait_until):
    out = tmp_path / "out"
    failing = spec(0, do="crash")
    trial = Task.under(out, failing)
    with trial.lock():
        process = runner([failing], out)
        wait_until((out / "waits").exists)
        assert not (trial.folder / "runs").exists()
        from studylib.trials.outcome import Outcome

        trial.record_failure(Outcome("diverged", "seen elsewhere"), 1.0)
    assert "all ['diverged']" in process.communicate(timeout=PATIENCE)[0]


def test_overhead_of_the_scheduler_is_small(tmp_path, spec, monkeypatch):
    """It wakes up when a trial ends instead of looking now and then, and works for less than 3 % of a trial of 5 s."""
    looks = []

    class Selector(selectors.DefaultSelector):
        def select(self, timeout):
            looks.append(bool(found := super().select(PATIENCE)))
            return found

    monkeypatch.setattr("studylib.trials.pool.selectors.DefaultSelector", Selector)
    began = time.process_time()
    run_trials([spec(seed) for seed in range(21)], tmp_path, train="fake_trainers:train", workers=1, progress=[])
    assert looks and all(looks), "nothing happened for a long time: an end was not noticed"
    assert (time.process_time() - began) / 21 < 0.15


def test_guard_passes_exit_statuses_on():
    for code, expected in (("raise SystemExit(5)", 5), ("import os; os.kill(os.getpid(), 9)", -9), ("", 0)):
        process = GuardedProcess([sys.executable, "-c", code])
        process.popen.wait(PATIENCE)
        assert process.end() == expected
    missing = GuardedProcess(["/no/such/program"], stdout=subprocess.DEVNULL)
    missing.popen.wait(PATIENCE)
    assert missing.end() == 127


def test_guard_waits_for_a_graceful_end(tmp_path, wait_until):
    code = (
        "import signal, sys, time, pathlib\n"
        f"done = pathlib.Path({str(tmp_path / 'said')!r})\n"
        "def bye(*_): done.write_text('bye'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye)\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "time.sleep(600)\n"
    )
    process = GuardedProcess([sys.executable, "-c", code], grace=3600)  # not waited for once the command is gone
    wait_until((tmp_path / "ready").exists)
    process.end()
    assert (tmp_path / "said").read_text() == "bye"


def test_killing_the_guard_itself_kills_the_command(tmp_path, wait_until, alive):
    note = str(tmp_path / "pid")
    code = f"import os, time, pathlib; pathlib.Path({note!r}).write_text(str(os.getpid())); time.sleep(600)"
    process = GuardedProcess([sys.executable, "-c", code])
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    pid = int((tmp_path / "pid").read_text())
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))
    process.end()


def test_worker_restarts_after_a_crash_in_the_same_slot(tmp_path, spec):
    specs = [spec(0, do="die"), spec(1), spec(2, do="kill"), spec(3)]
    frame = run_trials(specs, tmp_path, train="fake_trainers:train", workers=1, progress=[])
    assert frame["status"].to_list() == ["crashed", "done", "oom", "done"]
    assert Path(Task.under(tmp_path, specs[1]).folder / "runs").exists()

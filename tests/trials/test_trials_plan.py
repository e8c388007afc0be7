"""Plans and progress."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections import Counter

import pytest

from studylib import run_trials
from studylib.files import write_json
from studylib.model.cost import training_flops
from studylib.trials.cache import Task
from studylib.trials.display import FileProgress, LineProgress
from studylib.trials.frame import trials_frame
from studylib.trials.log import BoundedLog
from studylib.trials.outcome import Outcome, outcome_of_exit
from studylib.trials.plan import plan_steps
from studylib.trials.progress import Tracker, duration


def states(planned):
    return dict(Counter(one.task.step.folder for one in planned))


def test_plan_tells_states_and_costs(tmp_path, spec, train):
    specs = [spec(0), spec(1, do="crash"), spec(2), spec(2, variant="again")]
    before = plan_steps(specs, tmp_path)
    assert [one.state for one in before.trials] == ["to do"] * 3
    assert before.basis == "calibrated" and before.seconds > 0
    prepared = {"data/text": 1, "data/tokenizers": 1, "data": 1}
    assert states(before.to_do) == prepared | {"trials": 3}
    assert before.flops == pytest.approx(3 * training_flops(specs[0]))
    run_trials(specs[:2], tmp_path, train=train, progress=[])
    after = plan_steps(specs, tmp_path)
    assert [one.state for one in after.trials] == ["done", "failed", "to do"]
    assert after.basis == "measured" and states(after.to_do) == prepared | {"trials": 1}
    assert states(plan_steps(specs, tmp_path, retry_failed=True).to_do) == prepared | {"trials": 2}
    json.dumps([one.row() for one in after.trials])


def test_estimates_follow_the_speed_measured_on_similar_trials(tmp_path, spec, finish):
    small, large, new = spec(0, hidden_size=32), spec(0, hidden_size=512), spec(1, hidden_size=480)
    for one, speed in ((small, 1e9), (large, 1e10)):
        flops = training_flops(one)
        finish(tmp_path, one, flops=flops, tokens=one.train_tokens, seconds=flops / speed)
    (planned,) = plan_steps([new], tmp_path).trials
    # The median of the nearest few: with two, it lies between them.
    assert training_flops(new) / 1e10 < planned.seconds < training_flops(new) / 1e9 + 2


def test_sampling_takes_time_and_is_no_measure_of_other_trials(tmp_path, spec, finish):
    start, judge, other = spec(0), spec(1), spec(2)
    asked = {"name": "policy", "reward_from": judge.hash, "max_tokens": 40}
    policy = other.replace(start_from=start.hash, objective=asked)
    speed = training_flops(start) / 10
    finish(tmp_path, start, flops=training_flops(start), tokens=start.train_tokens, seconds=10)
    plain, sampled = (plan_steps([judge, one], tmp_path).trials[-1] for one in (other, policy))
    assert sampled.flops == pytest.approx(7 / 3 * training_flops(policy))
    by_token = 4 * 40 * 2 * 7e-4  # steps, tokens, layers
    assert sampled.seconds == pytest.approx(plain.seconds + 4 / 3 * training_flops(policy) / speed + by_token)
    numbers = {
        "flops": training_flops(policy),
        "tokens": policy.train_tokens,
        "seconds": 1000,
        "policy": {"reward": 1.0},
    }
    finish(tmp_path, policy, **numbers)
    assert plan_steps([judge, other], tmp_path).trials[-1].seconds == plain.seconds
    assert plan_steps([policy], tmp_path).trials[-1].seconds == 1000


def test_a_record_is_read_once_for_every_state_of_its_file(tmp_path, spec, finish, monkeypatch):
    from studylib.trials import cache

    finish(tmp_path, spec(0))
    task, reads = Task.under(tmp_path, spec(0)), []
    read_json = cache.read_json
    monkeypatch.setattr(cache, "read_json", lambda path: reads.append(path) or read_json(path))
    first = task.result()
    assert task.result() is first and Task.under(tmp_path, spec(0)).state == "done" and len(reads) == 1
    marker = task.folder / "result.json"
    write_json(marker, read_json(marker) | {"val_loss": 1.25})
    assert task.result().val_loss == 1.25 != first.val_loss and len(reads) == 2


def test_planning_imports_neither_torch_nor_polars():
    modules = "studylib.trials.plan, studylib.batch.jobs, studylib.cli, studylib.cli_tables"
    code = f"import sys, {modules}; print(sorted({{'torch', 'polars', 'numpy'}} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_eta_goes_by_flops_and_counts_part_way_trials(tmp_path, spec, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("studylib.trials.progress.time.monotonic", lambda: clock[0])
    trials = [Task.under(tmp_path, spec(seed)) for seed in range(4)]
    heard = []
    tracker = Tracker(trials, [heard.append])
    tracker.begin({})
    assert heard[-1]["eta_s"] is None
    tracker.started(trials[0])
    clock[0] = 110.0
    tracker.metrics(trials[0], {"step": 2})  # half of its 4 steps in 10 s: 3.5 trials left, 20 s each
    assert heard[-1]["eta_s"] == pytest.approx(70)
    clock[0] = 120.0
    tracker.finished(trials[0], Outcome("done"), 20.0)
    assert heard[-1]["eta_s"] == pytest.approx(60)
    assert heard[-1]["counts"] == {"total": 4, "done": 1, "failed": 0, "running": 0}
    tracker.finished(trials[1], Outcome("oom", "no more"), 1.0)
    assert heard[-1]["counts"]["failed"] == 1


def test_plain_progress_is_a_line_a_trial(tmp_path, spec, train):
    stream = io.StringIO()
    run_trials(
        [spec(0, variant="a"), spec(1, do="crash")], tmp_path, train=train, progress=LineProgress(stream), workers=1
    )
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("steps: 0/2 done")
    assert any(line.startswith("variant=a seed=0: done in") for line in lines)
    assert any("do=crash seed=1: crashed" in line and "wrong shape" in line for line in lines)
    assert len(lines) == 3


def test_progress_file_holds_every_event(tmp_path, spec, train, monkeypatch):
    path = tmp_path / "progress.jsonl"
    monkeypatch.setenv("STUDYLIB_PROGRESS_FILE", str(path))
    run_trials([spec(0)], tmp_path, train=train)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in events] == ["begin", "started", "metrics", "finished", "end"]
    assert FileProgress  # the listener that wrote it


def test_mixed_and_missing_tags_make_sound_columns(tmp_path, spec):
    frame = trials_frame([spec(0, size=1), spec(1, size=0.5), spec(2, kind="x"), spec(3, kind=2)], tmp_path)
    assert frame["size"].to_list() == [1.0, 0.5, None, None]
    assert frame["kind"].to_list() == [None, None, "x", "2"]
    assert frame["status"].to_list() == ["to do"] * 4
    assert "seed" not in trials_frame([spec(0, hash="mine")], tmp_path)["hash"].to_list()


def test_exit_statuses_in_words():
    assert outcome_of_exit(-9).status == outcome_of_exit(137).status == outcome_of_exit(75).status == "oom"
    assert outcome_of_exit(3).status == "diverged"
    assert "SIGSEGV" in outcome_of_exit(-11).message
    assert outcome_of_exit(1, "boom").message == "ended with exit status 1: boom"
    assert len(outcome_of_exit(1, "x" * 10_000).message) <= 2000


def test_bounded_log_loses_nothing_while_small(tmp_path):
    for size in (0, 5, 10, 15, 25):
        log = BoundedLog(tmp_path / "log", head=10, tail=10)
        for n in range(size):
            log.write(bytes([65 + n]))
        log.close()
        text = (tmp_path / "log").read_text()
        everything = "".join(chr(65 + n) for n in range(size))
        if size <= 20:
            assert text == everything
        else:
            assert text.startswith(everything[:10]) and text.endswith(everything[-10:]) and "5 bytes left out" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "?"), (0.25, "0.2s"), (12, "12s"), (125, "2m05s"), (7260, "2h01m")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text

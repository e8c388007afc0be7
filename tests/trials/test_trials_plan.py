"""Plans and progress."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections import Counter

import pytest

from studylib import run_trials
from studylib.files import read_json, write_json
from studylib.model.cost import training_flops
from studylib.train.compute import BF16_MIN_HIDDEN_SIZE
from studylib.trials.cache import Task
from studylib.trials.display import FileProgress, LineProgress
from studylib.trials.estimate import BF16_FROM, Likeness, relative_speed, wall_clock
from studylib.trials.frame import trials_frame
from studylib.trials.log import BoundedLog
from studylib.trials.outcome import Outcome, outcome_of_exit
from studylib.trials.plan import Plan, all_together, plan_steps
from studylib.trials.progress import Tracker, duration
from studylib.trials.queue import Round


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
    """Similar is first what is made of the same parts; from one width to another goes what width is known to do."""

    def model(width, **changes):
        return spec(0, hidden_size=width).replace(**{f"model.{key}": value for key, value in changes.items()})

    def seconds(*trials):
        return [one.seconds for one in plan_steps(trials, tmp_path).trials]

    def finished(trial, speed):
        flops = training_flops(trial)
        finish(tmp_path, trial, flops=flops, tokens=trial.train_tokens, seconds=flops / speed)

    finished(model(16), 1e9)
    plain, mamba = model(32), model(32, mixer="mamba2")
    first = seconds(plain, mamba)
    assert first[0] == pytest.approx(training_flops(plain) / 2e9, abs=1.5), "twice the width, twice the speed"
    finished(model(16, mixer="mamba2"), 2.5e8)
    assert seconds(plain)[0] == first[0], "another mixer says nothing of it"
    assert seconds(mamba)[0] == pytest.approx(training_flops(mamba) / 5e8, abs=1.5)


def test_what_another_machine_trained_says_nothing_of_this_one(tmp_path, spec, finish):
    trial = spec(0)
    finish(tmp_path, trial, flops=1e9, tokens=trial.train_tokens, seconds=1.0)
    assert plan_steps([spec(1)], tmp_path).basis == "measured"
    file = Task.under(tmp_path, trial).folder / "result.json"
    here = read_json(file)
    for other in (
        {"machine": {"processor": "another"}},
        {"machine": here["machine"] | {"gpus": ["a GPU, 80 GB"]}, "resolved": {"device": "cuda"}},
    ):
        write_json(file, here | other)
        assert plan_steps([spec(1)], tmp_path).basis == "calibrated"


def test_the_width_from_which_bf16_is_expected_is_the_one_that_trains_in_it():
    assert BF16_FROM == BF16_MIN_HIDDEN_SIZE
    narrow, wide = (Likeness(("attention", False, False, "dense"), width, 1e6) for width in (BF16_FROM - 2, 2048))
    assert relative_speed(narrow) == pytest.approx((BF16_FROM - 2) / 200)
    assert relative_speed(narrow) < relative_speed(wide) <= 2.5


def test_what_ideas_share_counts_once_and_later_rounds_count_as_trials_do(tmp_path, spec):
    def later(count):
        return Round("later", after=("trials/0",), expected=count, then=lambda: ([], []))

    two, one = (
        Plan(tuple(plan_steps(specs, tmp_path).steps), "calibrated", 2, (later(n),), "a guess")
        for specs, n in (([spec(0), spec(1)], 4), ([spec(1)], 1))
    )
    both = all_together([two, one])
    assert len(both.trials) == 2 and len(both.steps) == len(two.steps)
    assert both.later == {"later": 5} and both.source == "a guess"
    each = two.trials[0].seconds
    assert two.later_seconds == pytest.approx(4 * each / 2)
    assert "4 more by later" in str(two) and "at a time (by a guess)" in str(two)


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


def test_time_left_is_the_plans_corrected_by_what_was_seen(tmp_path, spec, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("studylib.trials.progress.time.monotonic", lambda: clock[0])
    trials = [Task.under(tmp_path, spec(seed)) for seed in range(4)]
    heard = []
    tracker = Tracker(trials, [heard.append], lambda task: 20.0, 1)
    tracker.begin({})
    assert heard[-1]["eta_s"] == pytest.approx(80), "as planned"
    tracker.started(trials[0])
    clock[0] = 110.0
    tracker.metrics(trials[0], {"step": 2})  # half of its 4 steps in 10 s, as planned
    assert heard[-1]["eta_s"] == pytest.approx(70)
    clock[0] = 140.0
    tracker.finished(trials[0], Outcome("done"), 40.0)  # twice as long, beside 8 s as planned
    assert heard[-1]["eta_s"] == pytest.approx(60 * 48 / 28)
    assert heard[-1]["counts"] == {"total": 4, "done": 1, "failed": 0, "running": 0}
    tracker.finished(trials[1], Outcome("oom", "no more"), 1.0)  # says nothing of how fast others are
    assert heard[-1]["counts"]["failed"] == 1
    assert heard[-1]["eta_s"] == pytest.approx(40 * 46 / 26)


def test_time_left_knows_what_runs_side_by_side(tmp_path, spec):
    trials = [Task.under(tmp_path, spec(seed)) for seed in range(4)]
    heard = []
    Tracker(trials, [heard.append], lambda task: 20.0, 2).begin({})
    assert heard[-1]["eta_s"] == pytest.approx(40, abs=0.1)
    Tracker(trials[:3], [heard.append], lambda task: {trials[0].name: 100.0}.get(task.name, 20.0), 2).begin({})
    assert heard[-1]["eta_s"] == pytest.approx(100, abs=0.1), "no sooner than the longest"
    assert wall_clock([(20.0, False), (20.0, False), (5.0, True)], 2) == 25.0


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

"""`run_trials` as a user sees it: every way a trial can end, caching, retrying."""

from __future__ import annotations

import json

import pytest

from studylib import run_trials
from studylib.errors import StudyError
from studylib.trials.cache import Task
from studylib.trials.outcome import Outcome


def runs(out, spec):
    path = Task.under(out, spec).folder / "runs"
    return len(path.read_text().split()) if path.exists() else 0


def test_rows_come_in_order_with_tags_and_numbers(tmp_path, spec, train):
    specs = [spec(seed, variant=f"v{seed}", size=seed / 2) for seed in (2, 0, 1)]
    frame = run_trials(specs, tmp_path, train=train, progress=[])
    assert frame["seed"].to_list() == [2, 0, 1]
    assert frame["variant"].to_list() == ["v2", "v0", "v1"]
    assert frame["status"].to_list() == ["done"] * 3
    assert frame["val_bpb"].to_list() == [3.0, 1.0, 2.0]
    assert frame["val_bpb/miniworld"].to_list() == [3.0, 1.0, 2.0]
    assert frame["num_layers"].to_list() == [2, 2, 2]
    assert "hello from seed 2" in (Task.under(tmp_path, specs[0]).folder / "log.txt").read_text()


def test_every_kind_of_failure_is_recorded_and_the_others_go_on(tmp_path, spec, train):
    ways = {
        "crash": ("crashed", "the tensor has the wrong shape"),
        "die": ("crashed", "last words"),
        "kill": ("oom", "SIGKILL, most likely because memory ran out"),
        "segfault": ("crashed", "SIGSEGV"),
        "memory": ("oom", "MemoryError: no more"),
        "diverge": ("diverged", "loss is nan at step 3"),
        "leave": ("crashed", "SystemExit: 4"),
        "finish": ("done", None),
    }
    specs = [spec(seed, do=way) for seed, way in enumerate(ways)]
    frame = run_trials(specs, tmp_path, train=train, progress=[], workers=2)
    for row, (status, message) in zip(frame.iter_rows(named=True), ways.values(), strict=True):
        assert row["status"] == status, row
        if message:
            assert message in row["message"]
            assert row["val_bpb"] is None and row["params"] is None
            failure = json.loads((tmp_path / "trials" / row["hash"] / "failure.json").read_text())
            assert failure["status"] == status and failure["seconds"] >= 0


def test_finished_and_failed_trials_are_not_run_again_unless_asked(tmp_path, spec, train):
    good, bad = spec(0), spec(1, do="flaky")
    run_trials([good, bad], tmp_path, train=train, progress=[])
    again = run_trials([good, bad], tmp_path, train=train, progress=[])
    assert again["status"].to_list() == ["done", "crashed"]
    assert (runs(tmp_path, good), runs(tmp_path, bad)) == (1, 1)
    retried = run_trials([good, bad], tmp_path, train=train, progress=[], retry_failed=True)
    assert retried["status"].to_list() == ["done", "done"]
    assert (runs(tmp_path, good), runs(tmp_path, bad)) == (1, 2)
    assert not (Task.under(tmp_path, bad).folder / "failure.json").exists()


def test_the_same_trial_under_two_tags_is_trained_once_and_has_two_rows(tmp_path, spec, train):
    specs = [spec(0, variant="a"), spec(0, variant="b")]
    frame = run_trials(specs, tmp_path, train=train, progress=[])
    assert frame["variant"].to_list() == ["a", "b"]
    assert runs(tmp_path, specs[0]) == 1


@pytest.mark.parametrize("damage", ['{"status": "do', "[]", '{"status": "done", "hash": "another"}', ""])
def test_a_damaged_result_is_moved_aside_and_the_trial_run_again(tmp_path, spec, train, damage):
    one = spec(0)
    run_trials([one], tmp_path, train=train, progress=[], launcher="inprocess")
    path = Task.under(tmp_path, one).folder / "result.json"
    path.write_text(damage)
    with pytest.warns(UserWarning, match=r"result\.json is damaged"):
        frame = run_trials([one], tmp_path, train=train, progress=[], launcher="inprocess")
    assert frame["status"].to_list() == ["done"]
    assert path.with_name("result.json.corrupt").read_text() == damage
    assert runs(tmp_path, one) == 2


def test_a_trainer_that_writes_rubbish_has_crashed(tmp_path, spec, train):
    with pytest.warns(UserWarning, match="damaged"):
        frame = run_trials([spec(0, do="writes_rubbish")], tmp_path, train=train, progress=[])
    assert frame["status"].to_list() == ["crashed"]
    assert "without writing a valid result.json" in frame["message"][0]


def test_log_is_bounded_and_keeps_beginning_and_end(tmp_path, spec, train):
    one = spec(0, do="chatter")
    frame = run_trials([one], tmp_path, train=train, progress=[])
    log = (Task.under(tmp_path, one).folder / "log.txt").read_bytes()
    assert log.startswith(b"hello from seed 0")
    assert log.rstrip().endswith(b"the very end")
    assert b"bytes left out" in log
    assert len(log) < 700_000
    assert "the very end" in frame["message"][0]


def test_workers_live_on_between_trials_and_share_the_cores(tmp_path, spec, train, monkeypatch):
    monkeypatch.setattr("studylib.trials.launcher.local.cores", lambda: 4)
    specs = [spec(seed, do="threads") for seed in range(6)]
    run_trials(specs, tmp_path, train=train, progress=[], workers=2)
    folders = [Task.under(tmp_path, one).folder for one in specs]
    assert len({(folder / "runs").read_text() for folder in folders}) == 2
    assert {(folder / "threads").read_text() for folder in folders} == {"2"}


def test_a_trial_that_reads_stdin_does_not_eat_the_next_request(tmp_path, spec, train):
    frame = run_trials(
        [spec(seed, do="reads_input") for seed in range(3)], tmp_path, train=train, progress=[], workers=1
    )
    assert frame["status"].to_list() == ["done"] * 3


def test_longest_trials_start_first(tmp_path, spec, train):
    order = []

    def listen(event):
        if event["event"] == "started":
            order.append(event["label"])

    specs = [spec(0, hidden_size=size, size=size) for size in (32, 128, 64)]
    run_trials(specs, tmp_path, train=train, progress=listen, workers=1)
    assert order == ["size=128 seed=0", "size=64 seed=0", "size=32 seed=0"]


def test_a_trainer_that_cannot_be_imported_is_an_error_not_a_failed_trial(tmp_path, spec):
    with pytest.raises(RuntimeError, match=r"(?s)cannot start.*no_such_trainer"):
        run_trials([spec(0)], tmp_path, train="no_such_trainer:train", progress=[])
    assert not list(tmp_path.glob("trials/*/failure.json"))


def test_bad_settings_name_field_and_choices(tmp_path, spec):
    with pytest.raises(StudyError, match=r"launcher: 'locl' .* choose from inprocess, local, slurm, torchrun"):
        run_trials([spec(0)], tmp_path, launcher="locl")
    with pytest.raises(StudyError, match="workers: 0"):
        run_trials([spec(0)], tmp_path, workers=0)
    with pytest.raises(StudyError, match="timeout: -1"):
        run_trials([spec(0)], tmp_path, timeout=-1)


def test_no_trials_give_an_empty_frame(tmp_path):
    frame = run_trials([], tmp_path, progress=[])
    assert len(frame) == 0 and "val_bpb" in frame.columns


def test_inprocess_records_failures_too(tmp_path, spec, train):
    frame = run_trials([spec(0, do="diverge"), spec(1)], tmp_path, train=train, progress=[], launcher="inprocess")
    assert frame["status"].to_list() == ["diverged", "done"]


def test_a_trial_that_another_process_holds_shows_as_running(tmp_path, spec):
    trial = Task.under(tmp_path, spec(0))
    assert trial.state == "to do"
    with trial.lock() as ours:
        assert ours and trial.state == "running"
        with trial.lock() as second:
            assert not second
    assert trial.state == "to do"
    trial.record_failure(Outcome("timeout", "slow"), 1.0)
    assert trial.state == "failed"

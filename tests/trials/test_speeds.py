"""Speed is measured once per shape, as a step of its own beside which nothing runs."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import pytest

from studylib.errors import StudyError
from studylib.ideas.efficiency.tables import measured_layouts
from studylib.model.memory import memory_bytes
from studylib.spec import LayoutSpec, SpeedSpec, timed_step
from studylib.train import throughput
from studylib.trials import Round, median_speeds, plan_steps, run_steps, speed_steps, speed_windows


def race_of(trial):
    small = trial.replace(tags={"size": "s", "variant": "a"})
    return [
        small,
        small.replace(seed=1),
        small.replace(**{"model.hidden_size": 128}, tags={"size": "s", "variant": "b"}),
    ]


@pytest.mark.slow
def test_shapes_are_measured_once_and_kept(tiny_trial, tmp_path, monkeypatch):
    monkeypatch.setattr("studylib.trials.speeds.SpeedSpec", partial(SpeedSpec, windows=2, window_seconds=0.01))
    race = race_of(tiny_trial)
    with pytest.raises(StudyError, match="was not carried out"):
        speed_windows(race, tmp_path)
    (step,) = speed_steps(race)
    heard = []
    run_steps([step], tmp_path, progress=heard.append)
    found = speed_windows(race, tmp_path)
    assert {name: len(rates) for name, rates in found.items()} == dict.fromkeys(("s/a", "s/b"), step.windows)
    assert min(median_speeds(found).values()) > 0
    run_steps([step], tmp_path, progress=(again := []).append)
    assert [one["event"] for one in heard].count("started") == 1 and "started" not in [one["event"] for one in again]


def test_what_a_step_computes_names_its_measurement(tiny_trial):
    race = race_of(tiny_trial)
    (step,) = speed_steps(race)
    assert len(step.trials) == 2, "one of each shape"
    other = tiny_trial.replace(seed=7, eval_every=3, **{"optimizer.learning_rate": 1e-5})
    assert timed_step(other).hash == timed_step(tiny_trial).hash
    for change in ({"global_batch_size": 2}, {"optimizer.name": "muon"}, {"compute.dtype": "bfloat16"}):
        assert timed_step(tiny_trial.replace(**change)).hash != timed_step(tiny_trial).hash
    assert step.replace(machine="another").hash != step.hash != step.replace(threads=2).hash
    assert SpeedSpec.model_validate(step.model_dump(mode="json")) == step


@pytest.mark.parametrize(("held", "order"), [(True, "+a+b ab ab ab -b-a"), (False, "+aaa-a +bbb-b +aa-a +bb-b")])
def test_windows_come_in_turn_where_memory_holds_all_trials(tiny_trial, monkeypatch, held, order):
    happened = []
    names = {timed_step(trial).hash: name for trial, name in zip(race_of(tiny_trial)[1:], "ab", strict=True)}

    @contextmanager
    def ready(trial):
        name = names[trial.hash]
        happened.append(f"+{name}")
        yield throughput.Ready(lambda seconds: happened.append(name) or (seconds, None), len(happened), 1.0)
        happened.append(f"-{name}")

    monkeypatch.setattr(throughput, "ready", ready)
    monkeypatch.setattr(throughput, "fit_together", lambda trials: held)
    trials = tuple(timed_step(trial) for trial in race_of(tiny_trial)[1:])
    found = throughput.measure(SpeedSpec(trials=trials, machine="here", windows=3, window_seconds=0.5))
    assert "".join(happened) == order.replace(" ", "")
    assert [list(one.windows) for one in found.values()] == [[0.5] * 3] * 2
    assert found[trials[0].hash].peak_memory_bytes == 1, "as it was when nothing else was held"


def test_memory_says_whether_trials_are_timed_in_turn(tiny_trial, monkeypatch):
    trial = tiny_trial.replace(**{"compute.device": "cpu"})
    needed = memory_bytes(trial)
    monkeypatch.setattr(throughput, "available_memory", lambda: 5 * needed)
    assert throughput.fit_together([trial] * 2) and not throughput.fit_together([trial] * 3)


def test_trials_over_several_processes_are_not_measured_here(tiny_trial, tmp_path):
    wide = [tiny_trial.replace(**{"parallel.dp": 2})]
    assert speed_steps(wide) == [] and speed_windows(wide, tmp_path) == {} and median_speeds({}) is None


def test_plans_list_measurements_which_are_never_side_by_side(tiny_trial, tmp_path):
    steps = [*speed_steps(race_of(tiny_trial)), LayoutSpec(trials=2, machine="here")]
    plan = plan_steps([tiny_trial, *steps], tmp_path, workers=4)
    rows = {one.task.name: one for one in plan.steps}
    assert [rows[step.name].state for step in steps] == ["to do", "to do"]
    alone = sum(rows[step.name].seconds for step in steps)
    assert rows[steps[0].name].flops > 0 and 0 < alone < plan.seconds


def test_nothing_runs_beside_a_measurement_and_all_of_them_come_together(spec, tmp_path):
    # Two workers, trials of unequal length, a later round, and measurements that are ready from the start.
    trials = [spec(seed, sleep=0.1 + 0.15 * (seed % 3)) for seed in range(6)]
    timed = [SpeedSpec(trials=(timed_step(trials[0]),), machine=f"not this one {n}") for n in range(2)]
    after = Round("behind a measurement", (timed[0].name,), 1, lambda: ([trials[-1]], []))
    running, order, beside = set(), [], []

    def listen(event):
        if event["event"] == "started":
            order.append(event["step"].split("/")[0])
            beside.extend((event["step"], other) for other in running if "speeds" in (order[-1], other.split("/")[0]))
            running.add(event["step"])
        if event["event"] == "finished":
            running.discard(event["step"])
            assert event["status"] == "done", event

    launch = {"train": "fake_speeds:train", "workers": 2, "progress": listen}
    run_steps([*timed, *trials[:-1]], tmp_path, rounds=[after], **launch)
    assert not beside
    assert order == [*["trials"] * 5, *["speeds"] * 2, "trials"], "measured in a row, once nothing else is ready"


@pytest.mark.slow
def test_layouts_are_counted_as_a_step(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDYLIB_CORES", "1")
    step = LayoutSpec(trials=1, train_steps=2, hidden_size=16, rounds=1, machine="here")
    run_steps([step], tmp_path, progress=[])
    found = measured_layouts(step, tmp_path)
    assert found["variant"].to_list() == ["1 x 1"] and found["trials_an_hour"].min() > 0

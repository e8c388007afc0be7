"""Learning-rate schedules: their shapes, and what they refuse."""

from __future__ import annotations

import itertools
import math

import pytest

from studylib.choices.schedule import learning_rate_factor
from studylib.errors import StudyError
from studylib.files import read_json_lines
from studylib.registry import SCHEDULES
from studylib.spec import ScheduleSpec, StageSpec
from studylib.train import train


def factors(steps: int = 100, **fields) -> list[float]:
    schedule = ScheduleSpec(**fields)
    return [learning_rate_factor(schedule, step, steps) for step in range(steps)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_warms_up_in_a_straight_line_and_never_rises_after(name):
    for fields in ({"warmup_fraction": 0.2}, {"warmup_steps": 20}):
        found = factors(name=name, **fields)
        assert found[:20] == pytest.approx([step / 20 for step in range(1, 21)])
        assert all(0 < later <= earlier for earlier, later in itertools.pairwise(found[19:]))
        assert max(found) == 1.0


def test_each_has_its_shape():
    assert factors(name="constant", warmup_steps=10)[10:] == [1.0] * 90
    linear = factors(name="linear", warmup_steps=10, final_fraction=0.0)
    assert linear[10] == 1.0 and linear[-1] == 0.0
    assert {round(a - b, 9) for a, b in itertools.pairwise(linear[10:])} == {round(1 / 89, 9)}
    falling = factors(name="inverse_sqrt", warmup_steps=10)
    assert falling[39] == pytest.approx(0.5) and falling[89] == pytest.approx(1 / 3)
    assert factors(name="cosine", warmup_steps=1, final_fraction=0.0, steps=101)[51] == pytest.approx(
        0.5 * (1 + math.cos(math.pi * 50 / 99))
    )


@pytest.mark.parametrize(("shape", "middle"), [("linear", 0.55), ("1-sqrt", 0.1 + 0.9 * (1 - 0.5**0.5))])
def test_wsd_is_stable_then_decays_over_its_last_part(shape, middle):
    found = factors(name="wsd", warmup_steps=10, decay_fraction=0.3, decay_shape=shape)
    assert found[10:70] == [1.0] * 60
    assert found[84] == pytest.approx(middle)  # half of its thirty steps
    assert found[-1] == pytest.approx(0.1)
    assert len([one for one in found[10:] if one < 1]) == 30


def test_wsd_has_the_same_rates_before_the_decay_at_any_length():
    long, short = (factors(steps, name="wsd", warmup_steps=10) for steps in (100, 50))
    assert long[:40] == short[:40] and short[40] < 1 == long[40]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "cosine", "decay_fraction": 0.5}, "schedule.decay_fraction: 0.5 is not used by cosine"),
        ({"warmup_steps": 5, "warmup_fraction": 0.2}, "beside warmup_steps"),
        ({"name": "wds"}, "did you mean wsd?"),
    ],
)
def test_fields_of_other_shapes_are_refused(fields, says):
    with pytest.raises(ValueError) as caught:
        ScheduleSpec(**fields)
    assert says in str(caught.value)


def test_a_run_shorter_than_its_warm_up_is_refused(tiny_trial):
    with pytest.raises(StudyError, match=r"schedule.warmup_steps: 20 fill the run's 20 steps"):
        tiny_trial.replace(**{"schedule.warmup_steps": 20})


def test_a_final_rate_that_nothing_reaches_is_refused(tiny_trial):
    schedule = ScheduleSpec(name="constant", final_fraction=0.0)
    with pytest.raises(StudyError, match=r"schedule.final_fraction: 0.0 is not used by constant without a stage"):
        tiny_trial.replace(schedule=schedule)
    stages = (StageSpec(name="a", fraction=0.5), StageSpec(name="b", learning_rate="decay"))
    assert tiny_trial.replace(schedule=schedule, stages=stages).schedule == schedule


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_run_follows_it(name, tiny_trial, data_folder, tmp_path):
    spec = tiny_trial.replace(schedule=ScheduleSpec(name=name, warmup_steps=4))
    train(spec, tmp_path, data_folder=data_folder)
    rates = [record["learning_rate"] for record in read_json_lines(tmp_path / "metrics.jsonl") if "loss" in record]
    assert rates == pytest.approx([4e-3 * one for one in factors(20, name=name, warmup_steps=4)])

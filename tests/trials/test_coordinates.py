"""The coordinate check is a step: carried out once, its records kept."""

from __future__ import annotations

from studylib.spec import CoordinateSpec
from studylib.train.coordinates import coordinate_check
from studylib.trials import Task, run_steps


def test_a_coordinate_check_is_carried_out_once_and_keeps_what_it_found(tiny_trial, tmp_path):
    head = tiny_trial.model.head_dim
    step = CoordinateSpec(trial=tiny_trial, widths=(2 * head, 4 * head), seeds=(0, 1), steps=2)
    heard = []
    for _ in range(2):
        run_steps([step], tmp_path, launcher="inprocess", progress=heard.append)
    assert [one["event"] for one in heard].count("started") == 1, "it reads no text, and is not repeated"
    found = [one.model_dump() for one in Task.under(tmp_path, step).made().coordinates]
    assert found == coordinate_check(tiny_trial, (2 * head, 4 * head), steps=2, seeds=(0, 1))
    assert {one["width"] for one in found} == {2 * head, 4 * head} and max(one["step"] for one in found) == 2


def test_what_the_check_computes_names_it_and_text_does_not(tiny_trial):
    step = CoordinateSpec(trial=tiny_trial, widths=(32, 64), seeds=(0,))
    other_text = tiny_trial.replace(**{"data.validation_fraction": 0.2})
    assert other_text.hash != tiny_trial.hash
    assert step.replace(trial=other_text.replace(tags={"variant": "b"})).hash == step.hash
    faster = tiny_trial.replace(**{"optimizer.learning_rate": 0.5})
    assert len({step.hash, step.replace(widths=(32, 128)).hash, step.replace(trial=faster).hash}) == 3

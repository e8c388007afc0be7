"""``python -m studylib.train`` and the schedule, as a user meets them."""

from __future__ import annotations

import itertools
import json
import math

import pytest

from studylib.choices.schedule import learning_rate_factor
from studylib.data import prepare
from studylib.files import read_json, read_json_lines, write_text
from studylib.spec import ScheduleSpec
from studylib.train.__main__ import main
from studylib.train.compute import resolve


@pytest.fixture
def run(tmp_path, data_folder):
    def run(content) -> int:
        write_text(tmp_path / "spec.json", content if isinstance(content, str) else content.model_dump_json())
        return main([str(tmp_path / "spec.json"), "--out", str(tmp_path / "out"), "--data-folder", str(data_folder)])

    return run


def test_trains_and_writes_a_result(run, tiny_trial, tmp_path, capsys):
    assert run(tiny_trial.replace(eval_every=10)) == 0
    printed, result = json.loads(capsys.readouterr().out), read_json(tmp_path / "out" / "result.json")
    assert printed["val_bpb"] == result["val_bpb"]
    assert result["status"] == "done"
    assert result["hash"] == tiny_trial.replace(eval_every=10).hash
    assert result["tokens"] == 20 * 8 * 32
    assert 0 < result["val_loss"] < math.log(512)
    assert result["val"]["tiny"]["loss"] == pytest.approx(result["val_loss"])
    assert result["resolved"] | {"device": "cpu", "dtype": "float32", "compile": "none"} == result["resolved"]
    assert result["peak_memory_bytes"] > 0
    validated_at = [
        record["step"] for record in read_json_lines(tmp_path / "out" / "metrics.jsonl") if "val_loss" in record
    ]
    assert validated_at == [10, 20]


def test_data_only_prepares_what_a_run_then_finds(tiny_trial, tmp_path, capsys):
    write_text(tmp_path / "spec.json", tiny_trial.model_dump_json())
    arguments = [str(tmp_path / "spec.json"), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--data-only"]) == 0
    assert json.loads(capsys.readouterr().out) == {"data": str(tmp_path / "out" / "data")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"data"}
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "data").rglob("*.json")}
    assert made and prepare(tiny_trial.data, tmp_path / "out" / "data").manifest
    assert made == {path: path.stat().st_mtime_ns for path in made}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read as JSON"),
        ('{"model": {"num_layers": 2, "hiden_size": 8, "num_heads": 2, "vocab_size": 512}, "train_steps": 1}', "did you mean hidden_size?"),
        ('{"model": {"num_layers": 2, "hidden_size": 30, "num_heads": 4, "vocab_size": 512}, "train_steps": 1}', "model.num_heads: 4 does not divide"),
        ('{"model": {"num_layers": 2, "hidden_size": 32, "num_heads": 4, "vocab_size": 4096}, "train_steps": "many"}', "train_steps: 'many'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_two(run, content, says, capsys):
    assert run(content) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert "spec.json" in error
    assert len(error.splitlines()) == 1


def test_wrong_number_of_processes_is_said(run, tiny_trial, capsys):
    assert run(tiny_trial.replace(**{"parallel.dp": 2})) == 2
    assert "needs 2 processes but 1 run; start with torchrun" in capsys.readouterr().err


def test_divergence_is_exit_three(run, tiny_trial, capsys):
    assert run(tiny_trial.replace(**{"optimizer.learning_rate": 1e30})) == 3
    assert "diverged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"parallel.pp": 8}, "model.num_layers: 4 is less than parallel.pp 8"),
        ({"parallel.tp": 3}, "model.num_heads: 4 is not divisible by parallel.tp 3"),
        ({"parallel.dp": 3}, "global_batch_size: 8 is not divisible by parallel.dp 3"),
        ({"model.vocab_size": 500}, "model.vocab_size: 500 is less than the tokenizer's 512"),
        ({"optimizer.name": "adanw"}, "did you mean adamw?"),
        ({"optimizer.learning_rate": -1}, "optimizer.learning_rate: -1"),
    ],
)
def test_impossible_trials_are_refused(tiny_trial, changes, says):
    with pytest.raises(ValueError) as caught:
        tiny_trial.replace(**changes)
    assert says in str(caught.value)


def test_hash_ignores_what_changes_no_number(tiny_trial):
    assert tiny_trial.replace(tags={"variant": "a"}, checkpoint_every=3).hash == tiny_trial.hash
    assert tiny_trial.replace(seed=1).hash != tiny_trial.hash
    assert tiny_trial.replace(**{"parallel.micro_batch_size": 4}).hash != tiny_trial.hash
    assert tiny_trial.replace(**{"parallel.micro_batch_size": 4}).recipe_hash == tiny_trial.recipe_hash


def test_cosine_warms_up_and_ends_at_its_floor():
    schedule = ScheduleSpec(name="cosine", warmup_fraction=0.1, final_fraction=0.1)
    factors = [learning_rate_factor(schedule, step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1.0
    assert factors[-1] == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in itertools.pairwise(factors[10:]))


def test_micro_batches_accumulate_to_the_whole_batch(tiny_trial, data_folder, tmp_path):
    from studylib.train import train

    whole = train(tiny_trial, tmp_path / "a", data_folder=data_folder)
    cut = train(tiny_trial.replace(**{"parallel.micro_batch_size": 2}), tmp_path / "b", data_folder=data_folder)
    assert cut["val_loss"] == pytest.approx(whole["val_loss"], rel=1e-4)


def test_bfloat16_stays_near_float32(tiny_trial, data_folder, tmp_path):
    from studylib.train import train

    whole = train(tiny_trial, tmp_path / "a", data_folder=data_folder)
    half = train(tiny_trial.replace(**{"compute.dtype": "bfloat16"}), tmp_path / "b", data_folder=data_folder)
    assert half["val_loss"] != whole["val_loss"]
    assert half["val_loss"] == pytest.approx(whole["val_loss"], rel=0.02)


def test_auto_compiles_only_what_repays_it(tiny_trial):
    auto = tiny_trial.replace(**{"compute.compile": "auto", "compute.dtype": "auto"})
    assert resolve(auto).compile == "none"
    assert resolve(auto.replace(train_steps=10_000_000)).compile == "layer"
    assert resolve(auto).dtype == "float32"


def test_training_leaves_no_trace_of_a_launcher_in_the_environment(tiny_trial, data_folder, tmp_path):
    import os

    from studylib.train import train

    train(tiny_trial.replace(train_steps=2), tmp_path, data_folder=data_folder)
    assert not {"WORLD_SIZE", "RANK"} & set(os.environ)

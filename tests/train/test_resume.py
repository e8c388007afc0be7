"""A trial killed at any moment goes on from its last checkpoint, to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines, write_text
from studylib.train import checkpoint, train
from studylib.train.kept import checkpoints


def without_times(records: list[dict]) -> list[dict]:
    return [
        {key: value for key, value in record.items() if key not in ("seconds", "tokens_per_s")} for record in records
    ]


@pytest.fixture(scope="module")
def uninterrupted(tiny_trial, data_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    train(tiny_trial, out, data_folder=data_folder)
    return without_times(read_json_lines(out / "metrics.jsonl"))


def stop_at(step: int):
    def stop(record: dict) -> None:
        if record["step"] == step:
            raise KeyboardInterrupt

    return stop


@pytest.mark.parametrize("stop", [7, 10, 13, 20])
def test_resumed_run_is_bit_identical(stop, tiny_trial, data_folder, uninterrupted, tmp_path):
    spec = tiny_trial.replace(checkpoint_every=5)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path, data_folder=data_folder, on_metrics=stop_at(stop))
    train(spec, tmp_path, data_folder=data_folder)
    assert without_times(read_json_lines(tmp_path / "metrics.jsonl")) == uninterrupted


def test_finished_trial_run_again_gives_the_same_result(tiny_trial, data_folder, uninterrupted, tmp_path):
    spec = tiny_trial.replace(checkpoint_every=5)
    first = train(spec, tmp_path, data_folder=data_folder)
    (tmp_path / "result.json").unlink()
    again = train(spec, tmp_path, data_folder=data_folder)
    assert again["val_loss"] == first["val_loss"]
    assert without_times(read_json_lines(tmp_path / "metrics.jsonl")) == uninterrupted


@pytest.mark.slow
def test_kill_nine_while_training(tiny_trial, data_folder, tmp_path):
    """Killed for real, at arbitrary moments, until it finishes; the end is that of an undisturbed run."""
    spec = tiny_trial.replace(train_steps=200, checkpoint_every=10)
    write_text(tmp_path / "asked.json", spec.model_dump_json())
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "studylib.train",
        str(tmp_path / "asked.json"),
        "--out",
        str(out),
        "--data-folder",
        str(data_folder),
    ]
    kills = 0
    for records in (1, 17):  # before the first checkpoint, and behind one
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        before = len(read_json_lines(out / "metrics.jsonl"))
        while process.poll() is None and len(read_json_lines(out / "metrics.jsonl")) < before + records:
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills == 2, "a run ended before it was killed"
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = train(spec.replace(checkpoint_every=0), tmp_path / "whole", data_folder=data_folder)
    finally:
        torch.set_num_threads(threads)
    assert read_json(out / "result.json")["val_loss"] == expected["val_loss"]


@pytest.fixture
def two_checkpoints(tiny_trial, data_folder, tmp_path):
    spec = tiny_trial.replace(checkpoint_every=5)
    with pytest.raises(KeyboardInterrupt):
        train(spec, tmp_path, data_folder=data_folder, on_metrics=stop_at(12))
    found = checkpoints(tmp_path / "checkpoints")
    assert [path.name for path in found] == ["step-00000005", "step-00000010"]
    return spec, tmp_path, found


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest"])
def test_damaged_checkpoint_is_set_aside(damage, two_checkpoints, data_folder, uninterrupted):
    spec, out, found = two_checkpoints
    victim = sorted(found[-1].rglob("*.safetensors"))[3]
    content = bytearray(victim.read_bytes())
    if damage == "flip":
        content[-1] ^= 1
        victim.write_bytes(content)
    elif damage == "truncate":
        victim.write_bytes(content[: len(content) // 2])
    elif damage == "remove":
        victim.unlink()
    else:
        (found[-1] / "manifest.json").write_text("{")
    with pytest.warns(UserWarning, match=r"step-00000010.*using the one before"):
        train(spec, out, data_folder=data_folder)
    assert (out / "checkpoints" / "step-00000010.damaged").is_dir()
    assert without_times(read_json_lines(out / "metrics.jsonl")) == uninterrupted


def test_half_written_checkpoint_is_ignored(two_checkpoints, data_folder, uninterrupted):
    spec, out, found = two_checkpoints
    found[-1].rename(found[-1].with_name(f".{found[-1].name}.partial"))
    train(spec, out, data_folder=data_folder)
    assert without_times(read_json_lines(out / "metrics.jsonl")) == uninterrupted


def test_full_disk_is_said_and_nothing_finished_is_lost(two_checkpoints, data_folder, uninterrupted, monkeypatch):
    spec, out, found = two_checkpoints

    def no_space(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save_optimizer_state", no_space)
        with pytest.raises(StudyError, match=r"No space left.*free some space"):
            train(spec, out, data_folder=data_folder)
    assert checkpoints(out / "checkpoints") == found
    assert not list((out / "checkpoints").glob(".*partial"))
    train(spec, out, data_folder=data_folder)
    assert without_times(read_json_lines(out / "metrics.jsonl")) == uninterrupted


def test_only_the_newest_checkpoints_are_kept(tiny_trial, data_folder, tmp_path):
    train(tiny_trial.replace(checkpoint_every=3), tmp_path, data_folder=data_folder)
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == [
        "step-00000018",
        "step-00000020",
    ]

"""Data, tensor and pipeline parallelism and ZeRO-1 change where numbers are computed, not the numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from several import SHARP, in_double, numbers, stopped_before_the_end, train_all

from studylib.files import write_text
from studylib.spec import ParallelSpec, TrialSpec
from studylib.train import train

LAYOUTS = {
    "dp2": {"dp": 2},
    "tp2": {"tp": 2},
    "pp2": {"pp": 2},
    "dp2-zero1": {"dp": 2, "zero_stage": 1},
    "tp2-dp2-zero1": {"tp": 2, "dp": 2, "zero_stage": 1},
    "tp2-pp2": {"tp": 2, "pp": 2},
    "pp2-afab": {"pp": 2, "pp_engine": "afab"},
}
RECUT = {"dp": 2, "zero_stage": 1}


def on(spec: TrialSpec, **layout) -> TrialSpec:
    return spec.replace(parallel=ParallelSpec(**layout))


@pytest.fixture(scope="module")
def plain(tiny_trial) -> TrialSpec:
    return in_double(tiny_trial).replace(checkpoint_every=10)


@pytest.fixture(scope="module")
def choices(plain) -> TrialSpec:
    """Tables split by head, weights shared by heads, learned scales, and one table on two stages at once."""
    changes = {"position": "t5", "qk_norm": True, "tied_embeddings": True, "residual": "scaled"}
    return plain.replace(model=plain.model.replace(**changes))


@pytest.fixture(scope="module")
def trained(plain, choices, data_folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("layouts")
    trials = {out / "one": plain, out / "choices": choices, out / "choices-tp2-pp2": on(choices, tp=2, pp=2)}
    train_all(trials | {out / name: on(plain, **layout) for name, layout in LAYOUTS.items()}, data_folder)
    return out


@pytest.fixture(scope="module")
def recut(trained, plain, choices, data_folder, tmp_path_factory) -> Path:
    """Checkpoints of four processes, gone on from by two that cut the model and its state another way."""
    out = tmp_path_factory.mktemp("recut")
    trials = {
        stopped_before_the_end(trained / "tp2-pp2", out / "plain"): on(plain, **RECUT),
        stopped_before_the_end(trained / "choices-tp2-pp2", out / "choices"): on(choices, **RECUT),
    }
    train_all(trials, data_folder)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_numbers_as_one_process(layout, trained):
    expected, got = numbers(trained / "one"), numbers(trained / layout)
    assert len(got) == 2 * 20 + 1
    assert got == pytest.approx(expected, rel=SHARP)
    assert expected[0] - expected[-1] > 0.2, "the loss must fall for the comparison to mean anything"


@pytest.mark.slow
def test_checkpoint_of_several_processes_loads_on_one(trained, plain, data_folder, tmp_path):
    out = stopped_before_the_end(trained / "tp2-dp2-zero1", tmp_path / "gathered")
    train(plain, out, data_folder=data_folder)
    assert numbers(out) == pytest.approx(numbers(trained / "one"), rel=SHARP)


@pytest.mark.slow
def test_checkpoint_loads_on_another_topology(recut, trained):
    assert numbers(recut / "plain") == pytest.approx(numbers(trained / "one"), rel=SHARP)


@pytest.mark.slow
def test_checkpoint_of_other_choices_loads_on_another_topology(recut, trained):
    expected = numbers(trained / "choices")
    assert numbers(trained / "choices-tp2-pp2") == pytest.approx(expected, rel=SHARP)
    assert numbers(recut / "choices") == pytest.approx(expected, rel=SHARP)


@pytest.mark.slow
def test_single_precision_under_torchrun_as_a_user_starts_it(tiny_trial, data_folder, tmp_path):
    """Equal to rounding, which grows along a run: only the first steps are held together."""
    write_text(tmp_path / "asked.json", on(tiny_trial, tp=2).model_dump_json())
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "studylib.train",
        str(tmp_path / "asked.json"), "--out", str(tmp_path / "two"), "--data-folder", str(data_folder),
    ]  # fmt: skip
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    train(tiny_trial, tmp_path / "one", data_folder=data_folder)
    assert numbers(tmp_path / "two")[:10] == pytest.approx(numbers(tmp_path / "one")[:10], rel=1e-4)

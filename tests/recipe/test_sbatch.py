"""The script of the recipe's run: what it asks Slurm for, and what it does there (``fake_slurm.py``) with a Python that trains nothing."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from fake_slurm import FakeSlurm, options_of

from studylib.errors import StudyError
from studylib.recipe.sbatch import sbatch_script
from studylib.spec import ComputeSpec, ModelSpec, ParallelSpec, TrialSpec

MODEL = ModelSpec(num_layers=4, hidden_size=64, num_heads=8, vocab_size=4096)
TRIAL = TrialSpec(model=MODEL, train_steps=40, checkpoint_every=10, global_batch_size=16)
LARGE = TRIAL.replace(parallel=ParallelSpec(dp=4, tp=8, pp=4))
# Bash that stands for training: a new checkpoint, which start it is, and the end.
KEEPS = 'mkdir -p "$OUT/checkpoints/step-0000000$((${SLURM_RESTART_COUNT:-0} + 1))"'
STARTED = "${SLURM_RESTART_COUNT:-0}"
ENDS = 'mkdir -p "$OUT"; touch "$OUT/result.json"'


@pytest.fixture
def cluster(tmp_path):
    fake = FakeSlurm(tmp_path / "slurm")
    yield fake
    fake.close()


@pytest.fixture
def submit(tmp_path, cluster, wait_until):
    """Submit a script for two nodes of one process; ``train`` is bash that each torchrun is replaced with.

    Returns how the job ended, what its script said, and the arguments of each start on each node.
    """
    here = tmp_path / "a recipe"
    here.mkdir()

    def submit(train: str, meanwhile=lambda job: None, **options) -> tuple[str, str, dict[str, list[str]]]:
        trial = TRIAL.replace(parallel=ParallelSpec(dp=2), compute=ComputeSpec(device="cpu"))
        (here / "train.sbatch").write_text(sbatch_script("pre training.json", trial, 1, out="the run", **options))
        python = here / "python"
        python.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > "$OUT.{STARTED}.$SLURM_NODEID"\n{train}\n')
        python.chmod(0o755)
        environment = os.environ | cluster.environment() | {"PYTHON": str(python)}
        subprocess.run(["sbatch", "train.sbatch"], cwd=here, env=environment, check=True, capture_output=True)
        job = cluster.first
        meanwhile(job)
        state = wait_until(lambda: cluster.state_of(job) not in ("PENDING", "RUNNING") and cluster.state_of(job))
        started = {path.name.removeprefix("the run."): path.read_text().splitlines() for path in here.glob("the run.*")}
        return state, (here / f"studylib-{job}.log").read_text(), started

    return submit


def test_what_is_asked_of_slurm():
    script = sbatch_script("pretraining.json", LARGE, 8, partition="a big one", hours=36.5, signal_minutes=5)
    wanted = {
        "nodes": "16", "ntasks-per-node": "1", "gpus-per-node": "8", "cpus-per-task": "64", "time": "36:30:00",
        "signal": "B:USR1@300", "requeue": "", "partition": "a big one", "open-mode": "append",
    }  # fmt: skip
    assert wanted.items() <= options_of(script).items()
    assert "account" not in options_of(script) and "##SBATCH --account=" in script
    assert options_of(sbatch_script("pretraining.json", LARGE, 4))["nodes"] == "32"


@pytest.mark.parametrize("spec_file", ["pretraining.json", 'it\'s a "spec" $HOME.json'])
def test_script_is_correct_bash(spec_file, tmp_path):
    (tmp_path / "train.sbatch").write_text(sbatch_script(spec_file, LARGE, 8))
    commands = [["bash", "-n"], *([[found, "--severity=warning"]] if (found := shutil.which("shellcheck")) else [])]
    for command in commands:
        done = subprocess.run([*command, tmp_path / "train.sbatch"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert str(tmp_path) not in (tmp_path / "train.sbatch").read_text()


@pytest.mark.parametrize(
    ("trial", "options", "says"),
    [
        (LARGE.replace(checkpoint_every=0), {}, "checkpoint_every: 0 leaves"),
        (LARGE, {"hours": 0}, "hours: 0 must be more than 0"),
        (LARGE, {"hours": 0.05, "signal_minutes": 3}, "signal_minutes: 3 leaves nothing"),
        (LARGE, {"max_requeues": -1}, "max_requeues: -1"),
        (LARGE, {"partition": "gpu\n#SBATCH --nodes=1000"}, "partition: .* must be one line"),
    ],
)
def test_bad_input_is_one_clear_line(trial, options, says):
    with pytest.raises(StudyError, match=says):
        sbatch_script("pretraining.json", trial, 8, **options)


def test_one_torchrun_a_node_meets_at_the_first(submit):
    state, said, started = submit(ENDS)
    assert state == "COMPLETED" and "done: the run/result.json" in said
    assert set(started) == {"0.0", "0.1"}
    common = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--max-restarts=0"]
    for node, host in ((0, 1), (1, 0)):
        arguments = started[f"0.{node}"]
        assert arguments[:2] == ["-m", "torch.distributed.run"]
        assert arguments[-5:] == ["-m", "studylib.train", "pre training.json", "--out", "the run"]
        assert set(common) <= set(arguments)
        assert f"--local-addr=127.0.0.{node + 1}" in arguments
        assert any(one.startswith(f"--rdzv-conf=is_host={host},") for one in arguments)
    endpoints = {one for arguments in started.values() for one in arguments if one.startswith("--rdzv-endpoint=")}
    assert len(endpoints) == 1 and endpoints.pop().startswith("--rdzv-endpoint=127.0.0.1:")


@pytest.mark.parametrize(
    ("signal", "hours", "says"), [("TERM", 24, "preempted: requeued"), ("", 0.05, "the time limit is near: requeued")]
)
def test_a_stopped_run_goes_on_from_its_checkpoint(signal, hours, says, submit, cluster, tmp_path, wait_until):
    kept = tmp_path / "a recipe" / "the run" / "checkpoints" / "step-00000001"

    def stop(job: str) -> None:
        wait_until(kept.exists)
        cluster.tell(job, signal)

    train = f"if (({STARTED})); then {ENDS}; else {KEEPS}; exec sleep 600; fi"
    state, said, started = submit(train, stop, hours=hours, signal_minutes=2)
    assert state == "COMPLETED", said
    assert f"{says}, to go on from step-00000001" in said
    assert "start 2 on node1 node2, from step-00000001" in said
    assert set(started) == {"0.0", "0.1", "1.0", "1.1"}


def test_a_run_that_fails_is_tried_again_only_after_progress(submit):
    state, said, started = submit(f"[[ {STARTED} == 1 ]] || {KEEPS}; exit 3")
    assert state == "FAILED" and {name[0] for name in started} == {"0", "1"}
    assert "failed with status 3: requeued" in said
    assert "failed with status 3 before the first new checkpoint" in said


def test_requeues_are_bounded(submit):
    state, said, started = submit(f"{KEEPS}; exit 1", max_requeues=1)
    assert state == "FAILED" and {name[0] for name in started} == {"0", "1"}
    assert "after 1 requeues: that is the bound" in said


def test_a_cancelled_run_is_not_requeued(submit):
    state, said, started = submit(f'{KEEPS}; touch "$FAKE_SLURM/$SLURM_JOB_ID/ending"; exit 1')
    assert state == "FAILED" and {name[0] for name in started} == {"0"}
    assert "the job is being ended: not requeued" in said

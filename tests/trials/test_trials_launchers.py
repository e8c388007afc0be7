"""Launchers other than the pool, and how the pool lays out workers."""

from __future__ import annotations

import json

import pytest

from studylib import run_trials
from studylib.errors import StudyError
from studylib.model.memory import memory_bytes
from studylib.registry import LAUNCHERS
from studylib.spec import ComputeSpec, ParallelSpec
from studylib.trials.cache import Task
from studylib.trials.launcher import Setting

TWO = ParallelSpec(dp=2)


def setting(out, **changes):
    return Setting(out, **({"asked": 8} | changes))


@pytest.mark.parametrize("launcher", ["local", "torchrun"])
def test_trials_over_two_processes_run_under_torchrun(tmp_path, spec, train, launcher):
    one = spec(0, parallel=TWO, do="ranks")
    frame = run_trials([one], tmp_path, train=train, launcher=launcher, progress=[])
    assert frame["status"].to_list() == ["done"], frame["message"][0]
    folder = Task.under(tmp_path, one).folder
    ranks = [json.loads((folder / f"rank{n}").read_text()) for n in range(2)]
    assert [world for world, _ in ranks] == ["2", "2"]
    assert "hello from seed 0" in (folder / "log.txt").read_text()


def test_a_failing_rank_says_why_although_torchrun_does_not(tmp_path, spec, train):
    specs = [spec(0, parallel=TWO, do="second_rank_out_of_memory"), spec(1, parallel=TWO, do="second_rank_killed")]
    frame = run_trials(specs, tmp_path, train=train, launcher="torchrun", progress=[])
    assert frame["status"].to_list() == ["oom", "oom"], frame["message"].to_list()
    assert "rank 1 has no more" in frame["message"][0]
    assert "SIGKILL" in frame["message"][1]


def test_torchrun_timeout_leaves_no_rank(tmp_path, spec, train, alive, late_when):
    one = spec(0, parallel=TWO, do="hang")
    runs = Task.under(tmp_path, one).folder / "runs"

    def ranks() -> list[str]:
        return runs.read_text().split() if runs.exists() else []

    late_when("studylib.trials.pool", lambda: len(ranks()) == 2)
    frame = run_trials([one], tmp_path, train=train, launcher="torchrun", timeout=3600, progress=[])
    assert frame["status"].to_list() == ["timeout"]
    assert len(ranks()) == 2 and not any(alive(int(pid)) for pid in ranks())


def test_slurm_through_submitits_local_executor(tmp_path, spec, train):
    specs = [spec(0), spec(1, do="crash"), spec(2, parallel=TWO, do="ranks"), spec(3, do="kill")]
    frame = run_trials(
        specs, tmp_path, train=train, launcher="slurm", launcher_options={"cluster": "local"}, progress=[]
    )
    assert frame["status"].to_list()[:3] == ["done", "crashed", "done"], frame["message"].to_list()
    assert "the tensor has the wrong shape" in frame["message"][1]
    assert frame["status"][3] in ("crashed", "oom")
    assert (Task.under(tmp_path, specs[2]).folder / "rank1").exists()
    assert "hello from seed 0" in (Task.under(tmp_path, specs[0]).folder / "log.txt").read_text()


def test_slurm_script_is_shown_without_slurm(tmp_path, spec):
    trials = [Task.under(tmp_path, one) for one in [spec(0), spec(1), spec(2, parallel=TWO)]]
    options = {"slurm_partition": "big", "slurm_account": "nlp", "cpus_per_task": 8, "mem_gb": 64}
    script = LAUNCHERS["slurm"]().show(trials, setting(tmp_path, options=options, timeout=7200))
    wanted = "partition=big account=nlp cpus-per-task=8 mem=64GB time=122 array=0-1%2 ntasks-per-node=2"
    for option in wanted.split():
        assert f"#SBATCH --{option}" in script
    assert "srun" in script and not list(tmp_path.glob("trials/*"))


def test_slurm_options_are_checked(tmp_path, spec):
    trials = [Task.under(tmp_path, one) for one in [spec(0)]]
    with pytest.raises(StudyError, match=r"launcher_options: .*slurm_partion"):
        LAUNCHERS["slurm"]().show(trials, setting(tmp_path, options={"slurm_partion": "big"}))


def test_slurm_without_slurm_is_one_clear_line(tmp_path, spec, train, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudyError, match="srun"):
        run_trials([spec(0)], tmp_path, train=train, launcher="slurm", progress=[])


def test_layout_one_thread_workers_on_a_cpu(tmp_path, spec, monkeypatch):
    monkeypatch.setattr("studylib.trials.launcher.local.cores", lambda: 8)
    monkeypatch.setattr("studylib.trials.launcher.local.gpus", list)
    trials = [Task.under(tmp_path, spec(seed)) for seed in range(12)]
    local = LAUNCHERS["local"]()
    monkeypatch.setattr("studylib.trials.launcher.local.available_memory", lambda: 10**12)
    environments, threads = local.layout(trials, setting(tmp_path, asked=12))
    assert (len(environments), threads) == (8, 1)
    environments, threads = local.layout(trials, setting(tmp_path, asked=12, workers=2))
    assert (len(environments), threads) == (2, 4)
    # What is left of a study is laid out as the whole was, or threads, and so rounding, would differ.
    assert local.layout(trials[:1], setting(tmp_path, asked=12))[1] == 1
    monkeypatch.setattr(
        "studylib.trials.launcher.local.available_memory",
        lambda: 2 * (memory_bytes(trials[0].step) + 500_000_000) + 1000,
    )
    environments, threads = local.layout(trials, setting(tmp_path, asked=12))
    assert (len(environments), threads) == (2, 1), "fewer where memory is short, with the same threads"


def test_layout_one_worker_a_gpu(tmp_path, spec, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    trials = [Task.under(tmp_path, spec(seed)) for seed in range(4)]
    environments, _ = LAUNCHERS["local"]().layout(trials, setting(tmp_path))
    assert environments == [{"CUDA_VISIBLE_DEVICES": "3"}, {"CUDA_VISIBLE_DEVICES": "5"}]
    on_cpu = [Task.under(tmp_path, one) for one in [spec(0).replace(compute=ComputeSpec(device="cpu"))]]
    assert LAUNCHERS["local"]().layout(on_cpu, setting(tmp_path, workers=2))[0] == [{}, {}]

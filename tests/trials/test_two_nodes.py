"""Real trials over two nodes: processes that Slurm would have started there, with names that cannot be looked up."""

from __future__ import annotations

import json
import os
import signal
import socket
from multiprocessing.connection import wait
from pathlib import Path

import pytest
from several import SHARP, forkserver, in_double, numbers, train_all

from studylib.data import prepare
from studylib.network import interface_towards
from studylib.spec import ParallelSpec, TrialSpec
from studylib.trials.cache import Task

NODES = 2
KILLED_AFTER = 8  # steps


def start(trial: TrialSpec, out: Path, *, restarts: int = 0, dies: bool = False) -> list[int]:
    """Every rank of one job on two nodes; returns their exit statuses. As srun does, when one fails it ends the others."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        port = probe.getsockname()[1]
    each = trial.processes // NODES
    environment = {
        "SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": restarts, "SLURM_NTASKS": trial.processes,
        "SLURM_JOB_NUM_NODES": NODES, "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.2",
        "MASTER_PORT": port,
    }  # fmt: skip
    context, ranks = forkserver(), []
    for rank in range(trial.processes):
        node = rank // each
        own = environment | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank % each, "SLURM_NODEID": node}
        own = {name: str(value) for name, value in own.items()}
        ranks.append(context.Process(target=_rank, args=(own, trial, out, dies and node == 1)))
        ranks[-1].start()
    running = {rank.sentinel: rank for rank in ranks}
    while running:
        ended = [running.pop(sentinel) for sentinel in wait(list(running))]
        if any(rank.exitcode for rank in ended):
            for rank in running.values():
                rank.kill()
    return [rank.exitcode for rank in ranks]


def _rank(environment: dict[str, str], trial: TrialSpec, out: Path, dies: bool) -> None:
    import torch

    from studylib.steps._kind import DEFAULT_TRAIN
    from studylib.train import checkpoint
    from studylib.trials.slurm_rank import SlurmRank

    torch.set_num_threads(1)
    os.environ |= environment
    save = checkpoint.save

    def save_and_die(folder, progress, *arguments, **options):
        save(folder, progress, *arguments, **options)
        if progress.step == KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)

    if dies:
        checkpoint.save = save_and_die
    SlurmRank(
        trial.model_dump(mode="json"), str(out), DEFAULT_TRAIN, limit=3600, signal_delay=90, timeout=None, max_requeues=1
    )()  # fmt: skip


@pytest.fixture(scope="module")
def plain(tiny_trial) -> TrialSpec:
    return in_double(tiny_trial).replace(train_steps=12, checkpoint_every=4)


@pytest.fixture(scope="module")
def expected(plain, data_folder, tmp_path_factory) -> list[float]:
    out = tmp_path_factory.mktemp("one")
    train_all({out: plain}, data_folder)
    return numbers(out)


@pytest.fixture
def study(tmp_path, plain, data_folder):
    prepare(plain.data, data_folder)
    (tmp_path / "data").symlink_to(data_folder)

    def study(**layout) -> tuple[TrialSpec, Path]:
        trial = plain.replace(parallel=ParallelSpec(**layout))
        folder = Task.under(tmp_path, trial).folder
        folder.mkdir(parents=True)
        return trial, folder

    return study


@pytest.mark.slow
def test_a_replica_on_each_node(study, expected, tmp_path):
    trial, folder = study(dp=2, tp=2, zero_stage=1)
    assert start(trial, tmp_path) == [0] * 4
    assert numbers(folder) == pytest.approx(expected, rel=SHARP)


@pytest.mark.slow
def test_a_node_dies_and_the_job_goes_on_from_the_checkpoint(study, expected, tmp_path):
    """Two pipeline stages, one a node."""
    trial, folder = study(pp=2)
    assert start(trial, tmp_path, dies=True)[1] == -signal.SIGKILL
    assert max(path.name for path in (folder / "checkpoints").glob("step-*")) == f"step-{KILLED_AFTER:08}"
    assert not (folder / "result.json").exists()
    made, *later = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    marked = json.dumps(json.loads(made) | {"made": "before"}) + "\n"  # a run from the beginning would drop it
    (folder / "metrics.jsonl").write_text(marked + "".join(later))
    assert start(trial, tmp_path, restarts=1) == [0, 0]
    assert numbers(folder) == pytest.approx(expected, rel=SHARP)
    assert json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])["made"] == "before"


def test_the_interface_towards_a_node_is_told_without_its_name():
    names = {name for _, name in socket.if_nameindex()}
    assert interface_towards("127.0.0.1", remote=False) in names
    assert interface_towards("127.0.0.1", remote=True) is None, "no other machine reaches a loopback interface"
    assert interface_towards("no-such-node.invalid", remote=True) is None

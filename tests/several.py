"""Layouts: several trials trained in the same processes, in double precision, and what is compared between them.

Processes are forked from one that has loaded torch and the trainer, and find each other through files: starting them as
torchrun does costs several times more than a tiny trial. (tests/train/test_topologies.py has one that is started so.)
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path

from studylib.data import prepare
from studylib.files import read_json, read_json_lines
from studylib.spec import TrialSpec

# In double precision sums taken in another order differ by 1e-15, and after twenty steps by 1e-13: a gradient that is wrong
# anywhere is seen, and no processor's rounding is.
SHARP = 1e-9


# Enough for what adds up from step to step, and half of them for a checkpoint to go on from.
STEPS = 8


def in_double(spec: TrialSpec) -> TrialSpec:
    return spec.replace(**{"compute.dtype": "float64"})


def compared(spec: TrialSpec, steps: int = STEPS) -> TrialSpec:
    """What is trained on several layouts: in double precision, with a checkpoint half-way."""
    return in_double(spec).replace(train_steps=steps, checkpoint_every=steps // 2)


def train_all(trials: dict[Path, TrialSpec], data_folder: Path) -> None:
    """Train each trial into its folder: those for one process here, those for several together on as many."""
    for spec in trials.values():
        prepare(spec.data, data_folder)
    by_processes: dict[int, list[tuple[Path, TrialSpec]]] = {}
    for out, spec in trials.items():
        by_processes.setdefault(spec.parallel.world_size, []).append((out, spec))
    for processes, several in sorted(by_processes.items()):
        if processes == 1:
            _train(several, data_folder)
        else:
            on_processes(processes, _train, several, data_folder)


def forkserver() -> multiprocessing.context.ForkServerContext:
    """Processes forked from one that has loaded what trials need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studylib.train.trainer", "studylib.trials.slurm_rank", "submitit"])
    return context


def on_processes(processes: int, function: Callable, *arguments) -> None:
    """Call ``function`` on several processes at once, where the package finds itself started as by torchrun."""
    context = forkserver()
    with tempfile.TemporaryDirectory() as folder:
        ranks = [
            context.Process(target=_rank, args=(rank, processes, Path(folder), function, arguments))
            for rank in range(processes)
        ]
        for rank in ranks:
            rank.start()
        running = {rank.sentinel: rank for rank in ranks}
        while running:
            ended = [running.pop(sentinel) for sentinel in wait(list(running))]
            if any(rank.exitcode for rank in ended):
                for rank in running.values():  # would wait for the one that failed
                    rank.kill()
        said = "".join(path.read_text() for path in Path(folder).glob("failed-*"))
        assert not any(rank.exitcode for rank in ranks), said or [rank.exitcode for rank in ranks]


def numbers(out: Path) -> list[float]:
    """Of a trial: loss and norm of the gradient at every step, then the validation loss.

    Adam and its like divide the gradient's scale out again; the norm shows it.
    """
    records = [record for record in read_json_lines(out / "metrics.jsonl") if "loss" in record]
    along = [record[name] for record in records for name in ("loss", "grad_norm")]
    return [*along, read_json(out / "result.json")["val_loss"]]


def stopped_before_the_end(out: Path, copy: Path) -> Path:
    """A copy of a finished trial's folder as it was after the last checkpoint but one."""
    shutil.copytree(out, copy)
    (copy / "result.json").unlink()
    shutil.rmtree(max((copy / "checkpoints").glob("step-*")))
    return copy


def _train(trials: list[tuple[Path, TrialSpec]], data_folder: Path) -> None:
    from studylib.train import train

    for out, spec in trials:
        train(spec, out, data_folder=data_folder)


def _rank(rank: int, processes: int, folder: Path, function: Callable, arguments: tuple) -> None:
    import torch

    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes)}
    start, number = torch.distributed.init_process_group, itertools.count()

    def start_anew(backend: str, **options) -> None:
        store = torch.distributed.FileStore(str(folder / f"store-{next(number)}"), processes)
        start(backend, store=store, rank=rank, world_size=processes, **options)

    torch.distributed.init_process_group = start_anew
    try:
        function(*arguments)
    except BaseException:
        (folder / f"failed-{rank}").write_text(traceback.format_exc())
        raise

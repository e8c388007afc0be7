"""Layouts: several trials trained in the same processes, in double precision, and what is compared between them.

    torchrun --nproc_per_node 2 several.py ASKED

ASKED is ``[{"spec": TrialSpec, "out": folder, "data_folder": folder}, ...]``, all for this number of processes. The trials are
what ``python -m studylib.train`` would have trained one by one; starting Python and torch costs more than a tiny trial.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from studylib.data import prepare
from studylib.files import read_json, read_json_lines
from studylib.spec import TrialSpec

# In double precision sums taken in another order differ by 1e-15, and after twenty steps by 1e-13: a gradient that is wrong
# anywhere is seen, and no processor's rounding is.
SHARP = 1e-9


def in_double(spec: TrialSpec) -> TrialSpec:
    return spec.replace(**{"compute.dtype": "float64"})


def train_all(trials: dict[Path, TrialSpec], data_folder: Path) -> None:
    """Train each trial into its folder: those for one process here, the others with one torchrun for each number of them."""
    for spec in trials.values():
        prepare(spec.data, data_folder)
    asked: dict[int, list[dict]] = {}
    for out, spec in trials.items():
        one = {"spec": spec.model_dump(mode="json"), "out": str(out), "data_folder": str(data_folder)}
        asked.setdefault(spec.parallel.world_size, []).append(one)
    for processes, several in sorted(asked.items()):
        if processes == 1:
            _train(several)
        else:
            torchrun(Path(__file__), json.dumps(several), processes=processes)


def torchrun(script: Path, *arguments: str, processes: int) -> None:
    """Run a script on several processes; what it said is shown when it fails."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [*command, str(script), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


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


def _train(asked: list[dict]) -> None:
    from studylib.train import train

    for one in asked:
        train(TrialSpec(**one["spec"]), Path(one["out"]), data_folder=Path(one["data_folder"]))


def _start_groups_anew() -> None:
    """Give every start of the process groups its own part of torchrun's store, which keeps the addresses of the one before."""
    import torch.distributed

    start, stores = torch.distributed.init_process_group, itertools.count()

    def start_anew(backend: str, **options) -> None:
        store, rank, processes = next(torch.distributed.rendezvous("env://"))
        store = torch.distributed.PrefixStore(str(next(stores)), store)
        start(backend, store=store, rank=rank, world_size=processes, **options)

    torch.distributed.init_process_group = start_anew


if __name__ == "__main__":
    _start_groups_anew()
    _train(json.loads(sys.argv[1]))

"""The fastest micro-batch that fits in memory, found by trying."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from studylib.errors import StudyError
from studylib.files import read_json, write_json
from studylib.model.gpt import GPT
from studylib.model.memory import memory_bytes
from studylib.parallel import PipelineEngine, World, dist
from studylib.registry import OBJECTIVES
from studylib.rows import Batch
from studylib.spec import TrialSpec
from studylib.train.compute import Compute
from studylib.train.pipeline import forward_backward

# A larger micro-batch must be this much faster to be worth its memory.
WORTH = 1.02
SHARE_OF_MEMORY = 0.9
_KEPT = "micro_batch.json"


def fit_micro_batch(
    spec: TrialSpec, model: GPT, world: World, engine: PipelineEngine, compute: Compute, batch: Batch,
    out: Path,
) -> int:  # fmt: skip
    """Sequences in one forward pass: as ``spec`` says, or for ``auto`` the fastest of the divisors of a replica's share
    that hold whole pairs where rows are pairs.

    ``batch`` is a step's, to try with. What was found is kept in ``out``, so that a trial resumed goes on with the same.
    Ranks try together and agree. Gradients that trying leaves behind are dropped.

    Raises
    ------
    StudyError
        Not even one sequence fits.
    """
    if spec.parallel.micro_batch_size != "auto":
        return spec.micro_batch_size
    if (out / _KEPT).exists():
        return read_json(out / _KEPT)["micro_batch_size"]
    replica = spec.global_batch_size // world.dp
    together = OBJECTIVES[spec.objective.name](spec.objective).rows_together
    best, tried = None, {}
    for size in range(together, replica + 1, together):
        if replica % size:
            continue
        seconds = _seconds_a_sequence(spec, model, world, engine, compute, batch.rows(0, size))
        if seconds is None:
            break  # what is larger needs more
        tried[size] = seconds
        if best is None or seconds * WORTH < tried[best]:
            best = size
    if best is None:
        raise StudyError(
            "parallel.micro_batch_size: not even one sequence fits in memory; try recompute or more processes"
        )
    if world.is_main:
        write_json(out / _KEPT, {"micro_batch_size": best, "seconds_a_sequence": tried})
    world.barrier()
    return best


def _seconds_a_sequence(
    spec: TrialSpec, model: GPT, world: World, engine: PipelineEngine, compute: Compute, rows: Batch
) -> float | None:
    """Seconds of forward and backward for one sequence in one micro-batch of ``rows``; None where that does not fit."""
    size = len(rows)
    fits, seconds = _expected_to_fit(spec, world, size), []
    try:
        for _ in range(3 if _agreed(world, fits) else 0):
            began = time.perf_counter()
            forward_backward(model, world, engine, compute, rows, size)
            if world.device.type == "cuda":
                torch.cuda.synchronize(world.device)
            seconds.append(time.perf_counter() - began)
    except torch.OutOfMemoryError:
        fits = False
        torch.cuda.empty_cache()
    finally:
        model.zero_grad()
    if not _agreed(world, fits):
        return None
    slowest = torch.tensor(min(seconds[1:]) / size, device=world.device)  # the first compiles and allocates
    if world.size > 1:
        dist.all_reduce(slowest, group=world.context.world_pg, op=dist.ReduceOp.MAX)
    return slowest.item()


def _expected_to_fit(spec: TrialSpec, world: World, size: int) -> bool:
    """By the count of memory; a CPU kills the process instead of refusing, so it must be known before."""
    if world.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(world.device)
        free += torch.cuda.memory_reserved(world.device)
    else:
        import psutil

        free = psutil.virtual_memory().available
    return memory_bytes(spec.replace(**{"parallel.micro_batch_size": size})) < SHARE_OF_MEMORY * free


def _agreed(world: World, fits: bool) -> bool:
    verdict = torch.tensor(int(fits), device=world.device)
    if world.size > 1:
        dist.all_reduce(verdict, group=world.context.world_pg, op=dist.ReduceOp.MIN)
    return bool(verdict.item())

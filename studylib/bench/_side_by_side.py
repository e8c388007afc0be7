"""Contenders in processes of their own, so that each has its own memory, compiler and settings."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
import torch

from studylib.environment import memory_environment
from studylib.spec import ModelSpec
from studylib.train.allocator import keep_freed_memory


def steps_of(
    contenders: Mapping[str, tuple[str, bool]], model: ModelSpec, dtype: str, compiled: bool, *, batch: int
) -> contextlib.AbstractContextManager[dict[str, Callable[[], None]]]:
    """`in_processes` for contenders that are each a name of CONTENDERS, and whether it keeps freed memory as this engine does when
    it trains."""
    threads = torch.get_num_threads()
    return in_processes(
        {
            label: (partial(_serve, name, model, dtype, compiled, batch, threads, keep), keep)
            for label, (name, keep) in contenders.items()
        }
    )


@contextlib.contextmanager
def in_processes(
    contenders: Mapping[str, tuple[Callable[[Connection], None], bool]],
) -> Iterator[dict[str, Callable[[], None]]]:
    """For each label a function that makes its contender take one step and waits for the end of it.

    A contender is what its process does with its end of a pipe, and whether memory that it frees is kept. It sends "ready" once it
    is built, takes a step whenever it receives True, sends something behind it, and ends when it receives None.
    """
    context = multiprocessing.get_context("spawn")
    started = []
    try:
        steps = {}
        for label, (serve, keep) in contenders.items():
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(there,), daemon=True)
            with _environment(memory_environment() if keep else {}):
                process.start()
            there.close()  # so that the end of the process is seen here
            started.append((process, here))

            def step(pipe: Connection = here) -> None:
                pipe.send(True)
                pipe.recv()

            steps[label] = step
        for _, pipe in started:
            pipe.recv()  # built; compiled in its first step
        yield steps
    finally:
        for process, pipe in started:
            with contextlib.suppress(OSError):  # it has died already
                pipe.send(None)
            process.join(timeout=30)
            process.kill()  # where it does not end by itself


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """What a process started meanwhile finds in its environment."""
    before = os.environ.copy()
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name)
        os.environ.update(before)


def _serve(
    name: str, model: ModelSpec, dtype: str, compiled: bool, batch: int, threads: int, keep: bool, pipe: Connection
) -> None:
    from studylib.bench.contenders import CONTENDERS

    torch.set_num_threads(threads)
    if keep:
        keep_freed_memory()
    step = CONTENDERS[name](model, dtype, compiled)
    rows = np.random.default_rng(0).integers(0, model.vocab_size, (batch, model.seq_len + 1))
    pipe.send("ready")
    while pipe.recv() is not None:
        step(rows)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        pipe.send("done")

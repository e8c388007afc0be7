"""Trains models for a few steps, in double precision: what the tests of choices compare between layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from studylib.files import write_json
from studylib.model.gpt import build_gpt
from studylib.parallel import pipeline_engine, world
from studylib.rows import Batch
from studylib.spec import ComputeSpec, DataSpec, ModelSpec, ParallelSpec, SourceSpec, TokenizerSpec, TrialSpec
from studylib.train.compute import resolve
from studylib.train.gradients import clip_gradients, reduce_gradients
from studylib.train.optimizer import build_optimizer
from studylib.train.pipeline import forward_backward, sum_over_world

STEPS, ROWS = 3, 4
RATE = 1e-3  # there is no warm-up here, and without norms the default rate throws the first steps far off


def trial_of(model: ModelSpec, parallel: ParallelSpec) -> TrialSpec:
    """A trial that trains ``model``; its data are named, not read."""
    data = DataSpec(sources=(SourceSpec(kind="files", name="none", options={"path": "none"}),),
                    tokenizer=TokenizerSpec(vocab_size=model.vocab_size))  # fmt: skip
    return TrialSpec(
        model=model, data=data, parallel=parallel, train_steps=STEPS, global_batch_size=ROWS,
        compute=ComputeSpec(device="cpu", dtype="float64", compile="none"),
    )  # fmt: skip


def numbers(models: dict[str, ModelSpec], parallel: ParallelSpec) -> dict[str, list[float]]:
    """Losses and gradient norms of a few optimizer steps on the same random tokens."""
    found = {}
    with world(parallel, torch.device("cpu")) as processes:
        for name, model in models.items():
            spec = trial_of(model, parallel).replace(**{"optimizer.learning_rate": RATE})
            compute, engine = resolve(spec), pipeline_engine(parallel.pp_engine)
            gpt = build_gpt(model, processes, seed=3, execution=compute.execution)
            optimizer = build_optimizer(gpt, spec, processes)
            rows = np.random.default_rng(0).integers(0, model.vocab_size, (ROWS, model.seq_len + 1))
            found[name] = []
            for _ in range(STEPS):
                loss = forward_backward(gpt, processes, engine, compute, Batch(rows), spec.micro_batch_size)
                reduce_gradients(gpt, processes)
                norm = clip_gradients(gpt, processes, 1.0)
                optimizer.step()
                optimizer.zero_grad()
                found[name] += [sum_over_world(processes, loss), norm.item()]
        main = processes.is_main
    return found if main else {}


def write_numbers(models: dict[str, ModelSpec], parallel: ParallelSpec, file: Path) -> None:
    """Of one of several processes: its part of ``numbers``, which the first one writes."""
    if found := numbers(models, parallel):
        write_json(file, found)

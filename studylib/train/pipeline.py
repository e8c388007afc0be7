"""One optimizer step's forward and backward passes, and the forward pass of validation, over the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from studylib.model.gpt import GPT
from studylib.model.moe.auxiliary import auxiliary_scale
from studylib.parallel import PipelineEngine, TensorPointer, World, dist
from studylib.rows import Batch
from studylib.train.compute import Compute


def micro_batches(
    model: GPT, world: World, batch: Batch, micro_batch_size: int, *, label_scale: float = 0.0
) -> Iterator[dict]:
    """Cut a batch into inputs and labels of micro batches, each only where its stage is.

    A model made for it also gets ``prefix_len``, ``begin`` and ``label_scale``, which its head multiplies the summed loss by, and
    what its ``row_loss`` takes.
    """
    first, last = model.input_pp_rank, model.output_pp_rank

    def on(rank: int, values: np.ndarray) -> torch.Tensor | TensorPointer:
        if world.pp_rank != rank:
            return TensorPointer(rank)
        held = torch.from_numpy(np.ascontiguousarray(values))
        return held.pin_memory().to(world.device, non_blocking=True) if world.device.type == "cuda" else held

    for start in range(0, len(batch), micro_batch_size):
        part = batch.rows(start, start + micro_batch_size)
        labels = part.tokens_BT[:, 1:] if part.labels_BT is None else part.labels_BT
        made = {"input_ids": on(first, part.tokens_BT[:, :-1]), "label_ids": on(last, labels)}
        if model.prefixes and part.prefix_len_B is None and world.pp == 1:
            made["prefix_len"] = None  # the causal kernels are quicker
        elif model.prefixes:
            none = np.zeros(len(part), dtype=np.int64)
            made["prefix_len"] = on(first, none if part.prefix_len_B is None else part.prefix_len_B)
        if model.packed and part.begin_BT is None and world.pp == 1:
            made["begin"] = None
        elif model.packed:
            one_text = np.zeros(part.tokens_BT[:, :-1].shape, dtype=np.int64)
            made["begin"] = on(first, one_text if part.begin_BT is None else part.begin_BT)
        if model.masked:
            made["label_scale"] = on(last, np.array([label_scale]))
        for name in model.row_loss.takes if model.row_loss else ():
            values = getattr(part, f"{name}_B")
            assert values is not None or not model.training, f"rows without {name}"
            made[name] = on(last, np.zeros(len(part)) if values is None else values)
        yield made


def forward_backward(
    model: GPT,
    world: World,
    engine: PipelineEngine,
    compute: Compute,
    batch: Batch,
    micro_batch_size: int,
    *,
    counted: int | None = None,
) -> torch.Tensor:
    """Accumulate gradients of the mean loss over ``batch`` (this replica's).

    Where not every position carries loss, replicas and micro batches hold different numbers of labels: then the mean is
    over all ``counted`` labels of the step, on all replicas, and the average over replicas of what is accumulated here
    is its gradient. ``counted`` may be left out for one replica. Of a loss of whole rows (``row_loss``) it counts units of those.

    Returns the mean loss (0-d, fp64) on the last pipeline stage, zero elsewhere; averaged over replicas, the step's.
    """
    cut = training_inputs(model, world, batch, micro_batch_size, counted=counted)
    return backward(model, world, engine, compute, cut, len(batch) // micro_batch_size)


def backward(
    model: GPT, world: World, engine: PipelineEngine, compute: Compute, cut: Iterable[dict], count: int
) -> torch.Tensor:
    """As `forward_backward`, of a batch that is ``cut`` into ``count`` micro batches (see `micro_batches`)."""
    with auxiliary_scale(1 / count):  # as nanotron's engine and the loop below scale the loss
        total = torch.zeros((), device=world.device, dtype=torch.float64)
        if world.pp == 1:
            # One stage needs no engine: the same passes without its bookkeeping for every block.
            for inputs in cut:
                with compute.autocast():
                    loss = model(**inputs)["loss"] / count
                loss.backward()
                total += loss.detach()
            return total
        with compute.autocast():
            outputs = engine.train_batch_iter(
                model=model, pg=world.context.pp_pg, batch=iter(cut), nb_microbatches=count, grad_accumulator=None
            )
        losses = [output["loss"] for output in outputs if isinstance(output["loss"], torch.Tensor)]
        return total + torch.stack(losses).sum() if losses else total


def training_inputs(
    model: GPT, world: World, batch: Batch, micro_batch_size: int, *, counted: int | None = None
) -> Iterator[dict]:
    """The `micro_batches` of a training step, with the scale of their losses; ``counted`` as for `forward_backward`."""
    count = len(batch) // micro_batch_size
    label_scale = count * world.dp / (counted or counted_in(model, batch)) if model.masked else 0.0
    return micro_batches(model, world, batch, micro_batch_size, label_scale=label_scale)


def counted_in(model: GPT, batch: Batch) -> int:
    """What the loss of ``batch`` is a mean over: labels, or units of rows."""
    return batch.counted if model.row_loss is None else len(batch) // model.row_loss.rows_a_unit


@torch.no_grad()
def forward_losses(model: GPT, world: World, compute: Compute, batch: Batch, micro_batch_size: int) -> torch.Tensor:
    """Sum of the losses of all labels of ``batch`` in nats (0-d, fp64) on the last pipeline stage, zero elsewhere.

    Without gradients the blocks send and receive directly; nanotron's own validation loop asserts a gradient.
    """
    if model.row_loss is not None:
        return -row_scores(model, world, compute, batch, micro_batch_size)[:, 0].sum()
    total = torch.zeros((), device=world.device, dtype=torch.float64)
    for start in range(0, len(batch), micro_batch_size):
        part = batch.rows(start, start + micro_batch_size)
        (inputs,) = micro_batches(model, world, part, len(part), label_scale=1.0)
        with compute.autocast():
            loss = model(**inputs)["loss"]
        if isinstance(loss, torch.Tensor):
            total += loss.double() * (1 if model.masked else part.counted)
    return total


@torch.no_grad()
def row_scores(model: GPT, world: World, compute: Compute, batch: Batch, micro_batch_size: int) -> torch.Tensor:
    """Log-probability of the labels (nats) and reward of each row, fp64 [rows, 2], on the last pipeline stage; zero elsewhere.

    ``model`` is in evaluation mode and was built with a ``row_loss``.
    """
    assert not model.training
    found = torch.zeros((len(batch), 2), device=world.device, dtype=torch.float64)
    for start in range(0, len(batch), micro_batch_size):
        part = batch.rows(start, start + micro_batch_size)
        (inputs,) = micro_batches(model, world, part, len(part))
        with compute.autocast():
            scores = model(**inputs)["loss"]
        if isinstance(scores, torch.Tensor):
            found[start : start + len(part)] = scores
    return found


def sum_over_world(world: World, value: torch.Tensor) -> float:
    """Sum ``value`` over replicas and pipeline stages (only the last stage holds one); equal on every rank."""
    if world.pp > 1:
        dist.all_reduce(value, group=world.context.pp_pg, op=dist.ReduceOp.SUM)
    if world.dp > 1:
        dist.all_reduce(value, group=world.context.dp_pg, op=dist.ReduceOp.SUM)
    return value.item()

"""What one rank of each pipeline stage holds at most: counted stage by stage, where `studylib.model.memory` counts a mean over stages."""

from __future__ import annotations

from studylib.frozen import Frozen
from studylib.model.memory import layer_bytes, logit_bytes, product_bytes, weight_bytes, working_bytes
from studylib.model.stages import Stage, stage_parameters
from studylib.recipe.cards import Card
from studylib.registry import OBJECTIVES, OPTIMIZERS
from studylib.spec import TrialSpec

# Of a card, for CUDA's context, NCCL's buffers, what the allocator cannot use, and since two steps of small models peaked at 0.9 to
# 1.05 of what is counted (tests/model/test_memory.py).
SPARE = 0.1


class Held(Frozen):
    """Trained values of one rank, and the numbers of its optimizer's state."""

    parameters: float
    state: float


class RankMemory(Frozen):
    """Bytes of one rank. ``copies``: the matrices once more in bf16, under autocast."""

    weights: float
    copies: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    total: float


def on_gpu(trial: TrialSpec) -> TrialSpec:
    """``trial`` with what ``auto`` becomes on a GPU."""
    asked = trial.compute
    if asked.device == "cuda" and "auto" not in (asked.dtype, asked.cross_entropy):
        return trial
    resolved = {
        "device": "cuda",
        "dtype": "bfloat16" if asked.dtype == "auto" else asked.dtype,
        "cross_entropy": "chunked" if asked.cross_entropy == "auto" else asked.cross_entropy,
    }
    return trial.replace(compute=asked.replace(**resolved))


def usable_bytes(card: Card) -> float:
    """What a rank may hold on ``card``."""
    return (1 - SPARE) * card.memory_bytes


def micro_batches(trial: TrialSpec) -> int:
    """How many a replica computes in one step."""
    return trial.global_batch_size // trial.parallel.dp // trial.micro_batch_size


def under_way(trial: TrialSpec, stage: Stage) -> int:
    """Micro-batches whose activations a stage holds at once.

    With one forward, one backward as many as there are stages from here on (Narayanan et al. 2021, arXiv 2104.04473, section 2.2).
    """
    stages, count = trial.parallel.pp, micro_batches(trial)
    if stages == 1:
        return 1
    return count if trial.parallel.pp_engine == "afab" else min(stages - stage.index, count)


def held_by(trial: TrialSpec, stage: Stage) -> Held:
    """Counted as if tensor-parallel ranks shared everything: norms and the like, which each keeps, are too few to matter."""
    model, parallel, optimizer = trial.model, trial.parallel, OPTIMIZERS[trial.optimizer.name]
    count = stage_parameters(model, stage)
    tables = (stage.embedding + stage.head) * model.vocab_size * model.hidden_size
    if model.tied_embeddings and stage.embedding and stage.head:
        tables /= 2
    # What must be seen whole is kept whole by every tensor-parallel rank.
    ranks = 1 if "hidden" in optimizer.sees_whole else parallel.tp
    state = optimizer.state_per_weight * (count - tables) / ranks + optimizer.state_per_embedding * tables / parallel.tp
    return Held(parameters=count / parallel.tp, state=state / (parallel.dp if parallel.zero_stage else 1))


def rank_memory(trial: TrialSpec, stage: Stage, held: Held | None = None) -> RankMemory:
    """What a rank of ``stage`` holds at most, of a trial as `on_gpu` makes it; ``held`` where it was built and not counted."""
    held = held or held_by(trial, stage)
    wide, count = weight_bytes(trial), under_way(trial, stage)
    every = layer_bytes(trial)
    layers = every[stage.first : stage.first + stage.layers]
    # With one forward, one backward the last stage has one micro-batch under way.
    logits = logit_bytes(trial, count) if stage.head else 0.0
    activations = sum(layers) * count + (working_bytes(trial) if layers else 0.0)
    beside = activations + logits
    if trial.compute.recompute == "layer":
        tokens = trial.micro_batch_size * trial.model.seq_len
        inputs = wide * tokens * trial.model.hidden_size * stage.layers * count
        one = max(layers, default=0.0) + working_bytes(trial)
        activations = inputs + one
        beside = inputs + max(one, logits)  # by the time of a layer's backward pass the logits are gone
    frozen = OBJECTIVES[trial.objective.name](trial.objective).frozen_models
    weights = wide * held.parameters * (1 + frozen)
    copies = 2 * held.parameters if product_bytes(trial) == 2 else 0.0
    gradients, optimizer = wide * held.parameters, wide * held.state
    return RankMemory(
        weights=weights, copies=copies, gradients=gradients, optimizer=optimizer, activations=activations, logits=logits,
        total=weights + copies + gradients + optimizer + beside,
    )  # fmt: skip

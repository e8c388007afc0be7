"""How long one optimizer step takes on a cluster, counted from the specification: a cost model whose assumptions have names.

Counted is what the engine does: tensor-parallel ranks all-reduce activations in the products' precision and their gradients in fp32;
pipeline stages pass on the fp32 residual stream; replicas all-reduce fp32 gradients behind the last backward pass and, with ZeRO-1,
gather fp32 weights behind the update. Nothing of it is hidden behind computing.
"""

from __future__ import annotations

from pydantic import Field

from studylib.frozen import Frozen
from studylib.model.cost import flops_per_token, head_flops
from studylib.model.memory import layer_bytes, product_bytes, weight_bytes
from studylib.model.stages import Stage, counts_of, pipeline_stages
from studylib.recipe.assumptions import CAUSAL, FLASH, MEMORY, NETWORK, PASSES, REACHED, WEIGHT_TRAFFIC, WHOLE
from studylib.recipe.cards import Card
from studylib.recipe.rank_memory import held_by, micro_batches, on_gpu
from studylib.registry import OPTIMIZERS
from studylib.spec import TrialSpec


class Volume(Frozen):
    """Bytes that the busiest rank sends in one optimizer step, by what they are for; ring algorithms."""

    tensor: float = Field(description="all-reduces of activations and their gradients between tensor-parallel ranks")
    pipeline: float = Field(description="activations and their gradients to the neighbouring stages")
    data: float = Field(description="gradients between replicas, and with ZeRO-1 the new weights")


class StepCost(Frozen):
    """Seconds of one optimizer step by where they go; they add up to ``seconds``.

    ``compute`` and ``tensor`` are those of the busiest pipeline stage, ``bubble`` is what it waits while the pipeline fills and drains.
    """

    compute: float
    tensor: float
    pipeline: float
    data: float
    bubble: float
    optimizer: float
    seconds: float
    bubble_share: float = Field(description="of a stage's time in the pipeline")
    flops: float = Field(description="model FLOPs of the step, on all cards")
    utilisation: float = Field(description="of all cards' dense bf16 peak, while steps are computed")
    run_utilisation: float = Field(description="of a whole run, with its restarts and evaluations")
    tokens_per_second: float = Field(description="of each card")
    volume: Volume


def step_cost(
    trial: TrialSpec, card: Card, gpus_per_node: int = 8, *, overlapped: bool = False, reached: float = REACHED.value
) -> StepCost:
    """One step of ``trial`` on as many cards as it has ranks.

    ``overlapped``: what replicas send is hidden behind computing as far as that lasts, as other trainers do (the engine does not).
    """
    trial = on_gpu(trial)
    parallel, count = trial.parallel, micro_batches(trial)
    stages = pipeline_stages(trial.model, parallel.pp)
    links = _Links(trial, card, gpus_per_node)
    computing = [stage_seconds(trial, stage, card) / reached for stage in stages]
    sent = [_ring(parallel.tp) * tensor_bytes(trial, stage) for stage in stages]
    reducing = [one / links.tensor for one in sent]
    busy = [own + with_others for own, with_others in zip(computing, reducing, strict=True)]
    busiest = busy.index(max(busy))
    bubble = sum(busy) - busy[busiest]
    state = max((held_by(trial, stage) for stage in stages), key=lambda held: held.parameters)
    passed_on = weight_bytes(trial) * trial.micro_batch_size * trial.model.seq_len * trial.model.hidden_size
    parts = parallel.pp > 1
    pipeline = parts * 2 * passed_on * (count + parallel.pp - 1) / links.pipeline
    between_replicas = _replica_bytes(trial, state.parameters)
    data = between_replicas / links.data
    if overlapped:
        data = max(0.0, data - count * computing[busiest])
    optimizer = _optimizer_bytes(trial, state.parameters) / (MEMORY.value * card.memory_bandwidth)
    compute, tensor = count * computing[busiest], count * reducing[busiest]
    seconds = compute + tensor + bubble + pipeline + data + optimizer
    flops = flops_per_token(trial.model) * trial.tokens_per_step
    utilisation = flops / (seconds * card.bf16_flops * parallel.world_size)
    return StepCost(
        compute=compute, tensor=tensor, pipeline=pipeline, data=data, bubble=bubble, optimizer=optimizer, seconds=seconds,
        bubble_share=bubble / (compute + tensor + bubble), flops=flops,
        utilisation=utilisation, run_utilisation=WHOLE.value * utilisation,
        tokens_per_second=trial.tokens_per_step / seconds / parallel.world_size,
        volume=Volume(
            tensor=count * max(sent), pipeline=parts * min(parallel.pp - 1, 2) * count * passed_on, data=between_replicas
        ),
    )  # fmt: skip


def gpu_hours(trial: TrialSpec, card: Card, tokens: float, utilisation: float) -> float:
    """Card-hours to train ``trial``'s model on so many tokens at a share of the cards' dense bf16 peak."""
    return flops_per_token(trial.model) * tokens / (utilisation * card.bf16_flops) / 3600


def stage_seconds(trial: TrialSpec, stage: Stage, card: Card) -> float:
    """What a rank of a stage computes for one micro-batch, forward and backward, at the speeds that its parts were measured to reach."""
    model, ranks = trial.model, trial.parallel.tp
    tokens = trial.micro_batch_size * model.seq_len
    counts = counts_of(model, stage)
    matrix = sum(count.matrix_flops for count in counts) * tokens / ranks
    attention = FLASH.value / 3 * tokens / ranks * sum(
        count.mixing_flops * (CAUSAL.value if model.mixer_of_layer(layer) == "attention" else 1.0)
        for layer, count in zip(stage.of_layers, counts, strict=True)
    )  # fmt: skip
    kept = sum(layer_bytes(trial)[stage.first : stage.first + stage.layers])
    bandwidth = MEMORY.value * card.memory_bandwidth
    layers = matrix / card.matrix_flops + attention / card.attention_flops + PASSES.value * kept / bandwidth
    if trial.compute.recompute == "layer":
        layers *= 4 / 3
    head = 0.0
    if stage.head:
        logits = weight_bytes(trial) * tokens * model.vocab_size / ranks
        head = head_flops(model) * tokens / ranks / card.matrix_flops + PASSES.value * logits / bandwidth
    return layers + head + WEIGHT_TRAFFIC.value * held_by(trial, stage).parameters / bandwidth


def tensor_bytes(trial: TrialSpec, stage: Stage) -> float:
    """What tensor-parallel ranks of a stage all-reduce for one micro-batch: the sizes of the tensors, for layers with attention.

    Two outputs a layer and two gradients of inputs; the embedding's output, the head's input gradient, and three numbers a token of
    the loss. Recomputed, a layer's first output once more.
    """
    low, wide = product_bytes(trial), weight_bytes(trial)
    tokens = trial.micro_batch_size * trial.model.seq_len
    states = tokens * trial.model.hidden_size
    again = low if trial.compute.recompute == "layer" else 0
    found = states * stage.layers * (2 * low + 2 * wide + again)
    if stage.embedding:
        found += states * wide
    if stage.head:
        found += states * (low if trial.compute.cross_entropy == "chunked" else wide) + 3 * wide * tokens
    return found if trial.parallel.tp > 1 else 0.0


def _replica_bytes(trial: TrialSpec, parameters: float) -> float:
    """What a rank sends to those that hold the same part of the model: all gradients, then with ZeRO-1 its share of the weights.

    A table shared by embedding and head is summed over first and last stage as well.
    """
    parallel, wide = trial.parallel, weight_bytes(trial)
    found = wide * parameters * _ring(parallel.dp)
    if parallel.zero_stage and parallel.dp > 1:
        found += wide * parameters * (parallel.dp - 1) / parallel.dp
    if trial.model.tied_embeddings and parallel.pp > 1:
        found += wide * trial.model.vocab_size * trial.model.hidden_size / parallel.tp
    return found


def _optimizer_bytes(trial: TrialSpec, parameters: float) -> float:
    """Read and written by clipping (the norm reads, scaling reads and writes) and by the update of the weights that are this rank's own."""
    parallel, wide = trial.parallel, weight_bytes(trial)
    own = parameters / (parallel.dp if parallel.zero_stage else 1)
    return wide * (3 * parameters + own * (3 + 2 * OPTIMIZERS[trial.optimizer.name].state_per_weight))


def _ring(ranks: int) -> float:
    """Bytes that each of ``ranks`` sends for a byte that is all-reduced."""
    return 2 * (ranks - 1) / ranks


class _Links:
    """Bytes/s at which a rank sends, by whom it sends to; ranks lie in the order pipeline, data, tensor, tensor the nearest."""

    def __init__(self, trial: TrialSpec, card: Card, gpus_per_node: int):
        parallel = trial.parallel
        within, between = NETWORK.value * card.within_node, NETWORK.value * card.between_nodes
        # Ranks of one group that share a node share its adapters, and a ring crosses each of them once.
        self.tensor = within if parallel.tp <= gpus_per_node else min(within, gpus_per_node * between)
        neighbours = max(1, gpus_per_node // parallel.tp)
        self.data = within if parallel.dp <= neighbours else min(within, neighbours * between)
        self.pipeline = within if parallel.world_size <= gpus_per_node else between

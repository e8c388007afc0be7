"""Which blocks lie on which pipeline stage, and what a rank of each stage computes and holds. No torch, so layouts are compared at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from studylib.model.cost import LayerCount, block_costs, head_flops, layer_counts
from studylib.registry import NORMS, POSITIONS, RESIDUALS
from studylib.spec import ModelSpec


@dataclass(frozen=True)
class Stage:
    """Layers ``first`` to ``first + layers``, and whether the embedding and the output head lie here."""

    index: int
    first: int
    layers: int
    embedding: bool
    head: bool

    @property
    def of_layers(self) -> range:
        return range(self.first, self.first + self.layers)


def pipeline_stages(model: ModelSpec, stages: int) -> tuple[Stage, ...]:
    """As nanotron cuts the model (``build_model``): a stage ends with the block that crosses its share of the costs.

    Stages that get no block are there too, with nothing on them.
    """
    layer, head = block_costs(model, stages)
    costs = np.cumsum([0.0, *[layer] * model.num_layers, head])
    thresholds = [costs[-1] * ((stage + 1) / stages) for stage in range(stages)]
    stage, places = 0, []
    for cost in costs:
        places.append(stage)
        if cost > thresholds[stage]:
            stage += 1
    layers = places[1:-1]
    return tuple(
        Stage(
            index=stage,
            first=layers.index(stage) if stage in layers else 0,
            layers=layers.count(stage),
            embedding=places[0] == stage,
            head=places[-1] == stage,
        )
        for stage in range(stages)
    )


def counts_of(model: ModelSpec, stage: Stage) -> tuple[LayerCount, ...]:
    """Of the stage's layers."""
    return layer_counts(model)[stage.first : stage.first + stage.layers]


def stage_parameters(model: ModelSpec, stage: Stage) -> int:
    """Trained values of a stage, whole: over all its tensor-parallel ranks, replicated ones once.

    A table that embedding and head share is counted on each stage that keeps a copy of it.
    """
    table = model.vocab_size * model.hidden_size
    count = sum(layer.parameters for layer in counts_of(model, stage))
    if stage.embedding:
        count += table + POSITIONS[model.position](model).embedding_parameters
    if stage.head:
        count += NORMS[model.norm](model).parameters if RESIDUALS[model.residual](model).final_norm else 0
        count += 0 if model.tied_embeddings and stage.embedding else table
    return count


def stage_flops(model: ModelSpec, stage: Stage) -> float:
    """Training FLOPs of one token on a stage, over all its tensor-parallel ranks; those of all stages are ``flops_per_token``."""
    layers = sum(layer.matrix_flops + layer.mixing_flops for layer in counts_of(model, stage))
    return layers + (head_flops(model) if stage.head else 0.0)

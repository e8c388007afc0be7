"""How long one optimizer step takes on a cluster, counted from the specification: a cost model whose assumptions have names."""

from __future__ import annotations

from pydantic import Field

from studylib.frozen import Frozen
from studylib.recipe.cards import Card
from studylib.spec import TrialSpec


class Assumption(Frozen):
    """A constant of the cost model: ``calibrated`` ones were fitted to published runs, others are taken from ``source``."""

    name: str
    value: float
    unit: str
    source: str
    calibrated: bool = False


class Volume(Frozen):
    """Bytes that the busiest rank sends in one optimizer step, by what they are for."""

    tensor: float = Field(description="all-reduces of activations and their gradients between tensor-parallel ranks")
    pipeline: float = Field(description="activations and their gradients to the neighbouring stages")
    data: float = Field(description="gradients between replicas, and with ZeRO-1 the new weights")


class StepCost(Frozen):
    """Seconds of one optimizer step by where they go; they add up to ``seconds``.

    ``compute`` is what the busiest pipeline stage computes, ``bubble`` what a stage waits for the others in 1F1B.
    """

    compute: float
    tensor: float
    pipeline: float
    data: float
    bubble: float
    optimizer: float
    seconds: float
    bubble_share: float = Field(description="(stages - 1) / (micro batches + stages - 1)")
    flops: float = Field(description="model FLOPs of the step, on all cards")
    utilisation: float = Field(description="of all cards' dense bf16 peak")
    tokens_per_second: float = Field(description="of each card")
    volume: Volume


def step_cost(trial: TrialSpec, card: Card, gpus_per_node: int = 8) -> StepCost:
    """One step of ``trial`` on as many cards as it has ranks."""
    raise NotImplementedError


def gpu_hours(trial: TrialSpec, card: Card, tokens: float, utilisation: float) -> float:
    """Card-hours to train ``trial``'s model on so many tokens at a share of the cards' dense bf16 peak."""
    raise NotImplementedError


def assumptions() -> tuple[Assumption, ...]:
    """All constants of the cost model, for a table."""
    raise NotImplementedError

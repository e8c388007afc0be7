"""Which layout of a trial over a cluster is the fastest that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from studylib.errors import StudyError, invalid
from studylib.frozen import Frozen
from studylib.model.stages import pipeline_stages
from studylib.recipe.cards import Card
from studylib.recipe.cost import StepCost, step_cost
from studylib.recipe.rank_memory import on_gpu, rank_memory, usable_bytes
from studylib.spec import ParallelSpec, TrialSpec
from studylib.words import Text, Words

_MICRO_BATCHES = (1, 2, 4, 8, 16)
_SAID = Words(
    en="""tp {{ tp }}, pp {{ pp }}, dp {{ dp }}, micro batch {{ micro_batch_size }}{% if zero_stage %}, ZeRO-1{% endif %}
        {%- if recomputed %}, recomputed{% endif %}""",
    ja="""tp {{ tp }}、pp {{ pp }}、dp {{ dp }}、マイクロバッチ {{ micro_batch_size }}{% if zero_stage %}、ZeRO-1{% endif %}
        {%- if recomputed %}、再計算あり{% endif %}""",
)


class LayoutCost(Frozen):
    """A layout, what its heaviest rank holds, and what a step costs.

    ``memory_bytes`` is the peak of the heaviest rank, ``memory_by_stage`` of a rank of each pipeline stage; ``usable_bytes`` is what of
    ``card_bytes`` a rank may hold.
    """

    parallel: ParallelSpec
    recompute: str
    fits: bool
    memory_bytes: float
    memory_by_stage: tuple[float, ...]
    usable_bytes: float
    card_bytes: float
    cost: StepCost

    def applied(self, trial: TrialSpec) -> TrialSpec:
        """``trial`` in this layout."""
        return trial.replace(**{"parallel": self.parallel, "compute.recompute": self.recompute})

    def said(self) -> Text:
        return _SAID(**self.parallel.model_dump(), recomputed=self.recompute == "layer")

    def __str__(self) -> str:
        return self.said().en


def layout_cost(trial: TrialSpec, card: Card, gpus_per_node: int = 8) -> LayoutCost:
    """Of the layout that ``trial`` has; its micro batch is a number afterwards."""
    trial = on_gpu(trial)
    parallel = trial.parallel.replace(micro_batch_size=trial.micro_batch_size)
    stages = pipeline_stages(trial.model, parallel.pp)
    held = tuple(rank_memory(trial, stage).total for stage in stages)
    return LayoutCost(
        parallel=parallel, recompute=trial.compute.recompute, fits=max(held) <= usable_bytes(card), memory_bytes=max(held),
        memory_by_stage=held, usable_bytes=usable_bytes(card), card_bytes=card.memory_bytes,
        cost=step_cost(trial, card, gpus_per_node),
    )  # fmt: skip


def search_layouts(
    trial: TrialSpec, card: Card, gpus: int, gpus_per_node: int = 8, *,
    tp: int | None = None, pp: int | None = None, dp: int | None = None,
) -> list[LayoutCost]:  # fmt: skip
    """Every valid layout of ``trial`` over ``gpus`` cards: those that fit by rising seconds, then those that do not by rising memory.

    Micro batches of up to 16 sequences, with and without ZeRO-1 and recomputed layers; tensor-parallel ranks stay within a node.

    Raises
    ------
    StudyError
        No layout is valid for this model, batch and number of cards.
    """
    trial, found = on_gpu(trial), []
    for parallel in _layouts(trial, gpus, gpus_per_node, tp, pp, dp):
        for recompute in ("none", "layer"):
            try:
                laid = trial.replace(**{"parallel": parallel, "compute.recompute": recompute})
            except StudyError:  # the specification's own rules say what is valid
                continue
            found.append(layout_cost(laid, card, gpus_per_node))
    if not found:
        asked = ", ".join(f"{name} {size}" for name, size in (("tp", tp), ("pp", pp), ("dp", dp)) if size)
        why = (
            f"have no layout{f' of {asked}' if asked else ''}: tp must divide num_heads {trial.model.num_heads}, kv_heads "
            f"{trial.model.kv_heads}, vocab_size {trial.model.vocab_size} and gpus_per_node {gpus_per_node}, pp be at most num_layers "
            f"{trial.model.num_layers}, dp divide global_batch_size {trial.global_batch_size}"
        )
        raise invalid("gpus", gpus, why)
    return sorted(found, key=lambda one: (not one.fits, one.cost.seconds if one.fits else one.memory_bytes))


def _layouts(
    trial: TrialSpec, gpus: int, gpus_per_node: int, tp: int | None, pp: int | None, dp: int | None
) -> Iterator[ParallelSpec]:
    model = trial.model
    for tensor in _divisors(gpus):
        if tp not in (None, tensor) or gpus_per_node % tensor:
            continue
        if any(size % tensor for size in (model.num_heads, model.kv_heads, model.vocab_size, model.ffn_size)):
            continue
        for stages in _divisors(gpus // tensor):
            replicas = gpus // tensor // stages
            if pp not in (None, stages) or dp not in (None, replicas) or stages > model.num_layers:
                continue
            if trial.global_batch_size % replicas or not all(
                stage.layers or stage.head for stage in pipeline_stages(model, stages)
            ):
                continue
            rows = trial.global_batch_size // replicas
            for size in _MICRO_BATCHES:
                for zero_stage in (0, 1) if replicas > 1 else (0,):
                    if rows % size == 0:
                        layout = {"tp": tensor, "pp": stages, "dp": replicas}
                        yield trial.parallel.replace(**layout, micro_batch_size=size, zero_stage=zero_stage)


def _divisors(number: int) -> list[int]:
    return [one for one in range(1, number + 1) if number % one == 0]


def layouts_table(layouts: Sequence[LayoutCost]) -> pl.DataFrame:
    """A row a layout, in their order.

    Columns: layout (in words), tp, pp, dp, micro_batch_size, zero_stage, recompute, fits, memory_bytes, usable_bytes, then the fields of
    `StepCost`: seconds of a step and their parts, bubble_share, utilisation, tokens_per_second, and bytes sent (tensor_bytes ...).
    """
    rows = []
    for one in layouts:
        cost = one.cost.model_dump(exclude={"volume"})
        sent = {f"{name}_bytes": value for name, value in one.cost.volume.model_dump().items()}
        layout = one.parallel.model_dump(include={"tp", "pp", "dp", "micro_batch_size", "zero_stage"})
        held = {"recompute": one.recompute, "fits": one.fits, "memory_bytes": one.memory_bytes}
        rows.append({"layout": str(one), **layout, **held, "usable_bytes": one.usable_bytes, **cost, **sent})
    return pl.DataFrame(rows, infer_schema_length=None)

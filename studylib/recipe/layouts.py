"""Which layout of a trial over a cluster is the fastest that fits."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from studylib.frozen import Frozen
from studylib.recipe.cards import Card
from studylib.recipe.cost import StepCost
from studylib.spec import ParallelSpec, TrialSpec


class LayoutCost(Frozen):
    """A layout, what its heaviest rank holds, and what a step costs.

    ``memory_bytes`` is the peak of the heaviest rank, ``memory_by_stage`` of a rank of each pipeline stage.
    """

    parallel: ParallelSpec
    recompute: str
    fits: bool
    memory_bytes: float
    memory_by_stage: tuple[float, ...]
    card_bytes: float
    cost: StepCost

    def applied(self, trial: TrialSpec) -> TrialSpec:
        """``trial`` in this layout."""
        return trial.replace(parallel=self.parallel, **{"compute.recompute": self.recompute})

    def __str__(self) -> str:
        one = self.parallel
        parts = [f"tp {one.tp}", f"pp {one.pp}", f"dp {one.dp}", f"micro batch {one.micro_batch_size}"]
        parts += ["ZeRO-1"] * one.zero_stage + ["recomputed"] * (self.recompute == "layer")
        return ", ".join(parts)


def search_layouts(
    trial: TrialSpec, card: Card, gpus: int, gpus_per_node: int = 8, *,
    tp: int | None = None, pp: int | None = None, dp: int | None = None,
) -> list[LayoutCost]:  # fmt: skip
    """Every valid layout of ``trial`` over ``gpus`` cards: those that fit by rising seconds, then those that do not by rising memory.

    Raises
    ------
    StudyError
        No layout is valid for this model, batch and number of cards.
    """
    raise NotImplementedError


def layouts_table(layouts: Sequence[LayoutCost]) -> pl.DataFrame:
    """A row a layout: dp, tp, pp, micro_batch_size, zero_stage, recompute, fits, memory_bytes, seconds and their parts, utilisation, ..."""
    raise NotImplementedError

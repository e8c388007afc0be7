"""Every rank of a layout built as the engine builds it, without a GPU: what each holds against the card's memory."""

from __future__ import annotations

import polars as pl

from studylib.frozen import Frozen
from studylib.recipe.cards import Card
from studylib.spec import TrialSpec


def dry_run(trial: TrialSpec, card: Card, *, workers: int | None = None) -> pl.DataFrame:
    """A row a rank of all dp * tp * pp, built on the meta device in child processes (``workers``: one a core).

    Columns: rank, dp, tp, pp (places), layers, first_layer, embedding, head, parameters (of this rank), replicated (of them, those that every
    tensor-parallel rank has), weights_bytes, copies_bytes (bf16 under autocast), gradients_bytes, optimizer_bytes, activations_bytes,
    logits_bytes, total_bytes, card_bytes, fits, flops_share (of the model's FLOPs, times tp: the stage's).

    Raises
    ------
    StudyError
        A rank could not be built, or what was built is not what was counted.
    """
    raise NotImplementedError


class RanksSummary(Frozen):
    """What a recipe says of all ranks together."""

    ranks: int
    parameters: int
    lightest_bytes: float
    heaviest_bytes: float
    card_bytes: float
    fits: bool
    balance: float
    bubble_share: float
    seconds: float


def summary(ranks: pl.DataFrame, trial: TrialSpec) -> RanksSummary:
    """``parameters`` of one model, replicated ones counted once; ``balance``: the mean stage's FLOPs over the busiest's."""
    raise NotImplementedError

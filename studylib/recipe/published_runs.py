"""Published runs of 7B to 13B models, and what the cost model says of them."""

from __future__ import annotations

import polars as pl

from studylib.frozen import Frozen
from studylib.spec import TrialSpec


class PublishedRun(Frozen):
    """A run whose speed is public: ``tokens_per_second`` of one card, as published or from card-hours and tokens."""

    name: str
    trial: TrialSpec
    card: str
    tokens_per_second: float
    published: str
    taken: str
    source: str


RUNS: tuple[PublishedRun, ...] = ()


class RunCheck(Frozen):
    """The cost model on one run; ``error`` and ``left_out_error`` are predicted over published speed less one (the latter with the
    calibrated constant fitted to the other runs alone)."""

    name: str
    card: str
    gpus: int
    layout: str
    published: float
    predicted: float
    error: float
    left_out_error: float
    utilisation: float
    source: str


def check_published() -> tuple[RunCheck, ...]:
    """The cost model on every published run."""
    raise NotImplementedError


def published_utilisation() -> tuple[float, float, float]:
    """Lowest, middle and highest share of the dense bf16 peak that the published runs reached."""
    raise NotImplementedError


def published_table() -> pl.DataFrame:
    """`check_published`, a row a run."""
    raise NotImplementedError

"""What is on record of a step: how it ended, what it was made from, and where. Readers know each kind's fields by name."""

from __future__ import annotations

import statistics
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from studylib.frozen import Frozen
from studylib.machine import computed_by, describe, versions
from studylib.spec.step import Step


class Record(Frozen):
    """A file of JSON that a step leaves behind; what a trainer of somebody's own adds to it is let be."""

    model_config: ClassVar[ConfigDict] = Frozen.model_config | {"extra": "ignore", "populate_by_name": True}


class StepRecord(Record):
    """The marker of a step that is done. ``made_from`` leads on to the records of what it read, and so back to the text."""

    status: Literal["done"]
    hash: str
    label: str = Field(description="what a person calls the step")
    made_from: tuple[str, ...] = Field(description="names of the steps that it read: folders of the same study")
    seconds: float | None = Field(
        default=None, description="that it took; none where equal steps leave equal bytes on every machine"
    )
    machine: dict[str, Any] = Field(default_factory=dict, description="as `studylib.machine.describe` tells it")
    versions: dict[str, str] = Field(default_factory=dict, description="of Python and the packages")
    restored: bool = Field(
        default=False, description="from published records: what lay beside it (text, shards, weights) is not here"
    )


class FailureRecord(Record):
    """``failure.json`` of a step that failed."""

    status: Literal["diverged", "crashed", "oom", "timeout"]
    message: str
    seconds: float
    at: float = Field(description="Unix seconds")


class Loss(Record):
    """Of one source: nats per token, bits per byte; of pairs of answers, those of the preferred ones, and what sets them apart."""

    loss: float
    bpb: float
    pair_loss: float | None = Field(
        default=None, description="of the objective, nats a pair; ln 2 of whoever has no preference"
    )
    accuracy: float | None = Field(
        default=None, description="share of the decided pairs whose margin is above 0; none where nothing is decided"
    )
    undecided: float | None = Field(
        default=None,
        description="share of the pairs whose margin is 0 up to rounding, as all are before anything is learnt",
    )
    margin: float | None = Field(
        default=None,
        description="mean lead of the preferred answer: log-ratio to the reference (dpo_norm: a token) or reward, nats",
    )


class TrialResult(StepRecord):
    """``result.json`` of a trial; of one that branches off another, numbers are of the whole run, ``own`` of its part."""

    val_loss: float
    val_bpb: float
    val: dict[str, Loss] = Field(description="by the source's label")
    train_loss: float
    steps: int
    tokens: int
    flops: float
    params: int
    non_embedding_params: int
    active_params: int | None = Field(default=None, description="without experts that a token is not sent to")
    seconds: float
    tokens_per_s: float
    data_wait_share: float | None = Field(
        default=None, description="of the seconds of its steps; where rows are sampled, of that"
    )
    peak_memory_bytes: int
    resolved: dict[str, Any] = Field(default_factory=dict, description="what `auto` meant here")
    data: dict[str, Any] = Field(default_factory=dict, description="documents, tokens and bytes of each source")
    objective: dict[str, Any] | None = None
    policy: dict[str, float] | None = Field(
        default=None,
        description="of the last step that sampled: mean reward of the reward model, kl (nats an answer, from the reference), "
        "length (tokens an answer), ended (share of answers), advantage_std; and sampling_flops of the run",
    )
    probes: dict[str, Any] | None = None
    own: dict[str, float] | None = None

    @property
    def computed_by(self) -> str:
        """Name of the GPU or processor that trained it."""
        return computed_by(self.machine, self.resolved.get("device", ""))


class MadeRecord(StepRecord):
    documents: int
    bytes: int
    filter: dict[str, int] | None = Field(default=None, description="documents kept and left out of what a model wrote")


class EvaluationRecord(StepRecord):
    """``result.json`` of an evaluation; ``rows.parquet`` beside it has a row an item and way of asking it."""

    benchmark: str
    items: int = Field(description="questions or texts that were judged")
    left_out: int = Field(default=0, description="items that the model's context does not hold")
    files: list[str] = Field(default_factory=list, description="digests of the files that were asked from")
    scores: dict[str, float] = Field(description="over all items; `<score>_error` is its standard error")
    groups: dict[str, dict[str, dict[str, float]]] = Field(
        default_factory=dict, description="by what items differ in (wording, sort ...), then by its value: scores"
    )


class LikelihoodRecord(StepRecord):
    files: dict[str, str] = Field(description="hash of each")
    pairs: dict[str, dict[str, int]] = Field(description="that the context holds, by source and side")


class Speed(Record):
    trial: str = Field(description="hash of the timed step, see `studylib.spec.timed_step`")
    windows: tuple[float, ...] = Field(description="tokens/s of each")
    others: tuple[float | None, ...] = Field(description="share of the cores that others took in each; none: not known")
    peak_memory_bytes: int
    loss: float = Field(description="nats per token after a few steps on one batch")

    @property
    def median(self) -> float:
        return statistics.median(self.windows)

    @property
    def others_meanwhile(self) -> float | None:
        """Share of the cores that others took, the median of the windows; None: not known."""
        return statistics.median(known) if (known := [one for one in self.others if one is not None]) else None


class SpeedRecord(StepRecord):
    speeds: tuple[Speed, ...]


class Coordinate(Record):
    """The activations of one place, root mean square of their values, and of what was added since the start."""

    init: str
    optimizer: str
    width: int
    seed: int
    step: int
    where: str = Field(description="embedding, layer 1, ..., logits")
    size: float
    change: float


class CoordinateRecord(StepRecord):
    coordinates: tuple[Coordinate, ...]


class Layout(Record):
    workers: int
    threads: int
    round: int
    trials_an_hour: float
    others: float | None = Field(description="share of the cores that others took meanwhile; none: not known")


class LayoutRecord(StepRecord):
    layouts: tuple[Layout, ...]


class Tokenized(Record):
    """What a tokenizer does to a kind of text, see `studylib.data.measure.TokenizerMetrics`."""

    chars_per_token: float
    bytes_per_token: float
    byte_share: float
    used_share: float
    mb_per_s: float = Field(description="of one thread, whatever ran beside it")
    documents: int
    tokens: int


class TokenizationRecord(StepRecord):
    texts: dict[str, Tokenized] = Field(description="by the source's label")


def plain_record(step: Step) -> dict[str, Any]:
    """The fields of `StepRecord` that follow from the step alone, as JSON."""
    return {"status": "done", "hash": step.hash, "label": step.label, "made_from": list(step.reads)}


def record_of(step: Step, seconds: float) -> dict[str, Any]:
    """The fields of `StepRecord`, as JSON, for a step that was carried out here."""
    return plain_record(step) | {"seconds": round(seconds, 3), "machine": describe(), "versions": versions()}

"""Measurements: of a machine, how fast trials are computed on it and how many are best run side by side; of a tokenizer."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from pydantic import Field

from studylib.frozen import Above0, Count, Frozen, Positive
from studylib.spec.data import DataSpec, TokenizerSpec
from studylib.spec.run import OptimizerSpec
from studylib.spec.step import Step
from studylib.spec.trial import TrialSpec
from studylib.spec.version import hash_of


class SpeedSpec(Step, Frozen):
    """Training steps timed in turn in one process, with nothing beside it.

    All of one specification are compared with each other: a window of each is timed in turn, so that a slow moment of the machine
    falls on all of them.
    """

    folder: ClassVar[str] = "speeds"
    alone: ClassVar[bool] = True
    warm_up_steps: ClassVar[int] = 4

    trials: tuple[TrialSpec, ...] = Field(min_length=1, description="from `timed_step`: one training step of each")
    machine: str = Field(description="whose speed it is, see `studylib.machine.this_machine`")
    threads: Positive = Field(default=1, description="on a CPU, as a trial has them; tiny models lose by more")
    windows: Positive = Field(default=6, description="timed of each trial, in turn with those of the others")
    window_seconds: Above0 = Field(default=0.2, description="length of a window; a whole step at least")
    about: str = Field(default="", description="what is timed, for people; not hashed")

    @cached_property
    def hash(self) -> str:
        content = self.model_dump(mode="json", exclude={"trials", "about"})
        return hash_of(self.folder, content | {"trials": [trial.hash for trial in self.trials]})

    @property
    def label(self) -> str:
        models = list(dict.fromkeys(f"{one.model.num_layers}x{one.model.hidden_size}" for one in self.trials))
        return f"speed: {self.about or f'{len(self.trials)} training steps'} ({', '.join(models)})"


def timed_step(trial: TrialSpec) -> TrialSpec:
    """What a training step of ``trial`` computes, as a trial: nothing of text, seed, schedule or rate matters.

    The number of steps stays: whether compiling is worth its time depends on it.
    """
    return TrialSpec(
        model=trial.model,
        data=DataSpec(tokenizer=TokenizerSpec(vocab_size=trial.data.vocab_size)),
        optimizer=trial.optimizer.replace(learning_rate=OptimizerSpec().learning_rate),
        objective=trial.objective, parallel=trial.parallel, compute=trial.compute,
        start_from="any" if trial.start_from else "",  # which one it is does not matter to time
        train_steps=trial.train_steps, global_batch_size=trial.global_batch_size,
    )  # fmt: skip


class CoordinateSpec(Step, Frozen):
    """A few training steps of one trial at several widths, to see whether activations keep their size."""

    folder: ClassVar[str] = "coordinates"

    trial: TrialSpec = Field(description="everything but the width; its text is not read")
    widths: tuple[Positive, ...] = Field(min_length=2, description="hidden sizes, multiples of the head's")
    seeds: tuple[Count, ...] = Field(min_length=1, description="of start values and batch")
    steps: Positive = 4

    @cached_property
    def hash(self) -> str:
        content = self.model_dump(mode="json", exclude={"trial"})
        return hash_of(
            self.folder, content | {"trial": timed_step(self.trial).hash, "rate": self.trial.optimizer.learning_rate}
        )

    @property
    def label(self) -> str:
        return f"coordinate check: {self.trial.model.init}, {', '.join(map(str, self.widths))} wide"


class LayoutSpec(Step, Frozen):
    """Tiny trials run by every layout of workers and threads in turn, each time new ones, on text prepared before."""

    folder: ClassVar[str] = "layouts"
    alone: ClassVar[bool] = True

    trials: Positive = Field(default=8, description="of each layout and round")
    train_steps: Positive = 100
    hidden_size: Positive = 56
    rounds: Positive = 2
    machine: str = Field(description="see `studylib.machine.this_machine`")

    @cached_property
    def hash(self) -> str:
        return hash_of(self.folder, self.model_dump(mode="json"))

    @property
    def label(self) -> str:
        return f"layouts of workers and threads, {self.trials} trials each"


class TokenizerMeasure(Step, Frozen):
    """What the tokenizer of ``data`` does to validation text: of every source of ``data``, and of others."""

    folder: ClassVar[str] = "tokenizations"

    data: DataSpec
    others: tuple[DataSpec, ...] = Field(
        default=(), description="whose text is cut too, by the labels of their sources"
    )
    bytes_each: Positive = Field(default=1_000_000, description="of each source, at most")

    @cached_property
    def hash(self) -> str:
        content = {"data": self.data.hash, "others": [one.hash for one in self.others]}
        return hash_of(self.folder, content | {"bytes_each": self.bytes_each})

    @property
    def inputs(self) -> tuple[Step, ...]:
        return (self.data, *(text for one in self.others for text in one.texts.values()))

    @property
    def label(self) -> str:
        return f"measured: {self.data.vocabulary.label}"

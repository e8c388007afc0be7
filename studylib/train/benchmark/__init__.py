"""Benchmarks: questions to a trained model, as steps of their own whose scores are kept (``studylib.spec.EvaluationSpec``).

A choice is a class derived from ``Benchmark``. A specification is validated through it, so what computes in torch is imported where
it measures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from studylib.registry import Choice
from studylib.train.benchmark._measured import Choices, Measured

if TYPE_CHECKING:
    from studylib.spec import EvaluationSpec, TrialSpec
    from studylib.train.benchmark._harness import HarnessTask
    from studylib.train.trained import Trained


@dataclass(frozen=True)
class Asked:
    """Who is asked.

    Attributes
    ----------
    trained
        The model, with its tokenizer, its chat template's encoder, how it computes, and its context length.
    load
        Another model of the specification, by the name of its field.
    say
        Called with a line of text now and then.
    """

    trained: Trained
    load: Callable[[str], Trained | None]
    say: Callable[[str], None] = lambda line: None

    @cached_property
    def reference(self) -> Trained | None:
        """Loaded when it is asked for; None where the specification names none."""
        return self.load("reference")

    @cached_property
    def reward_model(self) -> Trained | None:
        return self.load("reward_model")


class Benchmark(Choice, ABC):
    """Questions, and how answers become scores.

    An option ``path`` names a file of the user's own; its content is part of the evaluation's hash.

    Attributes
    ----------
    uses
        Other models that the specification may name: ``reference``, ``reward_model``.
    kept_out
        Whether its text is kept from training whatever a trial's data say.
    """

    uses: ClassVar[tuple[str, ...]] = ()
    kept_out: ClassVar[bool] = False

    def __init__(self, spec: EvaluationSpec):
        super().__init__(spec)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that are read; their content is part of the evaluation's hash."""
        path = getattr(self.options, "path", None)
        return (Path(path),) if path else ()

    def check(self) -> None:
        """StudyError for what can be known without a model: a file that is not there, or of another shape."""

    @abstractmethod
    def tokens(self, trial: TrialSpec) -> float:
        """About how many tokens are read and written, for plans."""

    @abstractmethod
    def measure(self, asked: Asked) -> Measured:
        """Ask, and judge. StudyError where the model's context does not hold enough of the questions."""

    def for_harness(self, trained: Trained) -> HarnessTask | None:
        """As a task of lm-evaluation-harness; None where it has no such form."""
        return None


__all__ = ["Asked", "Benchmark", "Choices", "Measured"]

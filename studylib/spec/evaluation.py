"""Asking a trained model: which trial, by which benchmark, with which of its options."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

from pydantic import model_validator

from studylib.errors import invalid
from studylib.files import digest_of_state
from studylib.registry import BENCHMARKS, Registry, choice_of
from studylib.spec.choosing import Choosing
from studylib.spec.step import Step
from studylib.spec.trial import TrialSpec
from studylib.spec.version import hash_of


class EvaluationSpec(Step, Choosing):
    """A benchmark's questions to a trial's last checkpoint; its options stand beside its name (``studylib/train/benchmark``).

    A file that an option names (``path``) is known by its content: another content is another evaluation, and the same content
    under another name is the same.
    """

    folder: ClassVar[str] = "evaluations"
    place: ClassVar[str] = "evaluation"
    registries: ClassVar[dict[str, Registry]] = {"benchmark": BENCHMARKS}

    trial: TrialSpec
    benchmark: choice_of(BENCHMARKS)
    reference: TrialSpec | None = None
    reward_model: TrialSpec | None = None

    @model_validator(mode="after")
    def _other_models_are_used(self) -> Self:
        used = BENCHMARKS[self.benchmark].uses
        for field in ("reference", "reward_model"):
            other = getattr(self, field)
            if other is not None and field not in used:
                raise invalid(f"evaluation.{field}", other.hash, f"is not used by {self.benchmark}; leave it out")
        return self

    def built(self) -> Any:
        """The benchmark itself."""
        return BENCHMARKS[self.benchmark](self)

    @cached_property
    def hash(self) -> str:
        """Raises StudyError where a file that an option names cannot be read."""
        others = {name: one.hash for name in ("reference", "reward_model") if (one := getattr(self, name)) is not None}
        options = self.options_of(BENCHMARKS[self.benchmark]).model_dump(mode="json", exclude={"path"})
        files = [digest_of_state(file) for file in self.built().files]
        return hash_of(
            "evaluation",
            {"trial": self.trial.hash, "benchmark": self.benchmark, "options": options, "files": files} | others,
        )

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The trials, each of which is to keep what it ends with."""
        trials = (self.trial, self.reference, self.reward_model)
        return tuple(one.keeping_its_end() for one in trials if one is not None)

    @property
    def asked(self) -> str:
        """The benchmark and its options in words, without who is asked."""
        chosen = ", ".join(f"{name} {value}" for name, value in self._chosen().items())
        return f"{self.benchmark}{f' ({chosen})' if chosen else ''}"

    @property
    def label(self) -> str:
        return f"{self.asked} of {self.trial.label}"

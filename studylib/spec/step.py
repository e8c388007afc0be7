"""What costs time is a step: a specification, named by its content, whose outcome is kept and never made twice."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Self


class Step:
    """Beside the fields of a specification: its name, and what must be there before it can be carried out.

    Attributes
    ----------
    folder
        Where the outcomes of this kind lie in a study folder (``trials``, ``data/text``).
    alone
        Nothing may run beside it: it measures the machine.
    """

    folder: ClassVar[str]
    alone: ClassVar[bool] = False

    @property
    def kind(self) -> str:
        """The name of its kind among ``studylib.registry.STEPS``: the last part of the folder."""
        return self.folder.rpartition("/")[2]

    @property
    def hash(self) -> str:
        """16 hexadecimal digits; equal exactly when the outcomes must be equal."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """``trials/0123456789abcdef``: the folder of the outcome in any study folder."""
        return f"{self.folder}/{self.hash}"

    @property
    def inputs(self) -> tuple[Step, ...]:
        """The steps that it reads and holds itself, so that they can be carried out without being asked for."""
        return ()

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Names of all steps that it reads, also those that it knows by their hash alone."""
        return tuple(step.name for step in self.inputs)

    def keeping(self, other: Self) -> Self:
        """This step, which also keeps what ``other`` of the same name would keep."""
        return self

    @property
    def processes(self) -> int:
        """Processes that carry it out together."""
        return 1

    @property
    def label(self) -> str:
        """What a person calls it."""
        return self.name

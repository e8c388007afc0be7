"""What the ideas of a study hand on, and the lines that follow."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from studylib.frozen import Frozen
from studylib.spec.setting import Setting


class Choices(Frozen):
    """Settings of a study's ideas.

    ``settings`` by idea, in the ideas' order; ``missing`` ideas have no result, ``failed`` ones a result that cannot be read (with
    why); ``digests`` of the result files, by idea: what tells whether anything is new.
    """

    settings: dict[str, tuple[Setting, ...]]
    missing: tuple[str, ...] = ()
    failed: dict[str, str] = Field(default_factory=dict)
    digests: dict[str, str] = Field(default_factory=dict)


def read_choices(study: Path) -> Choices:
    """The settings of every idea with a result in the folder ``study``, those that run after all others left out."""
    raise NotImplementedError

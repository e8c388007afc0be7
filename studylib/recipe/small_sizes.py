"""What rankings at small sizes are worth for this study: by public ladders, and by its own sizes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studylib.recipe.choices import Choices
from studylib.result import read_result

if TYPE_CHECKING:
    from studylib.analysis.reliability import Reliability


def reliability_of(study: Path, choices: Choices) -> tuple[Reliability, bool]:
    """The reliability that public ladders show, brought up to date by the effects that the study's results carry over sizes; and
    whether they carry any."""
    from studylib.analysis import fit_reliability, own_effects, published_reliability

    effects = own_effects(read_result(Path(study) / idea) for idea in choices.digests)
    known = published_reliability()
    return (known, False) if effects.is_empty() else (fit_reliability(effects, known), True)

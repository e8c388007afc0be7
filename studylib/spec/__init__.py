"""What one trial is: frozen, validated once, changed by copy, named by its content hash.

Nothing here imports torch, so a study can be planned in a moment.
"""

from studylib.spec.base import (
    SPEC_VERSION,
    Above0,
    Count,
    Fraction,
    Frozen,
    Grown,
    Positive,
    Real,
    choice_of,
    first_problem,
    validated,
)
from studylib.spec.data import DataSpec, SourceSpec, TokenizerSpec
from studylib.spec.model import ModelSpec
from studylib.spec.moe import MoESpec
from studylib.spec.run import ComputeSpec, ObjectiveSpec, OptimizerSpec, ParallelSpec, ScheduleSpec, StageSpec
from studylib.spec.search import Axis, SearchSpec
from studylib.spec.step import Step
from studylib.spec.trial import TrialSpec

__all__ = [
    "SPEC_VERSION",
    "Above0",
    "Axis",
    "ComputeSpec",
    "Count",
    "DataSpec",
    "Fraction",
    "Frozen",
    "Grown",
    "MoESpec",
    "ModelSpec",
    "ObjectiveSpec",
    "OptimizerSpec",
    "ParallelSpec",
    "Positive",
    "Real",
    "ScheduleSpec",
    "SearchSpec",
    "SourceSpec",
    "StageSpec",
    "Step",
    "TokenizerSpec",
    "TrialSpec",
    "choice_of",
    "first_problem",
    "validated",
]

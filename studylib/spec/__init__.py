"""What one trial is: frozen, validated once, changed by copy, named by its content hash.

Nothing here imports torch, so a study can be planned in a moment.
"""

from studylib.frozen import (
    Above0,
    Count,
    Fraction,
    Frozen,
    Positive,
    Real,
    first_problem,
    validated,
)
from studylib.registry import choice_of
from studylib.spec.cleaning import CleanerSpec, Cleaning
from studylib.spec.data import CleanedText, DataSpec, SourceSpec, TextSpec, TokenizerSpec, VocabularySpec
from studylib.spec.evaluation import EvaluationSpec
from studylib.spec.likelihood import LikelihoodSpec, likelihood_of
from studylib.spec.made import MadeText
from studylib.spec.measure import CoordinateSpec, LayoutSpec, SpeedSpec, TokenizerMeasure, timed_step
from studylib.spec.model import ModelSpec
from studylib.spec.moe import MoESpec
from studylib.spec.run import ComputeSpec, ObjectiveSpec, OptimizerSpec, ParallelSpec, ScheduleSpec, StageSpec
from studylib.spec.search import Axis, SearchSpec
from studylib.spec.setting import Setting, Tried, apply
from studylib.spec.step import Step
from studylib.spec.trial import TrialSpec

__all__ = [
    "Above0",
    "Axis",
    "CleanedText",
    "CleanerSpec",
    "Cleaning",
    "ComputeSpec",
    "CoordinateSpec",
    "Count",
    "DataSpec",
    "EvaluationSpec",
    "Fraction",
    "Frozen",
    "LayoutSpec",
    "LikelihoodSpec",
    "MadeText",
    "MoESpec",
    "ModelSpec",
    "ObjectiveSpec",
    "OptimizerSpec",
    "ParallelSpec",
    "Positive",
    "Real",
    "ScheduleSpec",
    "SearchSpec",
    "Setting",
    "SourceSpec",
    "SpeedSpec",
    "StageSpec",
    "Step",
    "TextSpec",
    "TokenizerMeasure",
    "TokenizerSpec",
    "TrialSpec",
    "Tried",
    "VocabularySpec",
    "apply",
    "choice_of",
    "first_problem",
    "likelihood_of",
    "timed_step",
    "validated",
]

"""The recipe as a whole: made from a study folder, written as files that start the run, read by the report."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from studylib.files import read_json
from studylib.frozen import Frozen, validated
from studylib.recipe.choices import FOLDER
from studylib.recipe.dry_run import RanksSummary
from studylib.recipe.layouts import LayoutCost
from studylib.recipe.line import Line
from studylib.recipe.next_runs import NextRuns
from studylib.recipe.options import RecipeOptions
from studylib.recipe.published_runs import RunCheck
from studylib.spec import TrialSpec
from studylib.spec.setting import Phase
from studylib.words import Text

Interval = tuple[float, float, float]  # low, middle, high


class Prediction(Frozen):
    """The run at one number of tokens: what it reaches, and what it costs."""

    tokens: float
    steps: int
    tokens_per_param: float = Field(description="of all parameters")
    flops: float
    loss_bpb: Interval | None = Field(default=None, description="90 %; none: own trials carry nothing so far")
    relative_percent: Interval | None = Field(
        default=None, description="of the loss: above that at the run's own tokens, 90 %; negative: better"
    )
    gpu_hours: Interval = Field(description="at the highest, the middle and the lowest utilisation")
    days: Interval = Field(description="on the cards asked for")
    cost: Interval | None = Field(default=None, description="in the currency of the price; none: no price was given")


class Outlook(Frozen):
    """What is predicted, and from what."""

    law: Text = Field(description="whose trials, or which published law")
    carried: bool = Field(
        description="whether own trials forecast the loss itself; else only differences by the published law"
    )
    slope: Interval = Field(description="d log(loss) / d log(FLOPs) at the run's tokens, by more tokens; 90 %")
    level_bpb: float | None = Field(description="bits per byte that a percent of the loss is taken of")
    utilisation: Interval = Field(description="share of the dense bf16 peak: lowest, middle, highest")
    utilisation_source: Text
    predictions: tuple[Prediction, ...]


class Recipe(Frozen):
    """How to build the model, how sure every line is, what it costs and reaches, and what to run next."""

    options: RecipeOptions
    scale: str = Field(description="of the study it was made from; empty: no idea has a result")
    ideas: tuple[str, ...] = Field(description="whose results were read")
    missing: tuple[str, ...] = Field(description="ideas without a result")
    failed: dict[str, str] = Field(description="ideas whose result cannot be read, and why")
    digests: dict[str, str] = Field(description="of the results read, by idea")
    lines: tuple[Line, ...]
    trial: TrialSpec = Field(description="the pre-training, in the layout chosen")
    tunings: dict[Phase, TrialSpec] = Field(description="what goes on from it, in their order")
    params: int = Field(description="of the model, all")
    non_embedding_params: int
    layout: LayoutCost
    layouts: int = Field(description="how many were compared")
    ranks: RanksSummary
    outlook: Outlook
    checks: tuple[RunCheck, ...] = Field(description="the cost model on published runs")
    gaps: tuple[Text, ...] = Field(description="what nanotron's own trainer cannot express of the trial")
    next_runs: NextRuns
    files: tuple[str, ...] = Field(default=(), description="in the recipe's folder")

    def line(self, field: str, phase: Phase = "pre-training") -> Line | None:
        """The line of a field; None where there is none."""
        return next((one for one in self.lines if one.key == (phase, field)), None)

    @property
    def decided(self) -> tuple[Line, ...]:
        """Lines that own trials decide."""
        return tuple(one for one in self.lines if one.decided)

    @property
    def open(self) -> tuple[Line, ...]:
        """Lines of which own trials speak without deciding, the costliest first."""
        found = (one for one in self.lines if one.idea and not one.decided)
        return tuple(sorted(found, key=lambda one: -(one.regret_percent or 0.0)))


def make_recipe(study: Path, options: RecipeOptions | None = None) -> Recipe:
    """The recipe that the results in the folder ``study`` and published findings stand for.

    Raises
    ------
    StudyError
        The options cannot be met: an unknown card, no layout that fits.
    """
    raise NotImplementedError


def write_recipe(recipe: Recipe, study: Path) -> Path:
    """All files of the recipe, atomically, in ``study/decision/recipe``; returns that folder."""
    raise NotImplementedError


def read_recipe(study: Path) -> Recipe | None:
    """The recipe of a study folder; None where none was made.

    Raises
    ------
    StudyError
        The file is damaged, or of another version.
    """
    path = Path(study) / FOLDER / "recipe.json"
    if not path.exists():
        return None
    return validated(Recipe, read_json(path), file=path)

"""The recipe as a whole: made from a study folder, and read by the report. ``write`` puts it into files that start the run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from studylib.errors import invalid
from studylib.files import read_json
from studylib.frozen import Frozen, validated
from studylib.recipe.cards import card_named
from studylib.recipe.choices import FOLDER, read_choices
from studylib.recipe.dry_run import RanksSummary, dry_run, summary
from studylib.recipe.layouts import LayoutCost, layouts_table, search_layouts
from studylib.recipe.line import Line
from studylib.recipe.lines import lines, priced
from studylib.recipe.nanotron import not_expressible
from studylib.recipe.next_runs import NextRuns, next_runs
from studylib.recipe.options import RecipeOptions
from studylib.recipe.outlook import Outlook, outlook
from studylib.recipe.published_runs import RunCheck, check_published
from studylib.recipe.small_sizes import reliability_of
from studylib.recipe.text import passes
from studylib.recipe.trial import fitting, tunings
from studylib.spec import TrialSpec
from studylib.spec.setting import Phase
from studylib.words import Text

if TYPE_CHECKING:
    import polars as pl


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
    passes: dict[str, float] = Field(description="how often the run reads each source, by label")
    layout: LayoutCost
    layouts: int = Field(description="how many were compared")
    ranks: RanksSummary
    outlook: Outlook
    checks: tuple[RunCheck, ...] = Field(description="the cost model on published runs")
    gaps: tuple[Text, ...] = Field(description="what nanotron's own trainer cannot express of the trial")
    next_runs: NextRuns
    files: tuple[str, ...] = Field(default=(), description="in the recipe's folder")

    @cached_property
    def ranks_table(self) -> pl.DataFrame:
        """A row a rank (`dry_run`); built anew where the recipe was read from its file."""
        return dry_run(self.trial, card_named(self.options.gpu))

    @cached_property
    def searched(self) -> list[LayoutCost]:
        """The layouts that were compared, the fastest that fits first."""
        return _search(self.trial, self.options)

    @property
    def layouts_table(self) -> pl.DataFrame:
        """A row a layout that was compared, in their order."""
        return layouts_table(self.searched)

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
        found = (one for one in self.lines if one.idea and one.compared and not one.decided)
        return tuple(sorted(found, key=lambda one: -(one.regret_percent or 0.0)))


def make_recipe(study: Path, options: RecipeOptions | None = None) -> Recipe:
    """The recipe that the results in the folder ``study`` and published findings stand for.

    Raises
    ------
    StudyError
        The options cannot be met: an unknown card, no shape, no layout that fits.
    """
    from studylib.model.cost import parameter_count

    options = RecipeOptions() if options is None else options
    card = card_named(options.gpu)
    choices = read_choices(study)
    reliability, _ = reliability_of(study, choices)
    found, plain = fitting(lines(choices, reliability, options), options)
    layouts = _search(plain, options)
    layout = _chosen(layouts, plain, options)
    trial = layout.applied(plain)
    ranks, count = dry_run(trial, card), parameter_count(trial.model)
    told = outlook(study, trial, layout, card, options)
    middle = told.utilisation[1]
    following = next_runs(
        choices.settings, reliability, flops_per_s=card.bf16_flops * middle, target_params=count.non_embedding,
        budget_gpu_hours=options.budget_gpu_hours, out=study, text=choices.own_text,
    )  # fmt: skip
    made = Recipe(
        options=options, scale=choices.scale, ideas=tuple(choices.settings), missing=choices.missing, failed=choices.failed,
        digests=choices.digests, lines=priced(found, told.level_bpb, told.slope[1], told.run.gpu_hours[1]), trial=trial,
        tunings=tunings(found, trial), params=count.total, non_embedding_params=count.non_embedding,
        passes=passes(options.tokens), layout=layout, layouts=len(layouts), ranks=summary(ranks, trial, layout.cost), outlook=told,
        checks=check_published(), gaps=not_expressible(trial), next_runs=following,
    )  # fmt: skip
    vars(made).update(ranks_table=ranks, searched=layouts)  # what the properties would make again
    return made


def _search(trial: TrialSpec, options: RecipeOptions) -> list[LayoutCost]:
    asked = {"tp": options.tp, "pp": options.pp, "dp": options.dp}
    return search_layouts(trial, card_named(options.gpu), options.gpus, options.gpus_per_node, **asked)


def _chosen(layouts: list[LayoutCost], trial: TrialSpec, options: RecipeOptions) -> LayoutCost:
    """The fastest that fits and whose stages have equally many layers, as nanotron's users expect; else the fastest that fits."""
    fitting = [one for one in layouts if one.fits]
    if not fitting:
        least = min(one.memory_bytes for one in layouts)
        why = f"of {options.gpu} hold no layout of this model: the smallest needs {least / 2**30:.0f} GiB on a card"
        raise invalid("gpus", options.gpus, why)
    return next((one for one in fitting if trial.model.num_layers % one.parallel.pp == 0), fitting[0])


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

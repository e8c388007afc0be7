"""One idea of the study: a question, a notebook that answers it, its parameters, and the trials they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.errors import StudyError, did_you_mean
from studylib.ideas._cell import parameters_cell
from studylib.ideas._look import OneModel, SomeText, Written, can_no_longer_write, writing_step
from studylib.ideas._try import Comparison
from studylib.params import StudyParams, assigned_names, given_to_papermill, read_yaml
from studylib.project import params_file, project_root
from studylib.result import Text
from studylib.spec import Step, TrialSpec, validated
from studylib.trials.queue import Round

if TYPE_CHECKING:
    from studylib.findings._page import Page
    from studylib.trials.estimate import SpeedEstimate
    from studylib.trials.plan import Plan


@dataclass(frozen=True)
class Idea:
    """What the batch runner and the command line need to know of an idea.

    Parameters
    ----------
    name, number
        ``depth_width``, 1: the parameter file's name and the place in the report.
    notebook
        File name in ``notebooks/``.
    params
        Schema of the parameter files.
    plan
        The steps known beforehand, trials above all; torch-free and quick, so that they can be listed.
    after_all
        Reads the other ideas' results, so its notebook runs when they are finished. What follows from them is a round; the plan
        is the same whatever they are.
    rounds
        What follows from the outcomes of the plan.
    baselines_among
        Of the steps of the plan the reference of the comparison at every size, smallest first, at the first seed: the models
        that a notebook shows and a reader changes.
    at_size
        Of parameters of this idea, a number of non-embedding parameters, and variants by their names in tables: the parameters to
        change (dotted, as ``--set`` has them) so that it compares its choices at that size, with these variants alone beside the
        baseline where any are named. None: it cannot be asked for a size.
    """

    name: str
    number: int
    notebook: str
    question: Text
    params: type[StudyParams]
    plan: Callable[[Any], list[Step]]
    after_all: bool = False
    rounds: Callable[[Any], list[Round]] = lambda params: []
    baselines_among: Callable[[Any, Sequence[Step]], list[TrialSpec]] = lambda params, steps: []
    at_size: Callable[[Any, float, Collection[str]], dict[str, Any]] | None = None

    def params_from(self, namespace: Mapping[str, Any]) -> Any:
        """In the notebook: ``params = IDEAS["depth_width"].params_from(globals())``.

        The ``parameters`` cell holds the values of scale quick. With another ``scale`` in it, every value that was left as it is
        there, and was not given to papermill, is that scale's.
        """
        given = self.params.from_notebook(namespace)
        file = params_file(given.scale, self.name)
        if given.scale == "quick" or not file.exists():
            return given
        quick = read_yaml(params_file("quick", self.name))
        usual = validated(self.params, quick)
        changed = {
            name: getattr(given, name)
            for name in self.params.model_fields
            if name in given_to_papermill(namespace) or getattr(given, name) != getattr(usual, name)
        }
        return validated(self.params, quick | read_yaml(file) | changed, file="parameters")

    def steps(self, params: Any) -> list[Step]:
        """The plan, and the step that lets the largest of the baselines write a few lines.

        Where only that one's record was restored nothing writes: it would be trained once more for the show.
        """
        plan = self.plan(params)
        writing = map(writing_step, self.baselines_among(params, plan)[-1:])
        return [*plan, *(step for step in writing if not can_no_longer_write(step, params.folder))]

    def baselines(self, params: Any) -> list[TrialSpec]:
        """The reference at every size, smallest first, at the first seed."""
        return self.baselines_among(params, self.plan(params))

    def planned(self, params: Any, steps: Sequence[Step] | None = None, speed: SpeedEstimate | None = None) -> Plan:
        """Every step with its state and cost; of rounds whose turn has not come, how many steps they will add.

        ``steps``: what `steps` says, where it is known already; it takes seconds where there are many. ``speed``: of the study's
        folder, where it is known already.
        """
        from studylib.trials import plan_steps

        return plan_steps(
            self.steps(params) if steps is None else steps, params.folder, rounds=self.rounds(params),
            workers=params.workers or None,
            retry_failed=params.retry_failed, speed=speed,
        )  # fmt: skip

    def trials(self, params: Any) -> list[TrialSpec]:
        """The trials of the plan."""
        return [step for step in self.plan(params) if isinstance(step, TrialSpec)]

    def carry_out(self, params: Any) -> list[TrialSpec]:
        """Do what is not done yet, all rounds included; returns every trial, for `trials_frame`."""
        from studylib.trials import run_steps

        steps = run_steps(self.steps(params), rounds=self.rounds(params), **params.launch)
        return [step for step in steps if isinstance(step, TrialSpec)]

    def page(self, params: Any) -> Page:
        """Where the notebook's findings are shown and kept."""
        from studylib.findings._page import Page

        return Page(self.name, self.question, params)

    def some_text(self, params: Any) -> SomeText:
        """The beginning of what is read, for a notebook's first section."""
        return SomeText.of(params)

    def one_model(self, params: Any) -> OneModel:
        """The largest of the baselines, part by part, and what it costs."""
        return OneModel(self.baselines(params)[-1])

    def model_writes(self, params: Any) -> Written:
        """What that model writes once it is trained; it was sampled when the study was run, so this only reads."""
        return Written.by(writing_step(self.baselines(params)[-1]), params.folder)

    def try_it(self, params: Any, base: TrialSpec, mine: TrialSpec, *, go: bool = False) -> Comparison:
        """``mine`` beside ``base`` at the study's first seeds, through the study's cache; trains only if ``go``.

        Raises
        ------
        StudyError
            The two are the same trial, or the study has a single seed.
        """
        found = Comparison.of(params, base, mine)
        if go:
            found.carry_out()
        return found

    def notebook_path(self, root: Path | None = None) -> Path:
        return (root or project_root()) / "notebooks" / self.notebook

    def notebook_parameters(self, root: Path | None = None) -> dict[str, Any]:
        """Names and default values in the notebook's ``parameters`` cell."""
        path = self.notebook_path(root)
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        except FileNotFoundError:
            raise StudyError(f"{path}: the notebook of idea {self.name} is missing") from None
        except (ValueError, KeyError, TypeError):
            raise StudyError(f"{path}: is not a Jupyter notebook") from None
        tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())]
        if len(tagged) != 1:
            raise StudyError(f"{path}: {len(tagged)} cells are tagged 'parameters'; exactly one must be")
        return assigned_names("".join(tagged[0]["source"]))

    def check_notebook(self, root: Path | None = None) -> None:
        """Raise a StudyError unless the ``parameters`` cell has exactly the schema's names.

        Papermill drops a parameter silently that the notebook does not read, so this is checked before a kernel starts.
        """
        there, wanted = set(self.notebook_parameters(root)), set(self.params.model_fields)
        path = self.notebook_path(root)
        for name in sorted(there - wanted):
            hint = did_you_mean(name, wanted - there)
            raise StudyError(f"{path}: parameter {name!r} is not in the schema {self.params.__name__}{hint}")
        for name in sorted(wanted - there):
            raise StudyError(f"{path}: the 'parameters' cell lacks {name!r}, a field of {self.params.__name__}")

    def parameters_cell(self, root: Path | None = None) -> str:
        """What the notebook's ``parameters`` cell must be: the schema's names and help, the values of scale quick."""
        return parameters_cell(self.params, self._quick(root))

    def _quick(self, root: Path | None) -> dict[str, Any]:
        file = params_file("quick", self.name, root)
        return read_yaml(file) if file.exists() else {}

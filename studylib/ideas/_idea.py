"""One idea of the study: a question, a notebook that answers it, its parameters, and the trials they mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studylib.errors import StudyError, did_you_mean
from studylib.ideas._cell import parameters_cell
from studylib.params import StudyParams, assigned_names, given_to_papermill, read_yaml
from studylib.project import params_file, project_root
from studylib.result import Text
from studylib.spec import Step, TrialSpec, validated
from studylib.trials.queue import Round

if TYPE_CHECKING:
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
        Reads the other ideas' results, so it runs when they are finished.
    rounds
        What follows from the outcomes of the plan.
    """

    name: str
    number: int
    notebook: str
    question: Text
    params: type[StudyParams]
    plan: Callable[[Any], list[Step]]
    after_all: bool = False
    rounds: Callable[[Any], list[Round]] = lambda params: []

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

    def planned(self, params: Any, steps: Sequence[Step] | None = None) -> Plan:
        """Every step with its state and cost; of rounds whose turn has not come, how many steps they will add.

        ``steps``: what `plan` says, where it is known already; it takes seconds where there are many.
        """
        from studylib.trials import plan_steps

        return plan_steps(
            self.plan(params) if steps is None else steps, params.folder, rounds=self.rounds(params), workers=params.workers or None,
            retry_failed=params.retry_failed,
        )  # fmt: skip

    def trials(self, params: Any) -> list[TrialSpec]:
        """The trials of the plan."""
        return [step for step in self.plan(params) if isinstance(step, TrialSpec)]

    def carry_out(self, params: Any) -> list[TrialSpec]:
        """Do what is not done yet, all rounds included; returns every trial, for `trials_frame`."""
        from studylib.trials import run_steps

        steps = run_steps(self.plan(params), rounds=self.rounds(params), **params.launch)
        return [step for step in steps if isinstance(step, TrialSpec)]

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

    def changed_defaults(self, root: Path | None = None) -> dict[str, tuple[Any, Any]]:
        """Values that differ between the notebook and scale quick, as ``{name: (notebook's, quick's)}``.

        Empty in a sound notebook: otherwise a parameter file would mean one thing to papermill and another to
        ``study run``, and running the cells would train another study than the one that is reported.
        """
        there = self.params.model_validate(self.notebook_parameters(root))
        usual = self.params.model_validate(self._quick(root))
        return {
            name: (getattr(there, name), getattr(usual, name))
            for name in self.params.model_fields
            if getattr(there, name) != getattr(usual, name)
        }

    def parameters_cell(self, root: Path | None = None) -> str:
        """What the notebook's ``parameters`` cell must be: the schema's names and help, the values of scale quick."""
        return parameters_cell(self.params, self._quick(root))

    def _quick(self, root: Path | None) -> dict[str, Any]:
        file = params_file("quick", self.name, root)
        return read_yaml(file) if file.exists() else {}

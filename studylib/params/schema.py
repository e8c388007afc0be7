"""What the parameters of all ideas have in common, and how a notebook reads them back."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from studylib import registry
from studylib.errors import StudyError, invalid
from studylib.project import project_root
from studylib.spec import Count, DataSpec, Frozen, Real, choice_of, validated


class StudyParams(Frozen):
    """What every idea's parameters have in common."""

    scale: str = Field(default="quick", pattern=r"^[A-Za-z0-9_-]+$", description="smoke, quick, cpu, gpu or cluster")
    out: str = Field(default="", description="study folder; empty: reports/<scale> of the project")
    seeds: tuple[Count, ...] = Field(default=(0, 1, 2), description="whole numbers, or how many, counted from 0")
    data: DataSpec = Field(default=DataSpec(), description="sources, tokenizer and split; {} is the default corpus")
    workers: Count = Field(default=0, description="trials at a time; 0: as many as the machine has cores or GPUs")
    launcher: choice_of(registry.LAUNCHERS) = Field(default="local", description="local, inprocess, torchrun or slurm")
    launcher_options: dict[str, Any] = Field(default_factory=dict, description="for Slurm: partition, account, ...")
    trial_timeout_s: Annotated[Real, Field(ge=0)] = Field(
        default=0.0, description="seconds a trial may take; 0: no limit"
    )
    retry_failed: bool = Field(default=False, description="run trials again whose failure is recorded")
    keep_settings: bool = Field(
        default=False,
        description="settings of choices that this run leaves out stay as the folder's earlier result has them",
    )

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds_from_count(cls, value: Any) -> Any:
        # "seeds: 3" is what people write; it means seeds 0, 1 and 2.
        return tuple(range(value)) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _seeds_differ(self) -> Self:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise invalid("seeds", self.seeds, "must be a count of at least 1, or different whole numbers")
        return self

    @property
    def folder(self) -> Path:
        """The study folder; a relative ``out`` counts from the project, wherever the notebook runs."""
        return project_root() / (self.out or f"reports/{self.scale}")

    @property
    def all_data(self) -> DataSpec:
        """The text as a notebook shows it first: ``data``, and what an idea's trials read beside it."""
        return self.data

    @property
    def launch(self) -> dict[str, Any]:
        """The keyword arguments of `run_trials` that these parameters settle."""
        return {
            "out": self.folder,
            "workers": self.workers or None,
            "timeout": self.trial_timeout_s or None,
            "launcher": self.launcher,
            "launcher_options": self.launcher_options,
            "retry_failed": self.retry_failed,
        }

    def content(self) -> dict[str, Any]:
        """What determines the notebook's numbers: everything but where and how the trials are run."""
        return self.model_dump(mode="json", exclude=set(OPERATIONAL))

    @classmethod
    def from_notebook(cls, namespace: Mapping[str, Any]) -> Self:
        """The validated parameters, from the names of a notebook's ``parameters`` cell: pass ``globals()``.

        Raises
        ------
        StudyError
            A name is missing or not valid, or papermill was given a parameter that does not exist (papermill
            itself only warns then).
        """
        for name, value in given_to_papermill(namespace).items():
            if name not in cls.model_fields:
                raise invalid(f"parameter {name!r}", value, "is not known", choices=cls.model_fields, near=name)
        for name in cls.model_fields:
            if name not in namespace:
                raise StudyError(f"{name}: is missing from the notebook's cell tagged 'parameters'")
        return validated(cls, {name: namespace[name] for name in cls.model_fields}, file="parameters")


# Where a study is kept and how it is run; its numbers do not depend on these.
OPERATIONAL = ("out", "workers", "launcher", "launcher_options", "trial_timeout_s", "retry_failed")


def given_to_papermill(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Names and values in the cell that papermill adds to a notebook; empty where it did not."""
    cells = [cell for cell in namespace.get("In", ()) if cell.startswith("# Parameters\n")]
    return {name: value for cell in cells for name, value in assigned_names(cell).items()}


def assigned_names(source: str) -> dict[str, Any]:
    """Names that a cell assigns at its top level, with their literal values (the source text where not literal)."""
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                try:
                    found[target.id] = ast.literal_eval(node.value)
                except ValueError:
                    found[target.id] = ast.unparse(node.value)
    return found

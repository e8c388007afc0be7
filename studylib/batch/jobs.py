"""From names on a command line to notebooks with checked parameters.

Everything wrong is found here, before any kernel starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from studylib import registry
from studylib.errors import StudyError, invalid
from studylib.params import StudyParams, Texts, names_in, params_from, read_with
from studylib.project import params_file, project_root, scales
from studylib.spec import Step, TrialSpec, first_problem

if TYPE_CHECKING:
    from studylib.ideas._idea import Idea


@dataclass(frozen=True)
class Job:
    """One idea at one set of parameters; ``params.out`` is the absolute study folder."""

    idea: Idea
    params: StudyParams
    root: Path

    @property
    def study(self) -> Path:
        return Path(self.params.out)

    @property
    def folder(self) -> Path:
        return self.study / self.idea.name

    @property
    def notebook(self) -> Path:
        return self.idea.notebook_path(self.root)

    @cached_property
    def steps(self) -> list[Step]:
        return self.idea.steps(self.params)

    @cached_property
    def specs(self) -> list[TrialSpec]:
        return [step for step in self.steps if isinstance(step, TrialSpec)]


def choose_jobs(
    names: Sequence[str] = (),
    *,
    scale: str | None = None,
    params: Path | None = None,
    overrides: Iterable[str] = (),
    out: Path | None = None,
    retry_failed: bool = False,
    texts: Path | None = None,
    root: Path | None = None,
) -> list[Job]:
    """The notebooks to run, in the order of their numbers, those that need all others last.

    Without ``names``: every idea that has a parameter file at the scale. A file given by path serves one idea; ``texts``, a file
    of sources by name, serves all (see `Texts`).

    Raises
    ------
    StudyError
        An unknown idea or scale, a missing or wrong parameter file, an impossible trial, a notebook whose
        ``parameters`` cell does not match its schema.
    """
    root = root or project_root()
    overrides = list(overrides)
    for name in names:
        registry.IDEAS.check(name)
    if params is not None and len(names) != 1:
        raise invalid(
            "--params", str(params), "serves one idea; name it: study run IDEA --params FILE", choices=registry.IDEAS
        )
    if scale is not None and params is None and scale not in scales(root):
        raise invalid("--scale", scale, "has no parameter files", choices=scales(root))
    chosen_scale = scale or "quick"
    names = list(dict.fromkeys(names)) or [
        name for name in registry.IDEAS if params_file(chosen_scale, name, root).exists()
    ]
    if not names:
        raise StudyError(f"--scale: no idea has a parameter file in {root / 'params' / chosen_scale}")
    given = None if texts is None else _texts(texts, scale, params, root)
    jobs = []
    for name in names:
        idea = registry.IDEAS[name]
        file = params or params_file(chosen_scale, name, root)
        if not file.exists() and params is None:
            having = [one for one in scales(root) if params_file(one, name, root).exists()]
            raise invalid("--scale", chosen_scale, f"has no parameters for {name}: {file} is missing", choices=having)
        changes = [f"scale={scale}", *overrides] if scale and params else overrides
        read = params_from(idea.params, file, changes, base=params_file("quick", name, root), texts=given)
        if params is None and read.scale != chosen_scale:
            raise invalid("scale", read.scale, f"should be {chosen_scale}, as the file is in that folder", file=file)
        study = (out or Path()).resolve() if out is not None else root / (read.out or f"reports/{read.scale}")
        ready = read.replace(out=str(study), retry_failed=read.retry_failed or retry_failed)
        job = Job(idea, ready, root)
        idea.check_notebook(root)
        try:
            _ = job.specs  # an impossible trial shows here
        except ValidationError as error:
            raise first_problem(error, TrialSpec, file=file) from None
        jobs.append(job)
    return sorted(jobs, key=lambda job: (job.idea.after_all, job.idea.number))


def _texts(path: Path, scale: str | None, params: Path | None, root: Path) -> Texts:
    """The file of texts; its names are those of sources in any parameter file of the scale, or in ``params``."""
    found = Texts(path)
    own = {} if params is None else read_with(params, None)
    known = set(names_in(own))
    for name in registry.IDEAS:
        file = params_file(scale or str(own.get("scale", "quick")), name, root)
        if file.exists():
            known.update(names_in(read_with(file, params_file("quick", name, root))))
    found.check_names(known)
    return found

"""What a study folder holds for the report: every idea with its state, honestly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from studylib.errors import StudyError
from studylib.files import file_lock, read_json
from studylib.params import sources_in
from studylib.report.texts import idea_order, idea_title
from studylib.result import IdeaResult, Text, read_result

State = Literal["done", "running", "failed", "missing"]


@dataclass(frozen=True)
class IdeaPage:
    """One idea as the pages show it.

    ``result`` may be there beside state ``failed`` or ``running``: then it is of an earlier run, and the page says so.
    ``note`` is the reason of a failure. ``links`` are files that exist, by what they are.
    """

    name: str
    title: Text
    question: Text | None
    state: State
    note: str = ""
    result: IdeaResult | None = None
    trials: tuple[dict[str, Any], ...] = ()
    links: dict[str, str] = field(default_factory=dict)

    @property
    def synthetic(self) -> tuple[str, ...]:
        """Names of its texts that are of the synthetic corpus."""
        return tuple(dict.fromkeys(name for name, kind in self._sources if kind == "miniworld"))

    @property
    def given(self) -> bool:
        """Whether it read other text too; several joined are what they are joined of."""
        return any(kind not in ("miniworld", "joined") for _, kind in self._sources)

    @property
    def _sources(self) -> list[tuple[str, str]]:
        return [] if self.result is None else list(sources_in(self.result.provenance.get("params", {})))


def collect(folder: Path, ideas: Mapping[str, Text | None] | None = None) -> list[IdeaPage]:
    """All ideas with files under ``folder``, and those of ``ideas`` (name to question) that have none yet.

    Raises
    ------
    StudyError
        ``folder`` does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such study folder")
    marks = ("run.json", "result.json", "trials.parquet", "log.txt", "notebook.ipynb", "recipe/recipe.json")
    found = {path.name for path in folder.iterdir() if path.is_dir() and any((path / mark).exists() for mark in marks)}
    wanted = dict(ideas or {})
    return [_page(folder / name, wanted.get(name)) for name in idea_order(found | set(wanted))]


def _page(home: Path, question: Text | None) -> IdeaPage:
    name = home.name
    state, note = _state(home)
    result: IdeaResult | None = None
    try:
        result = read_result(home)
    except FileNotFoundError:
        if state == "done":
            state, note = "failed", "it ended without a result"
    except (StudyError, ValueError) as error:
        state, note = "failed", str(error)
    trials: tuple[dict[str, Any], ...] = ()
    try:
        trials = tuple(pl.read_parquet(home / "trials.parquet").to_dicts())
    except FileNotFoundError:
        pass  # an idea need not train anything
    except (pl.exceptions.PolarsError, OSError) as error:
        note = f"{note}; " * bool(note) + f"trials.parquet cannot be read: {error}"
    files = {"notebook": "notebook.html", "log": "log.txt"}
    return IdeaPage(
        name=name,
        title=idea_title(name),
        question=result.question if result else question,
        state=state,
        note=note.replace(f"{home.parent}/", ""),  # a report may travel; the machine's folders are nobody's business
        result=result,
        trials=trials,
        links={what: file for what, file in files.items() if (home / file).exists()},
    )


def _state(home: Path) -> tuple[State, str]:
    """By the runner's marker where there is one, else by what the folder holds."""
    try:
        marker = read_json(home / "run.json")
        status, note = str(marker["status"]), str(marker.get("message") or "")
    except FileNotFoundError:
        if (home / "result.json").exists():
            return "done", ""
        if home.is_dir() and any(path.is_file() for path in home.iterdir()):  # a recipe may be made without its idea
            return "failed", "it ended without a result"
        return "missing", ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return "failed", "run.json is damaged"
    if status == "running" and home.joinpath(".lock").exists():
        with file_lock(home / ".lock", blocking=False) as nobody:
            if nobody:
                return "failed", "it was stopped before it finished"
    if status in ("done", "running"):
        return status, note  # type: ignore[return-value]
    return "failed", note or status

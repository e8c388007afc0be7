"""The report's pages of a study folder that holds no text, so that no page can quote any."""

from __future__ import annotations

import shutil
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import read_json
from studylib.published.private import identifying
from studylib.published.rows import ended
from studylib.recipe import read_recipe
from studylib.recipe.choices import FOLDER as RECIPE
from studylib.registry import STEPS
from studylib.report import build_report
from studylib.result import read_result
from studylib.spec import TrialSpec

_RESULT = ("result.json", "run.json", "trials.parquet")


def why_no_pages(folder: Path) -> str:
    """Why the pages of a study folder cannot be published; empty if they can.

    They can where every step that leaves text behind, or something that quotes it, was restored from published records, and every
    result was made from such.
    """
    results = sorted(folder.glob("*/result.json"))
    if not results:
        return "no idea has a result there"
    for kind in (one for one in STEPS.values() if one.leaves_text):
        for place in ended(folder, kind):
            if not read_json(place / kind.marker).get("restored"):
                return f"{place.relative_to(folder)} holds text, or what quotes it"
    made_from_text = (one.parent.name for one in results if not read_result(one.parent).provenance.get("restored"))
    return next((f"the result of {name} was made where there was text" for name in made_from_text), "")


def write_pages(folder: Path, to: Path) -> list[Path]:
    """Build the report of ``folder`` in ``to``, an empty folder, with the figures and files that its pages name.

    Notebooks, logs and results are not among them, so nothing links there.

    Returns
    -------
    The files of the report, below ``to``.

    Raises
    ------
    StudyError
        A page tells where or by whom it was made.
    """
    helpers = [to / TrialSpec.folder]
    helpers[0].symlink_to(
        (folder / TrialSpec.folder).resolve(), target_is_directory=True
    )  # curves for the pages of trials
    for home in sorted(path.parent for path in folder.glob("*/result.json")):
        figures = [one.file for one in read_result(home).figures]
        for name in (*_RESULT, *figures):
            if (home / name).is_file():
                _copy(home / name, to / home.name / name)
        helpers += [to / home.name / name for name in _RESULT]
    recipe = read_recipe(folder)
    for name in () if recipe is None else ("recipe.json", *recipe.files):
        if (folder / RECIPE / name).is_file():
            _copy(folder / RECIPE / name, to / RECIPE / name)
    build_report(to)
    for helper in helpers:
        helper.unlink(missing_ok=True)
    files = sorted(path for path in to.rglob("*") if path.is_file())
    for file in files:
        _check(file, file.relative_to(to), folder)
    return files


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)


def _check(file: Path, name: Path, folder: Path) -> None:
    if file.suffix in (".png", ".parquet"):
        return
    content = file.read_text(encoding="utf-8")
    whole = str(folder.resolve())
    why = "holds the study folder's absolute path" if whole in content else ""
    for number, line in enumerate(content.splitlines(), 1):
        # In a page of HTML or a script a path from the root may be anything; a name is a name everywhere.
        if why := why or identifying(line, paths=False):
            raise StudyError(f"{name}: line {number} {why}, which is not published")

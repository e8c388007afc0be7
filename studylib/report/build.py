"""The study's pages: ``DIR/index.html``, and for every idea its page and its trials."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studylib.analysis import read_curves
from studylib.files import read_json, write_text
from studylib.registry import IDEAS
from studylib.report.collect import IdeaPage, collect
from studylib.report.page import render
from studylib.report.recipe_page import HOME, recipe_page
from studylib.report.sparkline import sparkline
from studylib.result import Text


def build_report(folder: Path, *, ideas: Mapping[str, Text | None] | None = None) -> Path:
    """Write the report of a study and return the path of its ``index.html``.

    Pages are written whole or not at all, the index last, so a reader never meets a link to a page that is not there.
    What is missing, running, failed or damaged is shown as such; it does not stop the others.

    Parameters
    ----------
    folder
        The study's folder.
    ideas
        Ideas that belong to the study (name to question), so that those not run yet are listed. Default: all known
        ideas.

    Raises
    ------
    StudyError
        The folder does not exist.
    """
    folder = Path(folder)
    pages = collect(folder, dict.fromkeys(IDEAS) if ideas is None else ideas)
    recipe = recipe_page(folder)
    for page in pages:
        if page.trials:
            content = render("trials.html.j2", idea=page, trials=_trials(folder, page), sizes={})
            write_text(folder / page.name / "trials.html", content)
        own = recipe if page.name == HOME else None
        if page.state != "missing" or own:
            content = render("idea.html.j2", idea=page, recipe=own, sizes=_sizes(folder, [page], ""))
            write_text(folder / page.name / "index.html", content)
    index = folder / "index.html"
    sizes = _sizes(folder, pages, "{}/")
    write_text(index, render("index.html.j2", ideas=pages, recipe=recipe, recipe_home=HOME, sizes=sizes))
    return index


def _sizes(folder: Path, pages: list[IdeaPage], at: str) -> dict[str, tuple[int, int]]:
    """Width and height of every figure by its address, so that a page does not jump while they load."""
    sizes = {}
    for page in pages:
        for figure in page.result.figures if page.result else ():
            head = b""
            with contextlib.suppress(OSError), open(folder / page.name / figure.file, "rb") as stream:
                head = stream.read(24)
            if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) == 24:
                sizes[at.format(page.name) + figure.file] = struct.unpack(">II", head[16:])
    return sizes


def _trials(folder: Path, page: IdeaPage) -> list[dict[str, Any]]:
    """Rows of the trials table, each with its specification and the drawing of its curve."""
    rows = [row for row in page.trials if row.get("hash")]
    curves = read_curves(folder, [row["hash"] for row in rows])
    by_hash = curves.filter(curves["source"] == "").partition_by("hash", as_dict=True)
    prepared = []
    for row in rows:
        curve = by_hash.get((row["hash"],))
        drawing = ""
        if curve is not None:
            validation = curve.filter(curve["split"] == "validation")
            shown, what = (
                (validation, "validation")
                if len(validation) > 2
                else (curve.filter(curve["split"] == "train"), "training")
            )
            drawing = sparkline(
                shown["tokens"].to_list(), shown["loss"].to_list(), f"{what} loss, nats per token, trial {row['hash']}"
            )
        prepared.append(
            row | {"_spec": _specification(folder / "trials" / row["hash"] / "spec.json"), "_curve": drawing}
        )
    return prepared


def _specification(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, ValueError) as error:  # the page still shows the trial, and why its specification is not there
        return {"unreadable": str(error)}

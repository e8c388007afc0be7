"""A ladder by its name or from a file, in the columns of ``columns.py``."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from studylib.errors import StudyError, invalid
from studylib.ladders.columns import canonical
from studylib.ladders.fetch import cache_folder, check_digest
from studylib.ladders.tables import SUFFIXES, read_table
from studylib.registry import LADDERS

FOLDER = "STUDYLIB_LADDERS"  # the environment variable that names the folder of all ladders


def read_ladder(which: str | Path, *, folder: Path | None = None) -> pl.DataFrame:
    """The ladder of that name, or a table of a user's own.

    Parameters
    ----------
    which
        A name (``studylib.registry.LADDERS``), or the path of a table: CSV, JSON lines or parquet.
    folder
        Where the public ladders lie, each in a folder of its own; default ``$STUDYLIB_LADDERS``, then what was fetched.

    Raises
    ------
    StudyError
        There is no such ladder or file, it is not here, its content is not what it must be, or its columns are not right.
    """
    name = str(which)
    if name in LADDERS:
        return _known(name, folder)
    file = Path(which)
    if file.suffix in SUFFIXES or file.exists():
        return canonical(read_table(file), file=file, ladder=file.stem)
    raise invalid(
        "ladder",
        name,
        "is neither a table nor a public ladder",
        choices=[*LADDERS, *(f"FILE{one}" for one in SUFFIXES)],
    )


def ladders_folder(given: Path | None = None) -> Path:
    """Where public ladders lie: what was given, else ``$STUDYLIB_LADDERS``, else where they are fetched to."""
    named = os.environ.get(FOLDER)
    return given or (Path(named) if named else cache_folder())


def here(name: str, folder: Path | None = None) -> Path | None:
    """The folder that holds the public ladder ``name``; None where there is none."""
    place, ladder = ladders_folder(folder), LADDERS[name]
    return next((found for found in (place / ladder.folder, place / ladder.name) if found.is_dir()), None)


def _known(name: str, folder: Path | None) -> pl.DataFrame:
    ladder, found = LADDERS[name], here(name, folder)
    if found is None:
        how = (
            f"study backtest {name} --fetch gets it"
            if ladder.fetchable
            else f"git clone {ladder.repository} {ladder.folder}, then git checkout {ladder.commit}, gets it; --folder names where that is"
        )
        raise StudyError(f"ladder {name!r} is not in {ladders_folder(folder)}: {how}")
    for file in ladder.files:
        if file.sha256 and (found / file.name).is_file():
            check_digest(found / file.name, file.sha256)
    return ladder.read(found)

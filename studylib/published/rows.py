"""Steps as rows: what a study folder has on record, read from its files alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from studylib.errors import StudyError
from studylib.files import read_json, read_json_lines
from studylib.frozen import validated
from studylib.published.private import described, without_folders
from studylib.registry import STEPS
from studylib.steps import Kind
from studylib.trials.cache import SPECIFICATION, Task, tasks_under

Row = dict[str, Any]
FAILED = "failed"
_MOST_TRAINING_ROWS = 100  # of a curve; every validation stays


def rows_of(folder: Path, say: Callable[[str], None]) -> tuple[list[Row], list[Row], list[pl.DataFrame]]:
    """The records of a study folder, the learning curves beside them, and what was asked item by item.

    Parameters
    ----------
    folder
        A study folder.
    say
        Told of steps that are left out, and why.

    Returns
    -------
    A row a finished or failed step: ``kind``, ``hash``, ``label``, ``status`` (done, diverged, crashed, oom, timeout),
    ``specification`` and ``record`` as JSON. A row a point of a curve: ``kind``, ``hash``, ``place`` in the curve, the numbers by
    their names, and as JSON in ``more`` what is no number. And a frame a step with a table of its own: ``kind``, ``hash``, ``place``,
    and the table's columns that quote nothing.
    """
    tasks, left_out = _tasks(folder)
    for why, count in sorted(left_out.items()):
        say(f"{why} ({count} left out)")
    records, curves, rows = [], [], []
    for task in tasks:
        try:
            row = _row(task)
        except ValueError as error:  # damaged, or of another version: nobody could restore it
            say(f"{task.name}: its record cannot be read ({error}; left out)")
            continue
        if row is not None:
            records.append(row)
            curves += _curve(task, row)
            rows += _rows(task, row)
    return records, curves, rows


def _tasks(folder: Path) -> tuple[list[Task], Counter[str]]:
    """The steps that left their specification, with those that they hold themselves; how many others have ended, by what is wrong."""
    found: dict[Path, Task] = {}
    problems: dict[Path, str] = {}
    for kind in STEPS.values():
        for place in ended(folder, kind):
            name = kind.specification.folder
            try:
                step = validated(kind.specification, read_json(kind.work_folder(place) / SPECIFICATION))
                found[place] = Task(step, place, kind)
                for task in tasks_under(folder, step.inputs):
                    found.setdefault(task.folder, task)
            except FileNotFoundError:
                problems[place] = f"{name}: no {SPECIFICATION} beside the record"
            except (StudyError, ValueError) as error:
                problems[place] = f"{name}/{place.name}: {error}"
    return list(found.values()), Counter(why for place, why in problems.items() if place not in found)


def ended(folder: Path, kind: Kind) -> Iterator[Path]:
    """Folders of the steps of a kind that are done or failed."""
    inner = (path for path in sorted(folder.glob(f"{kind.specification.folder}/[!.]*")) if path.is_dir())
    for place in inner:
        if (place / kind.marker).exists() or (kind.work_folder(place) / "failure.json").exists():
            yield place


def _row(task: Task) -> Row | None:
    """None for a step that has not ended; one whose record was restored has the row that it came from."""
    marker = task.folder / task.kind.marker
    if marker.exists():
        record: dict[str, Any] = read_json(marker)
        record.pop("restored", None)
        record |= {"hash": task.step.hash, "label": task.label, "made_from": list(task.step.reads)}
        if "machine" in record:
            record["machine"] = described(record["machine"])
        for field in task.kind.quotes:
            _drop(record, field.split("."))
        validated(task.kind.record, record)
    elif (failure := task.failure()) is not None:
        record = failure.model_dump(mode="json")
        record["message"] = without_folders(record["message"])
    else:
        return None
    return {
        "kind": task.step.kind, "hash": task.step.hash, "label": task.label, "status": record["status"],
        "specification": _json(task.step.model_dump(mode="json")), "record": _json(record),
    }  # fmt: skip


def _drop(content: Any, path: Sequence[str]) -> None:
    """Take a field out, in every part of the lists that lie on its way."""
    head, *rest = path
    for one in content if isinstance(content, list) else [content]:
        if rest:
            _drop(one.get(head, {}), rest)
        else:
            one.pop(head, None)


def _curve(task: Task, row: Row) -> list[Row]:
    if not task.kind.curves:
        return []
    points = read_json_lines(task.folder / task.kind.curves)
    training = [place for place, point in enumerate(points) if "val_loss" not in point]
    every = -(-len(training) // _MOST_TRAINING_ROWS) or 1
    # The last one is what the run ended with.
    left_out = {place for count, place in enumerate(reversed(training)) if count % every}
    kept = (point for place, point in enumerate(points) if place not in left_out)
    return [
        {"kind": row["kind"], "hash": row["hash"], "place": place} | _point(point) for place, point in enumerate(kept)
    ]


def _rows(task: Task, row: Row) -> list[pl.DataFrame]:
    """One frame, or none."""
    file = task.folder / task.kind.rows
    if not task.kind.rows or not file.exists():
        return []
    frame = pl.read_parquet(file)
    plain = [name for name, kind in frame.schema.items() if kind != pl.String or name in task.kind.row_names]
    key = (pl.lit(row[name]).alias(name) for name in ("kind", "hash"))
    return [frame.select(*key, pl.int_range(pl.len(), dtype=pl.Int64).alias("place"), *plain)]


def _point(point: dict[str, Any]) -> Row:
    numbers = {name: value for name, value in point.items() if type(value) in (int, float)}
    more = {name: value for name, value in point.items() if name not in numbers}
    return numbers | {"more": _json(more) if more else None}


def _json(value: Any) -> str:
    """In its own order, which labels follow."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

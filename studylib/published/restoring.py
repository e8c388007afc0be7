"""From published records to a study folder whose steps count as done."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from studylib.errors import StudyError
from studylib.files import append_json_line, atomic_write, write_json
from studylib.frozen import validated
from studylib.machine import this_machine
from studylib.published.rows import Row
from studylib.published.tables import CURVES_FILE, KEY, RECORDS_FILE, ROWS_FILE, Tables
from studylib.registry import STEPS
from studylib.spec import Step
from studylib.spec.record import FailureRecord
from studylib.trials.cache import SPECIFICATION, Task

_HASH = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Restored:
    """How many steps were laid out, by kind; how many were there already; and a line about each that was skipped."""

    counts: dict[str, int]
    kept: int
    skipped: tuple[str, ...]


def restore(source: Path, folder: Path, say: Callable[[str], None] = lambda line: None) -> Restored:
    """Lay published records out in a study folder.

    A specification is validated by today's schema and named by today's hash, which those that go on from it take over. What is
    done in the folder stays as it is. Measurements of a machine are taken over for this one, as the study's own: which machine
    they are of is in their records.

    Parameters
    ----------
    source
        Holds ``records.parquet`` and ``curves.parquet``.
    folder
        The study folder; made if it is not there.
    say
        Told of each step that is skipped, and why.

    Raises
    ------
    StudyError
        There is nothing published in ``source``, or it cannot be read.
    """
    if not (source / RECORDS_FILE).is_file():
        raise StudyError(f"{source}: holds no {RECORDS_FILE}; 'study publish' writes it")
    published = Tables.read(source)
    below = {name: frame.partition_by(KEY, as_dict=True) for name, frame in published.below.items()}
    counts: Counter[str] = Counter()
    kept, skipped = 0, []

    def skip(row: Row, why: str) -> None:
        skipped.append(f"{row['kind']} {row['hash']} ({row['label']}): {why}; skipped")
        say(skipped[-1])

    for row, told, step, record in _named_today(published.records.to_dicts(), skip):
        task = Task.under(folder, step)
        state, parts = task.state, (below[name].get((row["kind"], row["hash"])) for name in (CURVES_FILE, ROWS_FILE))
        if state == "done" or (state == "failed" and row["status"] != "done"):
            kept += 1
        elif _laid_out(task, told, record, *parts):
            counts[row["kind"]] += 1
        else:
            skip(row, "it is being carried out there now")
    return Restored(dict(counts), kept, tuple(skipped))


def _named_today(
    rows: Sequence[Row], skip: Callable[[Row, str], None]
) -> Iterator[tuple[Row, Step, Step, dict[str, Any]]]:
    """Each row with its step as it was measured and as it counts here, and its record, as today's schema has them.

    ``skip`` is told of those that it refuses.
    """
    names: dict[str, str] = {}
    found: list[tuple[Row, Step | StudyError]] = []
    before = None
    while before != names:  # again where a step has another hash than it had, until all that go on from it know
        before = dict(names)
        found = [(row, _step(row, names)) for row in rows]
        names |= {row["hash"]: step.hash for row, step in found if isinstance(step, Step) and step.hash != row["hash"]}
    machines = Counter(step.machine for _, step in found if isinstance(step, Step) and step.alone)
    ours = max(sorted(machines), key=machines.__getitem__, default=None)
    for row, step in found:
        if not isinstance(step, Step):
            skip(row, str(step))
            continue
        here = step.replace(machine=this_machine()) if step.alone and step.machine == ours else step
        try:
            yield row, step, here, _record(row, here)
        except (StudyError, ValueError) as error:
            skip(row, str(error))


def _step(row: Row, names: Mapping[str, str]) -> Step | StudyError:
    """What the row specifies, other steps called by their names of today; or why it is nothing today."""
    try:
        kind = STEPS[row["kind"]]
        told = _HASH.sub(lambda one: names.get(one[0], one[0]), row["specification"])
        step = validated(kind.specification, json.loads(told))
        _ = step.hash  # of some it is that of a file, which may not be here
        return step
    except StudyError as error:
        return error
    except ValueError as error:
        return StudyError(f"its specification is no JSON: {error}")


def _record(row: Row, step: Step) -> dict[str, Any]:
    """What the row has on record, under today's names; StudyError where today's schema refuses it."""
    content = json.loads(row["record"])
    if row["status"] != "done":
        validated(FailureRecord, content)
        return content
    content |= {"hash": step.hash, "label": step.label, "made_from": list(step.reads), "restored": True}
    validated(STEPS[row["kind"]].record, content)
    return content


def _laid_out(
    task: Task, told: Step, record: dict[str, Any], curve: pl.DataFrame | None, rows: pl.DataFrame | None
) -> bool:
    """Write the step's files, its marker last; False if someone carries it out at this moment. ``told`` is kept as its specification."""
    with task.lock() as ours:
        if not ours:
            return False
        write_json(task.work / SPECIFICATION, told.model_dump(mode="json"))
        if rows is not None:
            with atomic_write(task.folder / task.kind.rows) as stream:
                _own(rows).write_parquet(stream, compression="zstd")
        if curve is not None:
            with atomic_write(task.folder / task.kind.curves) as stream:
                for point in _own(curve).to_dicts():
                    more = json.loads(point.pop("more", None) or "{}")
                    append_json_line(stream, {name: one for name, one in point.items() if one is not None} | more)
        if record["status"] == "done":
            task.clear_failure()
            write_json(task.folder / task.kind.marker, record)
        else:
            write_json(task.work / "failure.json", record)
        return True


def _own(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of one step in their rows' order, without those that others alone have."""
    frame = frame.sort("place").drop(*KEY, "place")
    return frame.select(one for one in frame if one.null_count() < len(one))

"""From a study folder to what of it can be given away."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import file_lock, sync_path, write_bytes
from studylib.published.pages import why_no_pages, write_pages
from studylib.published.private import check_private
from studylib.published.rows import rows_of
from studylib.published.tables import Tables

MOST_BYTES = 20_000_000
_SHOWN = 3  # large files that an error names


@dataclass(frozen=True)
class Published:
    """What lies in the folder now.

    Attributes
    ----------
    counts
        Steps by kind.
    added
        Steps that were not there before.
    bytes
        Of all files.
    pages
        Files of the report, figures among them; none where ``no_pages`` says why.
    """

    folder: Path
    counts: dict[str, int]
    added: int
    bytes: int
    pages: int
    no_pages: str


def publish(study: Path, to: Path, say: Callable[[str], None] = lambda line: None) -> Published:
    """Add a study folder's records and learning curves to what is published in ``to``, and replace the report's pages there.

    No text, no weights, no logs: see `studylib.steps.Kind` for what each kind of step has to give. Pages are built where the study
    holds no text itself (after `restore`). Everything is checked before the first file is written; equal content gives equal bytes.

    Raises
    ------
    StudyError
        There is no such study or nothing in it has ended; a record tells where or by whom it was made; or all together is more than
        20 MB.
    """
    if not study.is_dir():
        raise StudyError(f"{study}: there is no such study folder; 'study run' makes one")
    records, curves, rows = rows_of(study, say)
    if not records:
        raise StudyError(f"{study}: holds no finished step to publish")
    for row in records:
        for column in ("specification", "record", "label"):
            name = f"{row['kind']} {row['hash']}"
            check_private(f"{name}: {column}", row[column])
    to.parent.mkdir(parents=True, exist_ok=True)
    with (
        file_lock(to.with_name(f".{to.name}.lock")),
        tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as scratch,
    ):
        before = Tables.read(to)
        tables = before.with_newer(Tables.of(records, curves, rows))
        new = Path(scratch)
        no_pages = why_no_pages(study)
        pages = [] if no_pages else write_pages(study, new)
        for name, content in tables.files().items():
            write_bytes(new / name, content)
        old = _of_earlier_pages(to, new, pages)
        _check_size(to, new, old)
        to.mkdir(exist_ok=True)
        for file in sorted(path for path in new.rglob("*") if path.is_file()):
            place = to / file.relative_to(new)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)
        for file in old:
            file.unlink()
        sync_path(to)
    counts = Counter(tables.records["kind"].to_list())
    added = len(tables.records) - len(before.records)
    return Published(to, dict(sorted(counts.items())), added, sum(_sizes(to).values()), len(pages), no_pages)


def _sizes(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _of_earlier_pages(to: Path, new: Path, pages: Sequence[Path]) -> list[Path]:
    """Files beside those of ``pages`` (below ``new``) that the same folders of ``to`` still have: figures that no page shows any more."""
    names = {page.relative_to(new) for page in pages}
    folders = {name.parts[0] for name in names if len(name.parts) > 1}
    there = (file for folder in folders for file in (to / folder).rglob("*") if file.is_file())
    return sorted(file for file in there if file.relative_to(to) not in names)


def _check_size(to: Path, new: Path, old: Sequence[Path]) -> None:
    """StudyError where what lies in ``to``, but for ``old``, would be too much with what is in ``new``."""
    sizes = _sizes(to) | _sizes(new)
    for file in old:
        del sizes[file.relative_to(to).as_posix()]
    if (total := sum(sizes.values())) > MOST_BYTES:
        large = sorted(sizes, key=sizes.__getitem__, reverse=True)[:_SHOWN]
        told = ", ".join(f"{name} {sizes[name] / 1e6:.1f} MB" for name in large)
        raise StudyError(f"{to}: would hold {total / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f} MB; largest: {told}")

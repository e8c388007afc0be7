"""Made text on disk: JSON lines, and beside them a record of how they were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from studylib.errors import StudyError
from studylib.files import atomic_write, canonical_json, read_json, write_json


def write_made_text(file: Path, texts: Iterable[str], made_by: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``file`` (a row ``{"text": ...}`` a document) and ``file`` + ``.json``, the record, which comes last.

    Returns
    -------
    dict
        The record: ``made_by``, the number of ``documents``, and ``bytes`` of UTF-8 text.

    Raises
    ------
    StudyError
        There is no document.
    """
    documents = size = 0
    with atomic_write(file) as stream:
        for text in texts:
            stream.write(canonical_json({"text": text}).encode() + b"\n")
            documents += 1
            size += len(text.encode())
        if not documents:
            raise StudyError(f"{file}: nothing was kept of what was made; loosen the filters or make more")
    record = {"made_by": dict(made_by), "documents": documents, "bytes": size}
    write_json(_record_file(file), record)
    return record


def made_text(file: Path, made_by: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record of ``file`` if it was finished and made in this way, else None: then it has to be made."""
    try:
        record = read_json(_record_file(file))
    except (OSError, ValueError):
        return None
    return record if Path(file).is_file() and record.get("made_by") == dict(made_by) else None


def _record_file(file: Path) -> Path:
    return Path(f"{file}.json")

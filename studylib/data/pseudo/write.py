"""Made text on disk: JSON lines, whole or not there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import atomic_write, canonical_json


def write_made_text(file: Path, texts: Iterable[str]) -> dict[str, int]:
    """Write ``file``, a row ``{"text": ...}`` a document.

    Returns
    -------
    dict
        The number of ``documents``, and ``bytes`` of UTF-8 text.

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
    return {"documents": documents, "bytes": size}

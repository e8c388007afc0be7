"""The gate itself: admits, drops and counts documents, and seals the record of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studylib.data.document import Document
from studylib.data.guard.fingerprints import Fingerprints
from studylib.data.guard.names import check_names
from studylib.data.guard.records import record_task, text_task
from studylib.errors import StudyError, invalid
from studylib.files import content_hash

GUARD_VERSION = 1


class Guard:
    """Admits documents that are not evaluation data.

    Parameters
    ----------
    evaluation_files
        Files whose text must not be trained on (``DataSpec.evaluation_only``).

    Raises
    ------
    StudyError
        An evaluation file is missing, unreadable or holds no text.
    """

    def __init__(self, evaluation_files: Sequence[str] = ()):
        self._evaluation = evaluation_digests(evaluation_files)
        self._fingerprints = Fingerprints(evaluation_files)
        if evaluation_files and not len(self._fingerprints):
            raise invalid("data.evaluation_only", list(evaluation_files), "holds no text to keep out")
        self._counts: Counter[str] = Counter()

    def check_source(self, label: str, kind: str, options: Mapping[str, Any]) -> None:
        """Refuse a source that names a JGLUE task anywhere in its label, kind or options."""
        check_names(f"data.sources {label}", [label, kind, dict(options)])

    def admit(self, documents: Sequence[Document]) -> list[Document]:
        """The documents that may be trained on.

        Raises
        ------
        StudyError
            A row has the columns or identifiers of a JGLUE task: then the whole source is JGLUE, whatever it is called.
        """
        for document in documents:
            task = record_task(document.record)
            if task is not None:
                raise StudyError(
                    f"{document.origin}: the row is refused: it is a record of {task} (columns "
                    f"{', '.join(map(str, document.record))}), and JGLUE must never be training data"
                )
        admitted = []
        overlaps = self._fingerprints.overlapping([document.text for document in documents])
        for document, overlap in zip(documents, overlaps, strict=True):
            if text_task(document.text) is not None:
                self._counts["dropped_benchmark_record"] += 1
            elif overlap:
                self._counts["dropped_evaluation_overlap"] += 1
            else:
                admitted.append(document)
        self._counts["admitted"] += len(admitted)
        return admitted

    def record(self, **more: int) -> dict[str, Any]:
        """What this gate has done so far, for a manifest."""
        counts = ("admitted", "dropped_benchmark_record", "dropped_evaluation_overlap")
        return {
            "version": GUARD_VERSION,
            "evaluation_only": self._evaluation,
            "fingerprints": len(self._fingerprints),
            **{name: self._counts[name] for name in counts},
            **more,
        }


def evaluation_digests(files: Sequence[str]) -> dict[str, str]:
    """BLAKE2b of each evaluation file, by the name it was given."""
    digests = {}
    for file in files:
        if not Path(file).is_file():
            raise invalid("data.evaluation_only", file, "is not a file")
        try:
            digests[file] = hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
        except OSError as error:
            raise invalid("data.evaluation_only", file, f"cannot be read: {error.strerror}") from None
    return digests


def seal(record: Any, files: Mapping[str, Any]) -> str:
    """Binds the guard's record to the digests of the files written under it."""
    return content_hash({"guard": GUARD_VERSION, "record": record, "files": dict(files)}, characters=32)


def check_seal(manifest: Mapping[str, Any], *, file: Path) -> None:
    """Refuse data whose manifest does not carry the record of this guard, sealed with its files.

    Raises
    ------
    StudyError
        The record is missing, from another version of the guard, or does not belong to these files.
    """
    record, files = manifest.get("guard"), manifest.get("files")
    if not record or not isinstance(files, Mapping):
        raise StudyError(f"{file}: guard: is missing; text that has not passed the JGLUE guard is not trained on")
    if manifest.get("seal") != seal(record, files):
        raise StudyError(f"{file}: seal: does not fit the guard's record and the files; prepare the data again")

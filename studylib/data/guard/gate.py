"""The gate itself: admits, drops and counts documents, and seals the record of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from studylib.data.document import Document
from studylib.data.guard.fields import KINDS
from studylib.data.guard.known import known_digests, load_known
from studylib.data.guard.matching import Matcher
from studylib.data.guard.names import check_names
from studylib.data.guard.records import Table, record_task, row_id_task, table_of, text_task
from studylib.errors import StudyError
from studylib.files import content_hash

GUARD_VERSION = 4
# Why a document is dropped: by what it holds of known texts, or by how it is written.
REASONS = (*(f"known_{kind}" for kind in KINDS), "benchmark_record", "benchmark_table", "benchmark_id")
_LONGEST_FIELD = 2000  # characters of another field of the same row that are looked at


class Guard:
    """Admits documents that are not evaluation data.

    Parameters
    ----------
    evaluation_files
        Files whose text must not be trained on either (``DataSpec.evaluation_only``), beside what the package and the
        project's folder ``fingerprints`` hold.

    Raises
    ------
    StudyError
        An evaluation file is missing, unreadable or holds no text.
    """

    def __init__(self, evaluation_files: Sequence[str] = ()):
        self._known = known_digests(evaluation_files)
        self._matcher = _matcher(tuple(evaluation_files), tuple(sorted(self._known.items())))
        self._counts: Counter[str] = Counter()
        self._tables: dict[str, Table] = {}

    @staticmethod
    def check_source(label: str, kind: str, options: Mapping[str, Any]) -> None:
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
        kinds = self._matcher.kinds([_whole_row(document) for document in documents])
        for document, kind in zip(documents, kinds, strict=True):
            reason = self._written_like_one(document) or (f"known_{kind}" if kind else None)
            if reason is None:
                admitted.append(document)
            else:
                self._counts[reason] += 1
        self._counts["admitted"] += len(admitted)
        return admitted

    def pass_over(self, documents: Sequence[Document]) -> None:
        """Go on behind documents that were judged before, by another gate: the tables that they begin are known now."""
        for document in documents:
            self._written_like_one(document)

    def _written_like_one(self, document: Document) -> str | None:
        if row_id_task(document.record) is not None:
            return "benchmark_id"
        table = self._tables.get(document.piece_of) if document.piece_of else None
        if table is not None:
            if table.continues(document.text):
                return "benchmark_table"
            del self._tables[document.piece_of]
        if document.piece_of and (table := table_of(document.text)) is not None:
            self._tables[document.piece_of] = table
            return "benchmark_table"
        return "benchmark_record" if text_task(document.text) is not None else None

    def record(self, **more: int) -> dict[str, Any]:
        """What this gate has done so far, for a manifest."""
        dropped = {reason: self._counts[reason] for reason in REASONS}
        return {
            "version": GUARD_VERSION,
            "known": self._known,
            "admitted": self._counts["admitted"],
            "dropped": dropped,
            **more,
        }


def dropped_in_words(record: Mapping[str, Any]) -> str:
    """Such as "12 documents were dropped as evaluation data (known_row 10, benchmark_id 2)"; empty if none was."""
    counts = {reason: count for reason, count in record["dropped"].items() if count}
    if not counts:
        return ""
    reasons = ", ".join(f"{reason} {count}" for reason, count in counts.items())
    return f"{sum(counts.values())} documents were dropped as evaluation data ({reasons})"


@lru_cache(maxsize=4)
def _matcher(evaluation_files: tuple[str, ...], digests: tuple[tuple[str, str], ...]) -> Matcher:
    """One matcher for all sources: ``digests`` make a changed file another one."""
    return Matcher(load_known(evaluation_files))


def _whole_row(document: Document) -> str:
    """A document's text and what else its row says, as one text: a row is judged whole."""
    others = [text for text in _strings(document.record) if text is not document.text and not text.isascii()]
    return "\n".join([document.text, *others]) if others else document.text


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) <= _LONGEST_FIELD:
            yield value
    elif isinstance(value, Mapping) and depth < 8:
        for inner in value.values():
            yield from _strings(inner, depth + 1)
    elif isinstance(value, list | tuple) and depth < 8:
        for inner in value:
            yield from _strings(inner, depth + 1)


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

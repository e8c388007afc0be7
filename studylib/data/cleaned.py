"""A source's text after its cleaning: made once, kept, and read from there by the gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studylib.data.digest import FileDigests
from studylib.data.document import Document
from studylib.data.source import Source
from studylib.data.whole import disk_full_explained, made_by_one
from studylib.spec import CleanedText
from studylib.spec.record import plain_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from studylib.data.cleaning import CleanedFolder


class CleanedSource(Source):
    """Gives cleaned text, and is otherwise the source that was cleaned: the same files, the same counts."""

    def __init__(self, original: Source, cleaned: CleanedFolder):
        self._original, self._cleaned = original, cleaned
        self.seal = cleaned.record.seal

    def documents(self) -> Iterator[Document]:
        return self._cleaned.documents()

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        return self._original.inputs(digests)

    def notes(self) -> dict[str, int]:
        record = self._cleaned.record
        return record.notes | {"documents_cleaned_away": record.raw.documents - record.kept.documents}


def cleaned_text(
    spec: CleanedText,
    folder: Path,
    source: Source,
    digests: FileDigests,
    *,
    progress: Callable[[str], None] | None = None,
    workers: int = 1,
) -> CleanedFolder:
    """The cleaned text of a source, from ``folder/cleaned/<hash>`` when it is there already.

    It is cleaned again when its files, what is known of evaluation data or the pipeline have changed since.

    Parameters
    ----------
    folder
        Where prepared data of a study lie (DIR/data).
    source
        That of the specification, opened.

    Raises
    ------
    StudyError
        The source or a step is bad, no text is left, or the disk is full.
    """
    from studylib.data.cleaning import Cleaning, Execution

    say = progress or (lambda line: None)
    label, home = spec.source.label, folder / "cleaned" / spec.hash
    cleaning = Cleaning(
        label, source, spec.source.cleaning, home, plain_record(spec), spec.source.measure_alone,
        execution=Execution(workers=workers), say=say,
    )  # fmt: skip
    with (
        disk_full_explained(folder),
        made_by_one(home, on_wait=lambda: say(f"data: waiting for {label} to be cleaned")),
    ):
        return cleaning.run(digests)

"""Cleaning files outside any study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from studylib.data.cleaning.folder import MARKER, CleanedFolder
from studylib.data.cleaning.pipeline import WORK, Cleaning
from studylib.data.cleaning.tasks import Execution
from studylib.data.digest import Allowance, FileDigests
from studylib.data.source import Source
from studylib.data.whole import disk_full_explained
from studylib.errors import StudyError, invalid
from studylib.files import content_hash, file_lock
from studylib.frozen import Frozen, Positive
from studylib.registry import SOURCES
from studylib.spec import Cleaning as Steps

_LOCK, _DIGESTS = ".lock", ".digests.json"

DEFAULT_STEPS = (
    "url", "mojibake", "language", "symbols", "repetition", "compression", "words", "lines", "length", "kana",
    "exact", "minhash", "personal",
)  # fmt: skip
"""What web text is cleaned with unless something else is asked for; each with its own defaults."""


class CleanFiles(Frozen):
    """What is to be done with files; a file of YAML may say the same."""

    steps: Steps = Field(default=DEFAULT_STEPS, validate_default=True, min_length=1)
    text_column: str = "text"
    document: Literal["file", "blank", "line"] = Field(default="file", description="what one document of plain text is")
    encoding: str | None = None
    workers: Positive = 1
    executor: Literal["local", "slurm", "ray"] = "local"
    executor_options: dict[str, Any] = Field(default_factory=dict, description="of datatrove's executor")
    alone: bool = Field(default=True, description="measure each step as if it were the only one, too")

    def cleaning(self, files: Sequence[str], out: Path, say: Callable[[str], None] = lambda line: None) -> Cleaning:
        """The work to be done on ``files`` (files, folders or patterns), which ends in the folder ``out``.

        Raises
        ------
        StudyError
            A file or a list does not exist or cannot be read, or ``out`` holds something else.
        """
        read = {"text_column": self.text_column, "document": self.document, "encoding": self.encoding}
        inner = [{"name": one, "kind": "files", "options": {"path": one} | read} for one in dict.fromkeys(files)]
        source = SOURCES["joined"]("files", {"sources": inner, "order": "in_order"})
        execution = Execution(self.executor, self.workers, self.executor_options)
        what = {"files": list(files), "steps": [one.model_dump(mode="json") for one in self.steps]}
        head = {"status": "done", "hash": content_hash(what), "label": f"cleaned: {', '.join(files)}", "made_from": []}
        made = Cleaning("files", source, self.steps, out, head, self.alone, execution=execution, say=say)
        made.check()
        _check_out(out, source)
        return made


def clean_files(made: Cleaning) -> CleanedFolder:
    """Do it, or go on with it; one process at a time.

    Raises
    ------
    StudyError
        Bad text, no text left, the folder is in use, or it holds text that was cleaned otherwise.
    """
    out = made.home
    out.mkdir(parents=True, exist_ok=True)
    with disk_full_explained(out), file_lock(out / _LOCK, blocking=False) as held:
        if not held:
            raise StudyError(f"--out: {out} is in use by another 'study clean'")
        digests = FileDigests(out / _DIGESTS)
        if made.is_other(digests):
            why = "holds text that was cleaned with other steps or from other files; use another folder, or remove it"
            raise invalid("--out", str(out), why)
        return made.run(digests)


def _check_out(out: Path, source: Source) -> None:
    if out.exists() and not out.is_dir():
        raise invalid("--out", str(out), "is a file, not a folder")
    for file in source.inputs(FileDigests(allowance=Allowance(0))):
        if out.resolve() in Path(file).resolve().parents:
            raise invalid("--out", str(out), f"is a folder that text is read from ({file}); use another")
    names = {one.name for one in out.iterdir()} if out.is_dir() else set()
    if names and not names & {MARKER, WORK, _LOCK}:
        raise invalid("--out", str(out), "is not empty, and nothing was cleaned there; use another folder")

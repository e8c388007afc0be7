"""A folder of cleaned text: shards, and a record that is written last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studylib.data.cleaning.blocks import read_shards
from studylib.data.document import Document
from studylib.data.guard import check_seal
from studylib.errors import StudyError
from studylib.files import read_json
from studylib.spec.record_cleaned import CleanedRecord

MARKER = "record.json"
# Raised when the same specification gives other text or another record than before.
VERSION = 1


def shards_in(folder: Path) -> list[Path]:
    """The shards of a folder in the order of the text."""
    return sorted(one for one in folder.glob("*.parquet") if one.stem.isdigit())


class CleanedFolder:
    """Cleaned text, opened only if its seal holds and its shards have their sizes.

    Raises
    ------
    StudyError
        The record is missing or damaged, or does not fit the shards.
    """

    def __init__(self, folder: Path):
        file = folder / MARKER
        try:
            content: dict[str, Any] = read_json(file)
            self.identity = content["identity"]
            self.record = CleanedRecord.model_validate(content)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyError(f"{file}: cannot be read: {error}") from None
        check_seal(content, file=file)
        for name, expected in self.record.files.items():
            path = folder / name
            if not path.is_file() or path.stat().st_size != expected["bytes"]:
                raise StudyError(f"{path}: is missing or has not the {expected['bytes']} bytes it was written with")
        self.folder = folder

    def documents(self) -> Iterator[Document]:
        return read_shards(self.folder / name for name in sorted(self.record.files))

"""Data sets of the Hugging Face hub, by name and pinned revision, streamed up to a size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from studylib.data.digest import Allowance
from studylib.data.document import Document
from studylib.data.guard.names import mixed_collection
from studylib.data.read.decode import holds_jis, tidy
from studylib.data.source import Source
from studylib.errors import StudyError, invalid
from studylib.frozen import Frozen, Positive

__all__ = ["HubSource"]

_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubSource(Source):
    """Rows of a hub data set in its own order; the revision in the options pins the text.

    ``datasets`` is imported only here and only when used. HF_ENDPOINT, HF_TOKEN and HF_HOME work as they do everywhere.
    """

    class Options(Frozen):
        dataset: str = Field(
            description='such as "wikimedia/wikipedia"; a local folder laid out as a data set works too'
        )
        revision: str = Field(description="the commit of the data set, 40 hexadecimal digits: a branch would move")
        config: str | None = Field(default=None, description='such as "20231101.ja"')
        data_dir: str | None = Field(default=None, description='folder of the data set, such as "data/python"')
        split: str = "train"
        text_column: str = "text"
        max_bytes: Positive = Field(default=100_000_000, description="stop after so many bytes of UTF-8")
        streaming: bool = Field(
            default=True, description="read only what is used; False downloads the whole split first"
        )

    _options: Options
    remote: ClassVar[bool] = True
    given: ClassVar[bool] = True

    def __init__(self, label: str, options: Mapping[str, Any]):
        super().__init__(label, options)
        self._field = f"data.sources {label}"
        if not _COMMIT.fullmatch(self._options.revision):
            why = "is not a commit of 40 hexadecimal digits (the data set's page lists them under 'Files', 'History')"
            raise invalid(f"{self._field}: revision", self._options.revision, why)
        if mixed_collection(self._options.dataset):
            why = (
                "is refused: it mixes rows made from JGLUE, which must never be training data, into others without a "
                "mark; take its repository's folders as local files (kind: files), which leaves JGLUE's folders out"
            )
            raise invalid(f"{self._field}: dataset", self._options.dataset, why)

    def check(self) -> None:
        """Ask the hub whether the data set, revision and columns are there."""
        for _ in self._rows(first_only=True):
            return
        raise invalid(f"{self._field}: dataset", self._options.dataset, f"split {self._options.split!r} has no rows")

    def _rows(self, *, first_only: bool = False) -> Iterator[dict[str, Any]]:
        import datasets

        options = self._options
        local = Path(options.dataset).is_dir()
        try:
            table = datasets.load_dataset(
                options.dataset,
                name=options.config,
                data_dir=options.data_dir,
                split=options.split,
                revision=None if local else options.revision,
                streaming=options.streaming or first_only,
            )
            columns = table.column_names
            if columns is not None:
                self._check_columns(columns)
            yield from table
        except StudyError:
            raise
        except Exception as error:  # datasets raises dozens of kinds, from many libraries
            why = f"cannot be loaded (config {options.config}, split {options.split}, revision {options.revision}): "
            raise invalid(
                f"{self._field}: dataset", options.dataset, why + f"{type(error).__name__}: {error}"
            ) from error

    def _check_columns(self, columns: Sequence[str]) -> None:
        if self._options.text_column not in columns:
            raise invalid(f"{self._field}: text_column", self._options.text_column, "is not a column", choices=columns)

    def documents(self) -> Iterator[Document]:
        options = self._options
        left = options.max_bytes
        self._notes["rows_without_text"] = self._notes["rows_in_iso_2022_jp"] = 0
        for number, row in enumerate(self._rows()):
            origin = f"{options.dataset} row {number}"
            text = row.get(options.text_column)
            if text is not None and not isinstance(text, str):
                raise invalid("text_column", options.text_column, f"holds {type(text).__name__}, not text", file=origin)
            if not text:
                self._notes["rows_without_text"] += 1
                continue
            if holds_jis(text):
                self._notes["rows_in_iso_2022_jp"] += 1
                continue
            document = Document(tidy(text), origin=origin, record=row)
            yield document
            left -= len(document.utf8())
            if left <= 0:
                return

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        return iter(()), [f"{self._options.dataset} on its server"]

"""Where documents come from: one file per kind of source.

A choice is a class made from (``label``, ``options``) with the interface below. The options are a frozen pydantic
model, so that a misspelt one is an error that lists the known ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from studylib.data.digest import Allowance, FileDigests
    from studylib.data.document import Document


class Source(Protocol):
    """Text from one place, always in the same order."""

    remote: ClassVar[bool]  # whether it has to ask a server
    given: ClassVar[bool]  # whether the text is somebody's, and so may be bad, and is there before the study runs

    def __init__(self, label: str, options: Mapping[str, Any]):
        """Validate the options (StudyError naming the field, the value and the choices)."""

    def check(self) -> None:
        """Raise StudyError if the text cannot be had; quick, reads no text."""

    def documents(self) -> Iterator[Document]:
        """The documents, lazily; memory does not grow with the corpus."""

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        """Documents that can be had at once, and a line about each part of the text that they leave out."""

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        """Digest of every file read, by its path; empty when the options alone determine the text."""

    def notes(self) -> dict[str, int]:
        """Counts for the manifest once ``documents`` is through (files left out, rows without text, ...)."""


__all__ = ["Source"]

"""Where documents come from: one file per kind of source.

A choice is a class derived from ``Source``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from studylib.frozen import Frozen, validated

if TYPE_CHECKING:
    from studylib.data.digest import Allowance, FileDigests
    from studylib.data.document import Document


class Source(ABC):
    """Text from one place, always in the same order.

    Parameters
    ----------
    label
        Names the source in messages and reports.
    options
        What ``Options`` says: ``SourceSpec.options``, validated here, where text is read, since planning does not.

    Raises
    ------
    StudyError
        An option is wrong or not known.
    """

    Options: ClassVar[type[Frozen]] = Frozen
    remote: ClassVar[bool] = False
    """Whether it has to ask a server."""
    given: ClassVar[bool] = False
    """Whether the text is somebody's, and so may be bad, and is there before the study runs."""
    conversations: ClassVar[bool] = False
    """Whether its documents are conversations (``Document.conversation``), all of them."""
    preferences: ClassVar[bool] = False
    """Whether its documents are pairs of answers (``Document.conversation`` is a ``Preference``), all of them."""

    @property
    def talks(self) -> bool:
        """Whether its documents are messages, and so need a template."""
        return self.conversations or self.preferences

    @property
    def holds(self) -> str:
        """What its documents are, in words."""
        return "pairs of answers" if self.preferences else "conversations" if self.conversations else "plain text"

    seal: str = ""
    """Of the text, where the study itself has cleaned it."""

    def __init__(self, label: str, options: Mapping[str, Any]):
        self._label = label
        self._options: Any = validated(self.Options, dict(options), file=f"data.sources {label}")
        self._notes: dict[str, int] = {}

    def in_study(self, study: Path) -> Self:
        """Told the folder of the study that reads it; only what the study makes itself lies there."""
        return self

    def check(self) -> None:  # noqa: B027  where nothing can be missing, nothing is to be done
        """Raise StudyError if the text cannot be had; quick, reads no text."""

    @abstractmethod
    def documents(self) -> Iterator[Document]:
        """The documents, lazily; memory does not grow with the corpus."""

    def parts(self) -> list[Source]:
        """Sources that give the same documents one behind the other, and can be read side by side."""
        return [self]

    def identity(self) -> dict[str, Any]:
        """What says which text it is, beside the digests of its files."""
        return {"kind": type(self).__name__, "options": self._options.model_dump(mode="json", by_alias=True)}

    def look(self, allowance: Allowance) -> tuple[Iterator[Document], list[str]]:
        """Documents that can be had at once, and a line about each part of the text that they leave out."""
        return iter(()), []

    def inputs(self, digests: FileDigests) -> dict[str, str]:
        """Digest of every file read, by its path; empty when the options alone determine the text."""
        return {}

    def notes(self) -> dict[str, int]:
        """Counts for the manifest once ``documents`` is through (files left out, rows without text, ...)."""
        return dict(self._notes)
